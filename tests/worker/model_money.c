/* The reference model: money moves between two accounts of a partition, or leaves for another. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/model_state.h"

struct model_account *model_system(struct hearing *c, const char *word, const char *currency) {
    char name[24];
    snprintf(name, sizeof name, "@%s:%s", word, currency);
    struct model_account *a = model_find_account(c->m, c->partition, name);
    return a ? a : model_add_account(c->m, c->partition, name, "system", currency, 0);
}

void model_number_bill(struct hearing *c) {
    snprintf(c->bill.number, sizeof c->bill.number, "%u-%" PRIu64, c->partition, ++c->m->shards[c->partition].bill);
}

void model_post(struct hearing *c, struct model_account *a, int64_t amount, int64_t hold) {
    struct model *m = c->m;
    struct model_line line = {.partition = c->partition};
    a->balance += amount;
    a->held += hold;
    a->seq++;
    a->changed_ms = c->id.ms;
    if (a->opened_ms == 0) a->opened_ms = c->id.ms;
    if (model_is(a->kind, "merchant")) model_earn(c, a, amount);
    if (asprintf(&line.text, "ledger %s %s %s %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %s",
                 c->bill.number, c->row_identity, c->row_op, a->name, amount, hold, a->balance, a->held, a->seq, c->id.ms, c->row_note) < 0)
        abort();
    m->rows = model_grow(m->rows, m->row_count, sizeof *m->rows);
    m->rows[m->row_count++] = line;
}

/* Check 11: no balance beyond 2^53 - 1 either way, nor a month's gross or refunds; no credit above the book's own cap. */
int model_capped(const struct hearing *c, const struct model_account *from, const struct model_account *to, int64_t amount) {
    const struct model_shard *s = &c->m->shards[c->partition];
    bool own = !model_is(to->kind, "merchant") && !model_is(to->kind, "system") && s->has_policy[SETTING_balance_cap];
    if (from->balance - amount < -MODEL_CAP || to->balance + amount > MODEL_CAP) return 12;
    if (model_earns_too_much(c, from, -amount) || model_earns_too_much(c, to, amount)) return 12;
    return own && to->balance + amount > (int64_t)s->policy[SETTING_balance_cap] ? 12 : 0;
}

/* Checks 11 and 12, then the posting. */
int model_move(struct hearing *c, struct model_account *from, struct model_account *to, int64_t amount, bool funded) {
    if (model_capped(c, from, to, amount)) return 12;
    if (funded && from->balance - from->held < amount) return 3;
    model_number_bill(c);
    model_post(c, from, -amount, 0);
    model_post(c, to, amount, 0);
    c->bill.moved = amount;
    return 0;
}

int model_topup(struct hearing *c) {
    if (!model_is(c->account->currency, c->i->currency)) return 15;
    if (!model_active(c->account)) return 4;
    int code = model_stand_in_the_way(c, NULL, false);
    if (code) return code;
    return model_move(c, model_system(c, "world", c->i->currency), c->account, (int64_t)c->i->amount_minor, false);
}

int model_withdraw(struct hearing *c) {
    if (*c->i->currency && !model_is(c->account->currency, c->i->currency)) return 15;
    if (!model_active(c->account)) return 4;
    int code = model_stand_in_the_way(c, NULL, true);
    if (code) return code;
    return model_move(c, c->account, model_system(c, "world", c->account->currency), (int64_t)c->i->amount_minor, true);
}

/* An order that lies elsewhere: the money is held until its home has said what becomes of it. */
static int pay_far_order(struct hearing *c, const struct model_account *merchant) {
    int64_t amount = (int64_t)c->i->amount_minor;
    if (merchant->balance + amount > MODEL_CAP || model_earns_too_much(c, merchant, amount)) return 12;
    if (c->account->balance - c->account->held < amount) return 3;
    model_number_bill(c);
    model_post(c, c->account, 0, amount);
    model_count_payment(c);
    c->bill.moved = amount;
    snprintf(c->bill.state, sizeof c->bill.state, "in_progress");
    model_send_paid(c);
    return 20;
}

/* The checks of a payment up to the order it is for, which is NULL when it is for none or for one that lies elsewhere. */
static int check_payment(struct hearing *c, const struct model_account *merchant, const struct model_order *order) {
    if (!model_is(c->account->currency, c->i->currency) || !model_is(merchant->currency, c->i->currency)) return 15;
    if (!model_active(c->account) || !model_active(merchant)) return 4;
    int code = model_stand_in_the_way(c, NULL, true);
    if (code == 0 && order) code = model_check_payable(c, order);
    if (code == 12) model_detail(c, code, "amount");
    return code;
}

int model_pay(struct hearing *c) {
    struct model_account *merchant = model_find_account(c->m, c->partition, c->i->to);
    bool ordered = model_has(c->i, FIELD_order), here = ordered && model_is_here(c, c->i->to);
    struct model_order *order = here ? model_find_order(c->m, c->i->to, c->i->order) : NULL;
    if (!merchant || !model_is(merchant->kind, "merchant")) return model_detail(c, 1, "to");
    if (here && !model_is_for(order, c->i->account)) return model_detail(c, 1, "order");
    int code = check_payment(c, merchant, order);
    if (code) return code;
    if (model_is_too_fast(c)) return 8;
    if (ordered && !here) return pay_far_order(c, merchant);
    if (!ordered && model_looks_alike(c)) return 9;
    code = model_move(c, c->account, merchant, (int64_t)c->i->amount_minor, true);
    if (code) return code;
    model_count_payment(c);
    if (!ordered) model_remember_payment(c);
    if (order) model_order_paid(c, order, c->row_identity);
    snprintf(c->bill.state, sizeof c->bill.state, "captured");
    c->bill.captured = c->bill.moved;
    return 0;
}

/* Was it a payment, or a hold that may have been captured? */
static bool is_refundable(const struct model_bill *paid) { return (paid->op == OP_pay || paid->op == OP_hold) && paid->code == 0; }

/* Of what is of no such kind not even its merchant counts. */
static int refuse_kind(struct hearing *c, const struct model_bill *of) {
    if (!model_active(c->account)) return 4;
    int code = model_stand_in_the_way(c, of, false);
    return code ? code : 11;
}

int model_refund(struct hearing *c) {
    struct model_bill *paid = model_find_referred(c);
    if (*c->i->currency) memcpy(c->bill.currency, c->i->currency, sizeof c->bill.currency);
    if (!paid) return model_detail(c, 1, "of");
    if (!is_refundable(paid)) return refuse_kind(c, paid);
    if (model_restated_wrongly(c, paid)) return 6;
    model_refer(c, paid);
    struct model_account *merchant = model_find_account(c->m, c->partition, paid->to);
    if (!model_active(c->account) || !model_active(merchant)) return 4;
    int code = model_stand_in_the_way(c, paid, false);
    if (code) return code;
    if (paid->op == OP_pay ? !model_is(paid->state, "captured") : paid->captured == 0) return 11;
    int64_t left = paid->captured - paid->refunded, amount = c->i->amount_minor ? (int64_t)c->i->amount_minor : left;
    if (left == 0 || amount > left) return 12;
    code = model_move(c, merchant, c->account, amount, false);
    if (code == 0) paid->refunded += amount;
    return code;
}

int model_rollback(struct hearing *c) {
    struct model_bill *done = model_find_referred(c);
    if (!done) return model_detail(c, 1, "of");
    enum op op = done->op;
    if ((op != OP_topup && op != OP_withdraw && op != OP_pay) || done->code != 0) return refuse_kind(c, done);
    model_refer(c, done);
    struct model_account *other =
        op == OP_pay ? model_find_account(c->m, c->partition, done->to) : model_system(c, "world", done->currency);
    if (!model_active(c->account) || !model_active(other)) return 4;
    int code = model_stand_in_the_way(c, done, op == OP_topup);
    if (code) return code;
    if (done->refunded) return 11;
    code = op == OP_topup ? model_move(c, c->account, other, done->moved, true) : model_move(c, other, c->account, done->moved, false);
    if (code) return code;
    done->refunded = done->moved;
    if (op == OP_pay) snprintf(done->state, sizeof done->state, "released");
    return 0;
}

unsigned model_home(const struct model *m, const char *account) {
    return (unsigned)(crc32(0, (const unsigned char *)account, (unsigned)strlen(account)) % m->partitions);
}

bool model_is_here(const struct hearing *c, const char *account) { return model_home(c->m, account) == c->partition; }

/* The checks of a transfer before those of amounts. */
static int check_transfer(struct hearing *c, bool here, const struct model_account *to) {
    if (here && (!to || model_is(to->kind, "merchant"))) return model_detail(c, 1, "to");
    if (*c->i->currency && !model_is(c->account->currency, c->i->currency)) return 15;
    if (here && !model_is(c->account->currency, to->currency)) return 15;
    if (!model_active(c->account) || (here && !model_active(to))) return 4;
    return model_stand_in_the_way(c, NULL, true);
}

int model_transfer(struct hearing *c) {
    bool here = model_is_here(c, c->i->to);
    struct model_account *to = here ? model_find_account(c->m, c->partition, c->i->to) : NULL;
    int code = check_transfer(c, here, to);
    if (code) return code;
    if (!here) to = model_system(c, "transit", c->account->currency);
    code = model_move(c, c->account, to, (int64_t)c->i->amount_minor, true);
    if (code || here) return code;
    snprintf(c->bill.state, sizeof c->bill.state, "in_progress");
    model_send_arrive(c);
    return 20;
}
