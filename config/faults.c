/* What is wrong with a configuration, gathered while reading on: messages with places, sorted and joined at the end. */
#include "config/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULT_TEXT_MAX = 1024, FAULT_MORE_MAX = 64 };

static bool fault_place_shows(struct place place) {
    return place.line != 0 && place.line != FAULTS_LAST.line;
}

void faults_add(struct faults *faults, const char *where, struct place place, const char *format, ...) {
    unsigned index = faults->count++;
    if (index >= FAULTS_SHOWN_MAX) return;
    char message[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    char *text = NULL;
    int size = fault_place_shows(place) ? asprintf(&text, "%s:%u:%u: %s", where, place.line, place.column, message)
                                        : asprintf(&text, "%s: %s", where, message);
    faults->rows[index] = (struct fault){.place = place, .text = size < 0 ? NULL : text};
}

static bool fault_before(const struct fault *a, const struct fault *b) {
    return a->place.line != b->place.line ? a->place.line < b->place.line : a->place.column < b->place.column;
}

/* Insertion sort: stable, and nearly sorted is what comes in. */
static void faults_sort(struct fault *rows, size_t count) {
    for (size_t i = 1; i < count; i++) {
        struct fault moving = rows[i];
        size_t at = i;
        for (; at > 0 && fault_before(&moving, &rows[at - 1]); at--) rows[at] = rows[at - 1];
        rows[at] = moving;
    }
}

static void fault_append(struct config_faults *out, const char *line) {
    size_t size = strlen(line);
    if (out->size) out->text[out->size++] = '\n';
    memcpy(out->text + out->size, line, size + 1);
    out->size += size;
}

static void faults_join(const struct faults *faults, unsigned shown, struct config_faults *out) {
    size_t size = FAULT_MORE_MAX;
    for (unsigned i = 0; i < shown; i++) size += faults->rows[i].text ? strlen(faults->rows[i].text) + 1 : 0;
    out->text = calloc(1, size);
    if (!out->text) return; /* the count still says that all is not well */
    for (unsigned i = 0; i < shown; i++)
        if (faults->rows[i].text) fault_append(out, faults->rows[i].text);
    if (shown == faults->count) return;
    char more[FAULT_MORE_MAX];
    snprintf(more, sizeof more, "... and %u more", faults->count - shown);
    fault_append(out, more);
}

enum config_err faults_finish(struct faults *faults, struct config_faults *out) {
    *out = (struct config_faults){.count = faults->count};
    if (faults->count == 0) return CONFIG_OK;
    unsigned shown = faults->count < FAULTS_SHOWN_MAX ? faults->count : FAULTS_SHOWN_MAX;
    faults_sort(faults->rows, shown);
    faults_join(faults, shown, out);
    for (unsigned i = 0; i < shown; i++) free(faults->rows[i].text);
    faults->count = 0;
    return CONFIG_BAD;
}

/* Appends to out[*size] as much as leaves room for the ellipsis, a quote and the end; a character of several bytes stays whole. */
static void faults_escape(const char *text, char *out, size_t *size) {
    static const char ellipsis[] = "...";
    const size_t limit = FAULTS_QUOTE_MAX - sizeof ellipsis - 1 - sizeof "\\x00";
    for (; *text; text++) {
        bool inside = ((unsigned char)*text & 0xc0) == 0x80;
        if (inside ? *size > limit + 3 : *size > limit - 3) break;
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *size += (size_t)snprintf(out + *size, 5, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            out[(*size)++] = *text;
    }
    memcpy(out + *size, *text ? ellipsis : "", *text ? sizeof ellipsis : 1);
    *size += *text ? sizeof ellipsis - 1 : 0;
}

void faults_show(const char *text, char out[FAULTS_QUOTE_MAX]) {
    size_t size = 0;
    faults_escape(text, out, &size);
}

void faults_quote(const char *text, char out[FAULTS_QUOTE_MAX]) {
    size_t size = 1;
    out[0] = '"';
    faults_escape(text, out, &size);
    memcpy(out + size, "\"", 2);
}

void config_faults_clear(struct config_faults *faults) {
    free(faults->text);
    *faults = (struct config_faults){0};
}
