/* Holds and their deadlines, with real workers: they lapse by themselves, in time, once; what was enqueued in time counts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { PARTITIONS = 4, LAPSE_MS = 1500 };

static struct flow flow;

/* With the accounts opened, and nobody at work. */
static void start(void) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_hold, .init = start, .fini = stop, .timeout = 60);

/* A hold of 5.00 by u1 for m0. */
static struct intent hold(unsigned expires_ms) {
    struct intent hold = flow_intent(OP_hold, "u1", "m0", 500, NULL);
    flow_set_number(&hold, FIELD_expires, expires_ms);
    flow_send(&flow, &hold);
    return hold;
}

static struct intent capture_of(const struct intent *hold) {
    struct intent capture = flow_intent(OP_capture, hold->account, NULL, 0, hold->key);
    flow_send(&flow, &capture);
    return capture;
}

static int64_t held(void) { return flow_account(&flow, "u1", "held"); }

static void expect_lapsed_once(const struct intent *hold) {
    char identity[INTENT_IDENTITY_MAX + 1];
    intent_identity(hold, identity);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(held(), 0);
    cr_assert_eq(flow_account(&flow, "u1", "balance"), FLOW_BALANCE);
    cr_assert_eq(flow_rows(&flow, "expire", NULL), 1, "%u lapses", flow_rows(&flow, "expire", NULL));
    cr_assert_eq(flow_answer(&flow, hold).count, 1, "a lapse is answered");
    check_sound(&flow, identity, 0);
}

Test(flow_hold, lapses_by_itself_in_time_and_once) {
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    struct intent first = hold(700);
    cr_assert(WAIT_UNTIL(held() == 500, 500), "nothing is held");
    struct flow_answer answer = flow_answer(&flow, &first);
    cr_assert(answer.code == CODE_ok && answer.held_minor == 500 && answer.balance_minor == FLOW_BALANCE, "code %d", answer.code);
    int64_t left_ms = (int64_t)(answer.entry_ms + 700 - flow_now_ms());
    while (left_ms > 20) {
        cr_assert_eq(held(), 500, "%lld ms before its deadline", (long long)left_ms);
        wait_more(wait_now_ms() + 10);
        left_ms = (int64_t)(answer.entry_ms + 700 - flow_now_ms());
    }
    cr_assert(WAIT_UNTIL(held() == 0, LAPSE_MS), "it does not lapse");
    expect_lapsed_once(&first);
}

Test(flow_hold, lapses_though_everybody_was_down) {
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    struct intent first = hold(400);
    cr_assert(WAIT_UNTIL(held() == 500, 2000));
    worker_kill(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_due(&flow, 0) == 1, 2000), "it is not due");
    cr_assert_eq(held(), 500);
    flow_worker(&flow, 1, NULL);
    cr_assert(WAIT_UNTIL(held() == 0, FLOW_LEASE_MS + LAPSE_MS), "nobody lets it lapse");
    expect_lapsed_once(&first);
}

/* Both partitions' owners come and go while it falls due. */
Test(flow_hold, lapses_once_whoever_serves_it) {
    for (unsigned n = 0; n < 3; n++) flow_worker(&flow, n, NULL);
    cr_assert(flow_serving(&flow, 5000));
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    struct intent first = hold(600);
    for (unsigned n = 0; n < 6; n++) {
        flow_worker(&flow, n % 3, NULL); /* kills the one before */
        WAIT_UNTIL(false, 150);
    }
    expect_lapsed_once(&first);
}

/* The time of the stream decides, not that of whoever reads it. */
Test(flow_hold, capture_in_time_counts_however_late_it_is_read) {
    struct intent in_time = hold(300), too_late = hold(300);
    struct intent early = capture_of(&in_time);
    WAIT_UNTIL(false, 500);
    struct intent late = capture_of(&too_late);
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &early).code, CODE_ok, "it was enqueued in time");
    cr_assert_eq(flow_answer(&flow, &late).code, CODE_expired, "code %d, nothing had swept it", flow_answer(&flow, &late).code);
    cr_assert_eq(flow_account(&flow, "u1", "balance"), FLOW_BALANCE - 500);
    cr_assert_eq(held(), 0);
    cr_assert_eq(flow_rows(&flow, "expire", NULL), 1, "the captured one lapsed too");
    check_sound(&flow, "captured in time", 0);
}

Test(flow_hold, what_was_ended_does_not_lapse) {
    flow_worker(&flow, 0, NULL);
    struct intent one = hold(1000), two = hold(1000), three = hold(1000);
    struct intent whole = capture_of(&one), part = flow_intent(OP_capture, "u1", NULL, 200, two.key);
    flow_set_number(&part, FIELD_final, 0);
    flow_send(&flow, &part);
    struct intent release = flow_intent(OP_release, "u1", NULL, 0, three.key);
    flow_send(&flow, &release);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(held(), 300, "%lld is held of what is left of the second", (long long)held());
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &whole).amount_minor, 500);
    cr_assert_eq(flow_answer(&flow, &release).amount_minor, 500);
    cr_assert_eq(flow_rows(&flow, "expire", NULL), 1);
    cr_assert_eq(held(), 0);
    cr_assert_eq(flow_account(&flow, "u1", "balance"), FLOW_BALANCE - 700);
    check_sound(&flow, "ended", 0);
}
