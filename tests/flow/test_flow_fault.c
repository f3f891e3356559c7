/* What Redis and its operators do to a book under load: scripts, groups, streams and connections that go away, servers that die. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 4 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_fault, .fini = stop, .timeout = 100);

static void start(unsigned workers, const struct server_options *options) {
    flow_start(&flow, PARTITIONS, options);
    flow_open(&flow);
    for (unsigned n = 0; n < workers; n++) flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 500});
    cr_assert(workers == 0 || flow_serving(&flow, 5000));
}

static unsigned any_partition(void) { return (unsigned)flow_random(&flow, PARTITIONS); }

Test(flow_fault, scripts_are_flushed_in_a_loop) {
    start(2, NULL);
    for (unsigned n = 0; n < 100; n++) {
        flow_load(&flow, 10);
        server_text(&flow.server, "SCRIPT", "FLUSH", NULL);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "SCRIPT FLUSH", 0);
    cr_assert(worker_runs(&flow.workers[0]) && worker_runs(&flow.workers[1]));
}

Test(flow_fault, functions_are_flushed_in_a_loop) {
    start(2, NULL);
    for (unsigned n = 0; n < 60; n++) {
        flow_load(&flow, 10);
        cr_assert_str_eq(server_text(&flow.server, "FUNCTION", "FLUSH", NULL), "OK");
        wait_pass(20);
    }
    flow_load(&flow, 10);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "FUNCTION FLUSH", 0);
    cr_assert(worker_runs(&flow.workers[0]) && worker_runs(&flow.workers[1]));
    cr_assert(strstr(server_text(&flow.server, "FUNCTION", "LIST", NULL), "till_"), "it was never loaded again");
}

Test(flow_fault, groups_are_destroyed_in_a_loop) {
    start(2, NULL);
    for (unsigned n = 0; n < 40; n++) {
        flow_load(&flow, 20);
        server_text(&flow.server, "XGROUP", "DESTROY", flow_key(&flow, keys_intents, any_partition()), KEYS_GROUP, NULL);
        wait_pass(5);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "XGROUP DESTROY", 0);
}

Test(flow_fault, connections_are_killed_in_a_loop) {
    start(2, NULL);
    for (unsigned n = 0; n < 60; n++) {
        flow_load(&flow, 20);
        server_text(&flow.server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "CLIENT KILL", 0);
    cr_assert(flow.unsure > 0, "no connection was hit");
}

/* Readable entries that are answered, over all partitions and sources. */
static uint64_t answers(void) {
    static const char *const sources[] = FLOW_SOURCES;
    uint64_t sum = 0;
    keys_buffer key;
    for (unsigned p = 0; p < PARTITIONS; p++)
        for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) {
            keys_responses(key, &flow.book, p, sources[n]);
            sum += (uint64_t)server_integer(&flow.server, "XLEN", key, NULL);
        }
    return sum;
}

/* What was in it unread is lost, and nobody can know, but for what partitions owed one another. What comes after goes on where the numbers
 * were; an ID of the very millisecond in which it was deleted looks like a loss, and is one. */
Test(flow_fault, intents_are_deleted) {
    struct worker_options go_on = {.lease_ttl_ms = 500, .environment = {"TILL_WORKER_ON_DATA_LOSS=continue"}};
    start(0, NULL);
    for (unsigned n = 0; n < 2; n++) flow_worker(&flow, n, &go_on);
    cr_assert(flow_serving(&flow, 5000));
    for (unsigned n = 0; n < 10; n++) {
        flow_load_here(&flow, 40);
        server_text(&flow.server, "DEL", flow_key(&flow, keys_intents, any_partition()), NULL);
    }
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(check_repair(&flow, 0), 0);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned p = 0; p < PARTITIONS; p++) server_text(&flow.server, "DEL", flow_key(&flow, keys_intents, p), NULL);
    uint64_t before = answers();
    flow_pay(&flow, 200);
    cr_assert(WAIT_UNTIL(answers() == before + 200, 5000), "%llu of 200 are answered", (unsigned long long)(answers() - before));
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(check_audit(&flow, 0), 0);
}

/* Entries that somebody read and that were deleted before they were applied: each leaves a trace. */
Test(flow_fault, pending_entries_are_trimmed) {
    struct reply reply;
    char third[48];
    start(1, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    unsigned p = keys_partition(&flow.book, "u1", 2);
    const char *intents = flow_key(&flow, keys_intents, p);
    cr_assert_eq(flow_call(&flow, &reply, "MULTI", NULL), REDIS_OK);
    for (unsigned n = 0; n < 5; n++) {
        struct intent topup = flow_intent(OP_topup, "u1", NULL, 7, NULL);
        flow_send(&flow, &topup);
    }
    cr_assert_eq(flow_call(&flow, &reply, "XREADGROUP", "GROUP", KEYS_GROUP, "gone", "STREAMS", intents, ">", NULL), REDIS_OK);
    cr_assert_eq(flow_call(&flow, &reply, "EXEC", NULL), REDIS_OK);
    char second[48];
    snprintf(second, sizeof second, "%s", reply_text(reply_at(reply, 1), NULL));
    snprintf(third, sizeof third, "%s", reply_text(reply_at(reply, 2), NULL));
    cr_assert_eq(server_integer(&flow.server, "XDEL", intents, second, third, NULL), 2);
    flow.acknowledged -= 2;
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_settled(&flow, "two were deleted", 2);
    cr_assert_eq(check_audit(&flow, 1), 1, "the audit does not mind");
    const char *dead = server_text(&flow.server, "XRANGE", flow_key(&flow, keys_dead, p), "-", "+", NULL);
    cr_assert(strstr(dead, second) && strstr(dead, third) && strstr(dead, "lost: "), "%s", dead);
    cr_assert(worker_log_has(&flow.workers[0], "event=entry_lost") && worker_log_has(&flow.workers[0], second));
}

Test(flow_fault, server_dies_with_its_log_always_on_disk) {
    start(2, &(struct server_options){.appendfsync = "always"});
    for (unsigned n = 0; n < 6; n++) {
        flow_load(&flow, 100);
        wait_pass((int)flow_random(&flow, 30));
        server_kill(&flow.server);
        wait_pass(n % 2 ? 0 : 700); /* longer than the leases */
        server_restart(&flow.server);
    }
    flow_load(&flow, 50);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "kill -9 of the server", 0);
    for (unsigned n = 0; n < 2; n++)
        cr_assert(!worker_log_has(&flow.workers[n], "data_loss_suspected"), "worker %u suspects a loss where there is none", n);
}

/* Memory runs out before the load is done, and is given back little by little, so that it ends at every point of the road. */
Test(flow_fault, memory_runs_out) {
    char limit[32];
    start(2, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < 2; n++) worker_pause(&flow.workers[n]);
    flow_load(&flow, 1500);
    const char *info = server_text(&flow.server, "INFO", "memory", NULL), *used = strstr(info, "used_memory:");
    long long bytes = strtoll(used + strlen("used_memory:"), NULL, 10) + 20000;
    for (unsigned n = 0; n < 40; n++, bytes += 20000) {
        snprintf(limit, sizeof limit, "%lld", bytes);
        server_text(&flow.server, "CONFIG", "SET", "maxmemory", limit, NULL);
        if (n == 0)
            for (unsigned w = 0; w < 2; w++) worker_resume(&flow.workers[w]);
        wait_pass(n == 0 ? 1500 : 60);
        struct flow_backlog b = flow_backlog(&flow);
        cr_assert(n > 0 || b.lag + b.pending > 0, "the limit was never reached");
    }
    server_text(&flow.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "maxmemory", 0);
}

/* Ownership does not depend on free memory: who serves keeps what it serves, and waits. */
Test(flow_fault, a_full_server_changes_no_owner) {
    start(2, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 2 && flow_held(&flow, 1) == 2, 5000));
    int64_t epochs = 0, after = 0;
    for (unsigned p = 0; p < PARTITIONS; p++) epochs += flow_meta(&flow, p, "epoch");
    server_text(&flow.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    wait_pass(2000);
    cr_assert(flow_held(&flow, 0) == 2 && flow_held(&flow, 1) == 2, "%u and %u", flow_held(&flow, 0), flow_held(&flow, 1));
    server_text(&flow.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned p = 0; p < PARTITIONS; p++) after += flow_meta(&flow, p, "epoch");
    cr_assert_eq(after, epochs, "partitions changed hands");
    check_sound(&flow, "a full server", 0);
}
