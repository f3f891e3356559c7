/* Orders that nobody paid in time, with real workers: they lapse and restock by themselves, and what is on its way to an order that ends
 * meanwhile comes back. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { PARTITIONS = 4, EACH = 5000, PRICE = 100 /* of a0 */, PIECES = 50 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_order_end, .fini = stop, .timeout = 100);

static const char *name_in(const char *name, unsigned partition) { return flow_name_in(&flow, name, partition); }

/* A user and a merchant in each partition; the merchants have a0. */
static void open_shops(void) {
    flow_start(&flow, PARTITIONS, NULL);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        flow_open_account(&flow, name_in("m", p), "merchant");
        flow_price_article(&flow, name_in("m", p), 0);
        flow_stock_article(&flow, name_in("m", p), 0, PIECES);
        flow_open_account(&flow, name_in("u", p), "user");
        struct intent topup = flow_intent(OP_topup, name_in("u", p), NULL, EACH, NULL);
        flow_send(&flow, &topup);
    }
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static void send_order(const char *merchant, const char *name, uint64_t expires_ms) {
    struct intent order = flow_order(merchant, name, NULL, expires_ms);
    flow_add_line(&order, 0, 1);
    flow_queue(&flow, &order);
}

static bool all_restocked(void) {
    for (unsigned p = 0; p < PARTITIONS; p++)
        if (flow_in_stock(&flow, name_in("m", p), 0) != PIECES) return false;
    return true;
}

static void expect_all_lapsed(unsigned count) {
    char name[16];
    cr_assert(WAIT_UNTIL(all_restocked(), 10000), "not everything is back in stock");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < count; n++) {
        snprintf(name, sizeof name, "o%u", n);
        cr_assert_str_eq(flow_of_order(&flow, name_in("m", n % PARTITIONS), name, "state"), "lapsed", "%s", name);
    }
    struct intent pay = flow_order_payment(name_in("u", 0), name_in("m", 0), "o0", PRICE);
    struct intent cancel = flow_cancellation(name_in("m", 0), "o0");
    flow_send(&flow, &pay);
    flow_send(&flow, &cancel);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &pay).code, CODE_expired);
    cr_assert_eq(flow_answer(&flow, &cancel).code, CODE_expired);
    cr_assert_eq(flow_account(&flow, name_in("u", 0), "balance"), EACH);
    check_sound(&flow, "lapsed", 0);
}

static void send_orders(unsigned count, uint64_t most_ms) {
    char name[16];
    for (unsigned n = 0; n < count; n++) {
        snprintf(name, sizeof name, "o%u", n);
        send_order(name_in("m", n % PARTITIONS), name, 100 + flow_random(&flow, most_ms));
    }
    flow_queued(&flow);
}

Test(flow_order_end, unpaid_ones_lapse_and_restock) {
    open_shops();
    send_orders(PARTITIONS * PIECES, 1500);
    expect_all_lapsed(PARTITIONS * PIECES);
}

Test(flow_order_end, unpaid_ones_lapse_though_everybody_was_down) {
    open_shops();
    for (unsigned p = 0; p < PARTITIONS; p++) send_order(name_in("m", p), "o0", 600);
    flow_queued(&flow);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    worker_kill(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_due(&flow, 0) == PARTITIONS, 3000));
    cr_assert_eq(flow_in_stock(&flow, name_in("m", 0), 0), PIECES - 1, "restocked by nobody?");
    flow_worker(&flow, 1, NULL);
    expect_all_lapsed(1);
}

/* --- while the payment is on its way --- */

enum end { CANCELLED, LAPSED, PAID_BY_ANOTHER, FROZEN };

static const struct row { char name[24]; enum end end; int code; } ends[] = {
    {"cancelled", CANCELLED, CODE_wrong_state}, {"lapsed", LAPSED, CODE_expired},
    {"paid by another", PAID_BY_ANOTHER, CODE_wrong_state}, {"the merchant frozen", FROZEN, CODE_account_frozen},
};

/* The first partition that worker n holds. */
static unsigned partition_held_by(const char *worker) {
    unsigned p = 0;
    while (p < PARTITIONS && strcmp(flow_owner(&flow, p), worker) != 0) p++;
    cr_assert_neq(p, PARTITIONS, "%s holds nothing", worker);
    return p;
}

/* Two workers with long leases; w1 will stand still once its first batch is applied, before anybody elsewhere hears of it. */
static void share(void) {
    flow_stop_workers(&flow, 1);
    for (unsigned n = 0; n < 2; n++)
        flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 9000, .environment = {n == 1 ? "TILL_STOP_AT=after_apply" : NULL}});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2 && flow_held(&flow, 1) == 2, 30000), "they do not share");
}

static void end_order(const struct row *row, const char *merchant, const char *another) {
    struct intent intent = flow_cancellation(merchant, "o1");
    if (row->end == LAPSED) {
        cr_assert(WAIT_UNTIL(strcmp(flow_of_order(&flow, merchant, "o1", "state"), "lapsed") == 0, 8000));
        return;
    }
    if (row->end == FROZEN) intent = flow_intent(OP_freeze, merchant, NULL, 0, NULL);
    if (row->end == PAID_BY_ANOTHER) intent = flow_order_payment(another, merchant, "o1", PRICE);
    flow_send(&flow, &intent);
    cr_assert(WAIT_UNTIL(flow_answer(&flow, &intent).code == CODE_ok, 5000), "%s: %d", row->name, flow_answer(&flow, &intent).code);
}

ParameterizedTestParameters(flow_order_end, gives_back_what_is_on_its_way) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)ends, sizeof ends / sizeof *ends);
}

ParameterizedTest(const struct row *row, flow_order_end, gives_back_what_is_on_its_way, .fini = stop, .timeout = 100) {
    open_shops();
    share();
    const char *merchant = name_in("m", partition_held_by("w0")), *another = name_in("u", partition_held_by("w0"));
    const char *payer = name_in("u", partition_held_by("w1"));
    send_order(merchant, "o1", row->end == LAPSED ? 2500 : 0);
    flow_queued(&flow);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    struct intent pay = flow_order_payment(payer, merchant, "o1", PRICE);
    flow_send(&flow, &pay);
    cr_assert(WAIT_UNTIL(flow_account(&flow, payer, "held") == PRICE, 2000), "%s: it is not reserved", row->name);
    end_order(row, merchant, another);
    flow_send(&flow, &pay);
    worker_resume(&flow.workers[1]);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", row->name);
    struct flow_answer a = flow_answer(&flow, &pay);
    cr_assert(a.code == row->code && a.amount_minor == 0 && a.count == 2 && a.on_the_way + a.replays == 1,
              "%s: code %d, %lld moved, %u answers", row->name, a.code, (long long)a.amount_minor, a.count);
    cr_assert(a.balance_minor == EACH && a.held_minor == 0, "%s: %lld, %lld of it held", row->name, (long long)a.balance_minor,
              (long long)a.held_minor);
    cr_assert_eq(flow_account(&flow, payer, "balance"), EACH, "%s", row->name);
    cr_assert_eq(flow_account(&flow, payer, "held"), 0, "%s", row->name);
    cr_assert_eq(flow_in_stock(&flow, merchant, 0), row->end == CANCELLED || row->end == LAPSED ? PIECES : PIECES - 1, "%s", row->name);
    check_sound(&flow, row->name, 0);
}
