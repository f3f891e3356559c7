/* Waiting for the one answer: which one it is, and what is said when it does not come. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "producer/client.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"

static struct server server;
static struct fake_worker worker;

static void start(void) {
    fake_server_start(&server, NULL);
    fake_worker_start(&worker, &server);
}

static void stop(void) {
    fake_worker_stop(&worker);
    server_stop(&server);
}

TestSuite(till_call, .init = start, .fini = stop, .timeout = 60);

Test(till_call, returns_the_answer_with_all_fields) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%s", till_error(till));
    cr_assert_str_eq(a.key, "k1");
    cr_assert_str_eq(a.source, "shop");
    cr_assert_str_eq(a.op, "pay");
    cr_assert_str_eq(a.reason, "ok");
    cr_assert_str_eq(a.account, "alice");
    cr_assert_str_eq(a.currency, "CNY");
    cr_assert_str_eq(a.bill, "1-7");
    cr_assert_str_eq(a.detail, "");
    cr_assert(a.has_amount && a.amount_minor == 1999 && a.has_balance && a.balance_minor == 8001 && a.has_held && a.held_minor == 0);
    cr_assert(!a.replayed && a.code == TILL_OK && a.partition == till_partition_of(till, "alice"));
    cr_assert_str_not_empty(a.response);
    cr_assert_eq(strtoull(a.entry, NULL, 10), a.at_ms);
    cr_assert_str_eq(till_error(till), "");
    till_close(till);
}

Test(till_call, a_refusal_is_an_answer) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", NULL);
    struct till_answer a;
    atomic_store(&worker.code, TILL_INSUFFICIENT_FUNDS);
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_INSUFFICIENT_FUNDS);
    cr_assert_str_eq(a.reason, "insufficient_funds");
    cr_assert_eq(strlen(a.key), 36u);
    till_close(till);
}

Test(till_call, the_same_again_is_replayed) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer first, second;
    cr_assert_eq(till_call(till, &pay, 5000, &first), TILL_OK);
    cr_assert_eq(till_call(till, &pay, 5000, &second), TILL_OK);
    cr_assert(second.replayed);
    cr_assert_str_eq(second.entry, first.entry);
    till_close(till);
}

Test(till_call, answers_to_others_are_not_ours) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    atomic_store(&worker.before_noise, true);
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%d %s %s", a.code, a.key, a.account);
    cr_assert_str_eq(a.bill, "1-7");
    till_close(till);
}

Test(till_call, without_an_answer_in_time_it_is_unknown_and_calling_again_finds_it) {
    const int timeouts_ms[] = {60, 300}; /* looks and pauses; blocks */
    struct till *till = fake_open(&server, NULL);
    for (int i = 0; i < 2; i++) {
        struct till_intent pay = fake_pay("alice", i == 0 ? "k1" : "k2");
        struct till_answer a;
        char entry[TILL_ENTRY_SIZE];
        atomic_store(&worker.mute, 1);
        int64_t before = wait_now_ms();
        cr_assert_eq(till_call(till, &pay, timeouts_ms[i], &a), TILL_WRITE_FAILED);
        int64_t took = wait_now_ms() - before;
        cr_assert(took >= timeouts_ms[i] - 2 && took < timeouts_ms[i] + 300, "%d ms", (int)took);
        cr_assert_str_not_empty(a.entry);
        cr_assert(strstr(a.detail, a.entry) && strstr(a.detail, "still waiting"), "%s", a.detail);
        cr_assert_str_eq(a.key, pay.key);
        memcpy(entry, a.entry, sizeof entry);
        pay.at_ms = a.at_ms;
        cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK);
        cr_assert_str_eq(a.entry, entry, "the first copy's");
    }
    cr_assert(till->redis != NULL, "no connection was lost over it");
    till_close(till);
}

Test(till_call, a_connection_lost_while_waiting_is_opened_again_and_the_intent_sent_again) {
    struct till *till = fake_open(&server, NULL);
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        struct till_intent pay = fake_pay("alice", key);
        struct till_answer a;
        atomic_store(&worker.kill_waiting, i % 3);
        atomic_store(&worker.mute, i % 3 != 0 && i % 2); /* the answer to the first copy never comes */
        cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%s: %s", key, a.detail);
        cr_assert_str_eq(a.key, key);
    }
    keys_buffer stream;
    keys_intents(stream, &fake_book, till_partition_of(till, "alice"));
    struct redis *redis = fake_connect(server.url); /* the server's own connection was cut as well */
    cr_assert_gt(reply_integer(fake_run(redis, "XLEN", stream, NULL)), 20, "no copy was sent: the test showed nothing");
    redis_close(redis);
    till_close(till);
}

Test(till_call, a_dead_server_ends_at_the_deadline) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    server_kill(&server);
    int64_t before = wait_now_ms();
    cr_assert_lt(till_call(till, &pay, 500, &a), 0);
    cr_assert_lt(wait_now_ms() - before, 900);
    cr_assert_eq(till_call(till, &pay, 200, &a), TILL_READ_FAILED, "no connection: nothing was written");
    cr_assert_str_not_empty(a.detail);
    cr_assert_eq(a.entry[0], '\0');
    server_restart(&server);
    fake_book_create(&server);
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%s", a.detail);
    till_close(till);
}

Test(till_call, a_hung_server_ends_at_the_deadline) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK);
    server_pause(&server);
    int64_t before = wait_now_ms();
    cr_assert_lt(till_call(till, &pay, 300, &a), 0);
    int64_t took = wait_now_ms() - before;
    server_resume(&server);
    cr_assert(took >= 250 && took < 700, "%d ms", (int)took);
    cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%s", a.detail);
    till_close(till);
}

Test(till_call, refuses_what_is_wrong_and_what_is_too_much) {
    struct till_options options = {.backlog_max = 1};
    struct till *till = fake_open(&server, &options);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    keys_buffer stream, sent;
    keys_intents(stream, &fake_book, till_partition_of(till, "alice"));
    keys_sent(sent, &fake_book, till_partition_of(till, "alice"), "shop");
    server_text(&server, "XADD", stream, "*", "intent", "", NULL);
    server_text(&server, "HSET", sent, "sent", "1", NULL);
    server_text(&server, "XGROUP", "CREATE", stream, "workers", "0", NULL);
    cr_assert_eq(till_call(till, &pay, 1000, &a), TILL_BUSY);
    cr_assert(strstr(a.detail, "entries wait"), "%s", a.detail);
    pay.amount_minor = -1;
    cr_assert_eq(till_call(till, &pay, 1000, &a), TILL_INVALID);
    cr_assert_str_eq(a.detail, "amount");
    cr_assert_str_eq(a.key, "k1");
    cr_assert(strstr(till_error(till), "negative"), "%s", till_error(till));
    cr_assert_eq(server_integer(&server, "XLEN", stream, NULL), 1);
    till_close(till);
}

static void *call_many(void *context) {
    const char *account = context;
    struct till *till = fake_open(&server, NULL);
    for (int i = 0; i < 50; i++) {
        struct till_intent pay = fake_pay(account, NULL);
        struct till_answer a;
        cr_assert_eq(till_call(till, &pay, 5000, &a), TILL_OK, "%s", a.detail);
        cr_assert_str_eq(a.account, account);
    }
    till_close(till);
    return NULL;
}

Test(till_call, a_handle_per_thread) {
    const char *const accounts[] = {"alice", "bob", "carol", "dave"};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, call_many, (void *)accounts[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

struct waiting {
    struct till *till;
    struct till_intent pay;
    struct till_answer answer;
    int code;
};

static void *wait_in_call(void *context) {
    struct waiting *w = context;
    w->code = till_call(w->till, &w->pay, 20000, &w->answer);
    return NULL;
}

Test(till_call, a_repeat_of_what_is_in_progress_gets_the_answer_to_that) {
    struct waiting w = {.till = fake_open(&server, NULL), .pay = fake_pay("alice", "k1")};
    unsigned partition = till_partition_of(w.till, "alice");
    keys_buffer responses;
    pthread_t thread;
    atomic_store(&worker.code, TILL_IN_PROGRESS);
    keys_responses(responses, &fake_book, partition, "shop");
    pthread_create(&thread, NULL, wait_in_call, &w);
    cr_assert(WAIT_UNTIL(server_integer(&server, "XLEN", responses, NULL) == 1, 5000));
    fake_respond(&server, partition, (const char *[]){"k1", "shop", "pay", "0", "ok", "alice", "1999", "CNY", "8001", "0",
                                                      "1-7", "1", "1-1", "0", ""});
    pthread_join(thread, NULL);
    cr_assert_eq(w.code, TILL_OK, "%d: %s", w.code, till_error(w.till));
    cr_assert_str_eq(w.answer.entry, "1-1");
    till_close(w.till);
}

Test(till_call, what_stays_in_progress_is_said_to_be) {
    struct till *till = fake_open(&server, NULL);
    struct till_intent pay = fake_pay("alice", "k1");
    struct till_answer a;
    atomic_store(&worker.code, TILL_IN_PROGRESS);
    int64_t before = wait_now_ms();
    cr_assert_eq(till_call(till, &pay, 400, &a), TILL_IN_PROGRESS);
    cr_assert(wait_now_ms() - before >= 350, "it was waited for");
    cr_assert_str_eq(a.reason, "in_progress");
    cr_assert_str_eq(a.key, "k1");
    cr_assert_str_not_empty(a.response);
    till_close(till);
}
