/* Cells as columns. */
#include "worker/batch_pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/batch.h"
#include "schema/code.h"
#include "schema/pack.h"
#include "schema/script.h"

enum {
    CELL_ROOM = 4096, /* more than a cell needs in all columns, without raw bytes */
};

static void pack_word(struct pack_writer *w, const char *text) { pack_text(w, text, strlen(text)); }

static void pack_fields(struct pack_writer *w, struct reply fields) {
    size_t count = reply_count(fields);
    pack_array(w, (uint32_t)count);
    for (size_t n = 0; n < count; n++) {
        size_t size;
        const char *text = reply_text(reply_at(fields, n), &size);
        pack_text(w, text, size);
    }
}

static size_t raw_room(const struct entry *e) {
    if (e->raw == ENTRY_RAW_PART) return 64 + e->bytes_size + e->sig_size + sizeof e->trace;
    size_t room = 16, count = reply_count(e->fields);
    for (size_t n = 0; n < count; n++) {
        size_t size;
        reply_text(reply_at(e->fields, n), &size);
        room += size + 8;
    }
    return room;
}

/* One intent of a bulk entry, as if it had come alone. */
static void pack_part(struct pack_writer *w, const struct entry *e) {
    pack_array(w, 2 + (e->sig ? 2 : 0) + (e->trace[0] ? 2 : 0));
    pack_word(w, "intent");
    pack_text(w, e->bytes, e->bytes_size);
    if (e->sig) {
        pack_word(w, "sig");
        pack_text(w, e->sig, e->sig_size);
    }
    if (e->trace[0]) {
        pack_word(w, "traceparent");
        pack_word(w, e->trace);
    }
}

/* The fields of a buried entry as they came; when there are too many for Lua to pass on, they are kept as one field `packed`. */
static void pack_raw(struct pack_writer *w, const struct entry *e) {
    if (e->raw == ENTRY_RAW_PART) {
        pack_part(w, e);
        return;
    }
    if (reply_count(e->fields) <= SCRIPT_UNPACK_MAX) {
        pack_fields(w, e->fields);
        return;
    }
    struct pack_writer inner;
    size_t room = raw_room(e);
    void *packed = malloc(room);
    assert(packed && "out of memory");
    pack_writer_init(&inner, packed, room);
    pack_fields(&inner, e->fields);
    pack_array(w, 2);
    pack_word(w, "packed");
    pack_text(w, (const char *)inner.data, inner.size); /* as text: the msgpack inside Redis knows no binary */
    free(packed);
}

static void pack_settings(struct pack_writer *w, const struct intent *i) {
    uint32_t count = 0;
    for (enum setting s = 0; s < SETTING_COUNT; s++) count += (i->settings.present >> s) & 1;
    pack_array(w, 2 * count);
    for (enum setting s = 0; s < SETTING_COUNT; s++) {
        if (!((i->settings.present >> s) & 1)) continue;
        pack_word(w, setting_name(s));
        pack_uint(w, i->settings.value[s]);
    }
}

static const char *text_column(enum batch_column column, const struct cell *c) {
    const struct entry *e = c->entry;
    const struct intent *i = c->intent;
    switch (column) {
    case BATCH_ENTRY: return e->text;
    case BATCH_AT: return c->at;
    case BATCH_DETAIL: return e->reason;
    case BATCH_OP: return c->op == OP_NONE ? "" : op_word(c->op);
    case BATCH_SOURCE: return c->source;
    case BATCH_KEY: return c->key;
    case BATCH_IDENTITY: return c->identity;
    case BATCH_ACCOUNT: return c->account_place ? "" : c->account; /* its key says it */
    case BATCH_TO: return c->op == OP_pay && c->to_place ? "" : c->to;
    case BATCH_AMOUNT_TEXT: return c->amount;
    case BATCH_CURRENCY: return c->currency;
    case BATCH_FINGERPRINT: return c->fingerprint;
    case BATCH_NOTE: return c->note;
    case BATCH_OF: return c->of;
    case BATCH_KIND: return i->kind == KIND_NONE ? "" : kind_word(i->kind);
    case BATCH_STATUS: return i->status == STATUS_NONE ? "" : status_word(i->status);
    case BATCH_ORIGIN: return c->from;
    case BATCH_ORIGIN_ENTRY: return c->origin_entry;
    case BATCH_TOKEN: return i->token;
    case BATCH_GUARD_SEQ: return c->guard_seq;
    case BATCH_GUARD_BALANCE: return c->guard_balance;
    case BATCH_GUARD_REFUNDED: return c->guard_refunded;
    case BATCH_CREDENTIAL: return e->credential;
    case BATCH_ORIGINAL: return e->original;
    case BATCH_ORDER: return c->order;
    case BATCH_MONTH: return i->month;
    case BATCH_TRACE: return c->step < 0 ? e->trace : "";
    case BATCH_MS: case BATCH_DOOR: case BATCH_ACCOUNT_KEY: case BATCH_TO_KEY: case BATCH_AMOUNT: case BATCH_WORLD_KEY:
    case BATCH_RESPONSES_KEY: case BATCH_OF_KEY: case BATCH_ATTEMPTS: case BATCH_RAW: case BATCH_STEPS: case BATCH_FIRST_STEP:
    case BATCH_EXPIRES: case BATCH_KEEP: case BATCH_AWAY: case BATCH_TRANSIT_KEY: case BATCH_ALLOW_DUPLICATE: case BATCH_PAYMENTS:
    case BATCH_PER: case BATCH_NOT_BEFORE: case BATCH_BYTES: case BATCH_SETTINGS: case BATCH_OWN: case BATCH_CODE_SENT:
    case BATCH_SIGNED: case BATCH_SHARES: case BATCH_ORDER_KEY: case BATCH_LINES: case BATCH_FEES_KEY: case BATCH_HOME: case BATCH_GROSS:
    case BATCH_REFUNDS: case BATCH_OF_OLD_KEY: case BATCH_COLUMN_COUNT: break;
    }
    return "";
}

static uint64_t number_column(enum batch_column column, const struct cell *c) {
    const struct entry *e = c->entry;
    const struct intent *i = c->intent;
    switch (column) {
    case BATCH_MS: return e->id.ms;
    case BATCH_DOOR: return (uint64_t)e->door;
    case BATCH_ACCOUNT_KEY: return c->account_place;
    case BATCH_TO_KEY: return c->to_place;
    case BATCH_AMOUNT: return c->amount_minor;
    case BATCH_WORLD_KEY: return c->world_place;
    case BATCH_RESPONSES_KEY: return c->responses_place;
    case BATCH_OF_KEY: return c->of_bills_place;
    case BATCH_OF_OLD_KEY: return c->of_old_place;
    case BATCH_ATTEMPTS: return e->attempts;
    case BATCH_STEPS: return c->steps;
    case BATCH_FIRST_STEP: return c->first_step;
    case BATCH_EXPIRES: return c->expires_ms;
    case BATCH_KEEP: return c->keeps;
    case BATCH_AWAY: return c->away;
    case BATCH_TRANSIT_KEY: return c->transit_place;
    case BATCH_ALLOW_DUPLICATE: return c->allow_duplicate;
    case BATCH_PAYMENTS: return i->payments;
    case BATCH_PER: return i->per_ms;
    case BATCH_NOT_BEFORE: return i->not_before_ms;
    case BATCH_OWN: return (uint64_t)e->own;
    case BATCH_CODE_SENT: return i->code;
    case BATCH_SIGNED: return e->proven;
    case BATCH_SHARES: return e->shares;
    case BATCH_ORDER_KEY: return c->order_place;
    case BATCH_FEES_KEY: return c->fees_place;
    case BATCH_HOME: return c->home;
    case BATCH_GROSS: return i->gross_minor;
    case BATCH_REFUNDS: return i->refunds_minor;
    case BATCH_ENTRY: case BATCH_AT: case BATCH_DETAIL: case BATCH_OP: case BATCH_SOURCE: case BATCH_KEY: case BATCH_IDENTITY:
    case BATCH_ACCOUNT: case BATCH_TO: case BATCH_AMOUNT_TEXT: case BATCH_CURRENCY: case BATCH_FINGERPRINT: case BATCH_NOTE: case BATCH_OF:
    case BATCH_KIND: case BATCH_STATUS: case BATCH_ORIGIN: case BATCH_ORIGIN_ENTRY: case BATCH_RAW: case BATCH_TOKEN:
    case BATCH_GUARD_SEQ: case BATCH_GUARD_BALANCE: case BATCH_GUARD_REFUNDED: case BATCH_CREDENTIAL: case BATCH_BYTES:
    case BATCH_SETTINGS: case BATCH_ORIGINAL: case BATCH_ORDER: case BATCH_LINES: case BATCH_MONTH: case BATCH_TRACE:
    case BATCH_COLUMN_COUNT: break;
    }
    return 0;
}

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_RAW };
static const enum column_kind column_kinds[BATCH_COLUMN_COUNT] = {
#define X(name, kind, where) COLUMN_##kind,
#include "schema/batch.def"
#undef X
};

static bool raw_present(enum batch_column column, const struct cell *c) {
    bool intact = c->step < 0 && c->entry->door == CODE_ok;
    if (column == BATCH_RAW) return c->entry->door == CODE_dead && c->entry->raw != ENTRY_RAW_NONE;
    if (column == BATCH_LINES) return c->lines > 0;
    if (column == BATCH_BYTES) return intact && c->entry->own == ENTRY_PLAIN && c->intent->not_before_ms > c->entry->id.ms;
    return intact && c->op == OP_policy;
}

static bool cell_present(enum batch_column column, const struct cell *c) {
    switch (column_kinds[column]) {
    case COLUMN_TEXT: return text_column(column, c)[0] != '\0';
    case COLUMN_NUMBER: return number_column(column, c) != 0;
    case COLUMN_RAW: return raw_present(column, c);
    }
    return false;
}

static void pack_lines(struct pack_writer *w, const struct shelf_line *lines, uint32_t count) {
    pack_array(w, 3 * count);
    for (uint32_t n = 0; n < count; n++) {
        pack_word(w, lines[n].sku);
        pack_uint(w, lines[n].place);
        pack_word(w, lines[n].quantity);
    }
}

static void pack_cell(struct pack_writer *w, enum batch_column column, const struct cell *c, const struct batch_head *head) {
    switch (column_kinds[column]) {
    case COLUMN_TEXT: pack_word(w, text_column(column, c)); return;
    case COLUMN_NUMBER: pack_uint(w, number_column(column, c)); return;
    case COLUMN_RAW: break;
    }
    if (!raw_present(column, c)) pack_nil(w);
    else if (column == BATCH_RAW) pack_raw(w, c->entry);
    else if (column == BATCH_LINES) pack_lines(w, head->lines + c->first_line, c->lines);
    else if (column == BATCH_BYTES) pack_text(w, c->entry->bytes, c->entry->bytes_size);
    else pack_settings(w, c->intent);
}

static bool cells_agree(enum batch_column column, const struct cell *a, const struct cell *b) {
    if (column_kinds[column] == COLUMN_NUMBER) return number_column(column, a) == number_column(column, b);
    return strcmp(text_column(column, a), text_column(column, b)) == 0;
}

/* How many runs of equal values there are; 0 as soon as they are so many that naming each once saves little. */
static uint32_t count_runs(enum batch_column column, const struct cell *cells, uint32_t count) {
    uint32_t runs = 1;
    for (uint32_t n = 1; n < count; n++) {
        runs += !cells_agree(column, &cells[n - 1], &cells[n]);
        if (runs > 2 + n / 4) return 0;
    }
    return runs;
}

static void pack_runs(struct pack_writer *w, enum batch_column column, const struct cell *cells, uint32_t count, uint32_t runs) {
    pack_array(w, 1 + 2 * runs);
    pack_bool(w, false);
    for (uint32_t n = 0, next; n < count; n = next) {
        for (next = n + 1; next < count && cells_agree(column, &cells[n], &cells[next]); next++) continue;
        pack_cell(w, column, &cells[n], NULL);
        pack_uint(w, next - n);
    }
}

static bool column_used(enum batch_column column, const struct cell *cells, uint32_t count) {
    uint32_t n = 0;
    while (n < count && !cell_present(column, &cells[n])) n++;
    return n < count;
}

/* What is absent at the end is left out. */
static int columns_used(const struct cell *cells, uint32_t count) {
    int columns = BATCH_COLUMN_COUNT;
    while (columns > 0 && !column_used((enum batch_column)(columns - 1), cells, count)) columns--;
    return columns;
}

static void pack_column(struct pack_writer *w, enum batch_column column, const struct cell *cells, const struct batch_head *head) {
    uint32_t count = head->cell_count;
    if (!column_used(column, cells, count)) {
        pack_nil(w);
        return;
    }
    uint32_t runs = column_kinds[column] == COLUMN_RAW ? 0 : count_runs(column, cells, count);
    if (runs == 1) pack_cell(w, column, &cells[0], head);
    else if (runs > 0) pack_runs(w, column, cells, count, runs);
    else {
        pack_array(w, count);
        for (uint32_t m = 0; m < count; m++) pack_cell(w, column, &cells[m], head);
    }
}

/* Is nothing in the batch that a payment beside it must heed? */
static bool are_plain(const struct cell *cells, uint32_t count) {
    static const enum batch_column special[] = {BATCH_ORIGIN, BATCH_OWN, BATCH_GUARD_SEQ, BATCH_GUARD_BALANCE, BATCH_GUARD_REFUNDED,
                                                BATCH_NOT_BEFORE, BATCH_ORDER};
    for (size_t s = 0; s < sizeof special / sizeof special[0]; s++)
        if (column_used(special[s], cells, count)) return false;
    return true;
}

size_t batch_pack_room(const struct cell *cells, const struct batch_head *head) {
    size_t room = 64;
    for (uint32_t n = 0; n < head->cell_count; n++) {
        room += CELL_ROOM + cells[n].lines * sizeof(struct shelf_line);
        if (raw_present(BATCH_RAW, &cells[n])) room += raw_room(cells[n].entry);
        if (raw_present(BATCH_BYTES, &cells[n])) room += cells[n].entry->bytes_size;
    }
    return room;
}

size_t batch_pack(const struct cell *cells, const struct batch_head *head, void *out, size_t capacity) {
    struct pack_writer w;
    pack_writer_init(&w, out, capacity);
    int columns = columns_used(cells, head->cell_count);
    pack_array(&w, 6 + (uint32_t)columns);
    pack_uint(&w, head->partition);
    pack_uint(&w, head->drops);
    pack_uint(&w, head->entry_count);
    pack_uint(&w, head->cell_count);
    pack_uint(&w, head->name_at);
    pack_uint(&w, are_plain(cells, head->cell_count));
    for (int column = 0; column < columns; column++) pack_column(&w, (enum batch_column)column, cells, head);
    assert(!w.full);
    return w.size;
}
