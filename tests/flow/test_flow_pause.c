/* Pausing and going quiet: a paused partition takes in and applies nothing, whatever happens to its workers and to Redis; a quiet worker
 * leaves its partitions to the others until it is told to go on. What `till pause` writes is written here; cli/test_pause.sh runs it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { PARTITIONS = 4, SOON_MS = 15000 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_pause, .fini = stop, .timeout = 120);

static void start(unsigned workers) {
    flow_start(&flow, PARTITIONS, &(struct server_options){.appendfsync = "always"});
    flow_open(&flow);
    for (unsigned n = 0; n < workers; n++) flow_worker(&flow, n, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static void set_paused(unsigned partition, bool paused) {
    struct reply reply;
    const char *meta = flow_key(&flow, keys_meta, partition);
    enum redis_err err = paused ? flow_call(&flow, &reply, "HSET", meta, "paused", "1", "paused_by", "test", "paused_reason", "why", NULL)
                                : flow_call(&flow, &reply, "HDEL", meta, "paused", "paused_by", "paused_reason", NULL);
    cr_assert(!err);
}

static void applied(unsigned partition, char out[64]) {
    struct reply reply;
    cr_assert(!flow_call(&flow, &reply, "HGET", flow_key(&flow, keys_meta, partition), "applied", NULL));
    snprintf(out, 64, "%s", reply_text(reply, NULL));
}

static unsigned times_in_logs(unsigned workers, const char *what) {
    unsigned count = 0;
    for (unsigned n = 0; n < workers; n++) count += worker_log_times(&flow.workers[n], what);
    return count;
}

static void expect_unmoved(unsigned partition, const char *was, const char *when) {
    char now[64];
    applied(partition, now);
    cr_assert_str_eq(now, was, "%s", when);
}

static bool moved(unsigned partition, const char *was) {
    char now[64];
    applied(partition, now);
    return strcmp(now, was) != 0;
}

static unsigned owner_of(unsigned partition) {
    const char *owner = "";
    cr_assert(WAIT_UNTIL(*(owner = flow_owner(&flow, partition)), SOON_MS));
    return (unsigned)strtoul(owner + 1, NULL, 10);
}

static void expect_both_unmoved(char was[2][64], const char *when) {
    expect_unmoved(1, was[0], when);
    expect_unmoved(3, was[1], when);
}

Test(flow_pause, paused_partitions_take_in_and_apply_nothing) {
    char was[2][64];
    start(2);
    flow_load(&flow, 150);
    set_paused(1, true); /* with work under way */
    set_paused(3, true);
    applied(1, was[0]);
    applied(3, was[1]);
    flow_load(&flow, 150);
    cr_assert(WAIT_UNTIL(times_in_logs(2, "event=partition_paused") >= 2, SOON_MS));
    expect_both_unmoved(was, "paused under load");
    unsigned owner = owner_of(1), owned = owner_of(3) == owner;
    worker_kill(&flow.workers[owner]);
    cr_assert(WAIT_UNTIL(times_in_logs(2, "event=partition_paused") >= 3 + owned, SOON_MS), "who takes it over does not see it");
    expect_both_unmoved(was, "its worker was killed");
    server_kill(&flow.server);
    server_restart(&flow.server);
    flow_load(&flow, 100);
    cr_assert(WAIT_UNTIL(times_in_logs(2, "event=partition_paused") >= 5 + owned, SOON_MS), "not paused any more after Redis came back");
    expect_both_unmoved(was, "Redis was killed");
    cr_assert_eq(worker_stop(&flow.workers[1 - owner], SOON_MS), 0);
    flow_worker(&flow, 2, NULL);
    flow_load(&flow, 50);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 2) == PARTITIONS && times_in_logs(3, "event=partition_paused") >= 7 + owned, SOON_MS));
    expect_both_unmoved(was, "another worker serves");
    cr_assert_gt(flow_backlog(&flow).pending + flow_backlog(&flow).lag, 0);
    set_paused(1, false);
    cr_assert(WAIT_UNTIL(moved(1, was[0]), SOON_MS));
    expect_unmoved(3, was[1], "the other one goes on");
    set_paused(3, false);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "resumed", 0);
}

Test(flow_pause, what_falls_due_in_a_paused_partition_waits_for_it) {
    start(1);
    const char *user = "u0";
    unsigned partition = keys_partition(&flow.book, user, strlen(user));
    struct intent hold = flow_intent(OP_hold, user, "m0", 700, NULL);
    flow_set_number(&hold, FIELD_expires, 1500);
    flow_send(&flow, &hold);
    struct intent later = flow_intent(OP_pay, user, "m0", 100, NULL);
    flow_set_number(&later, FIELD_not_before, flow_now_ms() + 500);
    flow_send(&flow, &later);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    int64_t scheduled = flow_meta(&flow, partition, "bill");
    set_paused(partition, true);
    struct intent capture = flow_intent(OP_capture, user, NULL, 300, hold.key);
    flow_send(&flow, &capture); /* in time, and applied when that is long over */
    cr_assert(WAIT_UNTIL(flow_due(&flow, -1000) >= 1, SOON_MS), "nothing is overdue");
    bool before = flow_answer(&flow, &later).count == flow_answer(&flow, &later).on_the_way;
    cr_assert(before && flow_meta(&flow, partition, "bill") == scheduled, "something was applied");
    set_paused(partition, false);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &later).code, CODE_ok);
    cr_assert_eq(flow_answer(&flow, &capture).code, CODE_ok);
    cr_assert_eq(flow_account(&flow, user, "held"), 0);
    check_sound(&flow, "due while paused", 0);
}

static double beat(unsigned n) {
    char name[16];
    struct reply reply;
    snprintf(name, sizeof name, "w%u", n);
    cr_assert(!flow_call(&flow, &reply, "ZSCORE", "{till}:workers", name, NULL));
    return strtod(reply_text(reply, NULL), NULL);
}

Test(flow_pause, quiet_worker_leaves_its_partitions_to_others) {
    start(2);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2 && flow_held(&flow, 1) == 2, SOON_MS));
    flow_load(&flow, 100);
    worker_signal(&flow.workers[0], SIGTSTP);
    flow_load(&flow, 100);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == PARTITIONS, SOON_MS), "the other one does not take them all");
    cr_assert(worker_runs(&flow.workers[0]));
    double seen = beat(0);
    cr_assert(WAIT_UNTIL(beat(0) > seen, SOON_MS), "it does not beat any more");
    worker_kill(&flow.workers[1]);
    flow_load(&flow, 50);
    cr_assert(WAIT_UNTIL(flow_free(&flow) == PARTITIONS, SOON_MS));
    seen = beat(0);
    cr_assert(WAIT_UNTIL(beat(0) > seen + 500, SOON_MS));
    cr_assert_eq(flow_held(&flow, 0), 0, "it takes partitions though it is quiet");
    worker_signal(&flow.workers[0], SIGCONT);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == PARTITIONS, SOON_MS), "it does not go on");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "quiet and back", 0);
    worker_signal(&flow.workers[0], SIGTSTP);
    cr_assert_eq(worker_stop(&flow.workers[0], SOON_MS), 0, "it does not end when it is quiet");
}

Test(flow_pause, quiet_before_redis_ever_came) {
    flow_start(&flow, PARTITIONS, NULL);
    server_pause(&flow.server);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=worker_starts"), SOON_MS));
    worker_signal(&flow.workers[0], SIGTSTP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=worker_quiet"), SOON_MS));
    server_resume(&flow.server);
    cr_assert(WAIT_UNTIL(beat(0) > 0, SOON_MS));
    cr_assert_eq(flow_held(&flow, 0), 0);
    worker_signal(&flow.workers[0], SIGCONT);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == PARTITIONS, SOON_MS));
}

static void set_policy(const char *policy) { server_text(&flow.server, "CONFIG", "SET", "maxmemory-policy", policy, NULL); }

Test(flow_pause, nothing_is_applied_while_redis_may_evict) {
    char was[64];
    start(2);
    flow_load(&flow, 100);
    set_policy("allkeys-lru");
    cr_assert(WAIT_UNTIL(flow_free(&flow) == PARTITIONS, wait_fair_ms(10000)), "somebody serves 10 s after the policy changed");
    applied(1, was);
    flow_load(&flow, 50);
    double seen = beat(0);
    cr_assert(WAIT_UNTIL(beat(0) > seen + 500, SOON_MS));
    expect_unmoved(1, was, "while Redis may evict");
    set_policy("noeviction");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(times_in_logs(1, "must_be=noeviction"), 1, "said more than once");
    check_sound(&flow, "not evicting any more", 0);
}
