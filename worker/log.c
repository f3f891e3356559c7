/* Log lines in logfmt or JSON, each built in a fixed buffer and written with one call. */
#include "worker/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/utf8.h"

enum { LINE_MAX_SIZE = 2048, CLOSING_SIZE = 4, NUMBER_SIZE = 24 }; /* closing: quotation mark, brace and newline always fit */

static _Atomic int log_threshold = LOG_INFO;
static atomic_bool log_is_json;

void log_configure(enum log_level level, bool json) {
    atomic_store(&log_threshold, (int)level);
    atomic_store(&log_is_json, json);
}

struct line {
    char text[LINE_MAX_SIZE];
    size_t size;
};

static bool line_has_room(const struct line *l, size_t size) { return l->size + size <= sizeof l->text - CLOSING_SIZE; }

static void line_put(struct line *l, const char *text, size_t size) {
    memcpy(l->text + l->size, text, size);
    l->size += size;
}

static void line_word(struct line *l, const char *text) { line_put(l, text, strlen(text)); }

/* Bytes of the UTF-8 character at `c`; 0 when it is none. Texts may come from anywhere. */
static size_t character_size(const unsigned char *c) {
    if (*c < 0x80) return 1;
    for (size_t size = 2; size <= 4; size++)
        if (utf8_check((const char *)c, strnlen((const char *)c, size))) return size;
    return 0;
}

/* Quoted with JSON's escapes, which logfmt readers understand too; cut between two characters when the line is full. */
static void line_quoted(struct line *l, const char *text) {
    line_word(l, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        char escaped[8];
        size_t size = character_size(c);
        if (*c == '"' || *c == '\\') snprintf(escaped, sizeof escaped, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f) snprintf(escaped, sizeof escaped, "\\u%04x", *c);
        else snprintf(escaped, sizeof escaped, "%.*s", size ? (int)size : 1, size ? (const char *)c : "?");
        if (!line_has_room(l, strlen(escaped))) break;
        line_word(l, escaped);
        c += size ? size : 1;
    }
    line_put(l, "\"", 1);
}

static bool is_bare(const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    while (*c > ' ' && *c < 0x7f && *c != '"' && *c != '=' && *c != '\\') c++;
    return c != (const unsigned char *)text && *c == '\0';
}

static void line_value(struct line *l, struct log_value value, bool json) {
    char number[NUMBER_SIZE];
    if (!value.text) {
        snprintf(number, sizeof number, "%lld", (long long)value.number);
        line_word(l, number);
    } else if (json || !is_bare(value.text) || !line_has_room(l, strlen(value.text))) {
        line_quoted(l, value.text);
    } else {
        line_word(l, value.text);
    }
}

/* A field that does not fit any more is left out, so that what is written can be read. */
static void line_field(struct line *l, const char *name, struct log_value value, bool json) {
    if (!line_has_room(l, strlen(name) + NUMBER_SIZE)) return;
    if (json) {
        line_word(l, l->size > 1 ? ",\"" : "\"");
        line_word(l, name);
        line_word(l, "\":");
    } else {
        if (l->size) line_word(l, " ");
        line_word(l, name);
        line_word(l, "=");
    }
    line_value(l, value, json);
}

static void time_text(char out[32]) {
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, 32 - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields) {
    static const char *const words[] = {"error", "warn", "info", "debug"};
    if ((int)level > atomic_load(&log_threshold)) return;
    bool json = atomic_load(&log_is_json);
    struct line l = {.size = 0};
    char now[32];
    time_text(now);
    if (json) line_word(&l, "{");
    line_field(&l, "event", LOG_S(event), json);
    line_field(&l, "level", LOG_S(words[level]), json);
    line_field(&l, "time", LOG_S(now), json);
    for (; fields->name; fields++) line_field(&l, fields->name, fields->value, json);
    if (json) line_word(&l, "}");
    l.text[l.size++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, l.text, l.size); /* nobody to tell when stderr is gone */
    (void)ignored;
}
