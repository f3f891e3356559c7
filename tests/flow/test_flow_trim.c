/* Streams that are trimmed while workers work, die and take over: what is old goes, what anybody needs stays, and the books are sound. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/flow/archives.h"
#include "tests/flow/check.h"

enum { PARTITIONS = 4 };

static struct flow flow;
static char dir[128], setting[160];

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_trim, .fini = stop, .timeout = 240);

static void start_worker(unsigned n, const char *crash_at, const char *more) {
    flow_worker(&flow, n, &(struct worker_options){
                              .crash_at = crash_at, .lease_ttl_ms = 500,
                              .environment = {setting, "TILL_RETENTION_INTENTS=1s", "TILL_RETENTION_RESPONSES=1s",
                                              "TILL_RETENTION_LEDGER=1s", "TILL_ARCHIVE_SEGMENT_SIZE=4KiB", more}});
}

static void start(bool archive) {
    flow_start(&flow, PARTITIONS, NULL);
    snprintf(dir, sizeof dir, "%s/books", flow.server.dir);
    snprintf(setting, sizeof setting, "TILL_ARCHIVE_DIR=%s", archive ? dir : "");
}

static bool logged(const char *text) {
    for (unsigned n = 0; n < FLOW_WORKERS_MAX; n++)
        if (flow.workers[n].log[0] && worker_log_has(&flow.workers[n], text)) return true;
    return false;
}

typedef size_t key_maker(keys_buffer out, const struct book *book, unsigned partition);

static uint64_t lengths(key_maker *make) {
    uint64_t sum = 0;
    for (unsigned p = 0; p < PARTITIONS; p++) sum += (uint64_t)server_integer(&flow.server, "XLEN", flow_key(&flow, make, p), NULL);
    return sum;
}

static size_t keys_of_shop(keys_buffer out, const struct book *book, unsigned p) { return keys_responses(out, book, p, "shop"); }
static size_t keys_of_app(keys_buffer out, const struct book *book, unsigned p) { return keys_responses(out, book, p, "app"); }

/* The last intent applied stays, and where there is an archive the last one archived. */
static void expect_trimmed(const char *name) {
    cr_assert(WAIT_UNTIL(lengths(keys_intents) <= PARTITIONS, 30000), "%s: %d intents are left", name, (int)lengths(keys_intents));
    cr_assert(WAIT_UNTIL(lengths(keys_ledger) <= PARTITIONS, 30000), "%s: %d ledger entries are left", name, (int)lengths(keys_ledger));
    cr_assert(WAIT_UNTIL(lengths(keys_of_shop) + lengths(keys_of_app) == 0, 30000), "%s: %d answers are left", name,
              (int)(lengths(keys_of_shop) + lengths(keys_of_app)));
}

static void expect_sound(const char *name) {
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    cr_assert_eq(check_audit(&flow, 0), 0, "%s", name);
    cr_assert_not(logged("data_loss_suspected"), "%s", name);
    cr_assert_not(logged("entry_lost"), "%s", name);
}

Test(flow_trim, what_is_old_goes_and_the_books_stay_sound) {
    start(false);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 4; n++) {
        flow_load(&flow, 200);
        expect_sound("with what was just added");
        expect_trimmed("one worker");
        expect_sound("with nothing left");
        if (n == 1) start_worker(1, NULL, NULL);
        if (n == 2) worker_kill(&flow.workers[0]);
    }
    struct archives none = archives_read(dir);
    cr_assert_eq(none.partitions, 0u);
}

/* Everything that was ever added, though the streams never held all of it. */
Test(flow_trim, what_goes_is_in_the_archive) {
    start(true);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 4; n++) {
        flow_load(&flow, 200);
        cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
        expect_trimmed("with an archive");
    }
    archives_expect_all(&flow, dir, "trimmed");
    expect_sound("trimmed");
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    cr_assert_eq(prlimit(flow.workers[0].pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

Test(flow_trim, nothing_goes_that_is_not_archived) {
    signal(SIGXFSZ, SIG_IGN);
    start(true);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    expect_sound("before");
    archives_expect_all(&flow, dir, "before");
    limit_files(1500);
    uint64_t intents = (uint64_t)flow.acknowledged;
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(WAIT_UNTIL(logged("archive_waits"), 20000));
    cr_assert(WAIT_UNTIL(lengths(keys_of_shop) + lengths(keys_of_app) == 0, 20000)); /* answers are not archived */
    cr_assert_geq(lengths(keys_intents), flow.acknowledged - intents, "%d of %d are left", (int)lengths(keys_intents),
                  (int)(flow.acknowledged - intents));
    limit_files(RLIM_INFINITY);
    expect_trimmed("there is room again");
    archives_expect_all(&flow, dir, "there is room again");
    expect_sound("there is room again");
}

/* Transfers to a partition that cannot be reached wait in the pending list, for longer than intents are kept. */
static bool is_first(struct flow *f, unsigned partition) {
    (void)f;
    return partition == 0;
}
static bool is_other(struct flow *f, unsigned partition) { return !is_first(f, partition); }

static uint64_t pending(void) { return flow_backlog(&flow).pending; }

Test(flow_trim, what_is_pending_stays) {
    start(false);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    expect_sound("before");
    server_text(&flow.server, "RENAME", "{till:0}:intents", "{till:0}:aside", NULL);
    server_text(&flow.server, "SET", "{till:0}:intents", "x", NULL);
    flow_transfer(&flow, 50, is_other, is_first);
    cr_assert(WAIT_UNTIL(pending() > 20, 10000), "%d are pending", (int)pending());
    wait_pass(1000);
    uint64_t waiting = pending();
    wait_pass(3000);
    cr_assert_geq(pending(), waiting, "%d of %d are pending", (int)pending(), (int)waiting);
    for (unsigned n = 0; n < 2; n++) { /* and the next owner finds them */
        server_text(&flow.server, "DEL", "{till:0}:intents", NULL);
        server_text(&flow.server, "RENAME", "{till:0}:aside", "{till:0}:intents", NULL);
        worker_kill(&flow.workers[0]);
        start_worker(0, NULL, NULL);
        expect_sound("reached again");
    }
    expect_trimmed("reached again");
}

/* Somebody reads the answers as a group. */
Test(flow_trim, a_reader_that_is_behind_is_waited_for) {
    start(false);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    const char *key = "{till:2}:responses:shop";
    server_text(&flow.server, "XGROUP", "CREATE", key, "checkout", "0", "MKSTREAM", NULL);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(WAIT_UNTIL(logged("trim_held"), 20000));
    cr_assert(WAIT_UNTIL(lengths(keys_of_shop) == (uint64_t)server_integer(&flow.server, "XLEN", key, NULL), 20000));
    uint64_t left = lengths(keys_of_shop);
    cr_assert_gt(left, 10u);
    cr_assert_str_eq(server_text(&flow.server, "HGET", flow_key(&flow, keys_trimmed, 2), "held:responses:shop", NULL), "checkout");
    server_text(&flow.server, "XREADGROUP", "GROUP", "checkout", "c", "COUNT", "5", "NOACK", "STREAMS", key, ">", NULL);
    cr_assert(WAIT_UNTIL(lengths(keys_of_shop) == left - 5, 20000), "%d of %d", (int)lengths(keys_of_shop), (int)left);
    flow_stop_workers(&flow, 1);
    start_worker(0, NULL, "TILL_RETENTION_READERS=0"); /* patience has an end */
    cr_assert(WAIT_UNTIL(lengths(keys_of_shop) == 0, 20000));
    cr_assert_eq(server_integer(&flow.server, "HGET", flow_key(&flow, keys_trimmed, 2), "behind:responses:shop", NULL), (int64_t)left - 5);
    cr_assert(WAIT_UNTIL(logged("unread_cut"), 20000));
    expect_sound("cut off");
}

/* The worker dies between two bites, or while it archives; the books and the archive are whole. */
ParameterizedTestParameters(flow_trim, killed) {
    static const char points[][32] = {"after_trim:1", "after_trim:2", "after_trim:5", "after_trim:9", "after_trim:20",
                                      "archive_tick:40", "archive_page:25", "after_apply:30"};
    return cr_make_param_array(const char[32], (void *)(uintptr_t)points, sizeof points / sizeof *points);
}

ParameterizedTest(const char (*point)[32], flow_trim, killed, .fini = stop, .timeout = 240) {
    fprintf(stderr, "%s\n", *point);
    start(true);
    start_worker(1, *point, NULL);
    flow_open(&flow);
    for (int n = 0; n < 60 && worker_runs(&flow.workers[1]); n++) {
        flow_load(&flow, 40);
        wait_pass(150);
    }
    int status = flow.workers[1].status;
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s was not reached", *point);
    start_worker(2, NULL, NULL);
    flow_load(&flow, 100);
    expect_sound(*point);
    expect_trimmed(*point);
    archives_expect_all(&flow, dir, *point);
    expect_sound(*point);
}

Test(flow_trim, killed_at_random, .timeout = 400) {
    start(true);
    start_worker(0, NULL, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 20; n++) {
        start_worker(n % 2, NULL, NULL);
        flow_load(&flow, 60);
        wait_pass((int)flow_random(&flow, 1500));
        worker_kill(&flow.workers[n % 2]);
    }
    start_worker(0, NULL, NULL);
    expect_sound("killed");
    expect_trimmed("killed");
    archives_expect_all(&flow, dir, "killed");
    expect_sound("killed");
}

/* A longer or shorter memory without a restart. */
Test(flow_trim, retention_is_read_again) {
    start(false);
    flow_worker(&flow, 0, NULL);
    flow_open(&flow);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    wait_pass(2500);
    cr_assert_geq(lengths(keys_intents), flow.acknowledged);
    FILE *out = fopen(flow.workers[0].config, "a");
    cr_assert(out && fputs("retention:\n  intents: 1s\n  ledger: 1s\n  responses: 1s\n", out) >= 0);
    fclose(out);
    worker_signal(&flow.workers[0], SIGHUP);
    expect_trimmed("read again");
    expect_sound("read again");
}
