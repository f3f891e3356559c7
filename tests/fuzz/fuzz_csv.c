/* Fuzzes the CSV reader: no bytes may crash it or stop it, its places lie within the text, and what it reads it reads again from a file
 * written by the rules. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text that grows. */
struct written {
    char *text;
    size_t size, capacity;
};

static void write_bytes(struct written *w, const char *bytes, size_t size) {
    if (w->size + size > w->capacity) {
        w->capacity = 2 * (w->size + size);
        w->text = realloc(w->text, w->capacity);
        assert(w->text);
    }
    memcpy(w->text + w->size, bytes, size);
    w->size += size;
}

static void write_record(struct written *w, const struct csv *c) {
    for (unsigned n = 0; n < c->count; n++) {
        const struct csv_field *f = &c->field[n];
        write_bytes(w, n ? ",\"" : "\"", n ? 2 : 1);
        for (size_t at = 0; at < f->size; at++) write_bytes(w, f->text[at] == '"' ? "\"\"" : f->text + at, f->text[at] == '"' ? 2 : 1);
        write_bytes(w, "\"", 1);
    }
    write_bytes(w, "\r\n", 2);
}

static void check_places(const struct csv *c, enum csv_got got, size_t size, uint64_t before) {
    assert(c->line >= before);
    if (got == CSV_FAULT) {
        assert(c->fault[0] && c->fault_line >= before && c->fault_line <= c->line && c->fault_column >= 1 && c->fault_column <= size + 1);
        return;
    }
    assert(c->count >= 1 && c->count <= CSV_FIELDS_MAX);
    for (unsigned n = 0; n < c->count; n++) {
        const struct csv_field *f = &c->field[n];
        assert(strlen(f->text) == f->size && f->line >= before && f->line <= c->line && f->column >= 1 && f->column <= size + 1);
    }
}

/* What was written reads the same; but a record that was near the limit is now beyond it. */
static void check_again(const struct written *w, const uint8_t *data, size_t size) {
    struct csv first, again;
    enum csv_got got;
    csv_init_text(&first, (const char *)data, size);
    csv_init_text(&again, w->text ? w->text : "", w->size);
    while ((got = csv_next(&first)) != CSV_END) {
        if (got != CSV_RECORD) continue;
        assert(csv_next(&again) == CSV_RECORD && again.count == first.count);
        for (unsigned n = 0; n < first.count; n++) assert(strcmp(first.field[n].text, again.field[n].text) == 0);
    }
    assert(csv_next(&again) == CSV_END);
    csv_clear(&first);
    csv_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct csv csv;
    struct written w = {0};
    enum csv_got got;
    uint64_t line = 1, count = 0;
    csv_init_text(&csv, (const char *)data, size);
    while ((got = csv_next(&csv)) != CSV_END) {
        assert(got != CSV_FAILED && ++count <= size + 1);
        check_places(&csv, got, size, line);
        line = csv.line;
        if (got == CSV_RECORD) write_record(&w, &csv);
    }
    csv_clear(&csv);
    if (size < CSV_SIZE_MAX / 3) check_again(&w, data, size);
    free(w.text);
    return 0;
}
