/* Times as people write and read them, UTC. Pure but for "1h ago", which needs a clock. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEN_TEXT_SIZE = 32, WHEN_AGE_SIZE = 24 };
#define WHEN_CALENDAR "ms since 1970, 2025-11-30, 2025-11-30T14:05[:09[.123]][Z|+08:00] (else UTC)"
#define WHEN_FORMS WHEN_CALENDAR ", or 15m, 2h, 7d for so long ago"
#define WHEN_AHEAD_FORMS WHEN_CALENDAR ", or +15m, +2h, +7d from now"
#define WHEN_LENGTH_FORMS "ms, or 250ms, 30s, 15m, 2h, 7d"

/* A point in time. False when the text has none of these forms. when_parse_ahead: one to come. */
bool when_parse(const char *text, uint64_t *ms);
bool when_parse_ahead(const char *text, uint64_t *ms);
/* A length of time. */
bool when_parse_length(const char *text, uint64_t *length_ms);
/* "2025-11-30 14:05:09.123". */
void when_format(uint64_t ms, char out[WHEN_TEXT_SIZE]);
/* A length of time: "0.3 s", "12 s", "5 min", "3 h", "9 d". */
void when_age(uint64_t length_ms, char out[WHEN_AGE_SIZE]);
/* The wall clock. */
uint64_t when_now_ms(void);

#endif
