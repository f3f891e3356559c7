/* What the flow tests send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/flow.h"
#include "tests/support/process.h"

uint64_t flow_random(struct flow *flow, uint64_t below) {
    uint64_t z = flow->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static void random_user(struct flow *flow, char name[32]) { snprintf(name, 32, "u%u", (unsigned)flow_random(flow, FLOW_USERS)); }
static void random_merchant(struct flow *flow, char name[32]) { snprintf(name, 32, "m%u", (unsigned)flow_random(flow, FLOW_MERCHANTS)); }

/* Sends it and keeps it as the last one. */
static void send(struct flow *flow, struct intent *intent, struct intent *last) {
    flow_send(flow, intent);
    *last = *intent;
}

/* Keeps what others will refer to, in place of an older one. */
static void remember(struct flow *flow, struct flow_past past[FLOW_PAST], const struct intent *intent) {
    struct flow_past *p = &past[flow_random(flow, FLOW_PAST)];
    snprintf(p->account, sizeof p->account, "%s", intent->account);
    snprintf(p->source, sizeof p->source, "%s", intent->source);
    snprintf(p->key, sizeof p->key, "%s", intent->key);
}

/* An intent of `op` that refers to one of them; false when there is none there. */
static bool refer(struct flow *flow, const struct flow_past past[FLOW_PAST], enum op op, struct intent *intent) {
    const struct flow_past *p = &past[flow_random(flow, FLOW_PAST)];
    if (!p->key[0]) return false;
    *intent = flow_intent(op, p->account, NULL, 0, p->key);
    flow_set_text(intent, FIELD_source, p->source);
    return true;
}

static void send_payment(struct flow *flow, struct intent *last) {
    char user[32], merchant[32];
    random_user(flow, user);
    random_merchant(flow, merchant);
    struct intent pay = flow_intent(OP_pay, user, merchant, 1 + flow_random(flow, 20000), NULL);
    if (flow_random(flow, 4) == 0) flow_set_text(&pay, FIELD_source, "app");
    send(flow, &pay, last);
}

void flow_pay(struct flow *flow, unsigned count) {
    struct intent ignored;
    for (unsigned n = 0; n < count; n++) send_payment(flow, &ignored);
}

/* Refunds part of the last payment; it may have been refused, or refunded before, or be no payment. */
static void send_refund(struct flow *flow, struct intent *last) {
    struct intent refund = flow_intent(OP_refund, last->account, NULL, 1 + flow_random(flow, 500), last->key);
    flow_set_text(&refund, FIELD_source, last->source);
    flow_send(flow, &refund);
}

static void send_rollback(struct flow *flow, struct intent *last) {
    struct intent rollback = flow_intent(OP_rollback, last->account, NULL, 0, last->key);
    flow_set_text(&rollback, FIELD_source, last->source);
    flow_send(flow, &rollback);
}

static void send_again(struct flow *flow, struct intent *last) { flow_send(flow, last); } /* the same bytes */

static void send_topup(struct flow *flow, struct intent *last) {
    char user[32];
    random_user(flow, user);
    struct intent topup = flow_intent(OP_topup, user, NULL, 1 + flow_random(flow, 5000), NULL);
    send(flow, &topup, last);
}

/* Answered with code 6: no `to`. */
static void send_malformed(struct flow *flow, struct intent *last) {
    char user[32];
    (void)last;
    random_user(flow, user);
    struct intent pay = flow_intent(OP_pay, user, NULL, 5, NULL);
    flow_send(flow, &pay);
}

static void send_unreadable(struct flow *flow, struct intent *last) {
    static const uint8_t bytes[] = {0x81, 0xa1, 'x', 0xc1};
    (void)last;
    flow_send_bytes(flow, (unsigned)flow_random(flow, flow->book.partitions), "intent", bytes, sizeof bytes);
    flow->unreadable++;
}

/* A freeze and a thaw of a merchant of its own: both have follow-ups. Or of a user, so that transfers come back. */
static void send_freeze(struct flow *flow, struct intent *last) {
    char name[32] = "u0";
    (void)last;
    if (flow_random(flow, 3)) random_merchant(flow, name);
    struct intent freeze = flow_intent(flow_random(flow, 2) ? OP_freeze : OP_thaw, name, NULL, 0, NULL);
    flow_send(flow, &freeze);
}

static void send_open(struct flow *flow, struct intent *last) {
    char name[32];
    (void)last;
    snprintf(name, sizeof name, "extra%u", (unsigned)flow_random(flow, 20));
    flow_open_account(flow, name, "merchant");
}

/* One in ten to somebody who cannot have it. */
static void send_transfer(struct flow *flow, struct intent *last) {
    static const char *const nobody[] = {"nobody1", "nobody2", "m0", "extra1"};
    char from[32], to[32];
    random_user(flow, from);
    random_user(flow, to);
    if (strcmp(from, to) == 0) return;
    struct intent transfer = flow_intent(OP_transfer, from, flow_random(flow, 10) ? to : nobody[flow_random(flow, 4)],
                                         1 + flow_random(flow, 9000), NULL);
    if (flow_random(flow, 2)) flow_set_text(&transfer, FIELD_currency, "CNY");
    send(flow, &transfer, last);
}

static struct intent make_hold(struct flow *flow, uint64_t most_minor) {
    char user[32], merchant[32];
    random_user(flow, user);
    random_merchant(flow, merchant);
    return flow_intent(OP_hold, user, merchant, 1 + flow_random(flow, most_minor), NULL);
}

static void send_hold(struct flow *flow, struct intent *last) {
    struct intent hold = make_hold(flow, 9000);
    if (flow_random(flow, 4)) flow_set_number(&hold, FIELD_expires, 200 + flow_random(flow, 1800));
    send(flow, &hold, last);
    remember(flow, flow->holds, last);
}

void flow_hold(struct flow *flow, unsigned count) {
    for (unsigned n = 0; n < count; n++) {
        struct intent hold = make_hold(flow, 200);
        flow_set_number(&hold, FIELD_expires, 100 + flow_random(flow, 1400));
        flow_send(flow, &hold);
        remember(flow, flow->holds, &hold);
    }
}

static void send_capture(struct flow *flow, struct intent *last) {
    struct intent capture;
    if (!refer(flow, flow->holds, OP_capture, &capture)) return;
    if (flow_random(flow, 2)) flow_set_number(&capture, FIELD_amount, 1 + flow_random(flow, 4000));
    if (flow_random(flow, 2)) flow_set_number(&capture, FIELD_final, flow_random(flow, 2));
    send(flow, &capture, last);
}

static void send_release(struct flow *flow, struct intent *last) {
    struct intent release;
    if (refer(flow, flow->holds, OP_release, &release)) send(flow, &release, last);
}

static void add_step(struct intent *group, const struct intent *step) {
    struct intent_fault fault;
    struct intent alone = *step;
    alone.present &= field_bits_of_step();
    const char *wrong = intent_add_step(group, &alone, &fault);
    if (wrong) process_die(NULL, "a step: %s", wrong);
}

/* A payment, a hold and one more of these, or a transfer, which is refused where it would leave the partition. */
static void send_group(struct flow *flow, struct intent *last) {
    char user[32], other[32];
    random_user(flow, user);
    random_user(flow, other);
    struct intent group = flow_intent(OP_group, user, NULL, 0, NULL);
    for (uint64_t n = 2 + flow_random(flow, 2); n > 0; n--) {
        struct intent step = make_hold(flow, 3000);
        if (flow_random(flow, 2)) step = flow_intent(OP_pay, user, step.to, step.amount_minor, NULL);
        else flow_set_number(&step, FIELD_expires, 200 + flow_random(flow, 1000));
        add_step(&group, &step);
    }
    if (strcmp(user, other) != 0 && flow_random(flow, 2)) {
        struct intent step = flow_intent(OP_transfer, user, other, 1 + flow_random(flow, 3000), NULL);
        add_step(&group, &step);
    }
    send(flow, &group, last);
}

/* Never for longer than half a second, so that others get something done. */
static void send_lock(struct flow *flow, struct intent *last) {
    char user[32];
    (void)last;
    random_user(flow, user);
    bool locks = flow_random(flow, 3) > 0;
    struct intent lock = flow_intent(locks ? OP_lock : OP_unlock, user, NULL, 0, NULL);
    flow_set_text(&lock, FIELD_token, flow_random(flow, 3) ? "mine" : "yours");
    if (locks) flow_set_number(&lock, FIELD_expires, 1 + flow_random(flow, 500));
    flow_send(flow, &lock);
}

static void send_scheduled(struct flow *flow, struct intent *last) {
    static const enum op ops[] = {OP_pay, OP_hold, OP_transfer, OP_topup, OP_withdraw};
    enum op op = ops[flow_random(flow, sizeof ops / sizeof *ops)];
    char user[32], other[32];
    random_user(flow, user);
    if (op == OP_transfer) random_user(flow, other);
    else random_merchant(flow, other);
    if (strcmp(user, other) == 0) return;
    struct intent later = flow_intent(op, user, op == OP_topup || op == OP_withdraw ? NULL : other, 1 + flow_random(flow, 5000), NULL);
    flow_set_number(&later, FIELD_not_before, flow_now_ms() + 100 + flow_random(flow, 1900));
    send(flow, &later, last);
    remember(flow, flow->scheduled, last);
}

static void send_unscheduled(struct flow *flow, struct intent *last) {
    struct intent unschedule;
    if (refer(flow, flow->scheduled, OP_unschedule, &unschedule)) send(flow, &unschedule, last);
}

static void send_sale(struct flow *flow, struct intent *last) {
    (void)last;
    flow_sell(flow);
}

static void send_purchase(struct flow *flow, struct intent *last) {
    (void)last;
    flow_buy(flow);
}

typedef void sender(struct flow *flow, struct intent *last);

static const struct {
    unsigned share; /* of a hundred */
    sender *send;
} kinds[] = {
    {15, send_payment}, {6, send_refund},  {2, send_rollback}, {7, send_again}, {6, send_topup},     {5, send_malformed},
    {2, send_unreadable}, {2, send_freeze}, {3, send_open},    {12, send_transfer}, {9, send_hold},  {5, send_capture},
    {2, send_release},  {4, send_group},   {2, send_lock},     {3, send_scheduled}, {1, send_unscheduled},
    {8, send_sale},     {6, send_purchase},
};

static sender *random_sender(struct flow *flow) {
    uint64_t dice = flow_random(flow, 100);
    size_t kind = 0;
    while (dice >= kinds[kind].share) dice -= kinds[kind++].share;
    return kinds[kind].send;
}

void flow_load(struct flow *flow, unsigned count) {
    struct intent last;
    send_payment(flow, &last);
    for (unsigned n = 1; n < count; n++) random_sender(flow)(flow, &last);
}

void flow_load_shared(struct flow *flow, unsigned count) {
    flow_share(flow);
    flow_load(flow, count);
    flow_share_end(flow);
}

void flow_load_here(struct flow *flow, unsigned count) {
    struct intent last;
    send_payment(flow, &last);
    for (unsigned n = 1; n < count; n++) {
        sender *one = random_sender(flow);
        if (one == send_transfer || one == send_scheduled || one == send_purchase) one = send_payment;
        one(flow, &last);
    }
}

void flow_transfer(struct flow *flow, unsigned count, flow_where *from, flow_where *to) {
    char payer[32], payee[32];
    while (count > 0) {
        random_user(flow, payer);
        random_user(flow, payee);
        unsigned p = keys_partition(&flow->book, payer, strlen(payer)), q = keys_partition(&flow->book, payee, strlen(payee));
        if (strcmp(payer, payee) == 0 || (from && !from(flow, p)) || (to && !to(flow, q))) continue;
        struct intent transfer = flow_intent(OP_transfer, payer, payee, 1 + flow_random(flow, 200), NULL);
        flow_queue(flow, &transfer);
        count--;
    }
    flow_queued(flow);
}
