/* Reads ledger rows from two kinds of places. */
#include "producer/cli/replay_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 200 };

static int read_archived(struct replay_rows *rows) {
    struct archive_fault fault;
    const char *name;
    size_t at = 0, size;
    if (replay_source_next(&rows->source, &rows->record, &rows->more, &fault) != ARCHIVE_OK)
        return replay_archive_failed(rows->replay, &fault);
    rows->size = 0;
    if (!rows->more) return CLI_OK;
    rows->id = rows->record.id;
    while (segment_record_string(&rows->record, &at, &name, &size) && segment_record_string(&rows->record, &at, &rows->bytes, &rows->size))
        if (size == 4 && memcmp(name, "rows", 4) == 0) return CLI_OK;
    rows->size = 0;
    return CLI_OK;
}

static int read_there(struct replay_rows *rows) {
    size_t size;
    if (rows->entry >= reply_count(rows->entries)) {
        int code = pages_next(&rows->pages, &rows->entries, &rows->more);
        rows->entry = 0;
        if (code || !rows->more) return code;
        if (reply_count(rows->entries) == 0) {
            rows->more = false;
            return CLI_OK;
        }
    }
    rows->more = true;
    struct reply entry = reply_at(rows->entries, rows->entry++), fields = reply_at(entry, 1);
    const char *id = reply_text(reply_at(entry, 0), &size);
    if (!entry_id_parse(id, size, &rows->id)) rows->id = (struct entry_id){0, 0};
    rows->bytes = reply_text(reply_is(reply_at(fields, 0), "rows") ? reply_at(fields, 1) : (struct reply){0}, &rows->size);
    return CLI_OK;
}

/* "p-n"; 0: it is not. */
static uint64_t bill_number(const struct replay_rows *rows) {
    unsigned partition;
    unsigned long long number;
    return sscanf(rows->row.bill, "%u-%llu", &partition, &number) == 2 && partition == rows->partition ? number : 0;
}

/* Entries that hold nothing readable are gone over: the digest tells of those. */
static int take_row(struct replay_rows *rows) {
    while (rows->more) {
        if (rows->next < rows->count && !ledger_row_at(&rows->list, rows->next++, &rows->row) && (rows->bill = bill_number(rows)))
            return CLI_OK;
        if (rows->next < rows->count) continue;
        int code = replay_rows_next_entry(rows);
        if (code) return code;
    }
    return CLI_OK;
}

int replay_rows_next_entry(struct replay_rows *rows) {
    int code = rows->archived ? read_archived(rows) : read_there(rows);
    rows->count = rows->next = 0;
    if (!code && rows->more && ledger_decode(rows->tree, rows->bytes, rows->size, &rows->list, &rows->count)) rows->count = 0;
    return code;
}

int replay_rows_next(struct replay_rows *rows) { return take_row(rows); }

int replay_rows_open(struct replay_rows *rows, struct replay *r, unsigned partition, bool archived) {
    struct archive_fault fault;
    struct entry_id first = {0, 0};
    char key[256];
    *rows = (struct replay_rows){.replay = r, .partition = partition, .archived = archived, .more = true, .tree = pack_tree_new()};
    if (!rows->tree) abort();
    if (archived) {
        if (replay_source_open(&rows->source, r->survey.dir, partition, SEGMENT_LEDGER, first, &fault) != ARCHIVE_OK)
            return replay_archive_failed(r, &fault);
    } else {
        snprintf(key, sizeof key, "{%s:%u}:ledger", r->c.book.name, partition);
        pages_stream(&rows->pages, &r->c, "reading the ledger", key, first, "+", PAGE);
    }
    return take_row(rows);
}

void replay_rows_close(struct replay_rows *rows) {
    if (rows->archived) replay_source_close(&rows->source);
    else pages_end(&rows->pages);
    pack_tree_free(rows->tree);
    rows->tree = NULL;
}

bool replay_rows_same(const struct ledger_row *a, const struct ledger_row *b) {
    return strcmp(a->bill, b->bill) == 0 && strcmp(a->identity, b->identity) == 0 && strcmp(a->op, b->op) == 0 &&
           strcmp(a->account, b->account) == 0 && strcmp(a->note, b->note) == 0 && a->amount_minor == b->amount_minor &&
           a->hold_minor == b->hold_minor && a->balance_minor == b->balance_minor && a->held_minor == b->held_minor && a->seq == b->seq &&
           a->at_ms == b->at_ms;
}

static void pack_row(struct pack_writer *w, const struct ledger_row *row) {
    pack_array(w, 11);
    pack_text(w, row->bill, strlen(row->bill));
    pack_text(w, row->identity, strlen(row->identity));
    pack_text(w, row->op, strlen(row->op));
    pack_text(w, row->account, strlen(row->account));
    pack_int(w, row->amount_minor);
    pack_int(w, row->hold_minor);
    pack_int(w, row->balance_minor);
    pack_int(w, row->held_minor);
    pack_uint(w, row->seq);
    pack_uint(w, row->at_ms);
    pack_text(w, row->note, strlen(row->note));
}

uint8_t *replay_rows_rest(const struct replay_rows *rows, size_t *size) {
    struct pack_writer w;
    struct ledger_row row;
    uint8_t *out = malloc(rows->size + 16); /* no more than they take where they are */
    if (!out) abort();
    pack_writer_init(&w, out, rows->size + 16);
    pack_array(&w, rows->count - rows->next + 1);
    for (uint32_t n = rows->next - 1; n < rows->count; n++) {
        const char *wrong = ledger_row_at(&rows->list, n, &row);
        if (!wrong) pack_row(&w, &row);
    }
    *size = w.full ? 0 : w.size;
    return out;
}
