/* Workers whose clocks are wrong by hours, and jump: nothing is decided, taken over or due by them. And a Redis whose clock goes back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "schema/entry.h"
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

static void turn_back(const char *file) {
    FILE *made = fopen(file, "w");
    cr_assert(made);
    fclose(made);
}

static struct entry_id last_of(unsigned partition) {
    struct entry_id last = {0};
    const char *text = server_text(&flow.server, "XREVRANGE", flow_key(&flow, keys_intents, partition), "+", "-", "COUNT", "1", NULL);
    cr_assert(entry_id_parse(text, strcspn(text, "\n"), &last), "%s", text);
    return last;
}

static uint64_t redis_now_ms(void) {
    char *end;
    const char *time = server_text(&flow.server, "TIME", NULL);
    uint64_t s = strtoull(time, &end, 10);
    return s * 1000 + strtoull(end, NULL, 10) / 1000;
}

/* An hour back under load, just when a worker dies, whose leases would last an hour longer: IDs go on from where they are, partitions
 * change hands as ever, and what falls due does when the clock gets there, once. */
Test(flow_clock, of_redis_goes_back, .timeout = 120) {
    static char back[96], while_there[128];
    snprintf(back, sizeof back, "%s/clock-%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    snprintf(while_there, sizeof while_there, "TILL_CLOCK_SHIFT_WHILE=%s", back);
    flow_start(&flow, PARTITIONS, &(struct server_options){
        .environment = {"LD_PRELOAD=" TILL_CLOCK_SHIFT_PATH, "TILL_CLOCK_SHIFT_S=-3600", while_there}});
    for (unsigned n = 0; n < 3; n++) flow_worker(&flow, n, NULL);
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_open_account(&flow, "late", "user");
    struct intent topup = flow_intent(OP_topup, "late", NULL, 1000, NULL), hold = flow_intent(OP_hold, "late", "m0", 700, NULL);
    flow_send(&flow, &topup);
    flow_set_number(&hold, FIELD_expires, 6000);
    flow_send(&flow, &hold);
    flow_load(&flow, 300); /* behind them: it freezes merchants */
    struct entry_id before = last_of(0);
    uint64_t before_ms = redis_now_ms();
    worker_pause(&flow.workers[0]);
    turn_back(back);
    worker_kill(&flow.workers[0]);
    cr_assert_lt(redis_now_ms(), before_ms - 3000000, "the clock is right");
    flow_load(&flow, 300);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    struct entry_id after = last_of(0);
    cr_assert(after.ms >= before.ms && entry_id_compare(after, before) > 0, "IDs do not go on");
    cr_assert_eq(flow_account(&flow, "late", "held"), 700, "its deadline is an hour away: %d", flow_answer(&flow, &hold).code);

    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) + flow_held(&flow, 2) == PARTITIONS, 10000), "nobody takes over");
    cr_assert_eq(worker_stop(&flow.workers[1], 10000), 0);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 2) == PARTITIONS, 10000), "nobody takes what was handed back");
    flow_worker(&flow, 3, NULL);
    flow_load(&flow, 200);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));

    unlink(back); /* and on again: all that is an hour late falls due */
    cr_assert(WAIT_UNTIL(flow_account(&flow, "late", "held") == 0, 30000));
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "on again", 0);
}
