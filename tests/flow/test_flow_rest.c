/* Waiting costs nothing: neither while Redis is away nor while nothing is to be done, and it is said once. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 16, WATCH_MS = 3000 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_rest, .fini = stop, .timeout = 60);

static unsigned lines(void) {
    unsigned count = 0;
    char *text = worker_log_text(&flow.workers[0]);
    for (const char *c = text; *c; c++) count += *c == '\n';
    free(text);
    return count;
}

static void serve(unsigned lease_ms) {
    flow_start(&flow, PARTITIONS, &(struct server_options){.appendfsync = "no"});
    flow_worker(&flow, 0, &(struct worker_options){.lease_ttl_ms = lease_ms});
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

/* Percent of a core over the next seconds. */
static long watch(void) {
    double before_ms = worker_cpu_ms(&flow.workers[0]);
    wait_pass(WATCH_MS);
    return (long)(worker_cpu_ms(&flow.workers[0]) - before_ms) * 100 / WATCH_MS;
}

Test(flow_rest, redis_is_down) {
    static const unsigned leases_ms[] = {500, 3000};
    for (size_t n = 0; n < 2; n++) {
        serve(leases_ms[n]);
        unsigned before = lines();
        server_kill(&flow.server);
        long percent = watch();
        cr_assert(percent < 20, "%ld %% of a core", percent);
        cr_assert_eq(lines() - before, 1, "%u lines for one edge", lines() - before);
        server_restart(&flow.server);
        flow_load(&flow, 100);
        cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
        check_sound(&flow, "down and up", 0);
        cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=redis_back"), 3000));
        flow_stop(&flow);
    }
}

Test(flow_rest, redis_hangs) {
    serve(500);
    server_pause(&flow.server);
    long percent = watch();
    server_resume(&flow.server);
    cr_assert(percent < 20, "%ld %% of a core", percent);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "hung", 0);
}

Test(flow_rest, nothing_to_do) {
    serve(3000);
    unsigned before = lines();
    long percent = watch();
    cr_assert(percent < 10, "%ld %% of a core", percent);
    cr_assert_eq(lines(), before);
}

/* Redis answers, but will not: full, or it may not write. */
Test(flow_rest, redis_refuses) {
    serve(3000);
    unsigned before = lines();
    server_text(&flow.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    long percent = watch();
    cr_assert(percent < 20, "%ld %% of a core", percent);
    cr_assert(lines() - before <= PARTITIONS + 1, "%u lines for one edge", lines() - before);
    server_text(&flow.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "1", NULL);
    before = lines();
    percent = watch();
    cr_assert(percent < 20, "%ld %% of a core", percent);
    cr_assert(lines() - before <= 2 * (PARTITIONS + 1), "%u lines for two edges", lines() - before);
    server_text(&flow.server, "CONFIG", "SET", "min-replicas-to-write", "0", NULL);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "refused", 0);
}
