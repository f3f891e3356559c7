/* The sweep: one worker does all that a book can do, and at the k-th thing that it says to Redis it is killed, or its connection is cut,
 * before the request or instead of the reply. For every k: each intent has one answer, the audit finds nothing, and all that came of it is
 * what comes of it undisturbed. A run of the tests takes some k of each kind, tests/sweep all of them (TILL_SWEEP=FROM-TO). */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/check.h"
#include "tests/flow/sweep.h"
#include "tests/support/process.h"
#include "tests/support/proxy.h"

enum { LEASE_MS = 500, SHORT_MS = 3000, SHORT_MIN = 2 };

struct row {
    enum proxy_act act;
    char name[16];
};
static const struct row rows[] = {{PROXY_KILL_BEFORE, "kill-before"}, {PROXY_KILL_AFTER, "kill-after"},
                                  {PROXY_CUT_BEFORE, "cut-before"},   {PROXY_CUT_AFTER, "cut-after"}};

static struct flow flow;
static struct proxy proxy;
static char *expected;

static void stop(void) {
    proxy_stop(&proxy);
    flow_stop(&flow);
    free(expected);
    expected = NULL;
}

static void start_worker(unsigned n, const char *url) {
    flow_worker(&flow, n, &(struct worker_options){.url = url, .batch = 4, .lease_ttl_ms = LEASE_MS, .block_ms = 100,
        .environment = {"TILL_RETENTION_INTENTS=keep", "TILL_RETENTION_RESPONSES=keep"}});
}

/* The book as it was when all was enqueued and nothing applied. */
static void begin_again(void) {
    for (unsigned n = 0; n < 3; n++) worker_clear(&flow.workers[n]);
    cr_assert_str_eq(server_text(&flow.server, "DEBUG", "RELOAD", "NOSAVE", NULL), "OK");
}

/* Worker 1 behind the proxy meets `act` at round trip k; one that was killed has a successor. Whether it came to that. */
static bool disturb(enum proxy_act act, uint64_t k, const char *name) {
    bool kills = act == PROXY_KILL_BEFORE || act == PROXY_KILL_AFTER;
    begin_again();
    proxy_rule(&proxy, PROXY_HALF_OPEN, 0);
    start_worker(1, proxy.url);
    if (k) proxy_at(&proxy, act, k, flow.workers[1].pid);
    proxy_rule(&proxy, PROXY_PASS, 0);
    if (k && kills && WAIT_UNTIL(proxy_acted(&proxy), 20000)) {
        cr_assert(worker_wait(&flow.workers[1], 5000), "%s: it lives", name);
        start_worker(2, flow.server.url);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    return proxy_acted(&proxy);
}

/* The streams as they are now, applied by workers to whom nothing happens, give the same book. */
static void expect_replays(const char *name) {
    struct server other;
    char url[160], into[112], dir[80], log[96];
    server_start(&other, NULL);
    snprintf(into, sizeof into, "%s", other.url);
    snprintf(url, sizeof url, "TILL_REDIS_URL=%s", flow.server.url);
    snprintf(dir, sizeof dir, "%s/archive", other.dir);
    snprintf(log, sizeof log, "%s/replay.log", other.dir);
    const char *const environment[] = {url, "TILL_BOOK_PARTITIONS=2", "TILL_RETENTION_INTENTS=keep", NULL};
    const char *const commands[][8] = {{TILL_CLI_PATH, "archive", dir, NULL}, {TILL_CLI_PATH, "digest", "--save", dir, NULL},
                                       {TILL_CLI_PATH, "replay", "--from-archive", dir, "--into", into, NULL}};
    for (size_t n = 0; n < sizeof commands / sizeof *commands; n++) {
        int status = 0;
        pid_t pid = process_start(commands[n], environment, log);
        cr_assert(process_wait(&pid, 30000, &status), "%s: till %s does not end", name, commands[n][1]);
        if (status != 0) process_die(log, "%s: till %s: %d", name, commands[n][1], status);
    }
    server_stop(&other);
}

static void expect_as_expected(const char *name, bool all) {
    check_sound(&flow, name, 0);
    char *outcome = sweep_outcome(&flow);
    for (char *a = expected, *b = outcome; *a || *b; a += strcspn(a, "\n") + (*a != 0), b += strcspn(b, "\n") + (*b != 0))
        cr_assert(strcspn(a, "\n") == strcspn(b, "\n") && strncmp(a, b, strcspn(a, "\n")) == 0, "%s: expected `%.*s`, came `%.*s`", name,
                  (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
    free(outcome);
    if (all) expect_replays(name);
}

static bool not_reached(uint64_t k, uint64_t trips) { return k * 10 < trips * 8; }

static void sweep_one(const struct row *row, uint64_t k, uint64_t trips, bool all) {
    char name[64];
    snprintf(name, sizeof name, "%s at round trip %llu of %llu", row->name, (unsigned long long)k, (unsigned long long)trips);
    bool acted = disturb(row->act, k, name);
    cr_assert(acted || !not_reached(k, trips), "%s was not reached", name);
    expect_as_expected(name, all);
    fprintf(stderr, "%s: ok\n", name);
}

/* How many round trips it takes undisturbed. */
static uint64_t prepare(void) {
    flow_start(&flow, SWEEP_PARTITIONS, NULL);
    sweep_prepare(&flow);
    sweep_enqueue(&flow);
    server_text(&flow.server, "SAVE", NULL);
    proxy_start(&proxy, flow.server.socket);
    disturb(PROXY_CUT_BEFORE, 0, "undisturbed");
    uint64_t trips = proxy_trips(&proxy);
    expected = sweep_outcome(&flow);
    expect_as_expected("undisturbed", true);
    fprintf(stderr, "undisturbed: %llu round trips\n", (unsigned long long)trips);
    return trips;
}

ParameterizedTestParameters(flow_sweep, rows) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

/* As tests/sweep wants it: TILL_SWEEP=FROM-TO, and of these every TILL_SWEEP_EVERY-th; of one kind or of all. */
static void sweep_range(const struct row *row, const char *range, uint64_t trips) {
    const char *every = getenv("TILL_SWEEP_EVERY");
    char *to;
    uint64_t k = strtoull(range, &to, 10), last = *to ? strtoull(to + 1, NULL, 10) : k, step = every ? strtoull(every, NULL, 10) : 1;
    for (k += k == 0; k <= last && k <= trips; k += step ? step : 1) sweep_one(row, k, trips, true);
}

ParameterizedTest(const struct row *row, flow_sweep, rows, .fini = stop, .timeout = 600) {
    const char *range = getenv("TILL_SWEEP"), *kind = getenv("TILL_SWEEP_KIND");
    if (kind && strcmp(kind, row->name) != 0) return;
    uint64_t trips = prepare();
    if (range) {
        sweep_range(row, range, trips);
        return;
    }
    int64_t until_ms = wait_now_ms() + SHORT_MS;
    for (unsigned n = 0; n < SHORT_MIN || wait_now_ms() < until_ms; n++) sweep_one(row, 1 + flow_random(&flow, trips), trips, false);
}
