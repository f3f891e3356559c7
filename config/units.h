/* Numbers as people write them: counts `1_000_000`, durations `250ms 3s 5m 24h 180d`, sizes `4096 64MiB 1GB`; there and back. Pure. */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum { UNITS_SHOW_MAX = 32 };

enum units_err {
    UNITS_OK = 0,
    UNITS_NO_NUMBER,  /* not digits with single _ between them and then a unit */
    UNITS_FRACTION,   /* 1.5s */
    UNITS_NEGATIVE,   /* -5 */
    UNITS_LEADING_0,  /* 010, which YAML once took for 8 */
    UNITS_NO_UNIT,    /* a bare number where only 0 needs no unit */
    UNITS_WRONG_UNIT, /* 5x, 64M */
    UNITS_TOO_LARGE,  /* above 2^64 - 1 */
};

/* Each wants the whole text to be the number; one space may stand before the unit. *out is untouched unless UNITS_OK. */
enum units_err units_parse_count(const char *text, uint64_t *count) __attribute__((warn_unused_result));
enum units_err units_parse_duration(const char *text, uint64_t *duration_ms) __attribute__((warn_unused_result));
enum units_err units_parse_size(const char *text, uint64_t *size_bytes) __attribute__((warn_unused_result));

/* The shortest exact text: 90000 ms is "90s", 67108864 bytes "64MiB". `out` takes UNITS_SHOW_MAX bytes. Parses back to the same. */
void units_show_duration(uint64_t duration_ms, char out[UNITS_SHOW_MAX]);
void units_show_size(uint64_t size_bytes, char out[UNITS_SHOW_MAX]);

#endif
