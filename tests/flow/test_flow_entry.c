/* Entries that cannot be applied: given up after their attempts, told to their senders where that is possible, while neighbours go on. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/check.h"

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_entry, .fini = stop, .timeout = 100);

static const struct worker_options patient = {.lease_ttl_ms = 500, .environment = {"TILL_WORKER_MAX_ATTEMPTS=2"}};

/* The entry is dead, with this in its reason. */
static void expect_dead(unsigned partition, const char *reason) {
    const char *dead = server_text(&flow.server, "XRANGE", flow_key(&flow, keys_dead, partition), "-", "+", NULL);
    cr_assert(strstr(dead, reason), "%s is not in the dead stream:\n%s", reason, dead);
}

/* Restarts the worker whenever it dies; how often it did. */
static unsigned deaths_until_settled(const struct worker_options *options, unsigned most) {
    unsigned deaths = 0;
    int64_t until_ms = wait_now_ms() + 40000;
    flow_worker(&flow, 0, options);
    for (;;) {
        struct flow_backlog b = flow_backlog(&flow);
        if (!b.pending && !b.lag && !b.unanswered) return deaths;
        cr_assert(wait_more(until_ms), "%llu pending, %llu undelivered after %u deaths", (unsigned long long)b.pending,
                  (unsigned long long)b.lag, deaths);
        if (worker_runs(&flow.workers[0])) continue;
        cr_assert(WIFSIGNALED(flow.workers[0].status) && WTERMSIG(flow.workers[0].status) == SIGKILL);
        cr_assert(++deaths <= most, "%u deaths", deaths);
        flow_worker(&flow, 0, options);
    }
}

/* An intent between so many payments on either side; the options of a worker that dies when it reads it. */
static struct worker_options send_deadly(unsigned neighbours) {
    struct intent deadly = flow_intent(OP_topup, "u1", NULL, 5, NULL);
    struct worker_options options = patient;
    snprintf(deadly.key, sizeof deadly.key, "deadly");
    deadly.present |= FIELD_BIT(FIELD_key);
    flow_pay(&flow, neighbours);
    flow_send(&flow, &deadly);
    flow_pay(&flow, neighbours);
    options.crash_at = "entry";
    options.environment[1] = "TILL_CRASH_KEY=deadly";
    return options;
}

/* Reading it kills the worker: max_attempts times in a batch, as often alone, once more while it is buried; then it goes unread. */
Test(flow_entry, that_kills_every_worker_is_buried) {
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    struct worker_options options = send_deadly(30);
    unsigned deaths = deaths_until_settled(&options, 5);
    cr_assert(deaths >= 3, "%u deaths", deaths);
    expect_dead(keys_partition(&flow.book, "u1", 2), "the worker died at it");
    flow_pay(&flow, 30);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct check_totals totals;
    const char *wrong = check_book(&flow, &totals);
    cr_assert(strstr(wrong, "u1/shop/deadly was sent 1 times and answered 0 times") && strchr(wrong, '\n') == strrchr(wrong, '\n'),
              "%s", wrong);
    cr_assert_eq(totals.dead, 1);
}

/* All its lanes die with the process: what they were trying alone at that moment must not pay for it. */
Test(flow_entry, that_kills_takes_nothing_of_other_lanes_with_it) {
    flow_start(&flow, 8, NULL);
    flow_open(&flow);
    struct worker_options options = send_deadly(200);
    deaths_until_settled(&options, 5);
    struct check_totals totals;
    check_book(&flow, &totals);
    cr_assert_eq(totals.dead, 1, "%llu entries died, one was deadly", (unsigned long long)totals.dead);
}

/* It dies only when it applies it: the entry can be read, so the sender hears of it. */
Test(flow_entry, that_kills_at_apply_is_answered_dead) {
    flow_start(&flow, 1, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    flow_pay(&flow, 1);
    struct worker_options options = patient;
    options.crash_at = "before_apply";
    unsigned deaths = 0;
    for (; deaths < 4; deaths++) {
        flow_worker(&flow, 0, &options);
        cr_assert(worker_wait(&flow.workers[0], 5000));
    }
    flow_worker(&flow, 0, &patient);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "dead", 1);
    struct check_totals totals;
    check_book(&flow, &totals);
    cr_assert_eq(totals.by_code[19], 1);
}

/* A crash at the end of the road is no reason to give up what is decided already. */
Test(flow_entry, that_was_applied_is_never_given_up) {
    flow_start(&flow, 3, NULL);
    flow_worker(&flow, 0, NULL);
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    struct intent freeze = flow_intent(OP_freeze, "m0", NULL, 0, NULL);
    flow_send(&flow, &freeze);
    struct worker_options options = patient;
    options.crash_at = "after_follow_ups";
    for (unsigned n = 0; n < 8; n++) {
        flow_worker(&flow, 0, &options);
        cr_assert(worker_wait(&flow.workers[0], 5000), "round %u", n);
    }
    flow_worker(&flow, 0, &patient);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "answered after all", 0);
}

/* An account of the wrong type breaks every batch it is in. Its owner is told; the others do not notice. */
Test(flow_entry, that_fails_alone_is_dead_and_neighbours_go_on) {
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, &patient);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    keys_buffer key;
    unsigned partition = keys_partition(&flow.book, "broken", 6);
    keys_account(key, &flow.book, partition, "broken");
    server_text(&flow.server, "SET", key, "not a hash", NULL);
    for (unsigned n = 0; n < 3; n++) {
        flow_pay(&flow, 40);
        struct intent topup = flow_intent(OP_topup, "broken", NULL, 5, NULL);
        flow_send(&flow, &topup);
    }
    flow_pay(&flow, 40);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    expect_dead(partition, "failed alone: ");
    expect_dead(partition, "WRONGTYPE");
    server_text(&flow.server, "DEL", key, NULL);
    check_sound(&flow, "wrong type", 3);
    struct check_totals totals;
    check_book(&flow, &totals);
    cr_assert_eq(totals.by_code[19], 3);
}
