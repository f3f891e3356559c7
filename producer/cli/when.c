/* Times, read and shown. */
#include "producer/cli/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/units.h"
#include "producer/cli/args.h"

uint64_t when_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ".5", ".123", "": milliseconds. */
static const char *parse_fraction(const char *at, uint64_t *ms) {
    *ms = 0;
    if (*at != '.' || at[1] < '0' || at[1] > '9') return at;
    uint64_t unit = 100;
    for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) *ms += (uint64_t)(*at - '0') * unit;
    return at;
}

/* "Z", "+08:00", "" (UTC): how far east, in seconds. NULL when it is something else. */
static const char *parse_zone(const char *at, time_t *east_s) {
    unsigned hours, minutes;
    int size = 0;
    *east_s = 0;
    if (*at == '\0' || strcmp(at, "Z") == 0) return at + strlen(at);
    if ((*at != '+' && *at != '-') || strlen(at) != 6 || strspn(at + 1, "0123456789:") != 5) return NULL;
    if (sscanf(at + 1, "%2u:%2u%n", &hours, &minutes, &size) != 2 || size != 5 || hours > 23 || minutes > 59) return NULL;
    *east_s = (time_t)(hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
    return at + 6;
}

static bool parse_calendar(const char *text, uint64_t *ms) {
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        struct tm tm = {0};
        uint64_t fraction_ms = 0;
        time_t east_s;
        const char *end = strptime(text, forms[n], &tm);
        if (end && strchr(forms[n], 'S')) end = parse_fraction(end, &fraction_ms);
        if (end) end = parse_zone(end, &east_s);
        if (!end || *end) continue;
        struct tm asked = tm;
        time_t seconds = timegm(&tm);
        if (tm.tm_mday != asked.tm_mday || tm.tm_mon != asked.tm_mon || seconds < east_s) return false; /* 30 February */
        *ms = (uint64_t)(seconds - east_s) * 1000 + fraction_ms;
        return true;
    }
    return false;
}

bool when_parse_length(const char *text, uint64_t *length_ms) {
    return args_parse_number(text, length_ms) || units_parse_duration(text, length_ms) == UNITS_OK;
}

bool when_parse(const char *text, uint64_t *ms) {
    uint64_t length_ms, now_ms = when_now_ms();
    if (args_parse_number(text, ms) || parse_calendar(text, ms)) return true;
    if (units_parse_duration(text, &length_ms) != UNITS_OK || length_ms > now_ms) return false;
    *ms = now_ms - length_ms;
    return true;
}

bool when_parse_ahead(const char *text, uint64_t *ms) {
    uint64_t length_ms, now_ms = when_now_ms();
    if (*text != '+') return args_parse_number(text, ms) || parse_calendar(text, ms);
    if (units_parse_duration(text + 1, &length_ms) != UNITS_OK || length_ms > UINT64_MAX - now_ms) return false;
    *ms = now_ms + length_ms;
    return true;
}

void when_format(uint64_t ms, char out[WHEN_TEXT_SIZE]) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char date[WHEN_TEXT_SIZE];
    if (ms / 1000 > UINT64_C(253402300799) || !gmtime_r(&seconds, &tm) || strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out, WHEN_TEXT_SIZE, "%llu", (unsigned long long)ms);
    else snprintf(out, WHEN_TEXT_SIZE, "%.19s.%03u", date, (unsigned)(ms % 1000));
}

void when_age(uint64_t ms, char out[WHEN_AGE_SIZE]) {
    if (ms < 10000) snprintf(out, WHEN_AGE_SIZE, "%u.%u s", (unsigned)(ms / 1000), (unsigned)(ms % 1000 / 100));
    else if (ms < 120 * 1000) snprintf(out, WHEN_AGE_SIZE, "%u s", (unsigned)(ms / 1000));
    else if (ms < 120 * 60000) snprintf(out, WHEN_AGE_SIZE, "%u min", (unsigned)(ms / 60000));
    else if (ms < 48 * 3600000ull) snprintf(out, WHEN_AGE_SIZE, "%u h", (unsigned)(ms / 3600000));
    else snprintf(out, WHEN_AGE_SIZE, "%llu d", (unsigned long long)(ms / 86400000));
}
