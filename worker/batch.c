/* Builds the call of apply.lua: which keys it touches, and where each stands. */
#include "worker/batch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "worker/batch_pack.h"

enum { BLOB_FIRST = 256 * 1024 };

void batch_init(struct batch *batch, const struct door *door) {
    memset(batch, 0, sizeof *batch);
    batch->door = door;
    keyset_init(&batch->keys);
    keyset_init(&batch->late);
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
    keyset_clear(&batch->late);
    shelf_clear(&batch->shelf);
    arena_clear(&batch->texts);
    command_clear(&batch->command);
    free(batch->blob);
    free(batch->cells);
    batch->blob = NULL;
}

static uint32_t article_count(const struct entry *e) {
    return e->door != CODE_dead && e->gist.op == OP_order ? e->gist.intent->line_count : 0;
}

uint32_t batch_extent(const struct entry *entries, uint32_t count, uint32_t max) {
    uint32_t day = keys_day(entries[0].id.ms), n = 0, cells = 0, articles = 0;
    while (n < count && (n == 0 || n + entries[n].parts <= max) && keys_day(entries[n].id.ms) == day) {
        for (uint32_t part = 0; part < entries[n].parts; part++) {
            cells += cell_count(&entries[n + part]);
            articles += article_count(&entries[n + part]);
        }
        if (n > 0 && (cells > BATCH_CELLS_MAX || articles > BATCH_ARTICLES_MAX)) break;
        n += entries[n].parts;
    }
    return n;
}

uint32_t batch_take(struct batch *b, const struct entry *entries, uint32_t count) {
    uint32_t cells = count;
    shelf_reset(&b->shelf);
    arena_reset(&b->texts);
    for (uint32_t n = 0; n < count; n++) cells += cell_count(&entries[n]) - 1;
    if (cells > b->cell_capacity) {
        free(b->cells);
        b->cells = malloc((b->cell_capacity = cells) * sizeof *b->cells);
        assert(b->cells && "out of memory");
    }
    uint32_t next = count;
    for (uint32_t n = 0; n < count; n++) {
        cell_of_entry(&b->cells[n], &entries[n], b->door, next + 1, &b->texts);
        for (uint32_t step = 0; step < b->cells[n].steps; step++)
            cell_of_step(&b->cells[next++], &entries[n], b->door, step, &b->texts);
    }
    return cells;
}

static bool decides_late(const struct cell *c) {
    if (c->entry->door != CODE_ok) return false;
    return c->op == OP_settled || c->op == OP_bounce || c->op == OP_unschedule || c->entry->own == ENTRY_DUE;
}

/* Does a cell or one of its steps speak of an intent in the set, by its identity or what it refers to? */
static bool speaks_of(const struct batch *b, const struct cell *c, const struct keyset *late) {
    if (keyset_has(late, c->identity, strlen(c->identity)) || keyset_has(late, c->of, strlen(c->of))) return true;
    for (uint32_t s = 0; s < c->steps; s++) {
        const struct cell *step = &b->cells[c->first_step - 1 + s];
        if (keyset_has(late, step->identity, strlen(step->identity)) || keyset_has(late, step->of, strlen(step->of))) return true;
    }
    return false;
}

uint32_t batch_cut(struct batch *b, uint32_t count) {
    keyset_reset(&b->late);
    for (uint32_t n = 0; n < count; n++) {
        const struct cell *c = &b->cells[n];
        if (b->late.count && speaks_of(b, c, &b->late)) return n - c->entry->part; /* what is late goes alone in its entry */
        if (decides_late(c)) keyset_add(&b->late, c->of, strlen(c->of));
        if (c->op == OP_policy && c->entry->door == CODE_ok) return n + 1;
    }
    return count;
}

/* Adds the keys of those of the days [from, to] whose bills the stream moves past, which keeps them for `days`. */
static uint32_t add_drops_between(struct batch *b, uint32_t day, const struct batch_keep *keep, uint32_t days, uint32_t from, uint32_t to) {
    keys_buffer key;
    uint32_t kept = days + BATCH_BILLS_SPARE_DAYS, first = keep->day > kept ? keep->day - kept : 0, count = 0;
    if (day <= kept) return 0;
    uint32_t last = day - kept - 1;
    if (first < from) first = from;
    if (last > to) last = to;
    for (uint32_t d = first; d <= last; d++, count++) keyset_push(&b->keys, key, keys_bills(key, &b->door->book, b->door->partition, d));
    return count;
}

/* The days whose bills are dropped. After the last one applied nothing was decided, however long ago that is. */
static uint32_t add_drops(struct batch *b, uint32_t day, const struct batch_keep *keep) {
    if (keep->day == 0 || day <= keep->day) return 0;
    uint32_t older = keep->days > keep->lowered_from ? keep->days : keep->lowered_from, count = 0;
    if (keep->lowered_day) count = add_drops_between(b, day, keep, older, 0, keep->lowered_day);
    return count + add_drops_between(b, day, keep, keep->days, keep->lowered_day ? keep->lowered_day + 1 : 0, keep->day);
}

/* The places that apply.lua knows by number, then the days that are dropped. */
static uint32_t add_fixed_keys(struct batch *b, uint32_t day, const struct batch_keep *keep) {
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
    keyset_push(&b->keys, key, keys_due(key, book, p));
    keyset_push(&b->keys, key, keys_scheduled(key, book, p));
    keyset_push(&b->keys, key, keys_merchants(key, book, p));
    return add_drops(b, day, keep);
}

static uint32_t account_place(struct batch *b, const char *account) {
    if (account[0] == '\0') return 0;
    keys_buffer key;
    size_t size = strlen(account);
    memcpy(key, b->account_prefix, b->account_prefix_size);
    memcpy(key + b->account_prefix_size, account, size);
    return keyset_add(&b->keys, key, b->account_prefix_size + size);
}

static uint32_t system_place(struct batch *b, const char *word, const char *currency) {
    if (currency[0] == '\0') return 0;
    keys_buffer key;
    return keyset_add(&b->keys, key, keys_system_account(key, &b->door->book, b->door->partition, word, currency));
}

static uint32_t responses_place(struct batch *b, const struct cell *c) {
    bool late = c->op == OP_settled || c->op == OP_bounce;
    if (c->step >= 0 || !(c->entry->answerable || late)) return 0;
    keys_buffer key;
    return keyset_add(&b->keys, key, keys_responses(key, &b->door->book, b->door->partition, c->source));
}

static uint32_t bills_place(struct batch *b, const struct cell *c, const struct referral *r) {
    keys_buffer key;
    uint32_t day = r->day;
    if (!cell_original_day(c, &day) && !r->dated) return 0;
    return keyset_add(&b->keys, key, keys_bills(key, &b->door->book, b->door->partition, day));
}

bool batch_refers_to_bill(enum op op) {
    return op == OP_refund || op == OP_rollback || op == OP_capture || op == OP_release || op == OP_unschedule;
}

static const char *world_currency(const struct cell *c, const struct referral *r) {
    if (c->op == OP_topup) return c->currency;
    return c->op == OP_withdraw || c->op == OP_rollback ? r->currency : "";
}

static const char *transit_currency(const struct cell *c, const struct referral *r) {
    if (c->op == OP_arrive || (c->op == OP_recover && !c->order[0])) return c->currency;
    if (c->op == OP_bounce) return r->currency;
    if (c->op == OP_swept || (c->op == OP_settle && !c->home)) return c->currency;
    return c->away && c->op == OP_transfer ? c->currency[0] ? c->currency : r->currency : "";
}

static const char *fees_currency(const struct cell *c) { return c->op == OP_swept || c->home ? c->currency : ""; }

/* Of the order it speaks of, when that lies here. */
static uint32_t order_place(struct batch *b, const struct cell *c) {
    if (c->order[0] == '\0' || c->away) return 0;
    keys_buffer key;
    const char *merchant = c->op == OP_pay ? c->to : c->account;
    return keyset_add(&b->keys, key, keys_order(key, &b->door->book, b->door->partition, merchant, c->order));
}

/* Puts the articles of a cell on the shelf, those of an order that was looked up being there already, and finds the places of all. */
static void place_articles(struct batch *b, struct cell *c, const struct referral *r) {
    c->first_line = r->first_line;
    c->lines = r->lines;
    if (c->op == OP_price || c->op == OP_stock || c->op == OP_order) c->lines = shelf_add_intent(&b->shelf, c->intent, &c->first_line);
    for (uint32_t n = 0; n < c->lines; n++) {
        struct shelf_line *line = &b->shelf.lines[c->first_line + n];
        keys_buffer key;
        line->place = keyset_add(&b->keys, key, keys_sku(key, &b->door->book, b->door->partition, c->account, line->sku));
    }
}

/* A buried entry touches no account: its names need not even be names. */
static void place_cell(struct batch *b, struct cell *c, const struct referral *r) {
    keys_buffer key;
    bool applies = c->entry->door != CODE_dead && c->op != OP_policy;
    c->account_place = applies ? account_place(b, c->account) : 0;
    c->to_place = applies && !(c->away && c->op == OP_transfer) ? account_place(b, batch_refers_to_bill(c->op) ? r->to : c->to) : 0;
    c->world_place = applies ? system_place(b, "world", world_currency(c, r)) : 0;
    c->transit_place = applies ? system_place(b, "transit", transit_currency(c, r)) : 0;
    c->fees_place = applies ? system_place(b, "fees", fees_currency(c)) : 0;
    c->order_place = applies ? order_place(b, c) : 0;
    if (applies) place_articles(b, c, r);
    c->responses_place = responses_place(b, c);
    c->of_bills_place = applies ? bills_place(b, c, r) : 0;
    c->of_old_place = 0;
    if (applies && r->or_in_front)
        c->of_old_place = keyset_add(&b->keys, key, keys_bills(key, &b->door->book, b->door->partition, r->day));
}

void batch_build(struct batch *b, const struct referral *referrals, uint32_t entry_count, uint32_t cell_count,
                 const struct batch_base *base, const struct batch_keep *keep) {
    char applied[ENTRY_TEXT_MAX + 1];
    entry_id_format(base->applied, applied);
    keyset_reset(&b->keys);
    uint32_t drops = add_fixed_keys(b, keys_day(b->cells[0].entry->id.ms), keep);
    for (uint32_t n = 0; n < cell_count; n++) place_cell(b, &b->cells[n], &referrals[n]);
    struct batch_head head = {b->door->partition, drops, entry_count, cell_count, (uint32_t)b->account_prefix_size + 1, b->shelf.lines};
    size_t room = batch_pack_room(b->cells, &head), blob_size;
    if (room > b->blob_capacity) {
        free(b->blob);
        b->blob = malloc(b->blob_capacity = room);
        assert(b->blob && "out of memory");
    }
    blob_size = batch_pack(b->cells, &head, b->blob, b->blob_capacity);
    (base->function ? redis_function_begin : redis_script_begin)(&b->command, &script_apply, b->keys.count);
    keyset_borrow(&b->keys, &b->command);
    command_word(&b->command, base->epoch);
    command_borrow(&b->command, (const char *)b->blob, blob_size);
    command_copy(&b->command, applied, strlen(applied));
    if (base->durable) command_word(&b->command, "1");
}
