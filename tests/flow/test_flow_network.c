/* What a network does to workers under load: replies that are lost, half-open and slow connections, resets, bytes that end in the middle of
 * a reply or a request. Each while two workers apply everything there is; once it is over, all of it has its one answer. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#include "tests/flow/check.h"
#include "tests/support/proxy.h"

enum { PARTITIONS = 4, WORKERS = 2, ROUNDS = 8, ROUND_MS = 150, BYTES_MOST = 4000 };

struct row {
    enum proxy_rule rule;
    unsigned argument; /* of the rule; of those that cut: up to this many bytes */
    char name[16];
};
static const struct row rows[] = {{PROXY_LOSE_REPLIES, 0, "lost replies"}, {PROXY_HALF_OPEN, 0, "half-open"},
                                  {PROXY_DROP, 0, "black hole"},           {PROXY_REFUSE, 0, "refused"},
                                  {PROXY_DELAY, 20, "slow"},               {PROXY_RESET, 100, "resets"},
                                  {PROXY_CUT_REPLIES, BYTES_MOST, "cut replies"}, {PROXY_CUT_REQUESTS, BYTES_MOST, "cut requests"}};

static struct flow flow;
static struct proxy proxy;

static void stop(void) {
    proxy_stop(&proxy);
    flow_stop(&flow);
}

static bool cuts(enum proxy_rule rule) { return rule == PROXY_CUT_REPLIES || rule == PROXY_CUT_REQUESTS; }

/* Each round cuts elsewhere. */
static void disturb(const struct row *row) {
    for (unsigned n = 0; n < ROUNDS; n++) {
        if (n == 0 || cuts(row->rule)) proxy_rule(&proxy, row->rule, cuts(row->rule) ? flow_random(&flow, row->argument) : row->argument);
        flow_load(&flow, 20);
        wait_pass(ROUND_MS);
    }
}

ParameterizedTestParameters(flow_network, rows) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

ParameterizedTest(const struct row *row, flow_network, rows, .fini = stop, .timeout = 90) {
    flow_start(&flow, PARTITIONS, NULL);
    proxy_start(&proxy, flow.server.socket);
    flow_open(&flow);
    for (unsigned n = 0; n < WORKERS; n++)
        flow_worker(&flow, n, &(struct worker_options){.url = proxy.url, .environment = {"TILL_REDIS_TIMEOUT=600ms"}});
    cr_assert(flow_serving(&flow, 10000), "%s", row->name);
    uint64_t connections = proxy.shared->connections;
    disturb(row);
    proxy_rule(&proxy, PROXY_PASS, 0);
    flow_load(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", row->name);
    check_sound(&flow, row->name, 0);
    for (unsigned n = 0; n < WORKERS; n++) cr_assert(worker_runs(&flow.workers[n]), "%s: worker %u has ended", row->name, n);
    cr_assert(row->rule == PROXY_DELAY || proxy.shared->connections > connections, "%s: no connection was hit", row->name);
}
