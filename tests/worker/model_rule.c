/* The reference model: what stands in a debit's way, and who says so: locks, guards, limits, look-alikes, signatures, the book's policy. */
#include <stdlib.h>
#include <string.h>

#include "tests/worker/model_state.h"

static bool lock_holds(const struct hearing *c) {
    const struct model_account *a = c->account;
    return *a->lock_token && (a->lock_until_ms == 0 || c->id.ms < a->lock_until_ms);
}

bool model_is_locked(const struct hearing *c) { return lock_holds(c) && !model_is(c->token, c->account->lock_token); }

static bool guard_fails(const struct hearing *c, const struct model_bill *of) {
    const struct intent_guard *g = &c->i->guard;
    if (!model_has(c->i, FIELD_guard)) return false;
    if (g->has_seq && (int64_t)g->seq != c->account->seq) return true;
    if (g->has_balance_min && c->account->balance < (int64_t)g->balance_min) return true;
    return g->has_refunded && of && of->refunded != (int64_t)g->refunded;
}

int model_stand_in_the_way(struct hearing *c, const struct model_bill *of, bool debit) {
    if (debit && model_is_locked(c)) return 5;
    return guard_fails(c, of) ? 18 : 0;
}

/* GCRA in parts of a millisecond, `limit_payments` of them to one: a payment takes limit_per_ms parts, a full allowance is payments times
 * that. */

static unsigned __int128 tat_after(const struct hearing *c) {
    const struct model_account *a = c->account;
    unsigned __int128 now = (unsigned __int128)c->id.ms * a->limit_payments;
    return (a->limit_tat > now ? a->limit_tat : now) + a->limit_per_ms;
}

bool model_is_too_fast(const struct hearing *c) {
    const struct model_account *a = c->account;
    if (a->limit_payments == 0) return false;
    return tat_after(c) > (unsigned __int128)(c->id.ms + a->limit_per_ms) * a->limit_payments;
}

void model_count_payment(struct hearing *c) {
    if (c->account->limit_payments) c->account->limit_tat = tat_after(c);
}

/* Look-alikes: payments that went through while the book looked for them. Of an account the last 32 are remembered, and when one more is,
 * those outside the window are forgotten. */

enum { RECENT_MAX = 32 };

static uint64_t window(const struct hearing *c) {
    const struct model_shard *s = &c->m->shards[c->partition];
    return s->has_policy[SETTING_duplicate_window] ? s->policy[SETTING_duplicate_window] : 0;
}

bool model_looks_alike(const struct hearing *c) {
    if (model_has(c->i, FIELD_allow_duplicate) && c->i->allow_duplicate) return false;
    for (size_t n = 0; n < c->m->recent_count; n++) {
        const struct model_recent *r = &c->m->recents[n];
        if (r->partition == c->partition && model_is(r->account, c->i->account) && model_is(r->to, c->i->to) &&
            r->amount == (int64_t)c->i->amount_minor && c->id.ms - r->ms < window(c))
            return true;
    }
    return false;
}

/* Keeps the order of the others. */
static void forget(struct model *m, size_t n) {
    memmove(&m->recents[n], &m->recents[n + 1], (--m->recent_count - n) * sizeof *m->recents);
}

static void forget_old_payments(struct hearing *c) {
    struct model *m = c->m;
    size_t kept = 0;
    for (size_t n = m->recent_count; n-- > 0;) { /* from the newest */
        const struct model_recent *r = &m->recents[n];
        if (r->partition != c->partition || !model_is(r->account, c->i->account)) continue;
        if (c->id.ms - r->ms >= window(c) || ++kept >= RECENT_MAX) forget(m, n);
    }
}

void model_remember_payment(struct hearing *c) {
    struct model *m = c->m;
    if (window(c) == 0) return;
    forget_old_payments(c);
    struct model_recent r = {.partition = c->partition, .amount = (int64_t)c->i->amount_minor, .ms = c->id.ms};
    snprintf(r.account, sizeof r.account, "%s", c->i->account);
    snprintf(r.to, sizeof r.to, "%s", c->i->to);
    m->recents = model_grow(m->recents, m->recent_count, sizeof *m->recents);
    m->recents[m->recent_count++] = r;
}

bool model_is_forged(const struct hearing *c, const struct model_entry *e) {
    enum op op = c->i->op;
    bool must = op == OP_pay || op == OP_hold || op == OP_transfer || op == OP_withdraw || op == OP_group || op == OP_credential;
    if (!must || !c->account || !c->account->has_credential) return false;
    return !e->sig || !sign_verify(c->account->credential, e->bytes, e->size, e->sig, e->sig_size);
}

int model_lock(struct hearing *c) {
    struct model_account *a = c->account;
    uint64_t length = c->i->expires_ms;
    if (model_is(a->status, "closed")) return 4;
    if (model_is_locked(c)) return 5;
    snprintf(a->lock_token, sizeof a->lock_token, "%s", c->i->token);
    a->lock_until_ms = length ? c->id.ms + length : 0;
    a->changed_ms = c->id.ms;
    return 0;
}

int model_unlock(struct hearing *c) {
    struct model_account *a = c->account;
    if (model_is(a->status, "closed")) return 4;
    if (!lock_holds(c)) return 11;
    if (model_is_locked(c)) return 2;
    *a->lock_token = '\0';
    a->lock_until_ms = 0;
    a->changed_ms = c->id.ms;
    return 0;
}

static void set_limit(struct hearing *c) {
    c->account->limit_payments = c->i->payments;
    c->account->limit_per_ms = c->i->per_ms;
    c->account->limit_tat = 0;
    c->account->changed_ms = c->id.ms;
}

int model_limit(struct hearing *c) {
    if (model_is(c->account->status, "closed")) return 4;
    set_limit(c);
    return 0;
}

static void set_credential(struct hearing *c) {
    c->account->has_credential = model_has(c->i, FIELD_credential);
    if (c->account->has_credential) memcpy(c->account->credential, c->i->credential, SIGN_KEY_SIZE);
    c->account->changed_ms = c->id.ms;
}

int model_credential(struct hearing *c) {
    if (model_is(c->account->status, "closed")) return 4;
    set_credential(c);
    return 0;
}

void model_set_rules(struct hearing *c) {
    if (model_has(c->i, FIELD_payments)) set_limit(c);
    set_credential(c);
}

static void lower_keep(struct hearing *c, struct model_shard *s) {
    uint64_t was = model_keep_days(c), today = model_day(c->id);
    if (s->lowered_day && s->lowered_day + s->lowered_from + MODEL_SPARE_DAYS >= today && s->lowered_from > was) was = s->lowered_from;
    s->lowered_day = today;
    s->lowered_from = was;
}

int model_policy(struct hearing *c) {
    struct model_shard *s = &c->m->shards[c->partition];
    bool keeps = c->i->settings.present & 1u << SETTING_bills_keep;
    if (keeps && c->i->settings.value[SETTING_bills_keep] < model_keep_days(c)) lower_keep(c, s);
    for (enum setting n = 0; n < SETTING_COUNT; n++) {
        if (!(c->i->settings.present & 1u << n)) continue;
        s->policy[n] = c->i->settings.value[n];
        s->has_policy[n] = true;
    }
    return 0;
}
