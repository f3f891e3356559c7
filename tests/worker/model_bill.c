/* The reference model's bills: finding, dropping and comparing them, and what falls due of them. */
#include <stdlib.h>
#include <string.h>

#include "tests/worker/model_state.h"

static uint64_t keep_days(const struct model *m, unsigned partition) {
    const struct model_shard *s = &m->shards[partition];
    return s->has_policy[SETTING_bills_keep] ? s->policy[SETTING_bills_keep] : MODEL_KEEP_DAYS;
}

uint64_t model_keep_days(const struct hearing *c) { return keep_days(c->m, c->partition); }

void model_remove_bill(struct model *m, struct model_bill *b) { *b = m->bills[--m->bill_count]; }

/* What was decided while bills were kept for longer is kept for longer; and all for a good while more, for what is still to end. */
bool model_is_day_kept(const struct model *m, unsigned partition, uint64_t day, uint64_t today) {
    const struct model_shard *s = &m->shards[partition];
    uint64_t keep = keep_days(m, partition);
    if (day <= s->lowered_day && keep < s->lowered_from) keep = s->lowered_from;
    return day + keep + MODEL_SPARE_DAYS >= today;
}

void model_drop_bills(struct model *m, unsigned partition, uint64_t today) {
    for (size_t n = 0; n < m->bill_count;) {
        struct model_bill *b = &m->bills[n];
        if (b->partition == partition && !model_is_day_kept(m, partition, b->day, today)) model_remove_bill(m, b);
        else n++;
    }
}

void model_identity(const struct model_bill *b, char out[INTENT_IDENTITY_MAX + 1]) {
    int size = snprintf(out, INTENT_IDENTITY_MAX + 1, "%s/%s/%s", b->account, b->source, b->key);
    if (size > INTENT_IDENTITY_MAX) abort();
}

/* The newest bill of this account, source and key of those days; there is one a day at most. */
static struct model_bill *find_bill_between(struct hearing *c, const char *key, uint64_t first, uint64_t last) {
    struct model_bill *found = NULL;
    for (size_t n = 0; n < c->m->bill_count; n++) {
        struct model_bill *b = &c->m->bills[n];
        if (b->partition != c->partition || b->day < first || b->day > last || (found && b->day < found->day)) continue;
        if (model_is(b->account, c->i->account) && model_is(b->source, c->i->source) && model_is(b->key, key)) found = b;
    }
    return found;
}

struct model_bill *model_find_known(struct hearing *c, const char *key) {
    uint64_t today = model_day(c->id);
    return find_bill_between(c, key, today - 1, today);
}

/* The bill referred to by `of`: of the days the hint leaves, else the newest that is kept. */
struct model_bill *model_find_referred(struct hearing *c) {
    uint64_t today = model_day(c->id), keep = model_keep_days(c), oldest = today > keep ? today - keep : 0, at = c->i->of_at_ms;
    struct model_bill *b = NULL;
    if (at && at <= c->id.ms + 5 * 60000) {
        uint64_t first = (at > 5 * 60000 ? at - 5 * 60000 : 0) / MODEL_DAY_MS, last = (at + 23 * 3600000) / MODEL_DAY_MS;
        if (last > today) last = today;
        if (first >= oldest && first <= last) b = find_bill_between(c, c->i->of, first, last);
    }
    return b ? b : find_bill_between(c, c->i->of, oldest, today);
}

/* The bill that lies under an entry and an identity. */
struct model_bill *model_find_original(struct model *m, unsigned partition, const char *identity, struct entry_id id) {
    for (size_t n = 0; n < m->bill_count; n++) {
        char own[INTENT_IDENTITY_MAX + 1];
        struct model_bill *b = &m->bills[n];
        model_identity(b, own);
        if (b->partition == partition && entry_id_compare(b->id, id) == 0 && model_is(own, identity)) return b;
    }
    return NULL;
}

/* Names the bill referred to, and takes over its merchant and currency. */
void model_refer(struct hearing *c, const struct model_bill *done) {
    memcpy(c->bill.to, done->to, sizeof c->bill.to);
    memcpy(c->bill.currency, done->currency, sizeof c->bill.currency);
    model_detail(c, 0, done->number);
}

bool model_restated_wrongly(struct hearing *c, const struct model_bill *done) {
    if (*c->i->to && !model_is(c->i->to, done->to)) return model_detail(c, true, "to");
    if (*c->i->currency && !model_is(c->i->currency, done->currency)) return model_detail(c, true, "currency");
    return false;
}

const char *model_difference(const struct model_bill *b, const struct intent *i) {
    char fingerprint[INTENT_FINGERPRINT_SIZE + 1];
    intent_fingerprint(i, fingerprint);
    bool same = model_is(b->fingerprint, fingerprint), other_currency = *i->currency && *b->currency && !model_is(i->currency, b->currency);
    bool may_restate = i->op == OP_refund || i->op == OP_capture || i->op == OP_release;
    if (b->op != i->op) return "op";
    if (*i->to && *b->to && !model_is(i->to, b->to)) return "to";
    if (same) return may_restate && other_currency ? "currency" : NULL;
    if (b->code != 0) return "";
    if (i->amount_minor && *b->amount && (int64_t)i->amount_minor != b->moved) return "amount";
    return other_currency ? "currency" : "";
}

/* What falls due */

void model_add_due(struct hearing *c, enum op op, uint64_t at_ms, const void *bytes, size_t size) {
    struct model *m = c->m;
    struct model_due d = {.partition = c->partition, .at_ms = at_ms, .op = op, .id = c->bill.id, .size = size};
    model_identity(&c->bill, d.identity);
    if (size) {
        d.bytes = malloc(size);
        if (!d.bytes) abort();
        memcpy(d.bytes, bytes, size);
    }
    m->dues = model_grow(m->dues, m->due_count, sizeof *m->dues);
    m->dues[m->due_count++] = d;
}

struct model_due *model_find_due(struct model *m, unsigned partition, enum op op, struct entry_id id, const char *identity) {
    for (size_t n = 0; n < m->due_count; n++) {
        struct model_due *d = &m->dues[n];
        if (d->partition == partition && d->op == op && entry_id_compare(d->id, id) == 0 && model_is(d->identity, identity)) return d;
    }
    return NULL;
}

void model_remove_due(struct model *m, unsigned partition, enum op op, struct entry_id id, const char *identity) {
    struct model_due *d = model_find_due(m, partition, op, id, identity);
    if (!d) return;
    free(d->bytes);
    *d = m->dues[--m->due_count];
}

void model_remove_due_of(struct model *m, const struct model_bill *b, enum op op) {
    char identity[INTENT_IDENTITY_MAX + 1];
    model_identity(b, identity);
    model_remove_due(m, b->partition, op, b->id, identity);
}
