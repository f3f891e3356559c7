/* The crash matrix: a worker dies by SIGKILL at every named point of the road (worker/failpoint.h), under a mixed load, with one worker
 * started again or two others beside it. In the end every entry has its one answer and the book is sound. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/check.h"

enum { LEASE_MS = 500 };

struct row {
    char point[32];
    unsigned beside;  /* workers that run beside the one that dies */
    bool on_disk;     /* with an append-only file */
};

static struct flow flow;
static void (*load)(struct flow *, unsigned) = flow_load;

static void stop(void) { flow_stop(&flow); }

static void start_worker(unsigned n, const char *point, unsigned max_attempts) {
    char attempts[40];
    snprintf(attempts, sizeof attempts, "TILL_WORKER_MAX_ATTEMPTS=%u", max_attempts);
    flow_worker(&flow, n, &(struct worker_options){.crash_at = point, .lease_ttl_ms = LEASE_MS, .environment = {attempts}});
}

static void expect_killed(unsigned n, const char *point) {
    cr_assert(worker_wait(&flow.workers[n], 8000), "%s: it was never reached", point);
    cr_assert(WIFSIGNALED(flow.workers[n].status) && WTERMSIG(flow.workers[n].status) == SIGKILL, "%s: status %d", point,
              flow.workers[n].status);
}

/* One that dies in the middle of its work, so that the next has something to take over. */
static void leave_something_pending(void) {
    start_worker(0, "after_apply:6", 5);
    flow_open(&flow);
    load(&flow, 150);
    expect_killed(0, "after_apply:6");
}

static const char taken[] = "event=partition_taken";

/* One that is to die when it has given back so many must have had so many. */
static bool has_taken_all(void) {
    return worker_log_times(&flow.workers[1], taken) >= flow.book.partitions;
}

static void die_at(const struct row *row) {
    bool stopping = strncmp(row->point, "before_release", 14) == 0;
    start_worker(1, row->point, strncmp(row->point, "after_count", 11) == 0 ? 1 : 5);
    WAIT_UNTIL(!worker_runs(&flow.workers[1]) || (stopping ? has_taken_all() : worker_log_has(&flow.workers[1], taken)), 5000);
    for (unsigned n = 0; n < row->beside; n++) start_worker(2 + n, "", 5);
    load(&flow, 150);
    if (stopping) worker_signal(&flow.workers[1], SIGTERM);
    expect_killed(1, row->point);
}

static const struct row rows[] = {
    {"after_take", 0, false},        {"after_take", 2, true},        {"after_take:3", 0, true},       {"after_renewal:2", 2, false},
    {"after_group", 0, false},       {"after_group:2", 2, true},     {"after_claim", 0, true},        {"after_claim", 2, false},
    {"after_claim:2", 0, false},     {"before_sweep", 0, true},      {"before_sweep:2", 2, true},     {"after_sweep", 2, false},
    {"after_sweep:3", 0, false},     {"after_read", 0, false},       {"after_read", 2, true},         {"after_read:5", 0, true},
    {"after_read:5", 2, false},      {"before_apply", 0, true},      {"before_apply", 2, false},      {"before_apply:4", 0, false},
    {"before_apply:6", 2, true},     {"after_apply", 0, false},      {"after_apply", 2, true},        {"after_apply:4", 0, true},
    {"after_apply:6", 2, false},     {"amid_follow_ups", 0, false},  {"amid_follow_ups", 2, true},    {"amid_follow_ups:4", 0, true},
    {"amid_follow_ups:5", 2, false}, {"after_follow_ups", 0, true},  {"after_follow_ups", 2, false},  {"after_follow_ups:3", 0, false},
    {"after_follow_ups:3", 2, true}, {"after_answer", 0, false},     {"after_answer", 2, true},       {"after_answer:3", 0, true},
    {"after_answer:3", 2, false},    {"after_count", 0, false},      {"after_count:2", 0, true},      {"before_release", 0, true},
    {"before_release", 2, false},    {"before_release:2", 0, false}, {"before_release:3", 2, true},   {"after_due", 0, false},
    {"after_due", 2, true},          {"after_due:3", 0, true},       {"after_due:2", 2, false},
};

ParameterizedTestParameters(flow_crash, matrix) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

static void survive(const struct row *row) {
    char name[96];
    snprintf(name, sizeof name, "%s, %u beside, %s", row->point, row->beside, row->on_disk ? "on disk" : "in memory");
    fprintf(stderr, "%s\n", name);
    flow_start(&flow, 4, row->on_disk ? &(struct server_options){.appendfsync = "everysec"} : NULL);
    leave_something_pending();
    die_at(row);
    if (row->beside == 0) start_worker(4, "", 5);
    load(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
}

ParameterizedTest(const struct row *row, flow_crash, matrix, .fini = stop, .timeout = 60) { survive(row); }

/* The same when intents share entries. */
static const struct row shared_rows[] = {
    {"after_claim", 0, false},  {"after_read:2", 0, true}, {"before_apply:2", 0, false}, {"after_apply:2", 2, false},
    {"after_apply", 0, true}, {"after_answer", 0, false},
};

ParameterizedTestParameters(flow_crash, shared) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)shared_rows, sizeof shared_rows / sizeof *shared_rows);
}

ParameterizedTest(const struct row *row, flow_crash, shared, .fini = stop, .timeout = 60) {
    load = flow_load_shared;
    survive(row);
}

/* A worker that dies every few hundred milliseconds, at points and moments from the seed. */
Test(flow_crash, again_and_again, .fini = stop, .timeout = 100) {
    char point[40];
    flow_start(&flow, 4, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 25; n++) {
        const char *name = rows[flow_random(&flow, sizeof rows / sizeof *rows)].point;
        snprintf(point, sizeof point, "%.*s:%u", (int)strcspn(name, ":"), name, 1 + (unsigned)flow_random(&flow, 20));
        start_worker(n % 3, point, 20);
        (n % 5 == 4 ? flow_load_shared : flow_load)(&flow, 60);
        worker_wait(&flow.workers[(n + 1) % 3], 150);
    }
    start_worker(5, "", 20);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < 30 && flow_rows(&flow, "settled", NULL) == 0; n++) { /* few are: orders paid in another partition */
        flow_load(&flow, 60);
        cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    }
    cr_assert_gt(flow_rows(&flow, "settled", NULL), 0, "no order was paid in another partition");
    check_sound(&flow, "again and again", 0);
}
