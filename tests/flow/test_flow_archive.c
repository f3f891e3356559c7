/* Workers that archive: whatever happens to them, every entry gets onto the disk once, and no payment waits for it. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/archives.h"
#include "tests/flow/check.h"
#include "tests/support/process.h"

enum { PARTITIONS = 4 };

static struct flow flow;
static char dir[128], setting[160];

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_archive, .fini = stop, .timeout = 240);

static void start_worker(unsigned n, const char *crash_at) {
    flow_worker(&flow, n, &(struct worker_options){.crash_at = crash_at, .lease_ttl_ms = 500,
                                                   .environment = {setting, "TILL_ARCHIVE_SEGMENT_SIZE=4KiB"}});
}

static void start(unsigned workers) {
    flow_start(&flow, PARTITIONS, NULL);
    snprintf(dir, sizeof dir, "%s/books", flow.server.dir);
    snprintf(setting, sizeof setting, "TILL_ARCHIVE_DIR=%s", dir);
    for (unsigned n = 0; n < workers; n++) start_worker(n, NULL);
    flow_open(&flow);
}

static bool logged(const char *text) {
    for (unsigned n = 0; n < FLOW_WORKERS_MAX; n++)
        if (flow.workers[n].log[0] && worker_log_has(&flow.workers[n], text)) return true;
    return false;
}

static const char *file_of(unsigned partition, const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%04u/%s", dir, partition, name);
    return path;
}

Test(flow_archive, keeps_up_while_payments_go_on) {
    start(1);
    flow_load(&flow, 300);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "one worker");
    cr_assert_eq(access(file_of(0, "intents-00000002.seg"), F_OK), 0, "no segment was finished");
    check_sound(&flow, "one worker", 0);
}

/* SIGTERM in the middle of it: in time, with all that was in the streams on the disk. */
Test(flow_archive, a_worker_that_stops_leaves_nothing_behind) {
    start(1);
    for (unsigned n = 0; n < 5; n++) {
        flow_load(&flow, 100);
        cr_assert(flow_serving(&flow, 8000));
        archives_expect_all(&flow, dir, "it has begun");
        flow_load(&flow, 200);
        uint64_t began_ms = flow_now_ms();
        flow_stop_workers(&flow, 1);
        uint64_t took_ms = flow_now_ms() - began_ms;
        cr_assert_lt(took_ms, (uint64_t)wait_fair_ms(2000), "it took %d ms", (int)took_ms);
        const char *wrong = archives_compare(&flow, dir);
        cr_assert_str_empty(wrong, "%s", wrong);
        start_worker(0, NULL);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "stopped and started");
    cr_assert_not(logged("archive_waits"));
}

/* Partitions go from worker to worker, which share the directory. */
Test(flow_archive, goes_on_where_another_worker_ended) {
    start(1);
    flow_load(&flow, 200);
    start_worker(1, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 2, 8000));
    flow_load(&flow, 200);
    start_worker(2, NULL);
    start_worker(3, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 3) == 1, 8000));
    flow_load(&flow, 200);
    worker_kill(&flow.workers[0]);
    worker_pause(&flow.workers[1]);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 2) + flow_held(&flow, 3) == PARTITIONS, 8000));
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    worker_resume(&flow.workers[1]); /* until then it had the lock */
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) >= 1, 8000));
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "four workers");
    check_sound(&flow, "four workers", 0);
}

/* The worker dies at each point of archiving, at different times; another one goes on. */
ParameterizedTestParameters(flow_archive, killed) {
    static const char points[][32] = {"archive_open:1", "archive_open:4", "archive_page:1", "archive_page:2", "archive_page:7",
                                      "archive_page:30", "archive_tick:1", "archive_tick:3", "archive_tick:20", "archive_tick:60"};
    return cr_make_param_array(const char[32], (void *)(uintptr_t)points, sizeof points / sizeof *points);
}

ParameterizedTest(const char (*point)[32], flow_archive, killed, .fini = stop, .timeout = 240) {
    fprintf(stderr, "%s\n", *point);
    start(0);
    start_worker(1, *point);
    for (int n = 0; n < 40 && worker_runs(&flow.workers[1]); n++) {
        flow_load(&flow, 60);
        wait_pass(100);
    }
    int status = flow.workers[1].status;
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s was not reached", *point);
    start_worker(2, NULL);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", *point);
    archives_expect_all(&flow, dir, *point);
    check_sound(&flow, *point, 0);
}

/* SIGKILL at any moment, many times. */
Test(flow_archive, killed_at_random, .timeout = 300) {
    start(0);
    for (unsigned n = 0; n < 20; n++) {
        start_worker(n % 2, NULL);
        flow_load(&flow, 80);
        wait_pass((int)flow_random(&flow, 1200));
        worker_kill(&flow.workers[n % 2]);
        struct archives a = archives_read(dir);
        cr_assert_eq(a.found, 0, "round %u", n);
    }
    start_worker(0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "killed");
    check_sound(&flow, "killed", 0);
}

static void limit_files(const struct worker *worker, rlim_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    cr_assert_eq(prlimit(worker->pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* A full disk (here: files may not grow beyond what they are): payments go on, it is said once, and made up for. */
Test(flow_archive, a_full_disk_holds_up_no_payment) {
    start(1);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "before");
    limit_files(&flow.workers[0], 2000);
    flow_load(&flow, 300);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "payments wait for the disk");
    cr_assert(WAIT_UNTIL(logged("archive_waits"), 20000));
    const char *trimmed = flow_key(&flow, keys_trimmed, 0);
    cr_assert(WAIT_UNTIL(strstr(server_text(&flow.server, "HGET", trimmed, "archive", NULL), "File too large") != NULL, 20000),
              "%s", server_text(&flow.server, "HGET", trimmed, "archive", NULL));
    wait_pass(4000);
    cr_assert_leq(worker_log_times(&flow.workers[0], "archive_waits"), (unsigned)PARTITIONS, "said again and again");
    limit_files(&flow.workers[0], RLIM_INFINITY);
    archives_expect_all(&flow, dir, "after");
    const struct worker *w = &flow.workers[0];
    cr_assert(WAIT_UNTIL(worker_log_times(w, "archive_resumes") == worker_log_times(w, "archive_waits"), 20000));
    cr_assert(WAIT_UNTIL(server_integer(&flow.server, "HEXISTS", trimmed, "archive", NULL) == 0, 20000));
    check_sound(&flow, "full disk", 0);
}

/* Somebody else archives a partition there, and ends at last. */
Test(flow_archive, the_lock_decides) {
    start(1);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "before");
    flow_stop_workers(&flow, 1);
    int lock = open(file_of(1, "lock"), O_RDWR | O_CLOEXEC);
    cr_assert(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0);
    start_worker(0, NULL);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(WAIT_UNTIL(logged("another process is archiving this partition here"), 20000));
    cr_assert_neq(*archives_compare(&flow, dir), '\0');
    close(lock);
    archives_expect_all(&flow, dir, "the lock is free");
    cr_assert(WAIT_UNTIL(logged("archive_resumes"), 20000));
}

/* What went bad is left as it is, and nothing is trimmed that is not archived. */
Test(flow_archive, bad_bytes_are_left_alone) {
    uint8_t byte;
    start(1);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    int fd = open(file_of(2, "manifest"), O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0 && pread(fd, &byte, 1, 30) == 1);
    byte ^= 4;
    cr_assert_eq(pwrite(fd, &byte, 1, 30), 1);
    flow_worker(&flow, 0, &(struct worker_options){.environment = {setting, "TILL_RETENTION_INTENTS=1s"}});
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(WAIT_UNTIL(logged("is no manifest, or was changed"), 10000));
    cr_assert(WAIT_UNTIL(server_integer(&flow.server, "HGET", flow_key(&flow, keys_trimmed, 1), "cut:intents", NULL) > 0, 10000));
    cr_assert_eq(server_integer(&flow.server, "HGET", flow_key(&flow, keys_trimmed, 2), "cut:intents", NULL), 0);
    byte ^= 4;
    cr_assert_eq(pwrite(fd, &byte, 1, 30), 1);
    close(fd);
    flow_stop_workers(&flow, 1);
    start_worker(0, NULL);
    archives_expect_all(&flow, dir, "mended");
}

/* Redis hangs and goes away meanwhile. */
Test(flow_archive, outlives_redis) {
    start(0);
    server_stop(&flow.server);
    flow_stop(&flow);
    flow_start(&flow, PARTITIONS, &(struct server_options){.appendfsync = "always"});
    snprintf(dir, sizeof dir, "%s/books", flow.server.dir);
    snprintf(setting, sizeof setting, "TILL_ARCHIVE_DIR=%s", dir);
    start_worker(0, NULL);
    flow_open(&flow);
    flow_load(&flow, 200);
    server_kill(&flow.server);
    wait_pass(1500);
    server_restart(&flow.server);
    flow_load(&flow, 200);
    server_pause(&flow.server);
    wait_pass(1500);
    server_resume(&flow.server);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    archives_expect_all(&flow, dir, "killed and restarted");
}
