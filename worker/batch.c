/* Builds the call of apply.lua. The columns of an entry are listed in schema/batch.def. */
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
    ENTRY_ROOM = 4096,       /* more than the columns of any entry need, without raw fields */
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
    uint32_t last = day - BATCH_BILLS_KEEP_DAYS - 1;
    uint32_t first = day_before > BATCH_BILLS_KEEP_DAYS ? day_before - BATCH_BILLS_KEEP_DAYS : 0;
    if (last - first >= BATCH_DROPS_MAX) first = last - BATCH_DROPS_MAX + 1;
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
    pack_bytes(w, inner.data, inner.size);
    free(packed);
}

/* Columns ENTRY to ACCOUNT_KEY. */
static void pack_head(struct batch *b, struct pack_writer *w, const struct entry *e) {
    const struct intent *i = &e->intent;
    char identity[INTENT_IDENTITY_MAX + 1];
    bool applies = e->door != CODE_dead;
    pack_word(w, e->text);
    pack_uint(w, e->id.ms);
    pack_int(w, e->door);
    pack_word(w, e->reason);
    pack_word(w, i->op == OP_NONE ? "" : op_word(i->op));
    pack_word(w, i->source);
    pack_word(w, i->key);
    size_t size = intent_identity(i, identity);
    pack_text(w, identity, size);
    pack_word(w, i->account);
    pack_uint(w, applies ? account_place(b, i->account) : 0);
}

/* Columns TO to RESPONSES_KEY. */
static void pack_money(struct batch *b, struct pack_writer *w, const struct entry *e, const struct referral *r) {
    const struct intent *i = &e->intent;
    bool refers = i->op == OP_refund || i->op == OP_rollback, applies = e->door != CODE_dead;
    const char *world = i->op == OP_topup ? i->currency : i->op == OP_withdraw || i->op == OP_rollback ? r->currency : "";
    pack_word(w, i->to);
    pack_uint(w, applies ? account_place(b, refers ? r->to : i->to) : 0);
    pack_uint(w, i->amount_minor);
    pack_word(w, i->currency);
    pack_uint(w, applies ? world_place(b, world) : 0);
    pack_word(w, e->fingerprint);
    pack_uint(w, responses_place(b, e));
}

/* Columns NOTE to RAW. */
static void pack_rest(struct batch *b, struct pack_writer *w, const struct entry *e, const struct referral *r) {
    const struct intent *i = &e->intent;
    char identity[INTENT_IDENTITY_MAX + 1], origin[INTENT_ENTRY_MAX + 1] = "", from_text[12] = "";
    unsigned from;
    size_t size = i->of[0] ? intent_identity_of(i, identity) : 0;
    pack_word(w, i->note);
    pack_text(w, identity, size);
    pack_uint(w, bills_place(b, r));
    pack_word(w, i->kind == KIND_NONE ? "" : kind_word(i->kind));
    pack_word(w, i->status == STATUS_NONE ? "" : status_word(i->status));
    if (e->door == CODE_ok && op_is_follow_up(i->op) && followup_origin(i->origin, &from, origin))
        snprintf(from_text, sizeof from_text, "%u", from);
    pack_word(w, from_text);
    pack_word(w, origin);
    pack_uint(w, e->attempts);
    if (e->door == CODE_dead) pack_raw(w, e);
    else pack_nil(w);
}

static void blob_reserve(struct batch *b, const struct entry *entries, uint32_t count) {
    size_t room = 64;
    for (uint32_t n = 0; n < count; n++) room += ENTRY_ROOM + (entries[n].door == CODE_dead ? raw_room(&entries[n]) : 0);
    if (room <= b->blob_capacity) return;
    free(b->blob);
    b->blob = malloc(b->blob_capacity = room);
    assert(b->blob && "out of memory");
}

static size_t pack_batch(struct batch *b, const struct entry *entries, const struct referral *referrals, uint32_t count, uint32_t drops) {
    struct pack_writer w;
    blob_reserve(b, entries, count);
    pack_writer_init(&w, b->blob, b->blob_capacity);
    pack_array(&w, 3);
    pack_uint(&w, b->door->partition);
    pack_uint(&w, drops);
    pack_array(&w, count);
    for (uint32_t n = 0; n < count; n++) {
        pack_array(&w, BATCH_FIELD_COUNT);
        pack_head(b, &w, &entries[n]);
        pack_money(b, &w, &entries[n], &referrals[n]);
        pack_rest(b, &w, &entries[n], &referrals[n]);
    }
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
