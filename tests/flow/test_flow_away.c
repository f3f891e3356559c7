/* Redis is away, in each way it can be: the worker knocks rarely, says so once, uses no processor, and goes on by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 64, AWAY_MS = 4000, ERRORS_MAX_PER_S = 20, CPU_MAX_PERCENT = 20 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_away, .fini = stop, .timeout = 100);

static unsigned lines_with(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) count++;
    return count;
}

static unsigned lines_of(const char *text) {
    unsigned count = 0;
    for (; *text; text++) count += *text == '\n';
    return count;
}

static long number_of(const char *text, const char *name) {
    const char *at = strstr(text, name);
    cr_assert(at, "no %s in %s", name, text);
    return strtol(at + strlen(name), NULL, 10);
}

/* What the worker wrote since it had written so much. */
static char *log_since(size_t before) {
    char *all = worker_log_text(&flow.workers[0]), *rest = strdup(all + before);
    free(all);
    return rest;
}

static size_t log_size(void) {
    char *all = worker_log_text(&flow.workers[0]);
    size_t size = strlen(all);
    free(all);
    return size;
}

static void start(void) {
    flow_start(&flow, PARTITIONS, &(struct server_options){.appendfsync = "always"});
    flow_open(&flow);
    flow_worker(&flow, 0, &(struct worker_options){.lease_ttl_ms = 3000});
    cr_assert(flow_serving(&flow, 10000));
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

/* The failures are those since main noticed: that every connection ended once is no knocking. */
static void expect_calm(const char *name, void (*leave)(void), void (*come_back)(void)) {
    start();
    size_t before = log_size();
    leave();
    wait_pass(AWAY_MS / 4);
    double used_ms = worker_cpu_ms(&flow.workers[0]);
    wait_pass(AWAY_MS);
    used_ms = worker_cpu_ms(&flow.workers[0]) - used_ms;
    come_back();
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "redis_back"), 10000), "%s: not back", name);
    char *said = log_since(before);
    long failures = number_of(said, " failures="), away_ms = number_of(said, " after_ms=");
    double per_s = (double)failures * 1000 / (double)away_ms;
    fprintf(stderr, "%s: away %ld ms, %ld failures, %.1f/s, %.1f %% of a core\n", name, away_ms, failures, per_s,
            used_ms * 100 / AWAY_MS);
    cr_expect_leq(per_s, ERRORS_MAX_PER_S, "%s: %ld failures in %ld ms", name, failures, away_ms);
    cr_expect_leq(used_ms * 100 / AWAY_MS, CPU_MAX_PERCENT, "%s: %.0f ms of %d", name, used_ms, AWAY_MS);
    unsigned refused = lines_with(said, "event=redis_away") > 1 ? lines_with(said, "class=refused") : 0; /* lost at first, and then that */
    cr_expect_leq(refused, 1, "%s: %s", name, said);
    cr_expect(lines_with(said, "event=redis_away") == 1 + refused && lines_with(said, "event=redis_back") == 1, "%s: %s", name, said);
    free(said);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
    said = log_since(before);
    unsigned common = lines_with(said, "partition_taken") + lines_with(said, "recovered");
    cr_expect_leq(lines_of(said), 2 + refused + common, "%s: says more: %s", name, said);
    free(said);
}

static void kill_it(void) { server_kill(&flow.server); }
static void restart_it(void) { server_restart(&flow.server); }
Test(flow_away, dead) { expect_calm("dead", kill_it, restart_it); }

static void demote_it(void) { server_text(&flow.server, "REPLICAOF", "127.0.0.1", "1", NULL); }
static void promote_it(void) { server_text(&flow.server, "REPLICAOF", "NO", "ONE", NULL); }
Test(flow_away, demoted) { expect_calm("demoted", demote_it, promote_it); }

static void leave_alone(void) { server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "1", NULL); }
static void accompany(void) { server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "0", NULL); }
Test(flow_away, without_replicas) { expect_calm("without replicas", leave_alone, accompany); }

static void fill_it(void) {
    server_text(&flow.server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
    server_text(&flow.server, "CONFIG", "SET", "maxclients", "1", NULL);
}
static void allow_clients(void) { server_text(&flow.server, "CONFIG", "SET", "maxclients", "1000", NULL); }
Test(flow_away, full_of_clients) { expect_calm("full of clients", fill_it, allow_clients); }

static void bar_it(void) {
    server_text(&flow.server, "CONFIG", "SET", "requirepass", "another", NULL);
    server_text(&flow.server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
}
static void let_in(void) { server_text(&flow.server, "CONFIG", "SET", "requirepass", "", NULL); }
Test(flow_away, barred) { expect_calm("barred by a password", bar_it, let_in); }

static void freeze(void) { server_pause(&flow.server); }
static void thaw(void) { server_resume(&flow.server); }
Test(flow_away, frozen) { expect_calm("frozen", freeze, thaw); }

static bool said_so_often(unsigned count, size_t before) {
    char *said = log_since(before);
    unsigned away = lines_with(said, "event=redis_away"), back = lines_with(said, "event=redis_back");
    free(said);
    return away == count && back == count;
}

/* Whoever asked Redis next and found the connection gone: it is said, once. */
Test(flow_away, for_a_moment) {
    start();
    size_t before = log_size();
    for (unsigned n = 1; n <= 12; n++) {
        server_text(&flow.server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
        cr_assert(WAIT_UNTIL(said_so_often(n, before), 10000), "%u: %s", n, log_since(before));
    }
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "for a moment", 0);
}
