/* From checked entries to cells. */
#include "worker/cell.h"

#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"

uint32_t cell_count(const struct entry *entry) {
    return 1 + (entry->door != CODE_dead && entry->intent.op == OP_group ? entry->intent.step_count : 0);
}

static void write_number(char out[24], uint64_t number) { snprintf(out, 24, "%llu", (unsigned long long)number); }

static void copy_text(char *out, size_t capacity, const char *text, size_t size) {
    if (size >= capacity) size = capacity - 1;
    memcpy(out, text, size);
    out[size] = '\0';
}

/* A follow-up about an intent is told of by that one's source, key and identity. */
static void tell_of_original(struct cell *c) {
    struct followup_original original;
    if (!followup_original(c->intent, &original)) return;
    copy_text(c->source_buffer, sizeof c->source_buffer, original.source, strlen(original.source));
    copy_text(c->key_buffer, sizeof c->key_buffer, original.key, strlen(original.key));
    c->source = c->source_buffer;
    c->key = c->key_buffer;
    snprintf(c->identity, sizeof c->identity, "%s/%s/%s", original.account, original.source, original.key);
    memcpy(c->of, c->identity, sizeof c->of);
}

static void tell_of_guard(struct cell *c) {
    const struct intent_guard *guard = &c->intent->guard;
    if (guard->has_seq) write_number(c->guard_seq, guard->seq);
    if (guard->has_balance_min) write_number(c->guard_balance, guard->balance_min);
    if (guard->has_refunded) write_number(c->guard_refunded, guard->refunded);
}

static void begin(struct cell *c, const struct entry *entry, int step) {
    c->entry = entry;
    c->intent = &entry->intent;
    c->step = step;
    c->source = entry->intent.source;
    c->account = entry->intent.account;
    c->keeps = c->allow_duplicate = c->away = c->home = false;
    c->order = "";
    c->first_line = c->lines = 0;
    c->identity[0] = c->of[0] = c->amount[0] = c->from[0] = c->origin_entry[0] = '\0';
    c->guard_seq[0] = c->guard_balance[0] = c->guard_refunded[0] = '\0';
    c->steps = c->first_step = 0;
    write_number(c->at, entry->id.ms);
}

static bool is_away(const struct cell *c, const struct door *door) {
    bool elsewhere = c->op == OP_transfer || (c->op == OP_pay && c->order[0]);
    return elsewhere && keys_partition(&door->book, c->to, strlen(c->to)) != door->partition;
}

void cell_of_entry(struct cell *c, const struct entry *entry, const struct door *door, uint32_t first_step) {
    const struct intent *i = &entry->intent;
    unsigned from = 0;
    begin(c, entry, -1);
    c->op = i->op;
    c->key = i->key;
    c->to = i->to;
    c->currency = i->currency;
    c->note = i->note;
    c->amount_minor = i->amount_minor;
    c->expires_ms = i->expires_ms;
    c->of_at_ms = i->of_at_ms;
    c->keeps = (i->present & FIELD_BIT(FIELD_final)) && !i->final;
    c->allow_duplicate = i->allow_duplicate;
    c->order = i->order;
    c->away = is_away(c, door);
    c->home = i->op == OP_settle && keys_partition(&door->book, c->account, strlen(c->account)) == door->partition;
    memcpy(c->fingerprint, entry->fingerprint, sizeof c->fingerprint);
    intent_identity(i, c->identity);
    if (i->of[0]) intent_identity_of(i, c->of);
    if (i->amount_minor) write_number(c->amount, i->amount_minor);
    tell_of_guard(c);
    if (entry->door == CODE_dead && entry->attempts == 0) return; /* nobody's: nothing in it is believed */
    if (op_is_follow_up(i->op)) tell_of_original(c);
    if (entry->own == ENTRY_DUE) memcpy(c->of, c->identity, sizeof c->of); /* the intent brought back: its own bill */
    if (op_is_follow_up(i->op) && followup_origin(i->origin, &from, c->origin_entry)) snprintf(c->from, sizeof c->from, "%u", from);
    c->steps = cell_count(entry) - 1;
    c->first_step = c->steps ? first_step : 0;
}

void cell_of_step(struct cell *c, const struct entry *entry, const struct door *door, unsigned step) {
    const struct intent_step *s = &entry->intent.steps[step];
    begin(c, entry, (int)step);
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
    intent_step_identity(&entry->intent, step, c->identity);
    if (s->of[0]) snprintf(c->of, sizeof c->of, "%s/%s/%s", c->account, c->source, s->of);
    if (s->amount_minor) write_number(c->amount, s->amount_minor);
    intent_step_fingerprint(&entry->intent, step, c->fingerprint);
}

bool cell_original_day(const struct cell *c, uint32_t *day) {
    struct entry_id original;
    if (!entry_id_parse(c->entry->original, strlen(c->entry->original), &original)) return false;
    *day = keys_day(original.ms);
    return true;
}
