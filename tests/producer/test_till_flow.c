/* libtill against the real worker: what the stand-in of the other tests promises, a worker keeps. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/client.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"
#include "tests/support/worker.h"

static struct server server;
static struct worker worker;
static struct till *till;

static void start(void) {
    server_start(&server, NULL);
    if (access(TILL_WORKER_PATH, X_OK) != 0)
        cr_skip("till-worker is not built");
    worker_start(&worker, &(struct worker_options){.url = server.url, .name = "w1", .partitions = FAKE_PARTITIONS, .lease_ttl_ms = 500});
    struct till_options options = {.url = server.url, .open_wait_ms = 10000};
    cr_assert_eq(till_open(&till, &options), TILL_OK, "%s\n%s", till_error(till), worker_log_text(&worker));
}

static void stop(void) {
    till_close(till);
    worker_clear(&worker);
    server_stop(&server);
}

TestSuite(till_flow, .init = start, .fini = stop, .timeout = 120);

static struct till_answer call(const struct till_intent *intent, int code) {
    struct till_answer a;
    int got = till_call(till, intent, 10000, &a);
    cr_assert_eq(got, code, "%s %s: %d %s %s", intent->op, intent->key, got, a.reason, a.detail);
    cr_assert_str_eq(a.reason, till_code_word(code));
    return a;
}

static void accounts_open(void) {
    struct till_intent open = {.op = "open", .source = "shop", .account = "alice", .kind = "user", .currency = "CNY"};
    call(&open, TILL_OK);
    open.account = "coffee";
    open.kind = "merchant";
    call(&open, TILL_OK);
    struct till_intent topup = {
        .op = "topup", .source = "shop", .key = "t", .account = "alice", .amount_minor = 10000, .currency = "CNY"};
    call(&topup, TILL_OK);
}

Test(till_flow, pays_refunds_and_looks_it_all_up) {
    accounts_open();
    struct till_intent pay = fake_pay("alice", "p1");
    struct till_answer paid = call(&pay, TILL_OK);
    cr_assert(paid.amount_minor == 1999 && paid.balance_minor == 8001 && !paid.replayed && paid.bill[0] != '\0');
    struct till_answer again = call(&pay, TILL_OK);
    cr_assert(again.replayed && again.balance_minor == 8001);
    cr_assert_str_eq(again.entry, paid.entry);
    pay.amount_minor = 5;
    cr_assert_str_eq(call(&pay, TILL_KEY_REUSED).detail, "amount");
    struct till_intent refund = {
        .op = "refund", .source = "shop", .key = "r1", .account = "alice", .of = "p1", .amount_minor = TILL_AMOUNT_ALL};
    cr_assert_eq(call(&refund, TILL_OK).amount_minor, 1999);
    struct till_bill bill;
    cr_assert_eq(till_bill(till, "alice", "shop", "p1", 0, &bill), TILL_OK, "%s", till_error(till));
    cr_assert(bill.amount_minor == 1999 && bill.refunded_minor == 1999, "%lld", (long long)bill.refunded_minor);
    cr_assert_str_eq(bill.bill, paid.bill);
    struct till_account account;
    cr_assert_eq(till_account(till, "alice", &account), TILL_OK);
    cr_assert(account.balance_minor == 10000 && account.seq == 3 && account.shards == 1);
    bool known_everywhere = WAIT_UNTIL(till_account(till, "coffee", &account) == TILL_OK && account.shards == FAKE_PARTITIONS, 5000);
    cr_assert(known_everywhere && account.balance_minor == 0, "%u shards", account.shards); /* a partition learns of it by its stream */
}

Test(till_flow, a_reader_sees_every_answer_once) {
    enum { COUNT = 500 };
    static struct till_intent intents[COUNT];
    static struct till_result results[COUNT];
    static char keys[COUNT][8];
    static int answers[COUNT];
    struct till_reader *reader;
    struct till_answer a;
    accounts_open();
    cr_assert_eq(till_reader_open(till, "shop", "$", &reader), TILL_OK);
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i);
        intents[i] = fake_pay("alice", keys[i]);
        intents[i].amount_minor = 1;
    }
    cr_assert_eq(till_send(till, intents, COUNT, 5000, results), (size_t)COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(till_reader_next(reader, 5000, &a), TILL_OK, "%d: %s", i, till_error(till));
        cr_assert_eq(a.code, TILL_OK, "%s", a.detail);
        int n = (int)strtol(a.key, NULL, 10);
        cr_assert_str_eq(a.entry, results[n].entry);
        answers[n]++;
    }
    cr_assert_eq(till_reader_next(reader, 50, &a), TILL_NOT_FOUND);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(answers[i], 1, "%d", i);
    till_reader_close(reader);
}

Test(till_flow, a_call_outlives_a_worker_and_its_connection) {
    accounts_open();
    worker_kill(&worker);
    struct worker second;
    worker_start(&second, &(struct worker_options){.url = server.url, .name = "w2", .partitions = FAKE_PARTITIONS, .lease_ttl_ms = 500});
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "p%d", i);
        struct till_intent pay = fake_pay("alice", key);
        pay.amount_minor = 1;
        if (i % 4 == 0)
            server_text(&server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
        call(&pay, TILL_OK);
    }
    struct till_account account;
    cr_assert_eq(till_account(till, "alice", &account), TILL_OK);
    cr_assert_eq(account.balance_minor, 10000 - 20);
    worker_clear(&second);
}
