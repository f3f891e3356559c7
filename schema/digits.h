/* Decimal digits of a number, where snprintf would take longer than all the rest. */
#ifndef SCHEMA_DIGITS_H
#define SCHEMA_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 20 };

/* Writes them to `out`, at most DIGITS_MAX, no NUL behind them. Returns their end. */
static inline char *digits_put(char *out, uint64_t n) {
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    memcpy(out, digits + at, sizeof digits - at);
    return out + sizeof digits - at;
}

#endif
