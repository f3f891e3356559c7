/* Log lines in logfmt or JSON, each built in a fixed buffer and written with one call. */
#include "worker/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 2048 };

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

static void line_put(struct line *l, const char *text, size_t size) {
    size_t room = sizeof l->text - 2 - l->size; /* the newline always fits */
    if (size > room) size = room;
    memcpy(l->text + l->size, text, size);
    l->size += size;
}

static void line_word(struct line *l, const char *text) { line_put(l, text, strlen(text)); }

/* Quoted with JSON's escapes, which logfmt readers understand too. */
static void line_quoted(struct line *l, const char *text) {
    line_word(l, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        char escaped[8];
        if (*c == '"' || *c == '\\') snprintf(escaped, sizeof escaped, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f) snprintf(escaped, sizeof escaped, "\\u%04x", *c);
        else snprintf(escaped, sizeof escaped, "%c", *c);
        line_word(l, escaped);
    }
    line_word(l, "\"");
}

static void line_value(struct line *l, struct log_value value, bool json) {
    char number[24];
    if (!value.text) {
        snprintf(number, sizeof number, "%lld", (long long)value.number);
        line_word(l, number);
    } else if (json || value.text[0] == '\0' || strpbrk(value.text, " \"=\\\n\t\r")) {
        line_quoted(l, value.text);
    } else {
        line_word(l, value.text);
    }
}

static void line_field(struct line *l, const char *name, struct log_value value, bool json) {
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
