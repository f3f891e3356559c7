/* SIGTERM and SIGINT: exit 0 within 2 s whatever Redis does, and what was held is handed back at once. */
#include <criterion/criterion.h>
#include <signal.h>

#include "tests/flow/check.h"

enum { EXIT_MS = 2000, HAND_BACK_MS = 500 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_signal, .fini = stop, .timeout = 60);

static void expect_exit(unsigned n, int signal, const char *when) {
    int64_t since_ms = wait_now_ms();
    worker_signal(&flow.workers[n], signal);
    cr_assert(worker_wait(&flow.workers[n], 10000), "%s: it does not end", when);
    int64_t took_ms = wait_now_ms() - since_ms;
    cr_assert_eq(flow.workers[n].status, 0, "%s: status %d", when, flow.workers[n].status);
    cr_assert(took_ms < EXIT_MS, "%s: it took %d ms", when, (int)took_ms);
}

static void hands_back(int signal) {
    flow_start(&flow, 16, NULL);
    flow_worker(&flow, 0, &(struct worker_options){.lease_ttl_ms = 3000, .block_ms = 1000});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 16, 5000));
    flow_worker(&flow, 1, &(struct worker_options){.lease_ttl_ms = 3000, .block_ms = 1000});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 8 && flow_held(&flow, 1) == 8, 10000));
    flow_open(&flow);
    flow_load(&flow, 500);
    expect_exit(0, signal, "under load");
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 16, HAND_BACK_MS), "%u of 16 were taken, %u are free", flow_held(&flow, 1),
              flow_free(&flow));
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "handed back", 0);
    expect_exit(1, signal, "alone and idle");
    cr_assert_eq(flow_free(&flow), 16);
}

Test(flow_signal, term_hands_back) { hands_back(SIGTERM); }
Test(flow_signal, int_hands_back) { hands_back(SIGINT); }

static void start_busy(void) {
    flow_start(&flow, 8, &(struct server_options){.appendfsync = "no"});
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 8, 5000));
    flow_load(&flow, 300);
}

/* Then another worker finishes, and nothing is lost or done twice. */
static void expect_sound(const char *name) {
    flow_worker(&flow, 1, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
}

Test(flow_signal, term_while_redis_is_down) {
    static const int after_ms[] = {0, 100, 1500};
    for (size_t n = 0; n < 3; n++) {
        start_busy();
        server_kill(&flow.server);
        wait_pass(after_ms[n]);
        expect_exit(0, SIGTERM, "Redis is down");
        server_restart(&flow.server);
        expect_sound("after Redis was down");
        flow_stop(&flow);
    }
}

Test(flow_signal, term_while_redis_hangs) {
    static const int after_ms[] = {0, 300, 1200, 2600};
    for (size_t n = 0; n < 4; n++) {
        char when[64];
        snprintf(when, sizeof when, "Redis has been hanging for %d ms", after_ms[n]);
        start_busy();
        server_pause(&flow.server);
        wait_pass(after_ms[n]);
        expect_exit(0, SIGTERM, when);
        server_resume(&flow.server);
        expect_sound(when);
        flow_stop(&flow);
    }
}

Test(flow_signal, term_before_redis_ever_came) {
    flow_start(&flow, 4, NULL);
    server_kill(&flow.server);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=redis_away"), 5000));
    expect_exit(0, SIGTERM, "waiting for Redis");
    server_restart(&flow.server);
}

Test(flow_signal, term_while_hanging_at_the_start) {
    flow_start(&flow, 4, NULL);
    server_pause(&flow.server);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=worker_starts"), 5000));
    wait_pass(200);
    expect_exit(0, SIGTERM, "Redis hangs at the start");
    server_resume(&flow.server);
}
