/* A Redis that answers but does not work: an endless script of somebody else's, writes refused for want of replicas, a disk that is full, a
 * snapshot that failed. Workers wait, and nothing is lost, doubled or given up. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/flow/check.h"
#include "tests/support/process.h"

enum { PARTITIONS = 4, SICK_MS = 1200 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_sick, .fini = stop, .timeout = 90);

/* Two workers with work in hand. */
static void start(const struct server_options *options) {
    flow_start(&flow, PARTITIONS, options);
    flow_open(&flow);
    for (unsigned n = 0; n < 2; n++) flow_worker(&flow, n, NULL);
    cr_assert(flow_serving(&flow, 10000));
    flow_load(&flow, 300);
}

static void expect_well(const char *name) {
    flow_load(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
    for (unsigned n = 0; n < 2; n++) {
        cr_assert(worker_runs(&flow.workers[n]), "%s: worker %u has ended", name, n);
        cr_assert(!worker_log_has(&flow.workers[n], "event=entry_dead"), "%s: worker %u gave something up", name, n);
    }
}

Test(flow_sick, busy_with_somebody_elses_script) {
    start(&(struct server_options){.extra = {"--busy-reply-threshold", "100"}});
    const char *const argv[] = {"redis-cli", "-s", flow.server.socket, "eval", "while true do end", "0", NULL};
    char log[96];
    snprintf(log, sizeof log, "%s/busy.log", flow.server.dir);
    pid_t pid = process_start(argv, NULL, log);
    wait_pass(SICK_MS);
    cr_assert(WAIT_UNTIL(strcmp(server_text(&flow.server, "SCRIPT", "KILL", NULL), "OK") == 0, 10000));
    cr_assert(WAIT_UNTIL(strcmp(server_text(&flow.server, "PING", NULL), "PONG") == 0, 10000)); /* it ends a moment later */
    process_kill(&pid);
    expect_well("BUSY");
}

Test(flow_sick, too_few_replicas) {
    start(NULL);
    server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "1", NULL);
    wait_pass(SICK_MS);
    server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "0", NULL);
    expect_well("NOREPLICAS");
}

/* As a full disk makes it: the snapshot fails, and writes are refused until one succeeds. */
Test(flow_sick, snapshots_fail) {
    char file[128];
    start(&(struct server_options){.extra = {"--dbfilename", "in-the-way"}});
    snprintf(file, sizeof file, "%s/in-the-way", flow.server.dir); /* a directory where the snapshot is to be */
    cr_assert_eq(mkdir(file, 0700), 0);
    server_text(&flow.server, "CONFIG", "SET", "save", "1000000 1", NULL);
    server_text(&flow.server, "BGSAVE", NULL);
    cr_assert(WAIT_UNTIL(strncmp(server_text(&flow.server, "SET", "other", "1", NULL), "MISCONF", 7) == 0, 10000));
    wait_pass(SICK_MS);
    server_text(&flow.server, "CONFIG", "SET", "save", "", NULL);
    expect_well("MISCONF");
}
