/* Trace context: read, taken apart, continued. VERSION "-" TRACE-ID "-" PARENT-ID "-" FLAGS, all lower-case hex. */
#include "schema/trace.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ID_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, SPAN_BYTES = TRACE_SPAN_SIZE / 2 };

const char trace_apply[] = "apply";

static bool is_hex(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && ((text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f'))) n++;
    return n == size;
}

static bool is_zero(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && text[n] == '0') n++;
    return n == size;
}

/* Version ff is forbidden; 00 ends behind the flags, later ones may go on behind another "-". */
static bool is_version(const char *text, size_t size) {
    if (!is_hex(text, 2) || memcmp(text, "ff", 2) == 0) return false;
    return size == TRACE_SIZE || (memcmp(text, "00", 2) != 0 && text[TRACE_SIZE] == '-');
}

bool trace_read(const char *text, size_t size, char out[TRACE_SIZE + 1]) {
    out[0] = '\0';
    if (size < TRACE_SIZE || !is_version(text, size)) return false;
    if (text[ID_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-') return false;
    if (!is_hex(text + ID_AT, TRACE_ID_SIZE) || !is_hex(text + PARENT_AT, TRACE_SPAN_SIZE) || !is_hex(text + FLAGS_AT, 2)) return false;
    if (is_zero(text + ID_AT, TRACE_ID_SIZE) || is_zero(text + PARENT_AT, TRACE_SPAN_SIZE)) return false;
    memcpy(out, text, TRACE_SIZE);
    memcpy(out, "00", 2);
    out[TRACE_SIZE] = '\0';
    return true;
}

static void copy_part(const char *text, size_t size, char *out) {
    memcpy(out, text, size);
    out[size] = '\0';
}

void trace_id(const char *trace, char out[TRACE_ID_SIZE + 1]) { copy_part(trace + ID_AT, TRACE_ID_SIZE, out); }

void trace_parent(const char *trace, char out[TRACE_SPAN_SIZE + 1]) { copy_part(trace + PARENT_AT, TRACE_SPAN_SIZE, out); }

bool trace_is_sampled(const char *trace) { return trace[0] && strchr("13579bdf", trace[TRACE_SIZE - 1]) != NULL; }

void trace_span(const char *trace, const char *what, unsigned partition, const char *entry, unsigned part, char out[TRACE_SPAN_SIZE + 1]) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char name[200];
    int size = snprintf(name, sizeof name, "%s %s %u:%s %u", trace, what, partition, entry, part);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)name, (size_t)size, NULL, 0);
    hash[SPAN_BYTES - 1] |= 1; /* all zeros would be no span */
    sodium_bin2hex(out, TRACE_SPAN_SIZE + 1, hash, SPAN_BYTES);
}

void trace_child(const char *trace, unsigned partition, const char *entry, unsigned part, char out[TRACE_SIZE + 1]) {
    char span[TRACE_SPAN_SIZE + 1];
    memcpy(out, trace, trace[0] ? TRACE_SIZE + 1 : 1);
    if (!trace[0]) return;
    trace_span(trace, trace_apply, partition, entry, part, span);
    memcpy(out + PARENT_AT, span, TRACE_SPAN_SIZE);
}
