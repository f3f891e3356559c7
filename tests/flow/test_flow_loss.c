/* A Redis that comes back with less than it had: the worker stops what it touches until somebody accepts the loss, then goes on. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/check.h"
#include "tests/support/process.h"

enum { PARTITIONS = 4 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_loss, .fini = stop, .timeout = 100);

static void start(unsigned workers, const char *environment) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < workers; n++)
        flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 500, .environment = {environment}});
    cr_assert(flow_serving(&flow, 5000));
    /* all of them: one that comes after the loss knows nothing of it */
    cr_assert(WAIT_UNTIL(server_integer(&flow.server, "ZCARD", "{till}:workers", NULL) == workers, 5000));
    flow_load(&flow, 200);
}

static void forget_sent(void) { flow.acknowledged = flow.unsure = flow.unreadable = 0; }

static unsigned halted(void) {
    unsigned count = 0;
    for (unsigned p = 0; p < PARTITIONS; p++)
        count += (unsigned)server_integer(&flow.server, "HEXISTS", flow_key(&flow, keys_meta, p), "halted", NULL);
    return count;
}

static unsigned answered_streams(void) {
    unsigned count = 0;
    keys_buffer key;
    for (unsigned p = 0; p < PARTITIONS; p++) {
        keys_responses(key, &flow.book, p, "shop");
        count += (unsigned)server_integer(&flow.server, "EXISTS", key, NULL);
    }
    return count;
}

static void accept_loss(void) {
    char url[160], partitions[48], log[96];
    int status;
    snprintf(url, sizeof url, "TILL_REDIS_URL=%s", flow.server.url);
    snprintf(partitions, sizeof partitions, "TILL_BOOK_PARTITIONS=%d", PARTITIONS);
    snprintf(log, sizeof log, "%s/accept.log", flow.server.dir);
    pid_t pid = process_start((const char *[]){TILL_CLI_PATH, "accept-loss", NULL}, (const char *[]){url, partitions, NULL}, log);
    cr_assert(process_wait(&pid, 10000, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

/* Everything stands still, whoever looks after it. */
static void expect_halt(const char *name) {
    cr_assert(WAIT_UNTIL(halted() == PARTITIONS, 5000), "%s: %u of %d partitions are halted", name, halted(), PARTITIONS);
    wait_pass(700);
    cr_assert_eq(answered_streams(), 0, "%s: something was answered", name);
}

static void expect_new_beginning(const char *name) {
    accept_loss();
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    cr_assert_eq(halted(), 0, "%s", name);
    check_sound(&flow, name, 0);
}

static void lose_by_flush(void) { server_text(&flow.server, "FLUSHALL", NULL); }

static void lose_by_restart(void) {
    server_kill(&flow.server);
    server_restart(&flow.server);
}

static void expect_halt_after(void (*lose)(void), unsigned workers, const char *name) {
    start(workers, NULL);
    if (flow_random(&flow, 2)) cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    lose();
    forget_sent();
    flow_open(&flow);
    flow_load(&flow, 100);
    expect_halt(name);
    expect_new_beginning(name);
}

Test(flow_loss, flush_halts_one_worker) { expect_halt_after(lose_by_flush, 1, "FLUSHALL, one worker"); }
Test(flow_loss, flush_halts_three_workers) { expect_halt_after(lose_by_flush, 3, "FLUSHALL, three workers"); }
Test(flow_loss, restart_without_a_log_halts) { expect_halt_after(lose_by_restart, 2, "restart without persistence"); }

/* What one worker found out, those after it respect, though they saw nothing of it; and once accepted, nobody starts again with it. */
Test(flow_loss, halt_outlives_the_worker_that_saw_it) {
    start(1, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    lose_by_flush();
    forget_sent();
    flow_open(&flow);
    expect_halt("first worker");
    flow_worker(&flow, 1, &(struct worker_options){.lease_ttl_ms = 500});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 2, 5000), "the new one gets no share");
    expect_halt("second worker");
    worker_kill(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 4, 5000));
    expect_halt("second worker alone");
    expect_new_beginning("second worker");
    flow_worker(&flow, 0, &(struct worker_options){.lease_ttl_ms = 500});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2, 5000));
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "later", 0);
}

/* The one that saw the loss hands back while halted, and gets the partition again after it was accepted with another. */
Test(flow_loss, accepted_once_is_accepted_for_all) {
    start(2, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2 && flow_held(&flow, 1) == 2, 5000));
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    lose_by_flush();
    forget_sent();
    flow_open(&flow);
    expect_halt("both");
    worker_pause(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 4, 5000));
    accept_loss();
    cr_assert(WAIT_UNTIL(halted() == 0, 5000), "%u are halted still", halted());
    worker_resume(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2, 5000));
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(halted(), 0);
    check_sound(&flow, "accepted", 0);
}

Test(flow_loss, goes_on_by_itself_when_told_to) {
    start(2, "TILL_WORKER_ON_DATA_LOSS=continue");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    lose_by_flush();
    forget_sent();
    flow_open(&flow);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(worker_log_has(&flow.workers[0], "data_loss_suspected") || worker_log_has(&flow.workers[1], "data_loss_suspected"));
    cr_assert_eq(halted(), 0);
    check_sound(&flow, "goes on", 0);
}

/* The tail is gone: entries, answers and money of the last moments. What was pending then is taken up again from there. */
Test(flow_loss, restart_from_an_older_snapshot_halts) {
    struct check_totals totals;
    start(1, NULL);
    server_text(&flow.server, "SAVE", NULL);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    lose_by_restart();
    forget_sent();
    cr_assert(WAIT_UNTIL(halted() == PARTITIONS, 5000), "only %u notice", halted());
    cr_assert(worker_log_has(&flow.workers[0], "bills are missing"));
    accept_loss();
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    const char *wrong = check_book(&flow, &totals);
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_eq(check_audit(&flow, 0), 0);
}

/* Another worker goes on at once, past the numbers that the first one knew: then the entry that it knew is missing. */
Test(flow_loss, is_told_by_one_who_saw_more_than_the_owner) {
    start(1, NULL);
    server_text(&flow.server, "SAVE", NULL);
    flow_pay(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    worker_pause(&flow.workers[0]);
    lose_by_restart();
    forget_sent();
    flow_worker(&flow, 1, &(struct worker_options){.lease_ttl_ms = 500});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == PARTITIONS, 5000));
    flow_pay(&flow, 300);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(halted(), 0, "the second one saw nothing of it");
    worker_resume(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "is gone"), 10000), "the first one does not tell");
    cr_assert(WAIT_UNTIL(halted() > 0, 5000), "what it takes over is not halted");
    accept_loss();
    cr_assert(WAIT_UNTIL(halted() == 0, 5000));
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(check_audit(&flow, 0), 0);
}
