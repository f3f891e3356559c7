/* Numbers with units: parsed strictly, so that nothing is silently taken for something else, and shown exactly. */
#include "config/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: showing takes the first that divides. */
static const struct unit unit_durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit unit_sizes[] = {
    {"TiB", UINT64_C(1) << 40}, {"TB", 1000000000000}, {"GiB", 1 << 30}, {"GB", 1000000000}, {"MiB", 1 << 20},
    {"MB", 1000000},            {"KiB", 1 << 10},      {"kB", 1000},     {"B", 1},
};
#define UNIT_COUNT(units) (sizeof(units) / sizeof((units)[0]))

static bool unit_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads the digits at the start; *rest is what follows them. */
static enum units_err unit_parse_digits(const char *text, uint64_t *number, const char **rest) {
    if (text[0] == '-') return unit_digit(text[1]) ? UNITS_NEGATIVE : UNITS_NO_NUMBER;
    if (!unit_digit(text[0])) return UNITS_NO_NUMBER;
    if (text[0] == '0' && (unit_digit(text[1]) || text[1] == '_')) return UNITS_LEADING_0;
    uint64_t value = 0;
    bool overflow = false;
    const char *at = text;
    for (; unit_digit(*at) || (*at == '_' && unit_digit(at[1])); at++) {
        if (*at == '_') continue;
        overflow |= __builtin_mul_overflow(value, 10, &value);
        overflow |= __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value);
    }
    if (at[0] == '.' && unit_digit(at[1])) return UNITS_FRACTION;
    *number = value;
    *rest = at;
    return overflow ? UNITS_TOO_LARGE : UNITS_OK;
}

enum units_err units_parse_count(const char *text, uint64_t *count) {
    uint64_t number = 0;
    const char *rest = "";
    enum units_err err = unit_parse_digits(text, &number, &rest);
    if (*rest) return UNITS_NO_NUMBER;
    if (err == UNITS_OK) *count = number;
    return err;
}

typedef int unit_compare(const char *, const char *);

static const struct unit *unit_find(const struct unit *units, size_t unit_count, const char *name, unit_compare *compare) {
    for (size_t i = 0; i < unit_count; i++)
        if (compare(units[i].name, name) == 0) return &units[i];
    return NULL;
}

static bool unit_name_plausible(const char *name) {
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

enum units_err units_parse_duration(const char *text, uint64_t *duration_ms) {
    uint64_t number = 0;
    const char *rest = "";
    enum units_err err = unit_parse_digits(text, &number, &rest);
    if (err != UNITS_OK && err != UNITS_TOO_LARGE) return err;
    if (*rest == ' ' && rest[1]) rest++;
    if (!unit_name_plausible(rest)) return UNITS_NO_NUMBER;
    if (!*rest && number != 0) return UNITS_NO_UNIT;
    const struct unit *unit = unit_find(unit_durations, UNIT_COUNT(unit_durations), *rest ? rest : "ms", strcmp);
    if (!unit) return UNITS_WRONG_UNIT;
    if (err == UNITS_TOO_LARGE || __builtin_mul_overflow(number, unit->factor, &number)) return UNITS_TOO_LARGE;
    *duration_ms = number;
    return UNITS_OK;
}

enum units_err units_parse_size(const char *text, uint64_t *size_bytes) {
    uint64_t number = 0;
    const char *rest = "";
    enum units_err err = unit_parse_digits(text, &number, &rest);
    if (err != UNITS_OK && err != UNITS_TOO_LARGE) return err;
    if (*rest == ' ' && rest[1]) rest++;
    if (!unit_name_plausible(rest)) return UNITS_NO_NUMBER;
    /* MB, mb and Mb all mean bytes here; M alone is refused, because Redis takes it for 1000000 and others for 1048576. */
    const struct unit *unit = unit_find(unit_sizes, UNIT_COUNT(unit_sizes), *rest ? rest : "B", strcasecmp);
    if (!unit) return UNITS_WRONG_UNIT;
    if (err == UNITS_TOO_LARGE || __builtin_mul_overflow(number, unit->factor, &number)) return UNITS_TOO_LARGE;
    *size_bytes = number;
    return UNITS_OK;
}

static void unit_show(const struct unit *units, uint64_t number, char out[UNITS_SHOW_MAX]) {
    const struct unit *unit = units;
    while (number % unit->factor != 0) unit++; /* ends: the last factor is 1 */
    snprintf(out, UNITS_SHOW_MAX, "%llu%s", (unsigned long long)(number / unit->factor), unit->name);
}

void units_show_duration(uint64_t duration_ms, char out[UNITS_SHOW_MAX]) {
    if (duration_ms == 0)
        snprintf(out, UNITS_SHOW_MAX, "0");
    else
        unit_show(unit_durations, duration_ms, out);
}

void units_show_size(uint64_t size_bytes, char out[UNITS_SHOW_MAX]) {
    uint64_t smallest = unit_sizes[UNIT_COUNT(unit_sizes) - 2].factor;
    if (size_bytes % 1024 != 0 && size_bytes % smallest != 0)
        snprintf(out, UNITS_SHOW_MAX, "%llu", (unsigned long long)size_bytes);
    else if (size_bytes == 0)
        snprintf(out, UNITS_SHOW_MAX, "0");
    else
        unit_show(unit_sizes, size_bytes, out);
}
