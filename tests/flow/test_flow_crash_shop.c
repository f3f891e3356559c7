/* The crash matrix of orders and settlement: the payment of an order that lies elsewhere, from the reserve to the home and back; an order
 * that lapses; a shard's month on its way to the merchant's home. The worker that has the partition at hand dies at each point of each leg,
 * alone and with two others beside it. In the end each was answered once, the order was paid once or not at all, what was reserved is given
 * back, the month is settled once. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"
#include "tests/flow/doomed.h"

enum { PARTITIONS = 6, PRICE = 100 /* of a0 */, PIECES = 5, PAID = 70, GIVEN_BACK = 30, BASIS_POINTS = 250, MERCHANTS = 20 };

enum what { PAID_ORDER, REFUSED_PAYMENT, UNPAID_ORDER, MONTH };

struct row {
    char point[32];
    unsigned alone, beside; /* the how-manieth time: in the only worker; in the one that has but the partition at hand */
    enum what what;
    bool at_home;           /* the partition at hand is the merchant's home, not the payer's or the shard's */
};

static const struct row rows[] = {
    {"before_apply", 1, 1, PAID_ORDER, false},     {"after_apply", 1, 1, PAID_ORDER, false},
    {"amid_follow_ups", 1, 1, PAID_ORDER, false},  {"after_follow_ups", 1, 1, PAID_ORDER, false},
    {"after_answer", 1, 1, PAID_ORDER, false},     {"before_apply", 2, 1, PAID_ORDER, true},
    {"after_apply", 2, 1, PAID_ORDER, true},       {"amid_follow_ups", 2, 1, PAID_ORDER, true},
    {"after_follow_ups", 2, 1, PAID_ORDER, true},  {"after_answer", 2, 1, PAID_ORDER, true},
    {"before_apply", 3, 2, PAID_ORDER, false},     {"after_apply", 3, 2, PAID_ORDER, false},
    {"after_apply", 2, 1, REFUSED_PAYMENT, true},  {"amid_follow_ups", 2, 1, REFUSED_PAYMENT, true},
    {"after_answer", 2, 1, REFUSED_PAYMENT, true}, {"before_apply", 3, 2, REFUSED_PAYMENT, false},
    {"after_apply", 3, 2, REFUSED_PAYMENT, false}, {"after_apply", 1, 1, UNPAID_ORDER, true},
    {"after_due", 1, 1, UNPAID_ORDER, true},       {"before_apply", 2, 2, UNPAID_ORDER, true},
    {"after_apply", 2, 2, UNPAID_ORDER, true},     {"before_apply", 1, 1, MONTH, false},
    {"after_apply", 1, 1, MONTH, false},           {"amid_follow_ups", 1, 1, MONTH, false},
    {"after_follow_ups", 1, 1, MONTH, false},      {"after_answer", 1, 1, MONTH, false},
    {"before_apply", 2, 1, MONTH, true},           {"after_apply", 2, 1, MONTH, true},
};

static struct flow flow;
static char last_month[8];

static void stop(void) { flow_stop(&flow); }

/* Every merchant has five pieces of a0 and the order o1 of one of them. */
static void open_shops(void) {
    char name[16];
    for (unsigned n = 0; n < MERCHANTS; n++) {
        snprintf(name, sizeof name, "m%u", n);
        flow_price_article(&flow, name, 0);
        flow_stock_article(&flow, name, 0, PIECES);
        struct intent order = flow_order(name, "o1", NULL, 0);
        flow_add_line(&order, 0, 1);
        flow_send(&flow, &order);
    }
}

/* Last month a user of each partition paid every merchant, and got some of it back. */
static void trade(void) {
    char to[16];
    for (unsigned n = 0; n < MERCHANTS * PARTITIONS; n++) {
        const char *user = flow_name_in(&flow, "u", n % PARTITIONS);
        snprintf(to, sizeof to, "m%u", n / PARTITIONS);
        struct intent pay = flow_intent(OP_pay, user, to, PAID, NULL);
        flow_send(&flow, &pay);
        struct intent refund = flow_intent(OP_refund, user, NULL, GIVEN_BACK, pay.key);
        flow_send(&flow, &refund);
    }
}

static void begin(const char *point, unsigned beside) {
    flow_start(&flow, PARTITIONS, NULL);
    flow.entry_ms = flow_month(1, last_month);
    flow_open_past(&flow, MERCHANTS, BASIS_POINTS);
    trade();
    flow.entry_ms = 0;
    open_shops();
    doomed_worker(&flow, 0, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    doomed_share(&flow, point, beside);
}

/* Between a partition of the doomed worker's and one of another's, if there is another. */
static struct intent send_it(const struct row *row) {
    unsigned hand = doomed_partition(&flow, true, PARTITIONS), other = doomed_partition(&flow, false, PARTITIONS);
    if (other == PARTITIONS) other = doomed_partition(&flow, true, hand);
    const char *merchant = flow_name_in(&flow, "m", row->at_home ? hand : other);
    unsigned p = row->at_home ? other : hand;
    struct intent intent;
    if (row->what == UNPAID_ORDER) {
        intent = flow_order(merchant, "o2", NULL, 300);
        flow_add_line(&intent, 0, 2);
    } else if (row->what == MONTH) {
        intent = flow_settlement("settlement", merchant, last_month, p);
    } else {
        intent = flow_order_payment(flow_name_in(&flow, "u", p), merchant, "o1", row->what == PAID_ORDER ? PRICE : PRICE - 1);
    }
    if (row->what == MONTH) flow_send_to(&flow, p, &intent);
    else flow_send(&flow, &intent);
    return intent;
}

/* What else goes on: every merchant's other shards are settled, everybody tries to pay every order. */
static void send_others(const struct row *row) {
    char name[16];
    for (unsigned n = 0; n < MERCHANTS * PARTITIONS; n++) {
        snprintf(name, sizeof name, "m%u", n / PARTITIONS);
        struct intent settle = flow_settlement("settlement", name, last_month, n % PARTITIONS);
        if (row->what == MONTH) flow_send_to(&flow, n % PARTITIONS, &settle);
        struct intent pay = flow_order_payment(flow_name_in(&flow, "u", n % PARTITIONS), name, "o1", PRICE);
        if (row->what == UNPAID_ORDER) flow_send(&flow, &pay);
    }
}

static void expect_month(const char *name) {
    enum { FEE = 10 }; /* 10.5, half to even */
    char merchant[16];
    for (unsigned n = 0; n < MERCHANTS; n++) {
        snprintf(merchant, sizeof merchant, "m%u", n);
        int64_t has = flow_account(&flow, merchant, "balance"), all = flow_sum(&flow, merchant, "balance");
        cr_assert(has == all && has == PARTITIONS * (PAID - GIVEN_BACK) - FEE, "%s: %s has %lld, %lld of it at home", name, merchant,
                  (long long)all, (long long)has);
    }
}

static void expect_order(const struct row *row, const char *name, const struct intent *intent) {
    const char *merchant = row->what == UNPAID_ORDER ? intent->account : intent->to;
    int64_t spent = FLOW_BALANCE - (PAID - GIVEN_BACK) * MERCHANTS - flow_account(&flow, intent->account, "balance");
    if (row->what == UNPAID_ORDER) cr_assert_str_eq(flow_of_order(&flow, merchant, "o2", "state"), "lapsed", "%s", name);
    else cr_assert_eq(spent, row->what == PAID_ORDER ? PRICE : 0, "%s: %lld were spent", name, (long long)spent);
    if (row->what == REFUSED_PAYMENT) cr_assert_str_eq(flow_of_order(&flow, merchant, "o1", "state"), "created", "%s", name);
    else cr_assert_str_eq(flow_of_order(&flow, merchant, "o1", "state"), "paid", "%s", name);
    cr_assert_eq(flow_in_stock(&flow, merchant, 0), PIECES - 1, "%s: %lld in stock", name, (long long)flow_in_stock(&flow, merchant, 0));
}

static void expect_done(const struct row *row, const char *name, const struct intent *intent) {
    struct flow_answer a = flow_answer(&flow, intent);
    int code = row->what == REFUSED_PAYMENT ? CODE_limit_exceeded : CODE_ok;
    cr_assert(a.count - a.replays == 1 && a.code == code, "%s: %u answers, code %d", name, a.count, a.code);
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", name);
    cr_assert_eq(flow_users(&flow, "held"), 0, "%s: something is held", name);
    if (row->what == MONTH) expect_month(name);
    else expect_order(row, name, intent);
    check_sound(&flow, name, 0);
}

static void die_on_the_way(const struct row *row, unsigned beside) {
    static const char *const words[] = {"paid order", "refused payment", "unpaid order", "month"};
    char point[48], name[120];
    snprintf(point, sizeof point, "%s:%u", row->point, beside ? row->beside : row->alone);
    snprintf(name, sizeof name, "%s, %s, at the %s, %u beside", point, words[row->what], row->at_home ? "home" : "other", beside);
    fprintf(stderr, "%s\n", name);
    begin(point, beside);
    struct intent intent = send_it(row);
    doomed_expect_killed(&flow, name);
    send_others(row);
    if (beside == 0) doomed_worker(&flow, 4, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    expect_done(row, name, &intent);
    flow_stop(&flow);
}

ParameterizedTestParameters(flow_crash_shop, matrix) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

ParameterizedTest(const struct row *row, flow_crash_shop, matrix, .fini = stop, .timeout = 90) {
    die_on_the_way(row, 0);
    die_on_the_way(row, 2);
}

/* Hundreds on their way at once: orders, their payments, the months of all shards; the one that has all dies at a point among them. */
ParameterizedTestParameters(flow_crash_shop, many) {
    static const char points[][32] = {"amid_follow_ups:7", "after_follow_ups:9", "after_answer:11", "after_apply:20", "before_apply:33",
                                      "after_due:2",       "after_due:5"};
    return cr_make_param_array(const char[32], (void *)(uintptr_t)points, sizeof points / sizeof *points);
}

ParameterizedTest(const char (*point)[32], flow_crash_shop, many, .fini = stop, .timeout = 90) {
    fprintf(stderr, "%s\n", *point);
    begin(*point, 0);
    send_others(&(struct row){.what = MONTH});
    for (unsigned n = 0; n < 400; n++) n % 2 ? flow_sell(&flow) : flow_buy(&flow);
    send_others(&(struct row){.what = UNPAID_ORDER});
    doomed_expect_killed(&flow, *point);
    for (unsigned n = 0; n < 200; n++) n % 2 ? flow_sell(&flow) : flow_buy(&flow);
    doomed_worker(&flow, 2, "");
    doomed_worker(&flow, 3, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", *point);
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", *point);
    cr_assert_eq(flow_users(&flow, "held"), 0, "%s: something is held", *point);
    check_sound(&flow, *point, 0);
}
