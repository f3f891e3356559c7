/* Opening a handle: options, the book, what cannot be reached; and the parts of the library that need no server. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/response.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"

static struct server server;

static void stop(void) {
    server_stop(&server);
}

Test(till_open, reads_the_book, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    cr_assert_eq(till_partitions(till), FAKE_PARTITIONS);
    cr_assert_str_eq(till_error(till), "");
    cr_assert_eq(till_partition_of(till, "alice"), keys_partition(&fake_book, "alice", 5));
    cr_assert(strstr(server_text(&server, "CLIENT", "LIST", NULL), "name=till-producer"));
    till_close(till);
}

Test(till_open, refuses_another_number_of_partitions_and_says_both, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till_options options = fake_options(&server);
    struct till *till;
    options.partitions = 16;
    cr_assert_eq(till_open(&till, &options), TILL_INVALID);
    cr_assert(strstr(till_error(till), "4") && strstr(till_error(till), "16"), "%s", till_error(till));
    till_close(till);
}

Test(till_open, refuses_a_book_of_another_version, .fini = stop) {
    fake_server_start(&server, NULL);
    server_text(&server, "HSET", "{till}:book", "version", "2", NULL);
    struct till_options options = fake_options(&server);
    struct till *till;
    cr_assert_eq(till_open(&till, &options), TILL_INVALID);
    cr_assert(strstr(till_error(till), "version 2"), "%s", till_error(till));
    till_close(till);
}

Test(till_open, never_creates_a_book, .fini = stop) {
    server_start(&server, NULL);
    struct till_options options = fake_options(&server);
    struct till *till;
    cr_assert_eq(till_open(&till, &options), TILL_NOT_FOUND);
    cr_assert(strstr(till_error(till), "no worker has created it"), "%s", till_error(till));
    till_close(till);
    cr_assert_eq(server_integer(&server, "DBSIZE", NULL), 0);
}

static void *create_later(void *unused) {
    (void)unused;
    struct redis *redis = fake_connect(server.url);
    int64_t until = wait_now_ms() + 200;
    while (wait_more(until)) {
    }
    fake_run(redis, "HSET", "{till}:book", "version", "1", "partitions", "4", NULL);
    redis_close(redis);
    return NULL;
}

Test(till_open, waits_for_the_book_as_long_as_told, .fini = stop) {
    server_start(&server, NULL);
    struct till_options options = fake_options(&server);
    struct till *till;
    pthread_t thread;
    pthread_create(&thread, NULL, create_later, NULL);
    options.open_wait_ms = 5000;
    int64_t before = wait_now_ms();
    cr_assert_eq(till_open(&till, &options), TILL_OK, "%s", till_error(till));
    cr_assert_lt(wait_now_ms() - before, 2000);
    pthread_join(thread, NULL);
    till_close(till);
}

Test(till_open, says_what_is_wrong_with_an_option) {
    const struct {
        const char *name;
        struct till_options options;
        const char *text;
    } rows[] = {
        {"no url", {0}, "url is missing"},
        {"bad url", {.url = "http://x"}, ""},
        {"bad book", {.url = "unix:/x", .book = "Till"}, "book must be"},
        {"long book", {.url = "unix:/x", .book = "aaaaaaaaaabbbbbbbbbbccccccccccddd"}, "book must be"},
        {"too many partitions", {.url = "unix:/x", .partitions = 1025}, "1024"},
        {"negative timeout", {.url = "unix:/x", .timeout_ms = -1}, "negative"},
        {"client name", {.url = "unix:/x", .client_name = "a b"}, "client_name"},
        {"reserved", {.url = "unix:/x", .reserved = {1}}, "reserved"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct till *till;
        cr_assert_eq(till_open(&till, &rows[i].options), TILL_INVALID, "%s", rows[i].name);
        cr_assert(till_error(till)[0] != '\0' && strstr(till_error(till), rows[i].text), "%s: %s", rows[i].name, till_error(till));
        till_close(till);
    }
}

Test(till_open, unreachable_redis_is_a_read_failure) {
    struct till *till;
    cr_assert_eq(till_open(&till, &(struct till_options){.url = "unix:/nowhere/redis.sock"}), TILL_READ_FAILED);
    cr_assert_str_not_empty(till_error(till));
    till_close(till);
}

Test(till_open, wrong_password_is_told_apart, .fini = stop) {
    fake_server_start(&server, NULL);
    server_text(&server, "CONFIG", "SET", "requirepass", "secret", NULL);
    struct till_options options = fake_options(&server);
    struct till *till;
    cr_assert_eq(till_open(&till, &options), TILL_NOT_PERMITTED, "%s", till_error(till));
    till_close(till);
    options.password = "wrong";
    cr_assert_eq(till_open(&till, &options), TILL_NOT_PERMITTED, "%s", till_error(till));
    till_close(till);
    options.password = "secret";
    cr_assert_eq(till_open(&till, &options), TILL_OK, "%s", till_error(till));
    till_close(till);
}

Test(till_open, a_hung_server_does_not_hang_us, .fini = stop) {
    fake_server_start(&server, NULL);
    server_pause(&server);
    struct till_options options = fake_options(&server);
    struct till *till;
    options.timeout_ms = 300;
    int64_t before = wait_now_ms();
    cr_assert_eq(till_open(&till, &options), TILL_READ_FAILED);
    cr_assert_lt(wait_now_ms() - before, 800);
    till_close(till);
    server_resume(&server);
}

Test(till_key, is_a_new_uuid_v7_each_time) {
    char one[TILL_UUID_SIZE], two[TILL_UUID_SIZE];
    till_key(one);
    till_key(two);
    cr_assert_str_neq(one, two);
    cr_assert_eq(strlen(one), 36u);
    cr_assert_eq(one[14], '7');
    cr_assert(strchr("89ab", one[19]));
    for (int i = 0; i < 36; i++)
        cr_assert(i == 8 || i == 13 || i == 18 || i == 23 ? one[i] == '-' : isxdigit(one[i]), "%s", one);
    cr_assert_eq(strncmp(one, two, 8), 0, "the time comes first");
}

/* The public header repeats the codes so that it needs no other; they must stay the same. */
Test(till_header, has_every_code_of_the_wire) {
    static const struct {
        int public;
        const char *name;
    } codes[] = {
#define ROW(name) {TILL_##name, #name}
        ROW(OK), ROW(NOT_FOUND), ROW(NOT_PERMITTED), ROW(INSUFFICIENT_FUNDS), ROW(ACCOUNT_FROZEN), ROW(ACCOUNT_LOCKED), ROW(INVALID),
        ROW(KEY_REUSED), ROW(RATE_LIMITED), ROW(DUPLICATE_SUSPECTED), ROW(ALREADY_EXISTS), ROW(WRONG_STATE), ROW(LIMIT_EXCEEDED),
        ROW(OUT_OF_STOCK), ROW(STALE), ROW(CURRENCY_MISMATCH), ROW(EXPIRED), ROW(GROUP_FAILED), ROW(GUARD_FAILED), ROW(DEAD),
        ROW(IN_PROGRESS), ROW(BUSY), ROW(READ_FAILED), ROW(WRITE_FAILED),
#undef ROW
    };
    size_t of_the_wire = 0;
#define X(number, word, class, sentence) of_the_wire++;
#include "schema/code.def"
#undef X
    cr_assert_eq(sizeof codes / sizeof codes[0], of_the_wire);
    for (size_t i = 0; i < of_the_wire; i++) {
        char word[40] = "";
        for (size_t j = 0; codes[i].name[j] != '\0'; j++)
            word[j] = (char)tolower(codes[i].name[j]);
        cr_assert_str_eq(till_code_word(codes[i].public), word);
        cr_assert_str_eq(till_code_sentence(codes[i].public), code_sentence(codes[i].public));
    }
}

Test(till_answer, names_its_fields_in_the_order_of_the_wire) {
    struct till_answer answer = {.key = "k", .code = -3, .has_balance = true, .balance_minor = -5, .at_ms = 12, .replayed = true,
                                 .durable = TILL_DURABLE_DISK};
    const char *const texts[TILL_ANSWER_FIELDS] = {"k", "", "", "-3", "", "", "", "", "-5", "", "", "12", "", "1", "", "disk"};
    for (unsigned i = 0; i < TILL_ANSWER_FIELDS; i++) {
        char number[TILL_NUMBER_SIZE];
        cr_assert_str_eq(till_answer_field_name(i), response_field_name[i]);
        cr_assert_str_eq(till_answer_field(&answer, i, number), texts[i], "%s", response_field_name[i]);
    }
    cr_assert_str_eq(till_answer_field_name(TILL_ANSWER_FIELDS), "");
}
