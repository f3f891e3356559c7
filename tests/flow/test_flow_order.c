/* Orders with real workers: the last article is sold once, a paid order's money goes over partitions or comes back, unpaid ones lapse. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { BUYERS = 100, PARTITIONS = 16, EACH = 5000, PRICE = 100 /* of a0 */ };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_order, .fini = stop, .timeout = 100);

static unsigned partition_of(const char *account) { return keys_partition(&flow.book, account, strlen(account)); }

static void start_workers(unsigned count) {
    for (unsigned n = 0; n < count; n++) flow_worker(&flow, n, NULL);
    cr_assert(flow_serving(&flow, 10000));
}

static const char *buyer(unsigned n) {
    static char names[4][16];
    static unsigned next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof *names, "b%u", n);
    return name;
}

/* A merchant with so many pieces of a0, and buyers in every partition. */
static void open_shop(unsigned workers, int64_t pieces) {
    bool lives[PARTITIONS] = {false};
    flow_start(&flow, PARTITIONS, NULL);
    flow_open_account(&flow, "m0", "merchant");
    flow_price_article(&flow, "m0", 0);
    flow_stock_article(&flow, "m0", 0, pieces);
    for (unsigned n = 0; n < BUYERS; n++) {
        flow_open_account(&flow, buyer(n), "user");
        struct intent topup = flow_intent(OP_topup, buyer(n), NULL, EACH, NULL);
        flow_send(&flow, &topup);
        lives[partition_of(buyer(n))] = true;
    }
    for (unsigned p = 0; p < PARTITIONS; p++) cr_assert(lives[p], "nobody lives in partition %u", p);
    start_workers(workers);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static int64_t paid_by(unsigned n) { return EACH - flow_account(&flow, buyer(n), "balance"); }

/* One buyer was charged `amount`, nobody else anything, nothing is held or on its way; who it was. */
static unsigned expect_one_charged(const char *name, int64_t amount) {
    unsigned charged = BUYERS;
    for (unsigned n = 0; n < BUYERS; n++) {
        cr_assert_eq(flow_account(&flow, buyer(n), "held"), 0, "%s: something of %s is held", name, buyer(n));
        if (paid_by(n) == 0) continue;
        cr_assert(charged == BUYERS && paid_by(n) == amount, "%s: %s paid %lld", name, buyer(n), (long long)paid_by(n));
        charged = n;
    }
    cr_assert_neq(charged, BUYERS, "%s: nobody was charged", name);
    cr_assert_eq(flow_sum(&flow, "m0", "balance"), amount, "%s: the merchant has %lld", name, (long long)flow_sum(&flow, "m0", "balance"));
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", name);
    return charged;
}

/* The one whose intent was done; all others were refused with this code. */
static unsigned find_winner(const char *name, const struct intent sent[BUYERS], int refusal) {
    unsigned winner = BUYERS;
    for (unsigned n = 0; n < BUYERS; n++) {
        struct flow_answer a = flow_answer(&flow, &sent[n]);
        cr_assert_eq(a.count, 1, "%s: buyer %u has %u answers", name, n, a.count);
        cr_assert(a.code == refusal || (a.code == CODE_ok && winner == BUYERS), "%s: buyer %u was told %d", name, n, a.code);
        if (a.code == CODE_ok) winner = n;
    }
    cr_assert_neq(winner, BUYERS, "%s: nobody got it", name);
    return winner;
}

static const unsigned worker_counts[] = {1, 3};

/* Everybody pays the one order of the last piece. */
ParameterizedTestParameters(flow_order, last_one_is_paid_once) {
    return cr_make_param_array(const unsigned, (void *)(uintptr_t)worker_counts, 2);
}

ParameterizedTest(const unsigned *workers, flow_order, last_one_is_paid_once, .fini = stop, .timeout = 100) {
    static struct intent sent[BUYERS];
    open_shop(*workers, 1);
    struct intent order = flow_order("m0", "last", NULL, 0);
    flow_add_line(&order, 0, 1);
    flow_send(&flow, &order);
    for (unsigned n = 0; n < BUYERS; n++) {
        sent[n] = flow_order_payment(buyer(n), "m0", "last", PRICE);
        flow_queue(&flow, &sent[n]);
    }
    flow_queued(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    unsigned winner = find_winner("paying", sent, CODE_wrong_state);
    cr_assert_eq(expect_one_charged("paying", PRICE), winner, "one got it and another was charged");
    char identity[INTENT_IDENTITY_MAX + 1];
    intent_identity(&sent[winner], identity);
    cr_assert_str_eq(flow_of_order(&flow, "m0", "last", "state"), "paid");
    cr_assert_str_eq(flow_of_order(&flow, "m0", "last", "payer"), identity);
    cr_assert_eq(flow_in_stock(&flow, "m0", 0), 0);
    check_sound(&flow, "paying", 0);
}

/* For everybody an order of the last piece is made, and everybody pays his own, whether he got one or not. */
ParameterizedTestParameters(flow_order, last_one_is_ordered_once) {
    return cr_make_param_array(const unsigned, (void *)(uintptr_t)worker_counts, 2);
}

ParameterizedTest(const unsigned *workers, flow_order, last_one_is_ordered_once, .fini = stop, .timeout = 100) {
    static struct intent orders[BUYERS], payments[BUYERS];
    char name[16];
    open_shop(*workers, 1);
    for (unsigned n = 0; n < BUYERS; n++) {
        snprintf(name, sizeof name, "o%u", n);
        orders[n] = flow_order("m0", name, buyer(n), 0);
        flow_add_line(&orders[n], 0, 1);
        flow_queue(&flow, &orders[n]);
        payments[n] = flow_order_payment(buyer(n), "m0", name, PRICE);
        flow_queue(&flow, &payments[n]);
    }
    flow_queued(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    unsigned winner = find_winner("ordering", orders, CODE_out_of_stock);
    struct flow_answer a = flow_answer(&flow, &payments[winner]);
    if (a.code == CODE_not_found) { /* the payment was at the order's home before the order */
        struct intent again = flow_order_payment(buyer(winner), "m0", orders[winner].order, PRICE);
        flow_send(&flow, &again);
        cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
        a = flow_answer(&flow, &again);
    }
    cr_assert_eq(a.code, CODE_ok, "the one who got it was told %d", a.code);
    cr_assert_eq(expect_one_charged("ordering", PRICE), winner, "one got it and another was charged");
    cr_assert_eq(flow_in_stock(&flow, "m0", 0), 0);
    check_sound(&flow, "ordering", 0);
}

/* --- the road over partitions --- */

/* The first buyer whose partition is (or is not) that of m0. */
static unsigned find_buyer(bool at_home) {
    unsigned n = 0;
    while (n < BUYERS && (partition_of(buyer(n)) == partition_of("m0")) != at_home) n++;
    cr_assert_neq(n, BUYERS);
    return n;
}

static void send_order(const char *name, const char *customer, uint64_t pieces, uint64_t expires_ms) {
    struct intent order = flow_order("m0", name, customer, expires_ms);
    flow_add_line(&order, 0, pieces);
    flow_send(&flow, &order);
}

static void take_the_road(bool at_home) {
    const char *name = at_home ? "at home" : "over partitions";
    unsigned n = find_buyer(at_home);
    send_order("o1", buyer(n), 3, 0);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct intent pay = flow_order_payment(buyer(n), "m0", "o1", 3 * PRICE), wrong = flow_order_payment(buyer(n), "m0", "o1", 2 * PRICE);
    flow_send(&flow, &wrong);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_send(&flow, &pay);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_send(&flow, &pay);
    struct intent twice = flow_order_payment(buyer(n), "m0", "o1", 3 * PRICE), cancel = flow_cancellation("m0", "o1");
    flow_send(&flow, &twice);
    flow_send(&flow, &cancel);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct flow_answer a = flow_answer(&flow, &pay), b = flow_answer(&flow, &wrong);
    cr_assert(a.count == 2 && a.replays == 1 && a.code == CODE_ok && a.amount_minor == 3 * PRICE && a.held_minor == 0 &&
              a.balance_minor == EACH - 3 * PRICE, "%s: code %d, %u answers, balance %lld", name, a.code, a.count,
              (long long)a.balance_minor);
    cr_assert(b.code == CODE_limit_exceeded && b.amount_minor == 0, "%s: the wrong amount was told %d", name, b.code);
    cr_assert_str_eq(b.detail, "amount", "%s", name);
    cr_assert_eq(flow_answer(&flow, &twice).code, CODE_wrong_state, "%s: paid twice", name);
    cr_assert_eq(flow_answer(&flow, &cancel).code, CODE_wrong_state, "%s: cancelled after it was paid", name);
    cr_assert_eq(expect_one_charged(name, 3 * PRICE), n);
    struct intent refund = flow_intent(OP_refund, buyer(n), NULL, PRICE, pay.key);
    flow_send(&flow, &refund);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &refund).code, CODE_ok, "%s: the refund was told %d", name, flow_answer(&flow, &refund).code);
    cr_assert_eq(expect_one_charged(name, 2 * PRICE), n);
    cr_assert_str_eq(flow_of_order(&flow, "m0", "o1", "state"), "paid", "%s", name);
    cr_assert_eq(flow_in_stock(&flow, "m0", 0), 7, "%s", name);
    check_sound(&flow, name, 0);
}

ParameterizedTestParameters(flow_order, takes_the_road) {
    return cr_make_param_array(const unsigned, (void *)(uintptr_t)worker_counts, 2);
}

ParameterizedTest(const unsigned *workers, flow_order, takes_the_road, .fini = stop, .timeout = 100) {
    for (int at_home = 0; at_home < 2; at_home++) {
        open_shop(*workers, 10);
        take_the_road(at_home);
        flow_stop(&flow);
    }
}
