/* Reads CSV: a record is parsed where it lies in the buffer, its fields are unquoted into another; when the buffer ends in the middle of
 * it, more is read and it is begun anew.
 *
 *     field    = plain | '"' (anything but '"', or '""')* '"'
 *     record   = field (',' field)* (LF | CRLF | end)
 *
 * A quote that is never closed would swallow the rest of the file. So whatever is wrong, reading goes on behind the first newline after
 * the place of the fault, which for such a quote is where it was opened. */
#include "producer/cli/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum step { STEP_FIELD, STEP_END, STEP_FAULT, STEP_MORE };

/* Where the parser is within a record. */
struct place {
    const char *at, *end;
    const char *line_start;
    uint64_t line;
    char *out;
};

static void init(struct csv *c, int fd, size_t capacity) {
    *c = (struct csv){.fd = fd, .line = 1, .capacity = capacity};
    c->buffer = malloc(capacity);
    c->text = malloc(CSV_SIZE_MAX + CSV_FIELDS_MAX + 1);
    if (!c->buffer || !c->text) abort();
}

void csv_init(struct csv *c, int fd) {
    struct stat stat;
    init(c, fd, 2 * CSV_SIZE_MAX);
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) c->size = (uint64_t)stat.st_size;
}

void csv_init_text(struct csv *c, const char *text, size_t size) {
    init(c, -1, size + 1);
    if (size) memcpy(c->buffer, text, size);
    c->to = c->bytes = size;
    c->ended = true;
}

void csv_clear(struct csv *c) {
    free(c->buffer);
    free(c->text);
    c->buffer = c->text = NULL;
}

/* Reads more behind what is there. False: it cannot be read. */
static bool fill(struct csv *c) {
    ssize_t got;
    memmove(c->buffer, c->buffer + c->from, c->to - c->from);
    c->to -= c->from;
    c->from = 0;
    do got = read(c->fd, c->buffer + c->to, c->capacity - c->to);
    while (got < 0 && errno == EINTR);
    if (got < 0) return false;
    c->ended = got == 0;
    c->to += (size_t)got;
    c->bytes += (uint64_t)got;
    return true;
}

__attribute__((format(printf, 4, 5))) static enum step fault(struct csv *c, uint64_t line, uint64_t column, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->fault, sizeof c->fault, format, arguments);
    va_end(arguments);
    c->fault_line = line;
    c->fault_column = column;
    return STEP_FAULT;
}

static enum step fault_at(struct csv *c, const struct place *p, const char *text) {
    return fault(c, p->line, (uint64_t)(p->at - p->line_start) + 1, "%s", text);
}

static bool is_newline(const struct place *p) { return *p->at == '\n' || (*p->at == '\r' && p->at + 1 < p->end && p->at[1] == '\n'); }

/* Behind a field: STEP_FIELD when another one follows. */
static enum step after_field(struct csv *c, struct place *p) {
    *p->out++ = '\0';
    if (p->at == p->end) return c->ended ? STEP_END : STEP_MORE;
    if (*p->at == ',') {
        p->at++;
        return STEP_FIELD;
    }
    if (is_newline(p)) {
        p->at += *p->at == '\r' ? 2 : 1;
        p->line++;
        p->line_start = p->at;
        return STEP_END;
    }
    if (*p->at == '\r' && p->at + 1 == p->end) {
        if (!c->ended) return STEP_MORE;
        p->at++;
        return STEP_END;
    }
    if (*p->at == '\r') return fault_at(c, p, "a carriage return without a newline: lines end in LF or CRLF");
    return fault_at(c, p, "text behind a closing quote: a quote within quotes is written twice, \"\"");
}

static enum step plain_field(struct csv *c, struct place *p) {
    for (; p->at < p->end && *p->at != ',' && *p->at != '\n' && *p->at != '\r'; p->at++) {
        if (*p->at == '"') return fault_at(c, p, "a quote in a field that does not begin with one: write \"a \"\"b\"\"\" for a \"b\"");
        if (*p->at == '\0') return fault_at(c, p, "a NUL byte: the file must be UTF-8 or ASCII");
        *p->out++ = *p->at;
    }
    return after_field(c, p);
}

static enum step quoted_field(struct csv *c, struct place *p) {
    struct place open = *p;
    for (p->at++;; p->at++) {
        if (p->at == p->end && !c->ended) return STEP_MORE;
        if (p->at == p->end) return fault_at(c, &open, "this quote is never closed");
        if (*p->at == '\0') return fault_at(c, p, "a NUL byte: the file must be UTF-8 or ASCII");
        if (*p->at == '"') {
            if (p->at + 1 == p->end || p->at[1] != '"') break;
            p->at++;
        }
        if (*p->at == '\n') {
            p->line++;
            p->line_start = p->at + 1;
        }
        *p->out++ = *p->at;
    }
    p->at++;
    return after_field(c, p);
}

static enum step take_field(struct csv *c, struct place *p) {
    if (c->count == CSV_FIELDS_MAX) return fault(c, c->line, 1, "more than %d fields", CSV_FIELDS_MAX);
    struct csv_field *field = &c->field[c->count++];
    *field = (struct csv_field){p->out, 0, p->line, (uint64_t)(p->at - p->line_start) + 1};
    enum step step = p->at < p->end && *p->at == '"' ? quoted_field(c, p) : plain_field(c, p);
    if (step == STEP_FIELD || step == STEP_END) field->size = (size_t)(p->out - field->text) - 1;
    return step;
}

/* Moves `from` behind the next newline. False: it is not in the buffer. */
static bool skip_line(struct csv *c) {
    const char *start = c->buffer + c->from, *newline = memchr(start, '\n', c->to - c->from);
    c->from += newline ? (size_t)(newline - start) + 1 : c->to - c->from;
    c->line += newline != NULL;
    return newline != NULL;
}

/* What lies behind a fault is read again from the next line on. */
static enum csv_got pass_fault(struct csv *c) {
    while (c->line < c->fault_line) (void)skip_line(c);
    c->skipping = !skip_line(c) && !c->ended;
    return CSV_FAULT;
}

/* A record out of the buffer: STEP_END, or a fault, or more must be read. */
static enum step take_record(struct csv *c) {
    const char *start = c->buffer + c->from;
    bool too_long = c->to - c->from > CSV_SIZE_MAX;
    struct place p = {start, too_long ? start + CSV_SIZE_MAX : c->buffer + c->to, start, c->line, c->text};
    enum step step;
    bool ended = c->ended;
    c->count = 0;
    if (too_long) c->ended = false; /* the end of what may be looked at is not that of the file */
    do step = take_field(c, &p);
    while (step == STEP_FIELD);
    c->ended = ended;
    if (step == STEP_MORE && too_long) {
        const struct csv_field *last = &c->field[c->count - 1];
        return fault(c, last->line, last->column, "a record of more than %d bytes: is a quote not closed?", CSV_SIZE_MAX);
    }
    if (step == STEP_END) {
        c->from += (size_t)(p.at - start);
        c->line = p.line;
    }
    return step;
}

static bool is_empty(const struct csv *c) { return c->count == 1 && c->field[0].size == 0; }

/* Passes over a mark at the beginning. False: it is that of another encoding. */
static bool begin(struct csv *c) {
    const unsigned char *head = (const unsigned char *)c->buffer + c->from;
    size_t size = c->to - c->from;
    c->begun = true;
    if (size >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0) c->from += 3;
    return size < 2 || (memcmp(head, "\xFF\xFE", 2) != 0 && memcmp(head, "\xFE\xFF", 2) != 0);
}

enum csv_got csv_next(struct csv *c) {
    for (;;) {
        if (c->skipping) c->skipping = !skip_line(c) && !c->ended;
        bool enough = c->to - c->from > CSV_SIZE_MAX || c->ended;
        if (!c->skipping && c->from == c->to && c->ended) return CSV_END;
        if (!c->skipping && (c->begun || enough)) {
            if (!c->begun && !begin(c)) {
                (void)fault(c, 1, 1, "the file is UTF-16: save it as UTF-8");
                return pass_fault(c);
            }
            enum step step = c->from == c->to ? STEP_MORE : take_record(c);
            if (step == STEP_FAULT) return pass_fault(c);
            if (step == STEP_END && !is_empty(c)) return CSV_RECORD;
            if (step == STEP_END) continue;
        }
        if (!c->ended && !fill(c)) return CSV_FAILED;
    }
}
