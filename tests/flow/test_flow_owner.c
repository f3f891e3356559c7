/* Who serves what: fair shares, takeover from the dead and from the paused, consumers that stay behind. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/flow/check.h"

enum { PARTITIONS = 16 };

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_owner, .fini = stop, .timeout = 100);

/* Every one of the workers first..last holds its share: between floor and ceil of partitions / workers, none over. */
static bool is_fair(unsigned first, unsigned last) {
    unsigned count = last - first + 1, sum = 0, least = PARTITIONS / count, most = (PARTITIONS + count - 1) / count;
    for (unsigned n = first; n <= last; n++) {
        unsigned held = flow_held(&flow, n);
        if (held < least || held > most) return false;
        sum += held;
    }
    return sum == PARTITIONS;
}

static void expect_fair(unsigned first, unsigned last, int timeout_ms) {
    bool fair = WAIT_UNTIL(is_fair(first, last), timeout_ms);
    for (unsigned n = first; n <= last && !fair; n++) fprintf(stderr, "worker %u holds %u\n", n, flow_held(&flow, n));
    cr_assert(fair, "workers %u to %u do not share fairly", first, last);
}

Test(flow_owner, workers_share_fairly) {
    static const unsigned counts[] = {1, 2, 3, 10};
    unsigned running = 0;
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        while (running < counts[n]) flow_worker(&flow, running++, NULL);
        expect_fair(0, running - 1, 8000);
        flow_load(&flow, 200);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    expect_fair(0, running - 1, 8000);
    check_sound(&flow, "ten workers", 0);
    for (unsigned n = 0; n < 7; n++) worker_signal(&flow.workers[n], SIGTERM);
    expect_fair(7, 9, 8000);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "three are left", 0);
}

Test(flow_owner, ninth_worker_gets_its_share_too) {
    flow_start(&flow, PARTITIONS, NULL);
    for (unsigned n = 0; n < 8; n++) flow_worker(&flow, n, NULL);
    expect_fair(0, 7, 8000);
    flow_worker(&flow, 8, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 8) >= 1, 5000), "it gets nothing");
    expect_fair(0, 8, 5000);
}

/* Nobody else is in the group of a partition than who serves it, or is alive at least. */
static void expect_consumers(unsigned first, unsigned last, int timeout_ms) {
    uint64_t most = PARTITIONS * (uint64_t)(last - first + 1), found = 0;
    bool fine = WAIT_UNTIL((found = flow_backlog(&flow).consumers) <= most, timeout_ms);
    cr_assert(fine, "%llu consumers in %d groups", (unsigned long long)found, PARTITIONS);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        const char *info = server_text(&flow.server, "XINFO", "CONSUMERS", flow_key(&flow, keys_intents, p), NULL);
        for (const char *at = info; (at = strstr(at, "name\nw"));) {
            unsigned n = (unsigned)strtoul(at + 6, NULL, 10);
            cr_assert(n >= first && n <= last, "partition %u: w%u is in the group still:\n%s", p, n, info);
            at += 6;
        }
    }
}

Test(flow_owner, dead_workers_partitions_are_taken_over_in_time) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 3; n++) flow_worker(&flow, n, NULL);
    expect_fair(0, 2, 8000);
    for (unsigned dead = 0; dead < 2; dead++) {
        flow_load(&flow, 600);
        worker_kill(&flow.workers[dead]);
        flow_load(&flow, 100);
        cr_assert(WAIT_UNTIL(flow_held(&flow, dead) == 0 && flow_free(&flow) == 0, FLOW_LEASE_MS + 1000), "not within lease + 1 s");
    }
    cr_assert(flow_settle(&flow, 5000));
    check_sound(&flow, "two killed", 0);
    expect_consumers(2, 2, 3000);
}

Test(flow_owner, paused_worker_is_replaced_and_writes_nothing_when_it_comes_back) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == PARTITIONS, 5000));
    flow_worker(&flow, 1, NULL);
    expect_fair(0, 1, 8000);
    for (unsigned round = 0; round < 3; round++) {
        unsigned paused = round % 2, other = !paused;
        flow_load(&flow, 400);
        worker_pause(&flow.workers[paused]);
        flow_load(&flow, 200);
        cr_assert(WAIT_UNTIL(flow_held(&flow, other) == PARTITIONS, FLOW_LEASE_MS + 1000), "not taken over within lease + 1 s");
        cr_assert(flow_settle(&flow, 5000), "round %u", round);
        check_sound(&flow, "while one is paused", 0);
        flow_load(&flow, 100);
        worker_resume(&flow.workers[paused]);
        cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[paused], "event=fenced"), 5000), "it does not notice that it was replaced");
        expect_fair(0, 1, 8000);
        cr_assert(flow_settle(&flow, 5000), "round %u, back again", round);
        check_sound(&flow, "back again", 0);
    }
}

/* The epoch decides: what the paused worker held is served by another now, and nothing in the book changes when it comes back. */
Test(flow_owner, book_is_untouched_by_the_one_that_comes_back) {
    char before[SERVER_DIGEST_SIZE], after[SERVER_DIGEST_SIZE];
    flow_start(&flow, 1, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    flow_worker(&flow, 1, NULL);
    for (unsigned n = 0; n < 5; n++) {
        cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 1, 5000), "the first by name does not get the only partition");
        flow_load(&flow, 100); /* so that it may have a read, an apply or an answer under way */
        nanosleep(&(struct timespec){0, (long)flow_random(&flow, 4000000)}, NULL);
        worker_pause(&flow.workers[0]);
        cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 1, FLOW_LEASE_MS + 1000));
        cr_assert(flow_settle(&flow, 5000));
        server_digest_key(&flow.server, "{till:0}:ledger", before);
        worker_resume(&flow.workers[0]);
        cr_assert(WAIT_UNTIL(worker_log_times(&flow.workers[0], "event=fenced") == n + 1, 5000), "it does not notice that it was replaced");
        server_digest_key(&flow.server, "{till:0}:ledger", after);
        cr_assert_str_eq(before, after);
        check_sound(&flow, "fenced", 0);
    }
}

Test(flow_owner, consumers_of_the_gone_do_not_stay) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    for (unsigned round = 0; round < 10; round++) {
        flow_worker(&flow, round, NULL);
        flow_load(&flow, 100);
        cr_assert(WAIT_UNTIL(flow_held(&flow, round) == PARTITIONS, 5000), "round %u", round);
        if (round % 2) worker_kill(&flow.workers[round]);
        else cr_assert_eq(worker_stop(&flow.workers[round], 5000), 0);
    }
    flow_worker(&flow, 10, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    expect_consumers(10, 10, 3000);
    check_sound(&flow, "ten rounds", 0);
}

/* A worker that was replaced reads once more before it finds out, which puts it back into the group. */
Test(flow_owner, consumers_that_come_after_the_takeover_do_not_stay_either) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == PARTITIONS, 5000));
    cr_assert(flow_settle(&flow, 5000));
    for (unsigned p = 0; p < PARTITIONS; p++)
        server_text(&flow.server, "XGROUP", "CREATECONSUMER", flow_key(&flow, keys_intents, p), KEYS_GROUP, "w9", NULL);
    expect_consumers(0, 0, 3000);
    check_sound(&flow, "gone for good", 0);
}

static bool lag_is(unsigned partition, const char *lag) {
    const char *groups = server_text(&flow.server, "XINFO", "GROUPS", flow_key(&flow, keys_intents, partition), NULL);
    const char *at = strstr(groups, "lag\n");
    return at && strncmp(at + strlen("lag\n"), lag, strlen(lag)) == 0;
}

/* Redis 7.0 does not replicate how much a group has read, so that after a failover entries seem to wait that nobody will ever read. */
Test(flow_owner, count_that_a_failover_left_wrong_is_mended) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_worker(&flow, 0, NULL);
    flow_open(&flow);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    worker_pause(&flow.workers[0]);
    for (unsigned p = 0; p < PARTITIONS; p++) {
        server_text(&flow.server, "XGROUP", "SETID", flow_key(&flow, keys_intents, p), KEYS_GROUP, "$", "ENTRIESREAD", "1", NULL);
        cr_assert(!lag_is(p, "0"), "nothing is wrong");
    }
    worker_resume(&flow.workers[0]);
    for (unsigned p = 0; p < PARTITIONS; p++) cr_assert(WAIT_UNTIL(lag_is(p, "0"), 5000), "partition %u", p);
    check_sound(&flow, "mended", 0);
}

/* Everything that is there goes to a consumer who never acknowledges anything. */
static unsigned leave_pending(unsigned count) {
    struct reply reply;
    unsigned taken = 0, more = 1;
    for (unsigned n = 0; n < count; n++) {
        struct intent inquire = flow_intent(OP_inquire, "u0", NULL, 0, NULL);
        flow_queue(&flow, &inquire);
    }
    flow_queued(&flow);
    for (; more; taken += more) {
        enum redis_err err = flow_call(&flow, &reply, "XREADGROUP", "GROUP", KEYS_GROUP, "gone", "COUNT", "1000", "STREAMS",
                                       flow_key(&flow, keys_intents, 0), ">", NULL);
        cr_assert_eq(err, REDIS_OK);
        more = (unsigned)reply_count(reply_at(reply_at(reply, 0), 1));
    }
    return taken;
}

/* However much is pending, Redis is never asked for more than a batch of it at once. TILL_PENDING=1000000 for a takeover of that many. */
Test(flow_owner, takes_over_what_is_pending_in_pages, .timeout = 600) {
    enum { BATCH = 256 };
    const char *wanted = getenv("TILL_PENDING");
    unsigned count = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 5000;
    flow_start(&flow, 1, NULL);
    flow_worker(&flow, 0, NULL);
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    cr_assert_eq(leave_pending(count), count);
    server_text(&flow.server, "CONFIG", "RESETSTAT", NULL);
    server_text(&flow.server, "CONFIG", "SET", "slowlog-log-slower-than", "10000", NULL);
    flow_worker(&flow, 1, &(struct worker_options){.batch = BATCH});
    int64_t began_ms = wait_now_ms();
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS + (int)count / 2));
    int64_t took_ms = wait_now_ms() - began_ms;
    long pages = count / BATCH + 1, claims = server_calls(&flow.server, "xautoclaim");
    long calls = server_calls(&flow.server, "evalsha") + server_calls(&flow.server, "fcall"); /* also of leases, dues, trimming */
    cr_assert_geq(claims, pages - 1, "%ld calls for %u entries", claims, count);
    cr_assert_leq(claims, 2 * pages + 10, "%ld calls for %u entries", claims, count);
    cr_assert_leq(calls, 4 * pages + 40 + (long)took_ms / 20, "%ld calls for %u entries in %d ms", calls, count, (int)took_ms);
    fprintf(stderr, "%u pending entries taken over and applied in %d ms; calls of more than 10 ms: %s\n", count, (int)took_ms,
            server_text(&flow.server, "SLOWLOG", "LEN", NULL));
    check_sound(&flow, "pages", 0);
}
