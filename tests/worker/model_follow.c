/* The reference model: what reaches other partitions, and what comes back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/model_state.h"

static void add(struct model *m, const struct model_follow_up *f) {
    m->follow_ups = model_grow(m->follow_ups, m->follow_up_count, sizeof *m->follow_ups);
    m->follow_ups[m->follow_up_count++] = *f;
}

static struct model_follow_up follow_up(const struct hearing *c, enum op op, const char *account, const char *identity, const char *step,
                                        struct entry_id entry) {
    struct model_follow_up f = {.from = c->partition, .op = op};
    snprintf(f.account, sizeof f.account, "%s", account);
    if (snprintf(f.key, sizeof f.key, "%s>%s", identity, step) >= (int)sizeof f.key) abort();
    snprintf(f.entry, sizeof f.entry, "%" PRIu64 "-%" PRIu64, entry.ms, entry.seq);
    snprintf(f.origin, sizeof f.origin, "%u:%" PRIu64 "-%" PRIu64, c->partition, c->id.ms, c->id.seq);
    return f;
}

/* A merchant's: to everywhere else. */
void model_send_status(struct hearing *c) {
    static const char *const statuses[] = {[OP_freeze] = "frozen", [OP_thaw] = "active", [OP_close] = "closed"};
    enum op op = c->i->op;
    if ((op != OP_open && op != OP_freeze && op != OP_thaw && op != OP_close) || !model_is(c->account->kind, "merchant")) return;
    for (unsigned to = 0; to < c->m->partitions; to++) {
        struct model_follow_up f = follow_up(c, op == OP_open ? OP_adopt : OP_mark, c->i->account, c->row_identity,
                                             op == OP_open ? "adopt" : op_word(op), c->original);
        f.to_partition = to;
        if (op == OP_open) memcpy(f.currency, c->i->currency, sizeof f.currency);
        else snprintf(f.status, sizeof f.status, "%s", statuses[op]);
        if (to != c->partition) add(c->m, &f);
    }
}

void model_send_arrive(struct hearing *c) {
    struct model_follow_up f = follow_up(c, OP_arrive, c->i->to, c->row_identity, "arrive", c->original);
    f.to_partition = model_home(c->m, c->i->to);
    f.amount = c->bill.moved;
    memcpy(f.currency, c->account->currency, sizeof f.currency);
    add(c->m, &f);
}

void model_send_paid(struct hearing *c) {
    struct model_follow_up f = follow_up(c, OP_paid, c->i->to, c->row_identity, "paid", c->original);
    f.to_partition = model_home(c->m, c->i->to);
    f.amount = c->bill.moved;
    memcpy(f.currency, c->i->currency, sizeof f.currency);
    memcpy(f.order, c->i->order, sizeof f.order);
    add(c->m, &f);
}

void model_send_swept(struct hearing *c, int64_t gross, int64_t refunds) {
    struct model_follow_up f = follow_up(c, OP_swept, c->i->account, c->row_identity, "swept", c->original);
    f.to_partition = model_home(c->m, c->i->account);
    f.gross = gross;
    f.refunds = refunds;
    memcpy(f.month, c->i->month, sizeof f.month);
    memcpy(f.currency, c->i->currency, sizeof f.currency);
    if (gross || refunds) add(c->m, &f);
}

/* The identity that a follow-up speaks of, and its step. */
static void split_key(const char *key, char identity[INTENT_IDENTITY_MAX + 1]) {
    snprintf(identity, INTENT_IDENTITY_MAX + 1, "%.*s", (int)(strrchr(key, '>') - key), key);
}

/* Once per origin, in the order of origins. */
static bool is_new(struct hearing *c, unsigned *from) {
    char *colon;
    struct model_shard *s = &c->m->shards[c->partition];
    struct entry_id origin;
    *from = (unsigned)strtoul(c->i->origin, &colon, 10);
    if (*from >= c->m->partitions || !entry_id_parse(colon + 1, strlen(colon + 1), &origin)) abort();
    if (s->has_from[*from] && entry_id_compare(origin, s->from[*from]) <= 0) return false;
    s->from[*from] = origin;
    s->has_from[*from] = true;
    return true;
}

static int receive(struct hearing *c) {
    struct model_account *to = c->account;
    if (!to || model_is(to->kind, "merchant")) return 1;
    if (!model_is(to->currency, c->i->currency)) return 15;
    if (!model_active(to)) return 4;
    return model_move(c, model_system(c, "transit", c->i->currency), to, (int64_t)c->i->amount_minor, false);
}

static void payer_of(const struct hearing *c, char payer[70]) {
    snprintf(payer, 70, "%.*s", (int)strcspn(c->row_identity, "/"), c->row_identity);
}

/* Tells the payer's partition what became of it here. */
static void send_back(struct hearing *c, unsigned from, struct entry_id entry, int code, const char *merchant) {
    char payer[70];
    payer_of(c, payer);
    struct model_follow_up f =
        follow_up(c, code ? OP_bounce : OP_settled, payer, c->row_identity, code ? "bounce" : "settled", entry);
    f.to_partition = from;
    f.code = code;
    if (!code) snprintf(f.to, sizeof f.to, "%s", merchant);
    add(c->m, &f);
}

/* An order is to be paid with money that is held elsewhere. */
static int pay_order(struct hearing *c) {
    struct model_order *o = model_find_order(c->m, c->i->account, c->i->order);
    char payer[70];
    payer_of(c, payer);
    if (!c->account || !model_is_for(o, payer)) return 1;
    if (!model_is(o->currency, c->i->currency)) return 15;
    if (!model_active(c->account)) return 4;
    int code = model_check_payable(c, o);
    if (code == 0) model_order_paid(c, o, c->row_identity);
    return code;
}

/* The outcome is known: the bill is closed as of now, and answered. */
static void end_bill(struct hearing *c, struct model_bill *b, int code) {
    struct model_bill *made = &c->bill;
    char number[sizeof made->number];
    memcpy(number, b->op == OP_pay && code == 0 ? made->number : b->number, sizeof number);
    *made = *b;
    memcpy(made->number, number, sizeof number);
    if (code) made->moved = 0;
    if (code == 1) model_detail(c, code, b->op == OP_pay ? "order" : "to");
    if (code == 12 && b->op == OP_pay) model_detail(c, code, "amount");
    snprintf(made->state, sizeof made->state, "%s", b->op == OP_pay && code == 0 ? "captured" : "");
    if (b->op == OP_pay) made->captured = made->moved;
    model_close_bill(c, code);
    *b = *made;
    model_answer(c, b, false);
}

/* What comes back comes back to whatever the account has become. */
static void come_back(struct hearing *c, struct model_bill *b) {
    model_number_bill(c);
    if (b->op == OP_pay) {
        model_post(c, c->account, 0, -b->moved);
        return;
    }
    struct model_account *transit = model_system(c, "transit", c->account->currency);
    model_post(c, transit, -b->moved, 0);
    model_post(c, c->account, b->moved, 0);
}

/* The order is paid: what was held for it goes to the merchant's shard here. */
static void pay_at_last(struct hearing *c, struct model_bill *b) {
    model_number_bill(c);
    model_post(c, c->account, -b->moved, -b->moved);
    model_post(c, model_find_account(c->m, c->partition, b->to), b->moved, 0);
}

static void follow_from_here(struct hearing *c, struct entry_id entry, struct model_bill *b) {
    enum op op = c->i->op;
    if (op == OP_lapse) model_lapse(c, entry);
    if (op == OP_expire && b) model_expire(c->m, c->partition, c->id, b, c->row_identity);
    if (op == OP_due && b && model_is(b->state, "scheduled")) model_wake(c->m, c->partition, c->id, b);
    if (op != OP_lapse && !b) model_remove_due(c->m, c->partition, op, entry, c->row_identity); /* its bill is no longer kept */
}

static void follow_from_there(struct hearing *c, unsigned from, struct entry_id entry, struct model_bill *b) {
    enum op op = c->i->op;
    if (op == OP_adopt && !c->account)
        model_add_account(c->m, c->partition, c->i->account, kind_word(c->i->kind), c->i->currency, c->id.ms);
    if (op == OP_mark && c->account) {
        snprintf(c->account->status, sizeof c->account->status, "%s", status_word(c->i->status));
        c->account->changed_ms = c->id.ms;
    }
    if (op == OP_arrive) send_back(c, from, entry, receive(c), "");
    if (op == OP_paid) send_back(c, from, entry, pay_order(c), c->i->account);
    if (op == OP_swept && c->account) model_sweep(c, from);
    if (op == OP_bounce && b) come_back(c, b);
    if (op == OP_settled && b && b->op == OP_pay) pay_at_last(c, b);
    if ((op == OP_bounce || op == OP_settled) && b) end_bill(c, b, op == OP_bounce ? (int)c->i->code : 0);
}

void model_follow(struct hearing *c) {
    struct entry_id entry;
    unsigned from;
    if (!entry_id_parse(c->i->entry, strlen(c->i->entry), &entry)) abort();
    split_key(c->i->key, c->row_identity);
    c->row_note = "";
    struct model_bill *b = model_find_original(c->m, c->partition, c->row_identity, entry);
    if (op_is_own(c->i->op)) follow_from_here(c, entry, b);
    else if (is_new(c, &from)) follow_from_there(c, from, entry, b);
}
