/* A worker that is stopped at a named point of the road, replaced, and goes on from there: it writes nothing any more. (Sending follow-ups
 * is not writing: their receivers know copies.) */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 2, LEASE_MS = 500 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_fence, .fini = stop, .timeout = 100);

static bool is_stopped(pid_t pid) {
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "r");
    if (!in) return false;
    char *got = fgets(text, sizeof text, in);
    fclose(in);
    const char *state = got ? strrchr(text, ')') : NULL;
    return state && state[2] == 'T';
}

/* Raises the epochs as a taking would, under a lease that nobody else can get. */
static void replace_owner(void) {
    char lease[64];
    for (unsigned p = 0; p < PARTITIONS; p++) {
        int64_t epoch = server_integer(&flow.server, "HINCRBY", flow_key(&flow, keys_meta, p), "epoch", "1", NULL);
        snprintf(lease, sizeof lease, "%lld:other", (long long)epoch);
        server_text(&flow.server, "SET", flow_key(&flow, keys_lease, p), lease, "PX", "60000", NULL);
    }
}

/* Everything of the book but the intents: a digest of each key, joined. To be freed. */
static char *snapshot(void) {
    char *keys = strdup(server_text(&flow.server, "EVAL",
                                    "local k = redis.call('KEYS', '{till:*') table.sort(k) return k", "0", NULL)), *text, *rest;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (char *key = strtok_r(keys, "\n", &rest); key; key = strtok_r(NULL, "\n", &rest)) {
        char digest[SERVER_DIGEST_SIZE];
        if (strstr(key, ":intents")) continue;
        server_digest_key(&flow.server, key, digest);
        fprintf(out, "%s %s\n", key, digest);
    }
    fclose(out);
    free(keys);
    return text;
}

static void stop_at(const char *point) {
    char variable[64];
    snprintf(variable, sizeof variable, "TILL_STOP_AT=%s", point);
    flow_worker(&flow, 0, &(struct worker_options){.lease_ttl_ms = LEASE_MS, .environment = {variable}});
    flow_load(&flow, 150);
    cr_assert(WAIT_UNTIL(is_stopped(flow.workers[0].pid), 5000), "%s: it was never reached", point);
}

static void expect_nothing_written(const char *point) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    flow_load(&flow, 50);
    stop_at(point);
    replace_owner();
    uint64_t pending = flow_backlog(&flow).pending;
    char *before = snapshot();
    worker_resume(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(worker_log_times(&flow.workers[0], "event=fenced") == PARTITIONS, 5000), "%s: %u of %d lanes are fenced", point,
              worker_log_times(&flow.workers[0], "event=fenced"), PARTITIONS);
    nanosleep(&(struct timespec){0, 100 * 1000000L}, NULL);
    char *after = snapshot();
    cr_assert_str_eq(before, after, "%s: before\n%s\nafter\n%s", point, before, after);
    cr_assert(flow_backlog(&flow).pending >= pending, "%s: something was acknowledged", point);
    free(before);
    free(after);
    for (unsigned p = 0; p < PARTITIONS; p++) server_text(&flow.server, "DEL", flow_key(&flow, keys_lease, p), NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", point);
    check_sound(&flow, point, 0);
    flow_stop(&flow);
}

Test(flow_fence, stopped_worker_writes_nothing_after) {
    static const char *const points[] = {"after_read", "before_apply",  "before_apply:5",     "after_apply",      "after_apply:3",
                                         "amid_follow_ups", "after_follow_ups", "after_follow_ups:3", "after_answer:2", "after_group",
                                         "after_renewal:2", "before_sweep", "after_due", "after_due:2"};
    for (size_t n = 0; n < sizeof points / sizeof *points; n++) expect_nothing_written(points[n]);
}
