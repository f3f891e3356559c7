/* The reference model: holds, and what becomes of them. */
#include <inttypes.h>
#include <string.h>

#include "tests/worker/model_state.h"

/* No hold outlives its bill: the day after this moment it would be dropped. */
static uint64_t last_moment(const struct hearing *c, const struct model_bill *hold) {
    return (hold->id.ms / 86400000 + model_keep_days(c)) * 86400000;
}

static uint64_t lapses_at(const struct hearing *c, const struct model_bill *hold) {
    uint64_t last_ms = last_moment(c, hold);
    return hold->deadline_ms && hold->deadline_ms < last_ms ? hold->deadline_ms : last_ms;
}

int model_hold(struct hearing *c) {
    struct model_account *merchant = model_find_account(c->m, c->partition, c->i->to);
    int64_t amount = (int64_t)c->i->amount_minor;
    uint64_t length = c->i->expires_ms;
    if (!merchant || !model_is(merchant->kind, "merchant")) return model_detail(c, 1, "to");
    if (!model_is(c->account->currency, c->i->currency) || !model_is(merchant->currency, c->i->currency)) return 15;
    if (!model_active(c->account) || !model_active(merchant)) return 4;
    int code = model_stand_in_the_way(c, NULL, true);
    if (code) return code;
    if (model_is_too_fast(c)) return 8;
    if (c->account->balance - c->account->held < amount) return 3;
    model_number_bill(c);
    model_post(c, c->account, 0, amount);
    model_count_payment(c);
    c->bill.moved = amount;
    snprintf(c->bill.state, sizeof c->bill.state, "open");
    if (length != 0) {
        c->bill.deadline_ms = c->id.ms + length;
        snprintf(c->bill.detail, sizeof c->bill.detail, "%" PRIu64, c->bill.deadline_ms);
    }
    model_add_due(c, OP_expire, lapses_at(c, &c->bill), NULL, 0);
    return 0;
}

static bool is_lapsed(const struct hearing *c, const struct model_bill *hold) { return c->id.ms >= lapses_at(c, hold); }

/* It is no longer open. */
static void end_hold(struct hearing *c, struct model_bill *hold, const char *state) {
    snprintf(hold->state, sizeof hold->state, "%s", state);
    model_remove_due_of(c->m, hold, OP_expire);
}

/* A hold is gone in the same way whether or not it was swept after its deadline. */
static int check_open(const struct hearing *c, const struct model_bill *hold) {
    if (model_is(hold->state, "captured") || model_is(hold->state, "released")) return 11;
    return model_is(hold->state, "expired") || is_lapsed(c, hold) ? 16 : 0;
}

static bool is_hold(const struct model_bill *b) { return b->op == OP_hold && b->code == 0; }

int model_capture(struct hearing *c) {
    struct model_bill *hold = model_find_referred(c);
    if (*c->i->currency) memcpy(c->bill.currency, c->i->currency, sizeof c->bill.currency);
    if (!hold) return model_detail(c, 1, "of");
    if (is_hold(hold) && model_restated_wrongly(c, hold)) return 6;
    if (is_hold(hold)) model_refer(c, hold);
    struct model_account *merchant = is_hold(hold) ? model_find_account(c->m, c->partition, hold->to) : NULL;
    if (!model_active(c->account) || (merchant && !model_active(merchant))) return 4;
    int code = model_stand_in_the_way(c, hold, true);
    if (code) return code;
    if (!is_hold(hold)) return 11;
    code = check_open(c, hold);
    if (code) return code;
    int64_t left = hold->moved - hold->captured, amount = c->i->amount_minor ? (int64_t)c->i->amount_minor : left;
    bool final = !model_has(c->i, FIELD_final) || c->i->final;
    if (amount > left || model_capped(c, c->account, merchant, amount)) return 12;
    model_number_bill(c);
    model_post(c, c->account, -amount, final ? -left : -amount);
    model_post(c, merchant, amount, 0);
    c->bill.moved = amount;
    hold->captured += amount;
    if (final || amount == left) end_hold(c, hold, "captured");
    return 0;
}

int model_release(struct hearing *c) {
    struct model_bill *hold = model_find_referred(c);
    if (*c->i->currency) memcpy(c->bill.currency, c->i->currency, sizeof c->bill.currency);
    if (!hold) return model_detail(c, 1, "of");
    if (is_hold(hold) && model_restated_wrongly(c, hold)) return 6;
    if (is_hold(hold)) model_refer(c, hold);
    int code = model_stand_in_the_way(c, hold, false);
    if (code) return code;
    if (!is_hold(hold)) return 11;
    code = check_open(c, hold);
    if (code) return code;
    c->bill.moved = hold->moved - hold->captured;
    model_number_bill(c);
    model_post(c, c->account, 0, -c->bill.moved);
    end_hold(c, hold, "released");
    return 0;
}

void model_expire(struct model *m, unsigned partition, struct entry_id id, struct model_bill *hold, const char *identity) {
    struct hearing c = {.m = m, .partition = partition, .id = id, .row_op = "expire", .row_note = ""};
    if (!is_hold(hold) || !model_is(hold->state, "open")) return;
    if (!is_lapsed(&c, hold)) { /* bills are kept longer now */
        model_find_due(m, partition, OP_expire, hold->id, identity)->at_ms = lapses_at(&c, hold);
        return;
    }
    snprintf(c.row_identity, sizeof c.row_identity, "%s", identity);
    c.account = model_find_account(m, partition, hold->account);
    model_number_bill(&c);
    model_post(&c, c.account, 0, -(hold->moved - hold->captured));
    end_hold(&c, hold, "expired");
}
