/* What one partition owes to another whose master is away, in a Redis Cluster: it is held, and nothing else is. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"
#include "tests/flow/nodes.h"
#include "tests/support/node.h"
#include "tests/support/process.h"

enum { PARTITIONS = 12, AWAY_MS = 30000, TURNS = 30, SLOW_MS = 400 };

static struct flow flow;
static struct nodes nodes;
static unsigned home, away, there; /* partitions of three masters; `away` is that of the first node */
static pid_t again;

static void stop(void) {
    if (again) process_kill(&again);
    flow_stop(&flow);
    nodes_stop(&nodes);
}

TestSuite(flow_held, .fini = stop, .timeout = 180);

/* --- the stage: a user in each of the three partitions, named after it --- */

static const char *user_in(unsigned partition) { return flow_name_in(&flow, "u", partition); }

static void start_worker(unsigned n) {
    static const char *const hasty[] = {"TILL_REDIS_CONNECT_TIMEOUT=2s", "TILL_REDIS_TIMEOUT=5s", "TILL_WORKER_ON_DATA_LOSS=continue"};
    flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 3000, .environment = {hasty[0], hasty[1], hasty[2]}});
}

static unsigned partition_at(unsigned port) {
    unsigned p = 0;
    while (p < PARTITIONS && nodes_port_of(&flow, p) != port) p++;
    cr_assert_lt(p, PARTITIONS, "no partition at port %u", port);
    return p;
}

static void start(const char *replicas) {
    nodes_start(&nodes, replicas);
    nodes_attach(&nodes, &flow, PARTITIONS);
    away = partition_at(nodes.first_port);
    home = partition_at(nodes.first_port + 1);
    there = partition_at(nodes.first_port + 2);
    start_worker(0);
    flow_open_account(&flow, "m", "merchant");
    for (unsigned p = 0; p < PARTITIONS; p++) {
        flow_open_account(&flow, user_in(p), "user");
        struct intent topup = flow_intent(OP_topup, user_in(p), NULL, FLOW_BALANCE, NULL);
        flow_set_text(&topup, FIELD_currency, "CNY");
        flow_send(&flow, &topup);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static struct intent transfer(unsigned from, unsigned to, uint64_t amount_minor) {
    struct intent intent = flow_intent(OP_transfer, user_in(from), user_in(to), amount_minor, NULL);
    flow_set_text(&intent, FIELD_currency, "CNY");
    return intent;
}

static struct intent payment(unsigned from, uint64_t amount_minor) {
    struct intent intent = flow_intent(OP_pay, user_in(from), "m", amount_minor, NULL);
    flow_set_text(&intent, FIELD_currency, "CNY");
    return intent;
}

static bool is_held(unsigned n) { return worker_log_has(&flow.workers[n], "event=follow_ups_held"); }

static struct flow_answer answer_to(const struct intent *intent) {
    return flow_answer_in(&flow, keys_partition(&flow.book, intent->account, strlen(intent->account)), intent);
}

static bool is_answered(const struct intent *intent) { return answer_to(intent).code == CODE_ok; }

static int64_t balance(unsigned partition) {
    struct reply reply;
    keys_buffer key;
    keys_account(key, &flow.book, partition, user_in(partition));
    cr_assert_eq(flow_call(&flow, &reply, "HGET", key, "balance", NULL), REDIS_OK, "%s", redis_error(flow.redis));
    return reply_integer(reply);
}

/* --- */

static void expect_sent_on(const struct intent *owed, unsigned worker) {
    cr_assert(WAIT_UNTIL(is_held(worker), AWAY_MS), "worker %u holds nothing", worker);
    struct intent behind[] = {payment(home, 5), payment(home, 6)};
    flow_share(&flow); /* none in a bulk entry owes anything */
    for (unsigned n = 0; n < 2; n++) flow_send(&flow, &behind[n]);
    flow_share_end(&flow);
    struct intent elsewhere = transfer(home, there, 33);
    flow_send(&flow, &elsewhere);
    for (unsigned n = 0; n < 2; n++) cr_expect(WAIT_UNTIL(is_answered(&behind[n]), AWAY_MS), "worker %u: payment %u waits too", worker, n);
    cr_expect(WAIT_UNTIL(is_answered(&elsewhere), AWAY_MS), "worker %u: what goes elsewhere waits too", worker);
    for (unsigned n = 0; n < 2; n++) cr_expect_eq(answer_to(&owed[n]).count, 0, "transfer %u", n);
}

/* Two transfers to where nobody is: each is decided, and waits for its answer; what comes behind them does not. The worker dies meanwhile,
 * and the next one finds it so. When the master is back both arrive, once and in their order. */
Test(flow_held, what_is_owed_to_a_master_that_is_away) {
    start("0");
    struct intent owed[] = {transfer(home, away, 22), transfer(home, away, 44)};
    node_signal(nodes.dir, nodes.first_port, SIGKILL);
    flow_send(&flow, &owed[0]);
    expect_sent_on(owed, 0);
    flow_send(&flow, &owed[1]);
    cr_expect(WAIT_UNTIL(balance(home) == FLOW_BALANCE - 22 - 44 - 11 - 33, AWAY_MS), "it is not decided");
    worker_kill(&flow.workers[0]);
    start_worker(1);
    expect_sent_on(owed, 1);
    again = nodes_start_again(&nodes, nodes.first_port);
    for (unsigned n = 0; n < 2; n++) cr_expect(WAIT_UNTIL(is_answered(&owed[n]), AWAY_MS), "transfer %u has no answer", n);
    check_sound(&flow, "held", 0);
    for (unsigned n = 0; n < 2; n++) cr_expect_eq(answer_to(&owed[n]).count, 1, "transfer %u", n);
    cr_expect_eq(balance(away), FLOW_BALANCE + 22 + 44);
    cr_expect_eq(balance(there), FLOW_BALANCE + 2 * 33);
}

/* The milliseconds that so many payments took, one after the other, without those that each may take. */
static int64_t lost_to_waiting(void) {
    int64_t sum_ms = 0;
    for (unsigned n = 0; n < TURNS; n++) {
        struct intent one = payment(home, 1);
        int64_t began_ms = wait_now_ms();
        flow_send(&flow, &one);
        cr_assert(WAIT_UNTIL(is_answered(&one), AWAY_MS), "payment %u waits", n);
        int64_t took_ms = wait_now_ms() - began_ms;
        if (took_ms > SLOW_MS) sum_ms += took_ms;
        wait_pass(200);
    }
    return sum_ms;
}

/* It does not refuse connections: each try to reach it would last as long as redis.connect_timeout. */
Test(flow_held, a_frozen_master_is_not_waited_for) {
    start("0");
    int64_t before_ms = lost_to_waiting();
    struct intent owed = transfer(home, away, 22);
    node_signal(nodes.dir, nodes.first_port, SIGSTOP);
    flow_send(&flow, &owed);
    cr_assert(WAIT_UNTIL(is_held(0), AWAY_MS), "nothing is held");
    int64_t meanwhile_ms = lost_to_waiting();
    node_signal(nodes.dir, nodes.first_port, SIGCONT);
    fprintf(stderr, "lost to waiting: %lld ms before, %lld ms while it was away\n", (long long)before_ms, (long long)meanwhile_ms);
    cr_expect_lt(meanwhile_ms, before_ms + wait_fair_ms(TURNS * 200 / 4), "a healthy partition waited %lld ms", (long long)meanwhile_ms);
    cr_expect(WAIT_UNTIL(is_answered(&owed), AWAY_MS), "nothing goes on");
    check_sound(&flow, "frozen", 0);
}

/* It wakes up after its replica has taken its place, does what it was asked and says so, before it hears that it is no master any more.
 * Whoever believed that would never send again what it owes. */
Test(flow_held, a_frozen_master_confirms_what_is_lost) {
    struct intent owed[2];
    start("1");
    struct intent first[] = {transfer(home, away, 1), transfer(there, away, 2)}; /* there is a connection to it then */
    for (unsigned n = 0; n < 2; n++) flow_send(&flow, &first[n]);
    for (unsigned n = 0; n < 2; n++) cr_assert(WAIT_UNTIL(is_answered(&first[n]), AWAY_MS), "transfer %u", n);
    wait_pass(1000); /* its replica has all of it */
    node_signal(nodes.dir, nodes.first_port, SIGSTOP);
    cr_assert(WAIT_UNTIL(nodes_masters(&nodes, nodes.first_port + 1) == 2, AWAY_MS), "nobody misses it");
    owed[0] = transfer(home, away, 33);
    owed[1] = transfer(there, away, 44);
    for (unsigned n = 0; n < 2; n++) flow_send(&flow, &owed[n]);
    cr_assert(WAIT_UNTIL(nodes_masters(&nodes, nodes.first_port + 1) == 3, AWAY_MS), "no failover");
    node_signal(nodes.dir, nodes.first_port, SIGCONT);
    for (unsigned n = 0; n < 2; n++) cr_expect(WAIT_UNTIL(is_answered(&owed[n]), AWAY_MS), "transfer %u is on its way for ever", n);
    check_sound(&flow, "woken", 0);
}
