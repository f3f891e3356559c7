/* What is sent counts as enqueued only once it is as durable as the options ask. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/producer/test_till_fake.h"
#include "tests/support/replica.h"
#include "tests/support/wait.h"

static struct server server, replica;
static struct fake_worker worker;

static void stop(void) {
    if (replica.pid)
        server_resume(&replica);
    server_stop(&replica);
    server_stop(&server);
}

TestSuite(till_durable, .fini = stop, .timeout = 60);

static struct till *start(unsigned replicas) {
    fake_server_start(&server, NULL);
    replica_start(&replica, &server);
    struct till_options options = fake_options(&server);
    options.durability_replicas = replicas;
    options.durability_timeout_ms = 2000; /* a replica may be slow to say so on a busy machine */
    return fake_open(&server, &options);
}

static int64_t enqueued(const char *account) {
    keys_buffer key;
    keys_intents(key, &fake_book, keys_partition(&fake_book, account, strlen(account)));
    return server_integer(&server, "XLEN", key, NULL);
}

Test(till_durable, what_no_replica_has_is_unknown) {
    struct till *till = start(1);
    struct till_intent pays[2] = {fake_pay("alice", "1"), fake_pay("alice", "2")};
    struct till_result results[2];
    cr_assert_eq(till_send(till, pays, 2, 10000, results), 2u, "%s", till_error(till));
    replica_freeze(&replica, &server);
    cr_assert_eq(till_send(till, pays, 2, 10000, results), 0u);
    cr_assert_eq(results[1].code, TILL_WRITE_FAILED);
    cr_assert(strstr(results[1].text, "on 0 of 1 replicas"), "%s", results[1].text);
    cr_assert_eq(enqueued("alice"), 4); /* it may well be there: hence unknown */
    server_resume(&replica);
    cr_assert(WAIT_UNTIL(till_send(till, pays, 2, 10000, results) == 2, 20000), "%s", till_error(till));
    till_close(till);
}

Test(till_durable, two_replicas_are_more_than_one) {
    struct till *till = start(2);
    struct till_intent pay = fake_pay("alice", "1");
    struct till_result result;
    bool told = WAIT_UNTIL(till_send(till, &pay, 1, 10000, &result) == 0 && strstr(result.text, "on 1 of 2 replicas"), 20000);
    cr_assert(told && result.code == TILL_WRITE_FAILED, "%d %s", result.code, result.text);
    till_close(till);
}

Test(till_durable, a_call_is_told_so_too) {
    struct till *till = start(1);
    struct till_intent pay = fake_pay("alice", "1");
    struct till_answer answer;
    fake_worker_start(&worker, &server);
    cr_assert_eq(till_call(till, &pay, 10000, &answer), TILL_OK, "%s", till_error(till));
    replica_freeze(&replica, &server);
    pay.key = "2";
    cr_assert_eq(till_call(till, &pay, 10000, &answer), TILL_WRITE_FAILED);
    cr_assert(strstr(till_error(till), "on 0 of 1 replicas"), "%s", till_error(till));
    server_resume(&replica);
    cr_assert(WAIT_UNTIL(till_call(till, &pay, 10000, &answer) == TILL_OK, 20000), "%s", till_error(till));
    fake_worker_stop(&worker);
    till_close(till);
}

/* Where the server keeps a log and has WAITAOF; else it is refused in so many words. */
Test(till_durable, on_the_disk) {
    fake_server_start(&server, &(struct server_options){.appendfsync = "everysec"});
    bool can = strstr(server_text(&server, "COMMAND", "INFO", "WAITAOF", NULL), "waitaof") != NULL;
    struct till_options options = fake_options(&server);
    struct till_intent pay = fake_pay("alice", "1");
    struct till_result result;
    struct till *till;
    options.durability_aof = true;
    options.durability_timeout_ms = 5000;
    cr_assert_eq(till_open(&till, &options), can ? TILL_OK : TILL_INVALID, "%s", till_error(till));
    if (can) cr_assert_eq(till_send(till, &pay, 1, 10000, &result), 1u, "%s", till_error(till));
    else cr_assert(strstr(till_error(till), "no WAITAOF"), "%s", till_error(till));
    till_close(till);
    server_text(&server, "CONFIG", "SET", "appendonly", "no", NULL);
    cr_assert_eq(till_open(&till, &options), TILL_INVALID);
    if (can) cr_assert(strstr(till_error(till), "appendonly yes"), "%s", till_error(till));
    till_close(till);
}
