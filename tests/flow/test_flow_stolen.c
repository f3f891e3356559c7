/* Entries that were delivered to somebody else than the partition's owner: a worker that was replaced, or a connection that is gone, may
 * have had a read under way. The owner must find them before it goes past them. */
#include <criterion/criterion.h>

#include "schema/code.h"
#include "tests/flow/check.h"

static struct flow flow;

static void start(void) {
    flow_start(&flow, 1, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_stolen, .init = start, .fini = stop, .timeout = 60);

/* Sends payments and has them read by another consumer before the owner, which is waiting for them, can be served. */
static void steal(const char *consumer, unsigned count) {
    struct reply reply;
    cr_assert_eq(flow_call(&flow, &reply, "MULTI", NULL), REDIS_OK);
    flow_pay(&flow, count);
    cr_assert_eq(flow_call(&flow, &reply, "XREADGROUP", "GROUP", KEYS_GROUP, consumer, "COUNT", "100", "STREAMS",
                           flow_key(&flow, keys_intents, 0), ">", NULL), REDIS_OK);
    cr_assert_eq(flow_call(&flow, &reply, "EXEC", NULL), REDIS_OK);
    cr_assert_eq(reply_count(reply_at(reply, count)), 1, "nothing was read by %s", consumer);
}

Test(flow_stolen, are_applied_before_those_after_them) {
    steal("replaced", 5);
    flow_pay(&flow, 20);
    cr_assert(flow_settle(&flow, 5000));
    check_sound(&flow, "stolen, then more", 0);
}

Test(flow_stolen, are_found_by_an_owner_that_has_nothing_else_to_do) {
    steal("replaced", 5);
    cr_assert(flow_settle(&flow, 2 * FLOW_LEASE_MS));
    check_sound(&flow, "stolen, then nothing", 0);
}

Test(flow_stolen, under_the_own_name_by_a_connection_that_is_gone) {
    steal("w0", 5);
    flow_pay(&flow, 20);
    cr_assert(flow_settle(&flow, 5000));
    check_sound(&flow, "stolen by an earlier self", 0);
}

Test(flow_stolen, again_and_again) {
    for (unsigned n = 0; n < 20; n++) {
        flow_pay(&flow, (unsigned)flow_random(&flow, 40));
        steal(n % 2 ? "replaced" : "w0", 1 + (unsigned)flow_random(&flow, 20));
        flow_load(&flow, 1 + (unsigned)flow_random(&flow, 40));
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "stolen again and again", 0);
}
