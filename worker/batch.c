/* Builds the call of apply.lua. The columns of a batch are listed in schema/batch.def. */
#include "worker/batch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/batch.h"
#include "schema/code.h"
#include "schema/followup.h"
#include "schema/pack.h"

enum {
    ENTRY_ROOM = 4096,       /* more than the cells of any entry need, without raw fields */
    RAW_FIELDS_MAX = 4000,   /* Lua cannot unpack many more arguments than this */
    BLOB_FIRST = 256 * 1024,
};

void batch_init(struct batch *batch, const struct door *door) {
    memset(batch, 0, sizeof *batch);
    batch->door = door;
    keyset_init(&batch->keys);
    command_init(&batch->command);
    batch->blob_capacity = BLOB_FIRST;
    batch->blob = malloc(batch->blob_capacity);
    assert(batch->blob && "out of memory");
    keys_buffer key;
    batch->account_prefix_size = keys_account(key, &door->book, door->partition, "");
    assert(batch->account_prefix_size < sizeof batch->account_prefix);
    memcpy(batch->account_prefix, key, batch->account_prefix_size);
}

void batch_clear(struct batch *batch) {
    keyset_clear(&batch->keys);
    command_clear(&batch->command);
    free(batch->blob);
    free(batch->places);
    batch->blob = NULL;
}

uint32_t batch_extent(const struct entry *entries, uint32_t count, uint32_t max) {
    uint32_t day = keys_day(entries[0].id.ms), n = 1;
    while (n < count && n < max && keys_day(entries[n].id.ms) == day) n++;
    return n;
}

/* The places that apply.lua knows by number, then the days that are dropped. */
static uint32_t add_fixed_keys(struct batch *b, uint32_t day, uint32_t day_before) {
    const struct book *book = &b->door->book;
    unsigned p = b->door->partition;
    keys_buffer key;
    keyset_push(&b->keys, key, keys_meta(key, book, p));
    keyset_push(&b->keys, key, keys_intents(key, book, p));
    keyset_push(&b->keys, key, keys_ledger(key, book, p));
    keyset_push(&b->keys, key, keys_unanswered(key, book, p));
    keyset_push(&b->keys, key, keys_bills(key, book, p, day));
    keyset_push(&b->keys, key, keys_bills(key, book, p, day ? day - 1 : 0));
    keyset_push(&b->keys, key, keys_dead(key, book, p));
    if (day_before == 0 || day <= day_before || day <= BATCH_BILLS_KEEP_DAYS) return 0;
    uint32_t last = day - BATCH_BILLS_KEEP_DAYS - 1, first = day_before > BATCH_BILLS_KEEP_DAYS ? day_before - BATCH_BILLS_KEEP_DAYS : 0;
    if (last > day_before) last = day_before; /* nothing was decided since, however long that was */
    for (uint32_t d = first; d <= last; d++) keyset_push(&b->keys, key, keys_bills(key, book, p, d));
    return last - first + 1;
}

static uint32_t account_place(struct batch *b, const char *account) {
    if (account[0] == '\0') return 0;
    keys_buffer key;
    size_t size = strlen(account);
    memcpy(key, b->account_prefix, b->account_prefix_size);
    memcpy(key + b->account_prefix_size, account, size);
    return keyset_add(&b->keys, key, b->account_prefix_size + size);
}

static uint32_t world_place(struct batch *b, const char *currency) {
    if (currency[0] == '\0') return 0;
    keys_buffer key;
    return keyset_add(&b->keys, key, keys_system_account(key, &b->door->book, b->door->partition, "world", currency));
}

static uint32_t responses_place(struct batch *b, const struct entry *e) {
    if (!e->answerable) return 0;
    keys_buffer key;
    return keyset_add(&b->keys, key, keys_responses(key, &b->door->book, b->door->partition, e->intent.source));
}

static uint32_t bills_place(struct batch *b, const struct referral *r) {
    if (!r->dated) return 0;
    keys_buffer key;
    return keyset_add(&b->keys, key, keys_bills(key, &b->door->book, b->door->partition, r->day));
}

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
    size_t room = 16, count = reply_count(e->fields);
    for (size_t n = 0; n < count; n++) {
        size_t size;
        reply_text(reply_at(e->fields, n), &size);
        room += size + 8;
    }
    return room;
}

/* The fields of a buried entry as they came; when there are too many for Lua to pass on, they are kept as one field `packed`. */
static void pack_raw(struct pack_writer *w, const struct entry *e) {
    if (reply_count(e->fields) <= RAW_FIELDS_MAX) {
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

/* What the columns need of an entry beyond the entry itself. */
struct batch_place {
    uint32_t account, to, world, responses, of_bills;
    char identity[INTENT_IDENTITY_MAX + 1], of[INTENT_IDENTITY_MAX + 1];
    char at[24], amount[24], from[12], origin_entry[INTENT_ENTRY_MAX + 1];
};

static bool refers_to_bill(const struct intent *i) { return i->op == OP_refund || i->op == OP_rollback; }

static const char *world_currency(const struct intent *i, const struct referral *r) {
    if (i->op == OP_topup) return i->currency;
    return i->op == OP_withdraw || i->op == OP_rollback ? r->currency : "";
}

/* A buried entry touches no account: its names need not even be names. */
static void place_entry(struct batch *b, const struct entry *e, const struct referral *r, struct batch_place *p) {
    const struct intent *i = &e->intent;
    bool applies = e->door != CODE_dead;
    unsigned from = 0;
    p->account = applies ? account_place(b, i->account) : 0;
    p->to = applies ? account_place(b, refers_to_bill(i) ? r->to : i->to) : 0;
    p->world = applies ? world_place(b, world_currency(i, r)) : 0;
    p->responses = responses_place(b, e);
    p->of_bills = bills_place(b, r);
    intent_identity(i, p->identity);
    p->of[0] = p->from[0] = p->origin_entry[0] = p->amount[0] = '\0';
    if (i->of[0]) intent_identity_of(i, p->of);
    snprintf(p->at, sizeof p->at, "%llu", (unsigned long long)e->id.ms);
    if (i->amount_minor) snprintf(p->amount, sizeof p->amount, "%llu", (unsigned long long)i->amount_minor);
    if (applies && op_is_follow_up(i->op) && followup_origin(i->origin, &from, p->origin_entry))
        snprintf(p->from, sizeof p->from, "%u", from);
}

static const char *text_column(enum batch_column column, const struct entry *e, const struct batch_place *p) {
    const struct intent *i = &e->intent;
    switch (column) {
    case BATCH_ENTRY: return e->text;
    case BATCH_AT: return p->at;
    case BATCH_DETAIL: return e->reason;
    case BATCH_OP: return i->op == OP_NONE ? "" : op_word(i->op);
    case BATCH_SOURCE: return i->source;
    case BATCH_KEY: return i->key;
    case BATCH_IDENTITY: return p->identity;
    case BATCH_ACCOUNT: return i->account;
    case BATCH_TO: return i->to;
    case BATCH_AMOUNT_TEXT: return p->amount;
    case BATCH_CURRENCY: return i->currency;
    case BATCH_FINGERPRINT: return e->fingerprint;
    case BATCH_NOTE: return i->note;
    case BATCH_OF: return p->of;
    case BATCH_KIND: return i->kind == KIND_NONE ? "" : kind_word(i->kind);
    case BATCH_STATUS: return i->status == STATUS_NONE ? "" : status_word(i->status);
    case BATCH_ORIGIN: return p->from;
    case BATCH_ORIGIN_ENTRY: return p->origin_entry;
    case BATCH_MS: case BATCH_DOOR: case BATCH_ACCOUNT_KEY: case BATCH_TO_KEY: case BATCH_AMOUNT: case BATCH_WORLD_KEY:
    case BATCH_RESPONSES_KEY: case BATCH_OF_KEY: case BATCH_ATTEMPTS: case BATCH_RAW: case BATCH_COLUMN_COUNT: break;
    }
    return "";
}

static uint64_t number_column(enum batch_column column, const struct entry *e, const struct batch_place *p) {
    switch (column) {
    case BATCH_MS: return e->id.ms;
    case BATCH_DOOR: return (uint64_t)e->door;
    case BATCH_ACCOUNT_KEY: return p->account;
    case BATCH_TO_KEY: return p->to;
    case BATCH_AMOUNT: return e->intent.amount_minor;
    case BATCH_WORLD_KEY: return p->world;
    case BATCH_RESPONSES_KEY: return p->responses;
    case BATCH_OF_KEY: return p->of_bills;
    case BATCH_ATTEMPTS: return e->attempts;
    case BATCH_ENTRY: case BATCH_AT: case BATCH_DETAIL: case BATCH_OP: case BATCH_SOURCE: case BATCH_KEY: case BATCH_IDENTITY:
    case BATCH_ACCOUNT: case BATCH_TO: case BATCH_AMOUNT_TEXT: case BATCH_CURRENCY: case BATCH_FINGERPRINT: case BATCH_NOTE: case BATCH_OF:
    case BATCH_KIND: case BATCH_STATUS: case BATCH_ORIGIN: case BATCH_ORIGIN_ENTRY: case BATCH_RAW: case BATCH_COLUMN_COUNT: break;
    }
    return 0;
}

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_RAW };
static const enum column_kind column_kinds[BATCH_COLUMN_COUNT] = {
#define X(name, kind) COLUMN_##kind,
#include "schema/batch.def"
#undef X
};

static bool cell_present(enum batch_column column, const struct entry *e, const struct batch_place *p) {
    switch (column_kinds[column]) {
    case COLUMN_TEXT: return text_column(column, e, p)[0] != '\0';
    case COLUMN_NUMBER: return number_column(column, e, p) != 0;
    case COLUMN_RAW: return e->door == CODE_dead;
    }
    return false;
}

static void pack_cell(struct pack_writer *w, enum batch_column column, const struct entry *e, const struct batch_place *p) {
    switch (column_kinds[column]) {
    case COLUMN_TEXT: pack_word(w, text_column(column, e, p)); return;
    case COLUMN_NUMBER: pack_uint(w, number_column(column, e, p)); return;
    case COLUMN_RAW: break;
    }
    if (e->door == CODE_dead) pack_raw(w, e);
    else pack_nil(w);
}

static void pack_column(struct pack_writer *w, enum batch_column column, const struct entry *entries, const struct batch_place *places,
                        uint32_t count) {
    uint32_t n = 0;
    while (n < count && !cell_present(column, &entries[n], &places[n])) n++;
    pack_array(w, n < count ? count : 0);
    for (uint32_t m = 0; n < count && m < count; m++) pack_cell(w, column, &entries[m], &places[m]);
}

static void reserve(struct batch *b, const struct entry *entries, uint32_t count) {
    size_t room = 64;
    for (uint32_t n = 0; n < count; n++) room += ENTRY_ROOM + (entries[n].door == CODE_dead ? raw_room(&entries[n]) : 0);
    if (room > b->blob_capacity) {
        free(b->blob);
        b->blob = malloc(b->blob_capacity = room);
    }
    if (count > b->place_capacity) {
        free(b->places);
        b->places = malloc((b->place_capacity = count) * sizeof *b->places);
    }
    assert(b->blob && b->places && "out of memory");
}

static size_t pack_batch(struct batch *b, const struct entry *entries, const struct referral *referrals, uint32_t count, uint32_t drops) {
    struct pack_writer w;
    reserve(b, entries, count);
    pack_writer_init(&w, b->blob, b->blob_capacity);
    pack_array(&w, 3 + BATCH_COLUMN_COUNT);
    pack_uint(&w, b->door->partition);
    pack_uint(&w, drops);
    pack_uint(&w, count);
    for (uint32_t n = 0; n < count; n++) place_entry(b, &entries[n], &referrals[n], &b->places[n]);
    for (enum batch_column column = 0; column < BATCH_COLUMN_COUNT; column++) pack_column(&w, column, entries, b->places, count);
    assert(!w.full);
    return w.size;
}

void batch_build(struct batch *b, const struct entry *entries, const struct referral *referrals, uint32_t count, const char *epoch,
                 uint32_t day_before) {
    keyset_reset(&b->keys);
    uint32_t drops = add_fixed_keys(b, keys_day(entries[0].id.ms), day_before);
    size_t blob_size = pack_batch(b, entries, referrals, count, drops);
    redis_script_begin(&b->command, &script_apply, b->keys.count);
    for (uint32_t place = 1; place <= b->keys.count; place++) {
        size_t size;
        const char *key = keyset_at(&b->keys, place, &size);
        command_borrow(&b->command, key, size);
    }
    command_word(&b->command, epoch);
    command_borrow(&b->command, (const char *)b->blob, blob_size);
}
