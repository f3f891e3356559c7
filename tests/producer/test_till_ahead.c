/* What the guard has to know is asked for behind sends, so that none of a steady rate waits for it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "producer/client.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/proxy.h"
#include "tests/support/replica.h"
#include "tests/support/wait.h"

enum { STEP_MS = 4, LAST_MS = 1100, GAP_MS = 100 };

static struct server server, replica;
static struct proxy proxy;
static keys_buffer stream;
static unsigned home;

static void start(void) {
    fake_server_start(&server, NULL);
    proxy_start(&proxy, server.socket);
    home = keys_partition(&fake_book, "alice", 5);
    keys_intents(stream, &fake_book, home);
    server_text(&server, "XGROUP", "CREATE", stream, "workers", "0", "MKSTREAM", NULL);
}

static void stop(void) {
    proxy_stop(&proxy);
    server_stop(&replica);
    server_stop(&server);
}

TestSuite(till_ahead, .init = start, .fini = stop, .timeout = 60);

static struct till *open_behind_proxy(struct till_options options) {
    struct till *till;
    options.url = proxy.url;
    cr_assert_eq(till_open(&till, &options), TILL_OK, "%s", till_error(till));
    return till;
}

static void send_one(struct till *till, const char *account, const char *source) {
    struct till_intent pay = fake_pay(account, NULL);
    struct till_result result;
    pay.source = source;
    cr_assert_eq(till_send(till, &pay, 1, 5000, &result), 1u, "%d %s", result.code, result.text);
}

static void work_all_off(void) {
    server_text(&server, "XREADGROUP", "GROUP", "workers", "w", "STREAMS", stream, ">", NULL);
    server_text(&server, "XGROUP", "DELCONSUMER", stream, "workers", "w", NULL);
}

/* Of what came long after the one before it, on a machine that has other things to do, nothing is said. */
Test(till_ahead, no_send_waits_for_questions_but_the_first) {
    struct till *till = open_behind_proxy((struct till_options){.backlog_max = 100});
    int64_t from_ms = wait_now_ms(), before_ms = from_ms, now_ms;
    uint64_t trips = proxy_trips(&proxy);
    send_one(till, "alice", "shop");
    cr_expect_eq(proxy_trips(&proxy), trips + 2, "the first is preceded by questions");
    for (unsigned n = 1; before_ms < from_ms + LAST_MS; n++, before_ms = now_ms) {
        wait_pass(STEP_MS);
        trips = proxy_trips(&proxy);
        now_ms = wait_now_ms();
        send_one(till, "alice", "shop");
        uint64_t took = proxy_trips(&proxy) - trips;
        if (wait_now_ms() - before_ms < GAP_MS) cr_expect_leq(took, 1u, "send %u took %lu round trips", n, (unsigned long)took);
        if (n % 50 == 0) work_all_off(); /* more than the backlog may be is sent, but never waits */
    }
    long infos = server_calls(&server, "info"), groups = server_calls(&server, "xinfo|groups");
    long streams = server_calls(&server, "xinfo|stream");
    cr_expect_leq(infos, 1 + LAST_MS / 500, "%ld times, while there is no limit", infos);
    cr_expect_geq(groups, 5, "%ld times", groups);
    cr_expect_geq(streams, 5, "%ld times", streams);
    till_close(till);
}

/* Somebody else fills the partition. */
Test(till_ahead, what_is_heard_on_the_way_counts) {
    struct till *till = open_behind_proxy((struct till_options){.backlog_max = 20});
    struct till_intent pay = fake_pay("alice", NULL);
    struct till_result result;
    send_one(till, "alice", "shop");
    for (int n = 0; n < 100; n++) server_text(&server, "XADD", stream, "*", "intent", "?", NULL);
    cr_assert(WAIT_UNTIL(till_send(till, &pay, 1, 5000, &result) == 0, 3000));
    cr_assert_eq(result.code, TILL_BUSY);
    cr_assert(strstr(result.text, "entries wait"), "%s", result.text);
    cr_expect_leq(server_integer(&server, "XLEN", stream, NULL), 101 + 20, "its own are counted meanwhile");
    work_all_off();
    cr_assert(WAIT_UNTIL(till_send(till, &pay, 1, 5000, &result) == 1, 3000), "%s", result.text);
    till_close(till);
}

static void until_questions_are_under_way(struct till *till) {
    cr_assert(WAIT_UNTIL((send_one(till, "alice", "shop"), till->backlog[home].belief.asked), 5000), "nothing is asked ahead");
}

Test(till_ahead, a_lost_connection_takes_its_questions_along) {
    struct till *till = open_behind_proxy((struct till_options){.connect_timeout_ms = 1000});
    for (int n = 0; n < 5; n++) {
        until_questions_are_under_way(till);
        long times = server_calls(&server, "xinfo|groups");
        server_text(&server, "CLIENT", "KILL", "TYPE", "normal", NULL);
        send_one(till, "alice", "shop");
        cr_expect(!till->backlog[home].belief.asked && till->questions.count == 0);
        cr_expect(WAIT_UNTIL((send_one(till, "alice", "shop"), server_calls(&server, "xinfo|groups") > times + 1), 5000),
                  "it is never asked again");
    }
    until_questions_are_under_way(till);
    till_close(till);
}

/* Their answers lie in front of those to everything that a handle can be asked. */
Test(till_ahead, other_calls_come_behind_the_questions) {
    struct till *till = open_behind_proxy((struct till_options){0});
    const char *values[] = {"k", "shop", "pay", "0", "ok", "alice", "5", "CNY", "1", "0", "0-1", "1", "1-1", "0", ""};
    struct till_reader *reader;
    struct till_answer answer;
    struct till_account account;
    cr_assert_eq(till_reader_open(till, "shop", "0", &reader), TILL_OK);
    for (int n = 0; n < 4; n++) {
        fake_respond(&server, home, values);
        until_questions_are_under_way(till);
        if (n % 2 == 0) cr_expect_eq(till_account(till, "nobody", &account), TILL_NOT_FOUND, "%s", till_error(till));
        cr_expect_eq(till_reader_next(reader, 2000, &answer), TILL_OK, "%s", till_error(till));
        cr_expect_str_eq(answer.bill, "0-1");
        cr_expect_eq(till->questions.count, 0u);
    }
    till_reader_close(reader);
    till_close(till);
}

Test(till_ahead, a_call_asks_behind_its_intent_too) {
    static struct fake_worker worker;
    struct till *till = open_behind_proxy((struct till_options){0});
    struct till_answer answer;
    fake_worker_start(&worker, &server);
    int64_t end_ms = wait_now_ms() + 600;
    for (int n = 0; wait_now_ms() < end_ms; n++) {
        char key[16];
        snprintf(key, sizeof key, "%d", n);
        struct till_intent pay = fake_pay("alice", key);
        cr_assert_eq(till_call(till, &pay, 5000, &answer), TILL_OK, "%s", till_error(till));
        cr_assert_str_eq(answer.key, key);
    }
    cr_expect_geq(server_calls(&server, "xinfo|groups"), 3);
    fake_worker_stop(&worker);
    till_close(till);
}

Test(till_ahead, waiting_for_replicas_comes_behind_the_questions) {
    replica_start(&replica, &server);
    struct till *till = open_behind_proxy((struct till_options){.durability_replicas = 1, .durability_timeout_ms = 5000});
    long times = server_calls(&server, "xinfo|groups");
    cr_assert(WAIT_UNTIL((send_one(till, "alice", "shop"), server_calls(&server, "xinfo|groups") > times + 4), 10000));
    cr_expect_eq(till->questions.count, 0u);
    till_close(till);
}

/* What was sent for a source is told with a later send for others, while the handle is open. */
Test(till_ahead, a_source_that_sends_no_more_is_told_of) {
    struct till *till = open_behind_proxy((struct till_options){0});
    keys_buffer sent;
    keys_sent(sent, &fake_book, home, "shop");
    send_one(till, "alice", "shop");
    send_one(till, "alice", "shop");
    cr_assert(WAIT_UNTIL((send_one(till, "bob", "bar"), server_integer(&server, "HGET", sent, "sent", NULL) == 2), 5000));
    cr_expect(WAIT_UNTIL((send_one(till, "bob", "bar"), till->questions.count == 0), 5000));
    cr_expect_eq(server_integer(&server, "HGET", sent, "sent", NULL), 2, "and not again");
    till_close(till);
}
