/* Workers whose clocks are wrong by hours, and jump: nothing is decided, taken over or due by them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 8 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_clock, .fini = stop, .timeout = 60);

static void start_worker(unsigned n, const char *shift) {
    static char sanitizer[512];
    const char *given = getenv("ASAN_OPTIONS");
    snprintf(sanitizer, sizeof sanitizer, "ASAN_OPTIONS=%s%sverify_asan_link_order=0", given ? given : "", given ? ":" : "");
    flow_worker(&flow, n, &(struct worker_options){.environment = {"LD_PRELOAD=" TILL_CLOCK_SHIFT_PATH, shift, sanitizer}});
}

/* Milliseconds of the first time in a worker's log from now, either way. */
static uint64_t off_by(unsigned n) {
    struct tm then = {0};
    char *text = worker_log_text(&flow.workers[n]), *at = strstr(text, "time=");
    cr_assert(at && strptime(at, "time=%Y-%m-%dT%H:%M:%S", &then));
    free(text);
    uint64_t then_ms = (uint64_t)timegm(&then) * 1000, now_ms = flow_now_ms();
    return then_ms > now_ms ? then_ms - now_ms : now_ms - then_ms;
}

Test(flow_clock, is_wrong_and_jumps) {
    flow_start(&flow, PARTITIONS, NULL);
    start_worker(0, "TILL_CLOCK_SHIFT_S=3600");
    start_worker(1, "TILL_CLOCK_SHIFT_S=-90000");
    flow_open(&flow);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == PARTITIONS / 2 && flow_held(&flow, 1) == PARTITIONS / 2, 10000), "shares are not fair");
    cr_assert(off_by(0) > 3000000 && off_by(1) > 80000000, "the clocks are right");
    flow_load(&flow, 300);
    worker_kill(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == PARTITIONS, 10000));
    start_worker(2, "TILL_CLOCK_SHIFT_S=7200");
    flow_load(&flow, 300);
    flow_hold(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "wrong clocks", 0);
}
