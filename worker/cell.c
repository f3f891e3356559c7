/* From checked entries to cells. */
#include "worker/cell.h"

#include <string.h>

#include "schema/code.h"
#include "schema/digits.h"
#include "schema/followup.h"

uint32_t cell_count(const struct entry *entry) {
    return 1 + (entry->door != CODE_dead && entry->gist.op == OP_group ? entry->gist.intent->step_count : 0);
}

static const char *number_text(struct arena *arena, uint64_t number) {
    char digits[DIGITS_MAX];
    return arena_text(arena, digits, (size_t)(digits_put(digits, number) - digits));
}

/* "ACCOUNT/SOURCE/KEY" */
static const char *identity_text(struct arena *arena, const char *account, const char *source, const char *key) {
    size_t account_size = strlen(account), source_size = strlen(source), key_size = strlen(key);
    char *text = arena_take(arena, account_size + source_size + key_size + 3), *at = text;
    memcpy(at, account, account_size);
    at += account_size;
    *at++ = '/';
    memcpy(at, source, source_size);
    at += source_size;
    *at++ = '/';
    memcpy(at, key, key_size + 1);
    return text;
}

/* A follow-up about an intent is told of by that one's source, key and identity. */
static void tell_of_original(struct cell *c, struct arena *arena) {
    struct followup_original original;
    if (!followup_original(c->intent, &original)) return;
    c->source = arena_text(arena, original.source, strlen(original.source));
    c->key = arena_text(arena, original.key, strlen(original.key));
    c->of = c->identity = identity_text(arena, original.account, original.source, original.key);
}

static void tell_of_origin(struct cell *c, struct arena *arena) {
    unsigned from;
    char entry[INTENT_ENTRY_MAX + 1];
    if (!followup_origin(c->intent->origin, &from, entry)) return;
    c->origin_entry = arena_text(arena, entry, strlen(entry));
    c->from = number_text(arena, from);
}

static void tell_of_guard(struct cell *c, struct arena *arena) {
    const struct intent_guard *guard = &c->intent->guard;
    if (guard->has_seq) c->guard_seq = number_text(arena, guard->seq);
    if (guard->has_balance_min) c->guard_balance = number_text(arena, guard->balance_min);
    if (guard->has_refunded) c->guard_refunded = number_text(arena, guard->refunded);
}

static void begin(struct cell *c, const struct entry *entry, int step, struct arena *arena) {
    c->entry = entry;
    c->intent = entry->gist.intent;
    c->step = step;
    c->source = entry->gist.source;
    c->account = entry->gist.account;
    c->keeps = c->allow_duplicate = c->away = c->home = false;
    c->first_line = c->lines = 0;
    c->order = c->identity = c->of = c->fingerprint = c->amount = c->from = c->origin_entry = "";
    c->guard_seq = c->guard_balance = c->guard_refunded = "";
    c->steps = c->first_step = 0;
    c->at = number_text(arena, entry->id.ms);
}

static bool is_away(const struct cell *c, const struct door *door) {
    bool elsewhere = c->op == OP_transfer || (c->op == OP_pay && c->order[0]);
    return elsewhere && keys_partition(&door->book, c->to, strlen(c->to)) != door->partition;
}

void cell_of_entry(struct cell *c, const struct entry *entry, const struct door *door, uint32_t first_step, struct arena *arena) {
    const struct gist *g = &entry->gist;
    begin(c, entry, -1, arena);
    c->op = g->op;
    c->key = g->key;
    c->to = g->to;
    c->currency = g->currency;
    c->note = g->note;
    c->amount_minor = g->amount_minor;
    c->expires_ms = g->expires_ms;
    c->of_at_ms = g->of_at_ms;
    c->keeps = g->keeps;
    c->allow_duplicate = g->allow_duplicate;
    c->order = g->intent->order;
    c->away = is_away(c, door);
    c->home = g->op == OP_settle && keys_partition(&door->book, c->account, strlen(c->account)) == door->partition;
    c->fingerprint = entry->fingerprint;
    c->identity = identity_text(arena, g->account, g->source, g->key);
    if (g->of[0]) c->of = identity_text(arena, g->account, g->source, g->of);
    if (g->amount_minor) c->amount = number_text(arena, g->amount_minor);
    tell_of_guard(c, arena);
    if (entry->door == CODE_dead && entry->attempts == 0) return; /* nobody's: nothing in it is believed */
    if (op_is_follow_up(g->op)) tell_of_original(c, arena);
    if (entry->own == ENTRY_DUE) c->of = c->identity; /* the intent brought back: its own bill */
    if (op_is_follow_up(g->op)) tell_of_origin(c, arena);
    c->steps = cell_count(entry) - 1;
    c->first_step = c->steps ? first_step : 0;
}

void cell_of_step(struct cell *c, const struct entry *entry, const struct door *door, unsigned step, struct arena *arena) {
    const struct intent *group = entry->gist.intent;
    const struct intent_step *s = &group->steps[step];
    char identity[INTENT_IDENTITY_MAX + 1], fingerprint[INTENT_FINGERPRINT_SIZE + 1];
    begin(c, entry, (int)step, arena);
    c->op = s->op;
    c->key = s->key;
    c->to = s->to;
    c->currency = s->currency;
    c->note = s->note;
    c->amount_minor = s->amount_minor;
    c->expires_ms = s->expires_ms;
    c->of_at_ms = s->of_at_ms;
    c->keeps = s->keeps;
    c->allow_duplicate = s->allow_duplicate;
    c->away = is_away(c, door);
    c->identity = arena_text(arena, identity, intent_step_identity(group, step, identity));
    if (s->of[0]) c->of = identity_text(arena, c->account, c->source, s->of);
    if (s->amount_minor) c->amount = number_text(arena, s->amount_minor);
    intent_step_fingerprint(group, step, fingerprint);
    c->fingerprint = arena_text(arena, fingerprint, INTENT_FINGERPRINT_SIZE);
}

bool cell_original_day(const struct cell *c, uint32_t *day) {
    struct entry_id original;
    if (!entry_id_parse(c->entry->original, strlen(c->entry->original), &original)) return false;
    *day = keys_day(original.ms);
    return true;
}
