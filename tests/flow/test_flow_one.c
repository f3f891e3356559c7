/* One worker, end to end. */
#include <criterion/criterion.h>

#include "tests/flow/check.h"

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_one, .fini = stop, .timeout = 60);

Test(flow_one, answers_everything_once) {
    flow_start(&flow, 8, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    flow_load(&flow, 2000);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "2000", 0);
    struct check_totals totals;
    check_book(&flow, &totals);
    cr_assert(totals.by_code[0] > 200 && totals.replays > 50 && totals.by_code[6] > 50 && totals.follow_ups > 50 && totals.unreadable > 20);
    flow_stop_workers(&flow, 1);
}
