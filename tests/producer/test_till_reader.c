/* Reading the answers of a source: from where, in which order, across lost connections. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"
#include "schema/response.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"

static struct server server;
static struct till *till;

static void start(void) {
    fake_server_start(&server, NULL);
    till = fake_open(&server, NULL);
}

static void stop(void) {
    till_close(till);
    server_stop(&server);
}

TestSuite(till_reader, .init = start, .fini = stop, .timeout = 60);

/* A response with this key; its entry ID is copied to `id` unless that is NULL. */
static void respond(unsigned partition, const char *key, char *id) {
    const char *values[] = {key, "shop", "pay", "0", "ok", "alice", "5", "CNY", "1", "0", "0-1", "9", "9-0", "0", ""};
    const char *text = fake_respond(&server, partition, values);
    if (id != NULL)
        snprintf(id, TILL_ENTRY_SIZE, "%s", text);
}

static struct till_reader *reader_open(const char *from) {
    struct till_reader *reader;
    cr_assert_eq(till_reader_open(till, "shop", from, &reader), TILL_OK, "%s", till_error(till));
    return reader;
}

/* The next answer has this key. */
static void expect(struct till_reader *reader, const char *key) {
    struct till_answer a;
    int code = till_reader_next(reader, 2000, &a);
    cr_assert_eq(code, TILL_OK, "%s: %d %s", key, code, till_error(till));
    cr_assert_str_eq(a.key, key);
}

static void expect_none(struct till_reader *reader, int timeout_ms) {
    struct till_answer a;
    int code = till_reader_next(reader, timeout_ms, &a);
    cr_assert_eq(code, TILL_NOT_FOUND, "%d within %d ms: %s", code, timeout_ms, till_error(till));
}

Test(till_reader, reads_all_partitions_from_the_beginning_each_in_order) {
    enum { COUNT = 4000 };
    int next[FAKE_PARTITIONS] = {0};
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d-%d", i % FAKE_PARTITIONS, i / FAKE_PARTITIONS);
        respond((unsigned)i % FAKE_PARTITIONS, key, NULL);
    }
    struct till_reader *reader = reader_open("0");
    struct till_answer a;
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(till_reader_next(reader, 1000, &a), TILL_OK, "%d", i);
        cr_assert(a.partition < FAKE_PARTITIONS);
        char key[16];
        snprintf(key, sizeof key, "%u-%d", a.partition, next[a.partition]++);
        cr_assert_str_eq(a.key, key);
    }
    expect_none(reader, 0);
    till_reader_close(reader);
}

Test(till_reader, dollar_gives_only_what_comes_after) {
    respond(1, "old", NULL);
    struct till_reader *reader = reader_open("$");
    expect_none(reader, 0);
    respond(1, "new", NULL);
    respond(3, "newer", NULL);
    expect(reader, "new");
    expect(reader, "newer");
    till_reader_close(reader);
}

Test(till_reader, goes_on_where_a_saved_position_says) {
    char position[512];
    for (int i = 0; i < 6; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        respond((unsigned)i % 2, key, NULL);
    }
    struct till_reader *reader = reader_open("0");
    expect(reader, "k0");
    expect(reader, "k2");
    snprintf(position, sizeof position, "%s", till_reader_position(reader));
    till_reader_close(reader);
    reader = reader_open(position);
    expect(reader, "k4");
    expect(reader, "k1");
    snprintf(position, sizeof position, "%s", till_reader_position(reader));
    till_reader_close(reader);
    reader = reader_open(position);
    expect(reader, "k3");
    expect(reader, "k5");
    expect_none(reader, 0);
    till_reader_close(reader);
}

Test(till_reader, an_entry_id_holds_for_every_partition) {
    char id[TILL_ENTRY_SIZE];
    respond(0, "k0", NULL);
    respond(0, "k1", id);
    respond(0, "k2", NULL);
    struct till_reader *reader = reader_open(id);
    expect(reader, "k2");
    expect_none(reader, 0);
    till_reader_close(reader);
    char ms[TILL_ENTRY_SIZE];
    snprintf(ms, sizeof ms, "%llu", strtoull(id, NULL, 10) - 60000);
    reader = reader_open(ms);
    expect(reader, "k0");
    till_reader_close(reader);
}

Test(till_reader, refuses_what_is_no_source_or_place) {
    const char *const wrong[] = {"", "x", "1-0,2-0", "1-0,2-0,3-0,4-0,5-0", "1-0,,3-0,4-0", "1-0,2-0,3-0,", "-1", "0 "};
    struct till_reader *reader;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_eq(till_reader_open(till, "shop", wrong[i], &reader), TILL_INVALID, "%s", wrong[i]);
    cr_assert_null(reader);
    cr_assert_eq(till_reader_open(till, "Shop", "0", &reader), TILL_INVALID);
    cr_assert_eq(till_reader_open(till, NULL, "0", &reader), TILL_INVALID);
    cr_assert(strstr(till_error(till), "source"), "%s", till_error(till));
}

Test(till_reader, waits_as_long_as_told) {
    const int timeouts_ms[] = {30, 100, 400, 1500};
    struct till_reader *reader = reader_open("0");
    for (size_t i = 0; i < sizeof timeouts_ms / sizeof timeouts_ms[0]; i++) {
        int64_t before = wait_now_ms();
        expect_none(reader, timeouts_ms[i]);
        int64_t took = wait_now_ms() - before;
        cr_assert(took >= timeouts_ms[i] - 2 && took < timeouts_ms[i] + 300, "%d: %d ms", timeouts_ms[i], (int)took);
        cr_assert(till->redis != NULL, "the connection was kept");
    }
    till_reader_close(reader);
}

static void *wait_for_one(void *reader) {
    struct till_answer a;
    int code = TILL_NOT_FOUND;
    for (int n = 0; n < 100 && code == TILL_NOT_FOUND; n++) code = till_reader_next(reader, 200, &a);
    return code == TILL_OK && strcmp(a.key, "late") == 0 ? reader : NULL;
}

static bool is_blocked(void) {
    return strstr(server_text(&server, "INFO", "clients", NULL), "blocked_clients:1") != NULL;
}

/* Whoever looks every now and then instead is late by as much. */
Test(till_reader, is_woken_when_an_answer_comes) {
    pthread_t thread;
    void *reader = reader_open("$"), *woken;
    cr_assert(pthread_create(&thread, NULL, wait_for_one, reader) == 0);
    cr_expect(WAIT_UNTIL(is_blocked(), 10000), "Redis was not asked to wake it");
    respond(1, "late", NULL);
    cr_assert(pthread_join(thread, &woken) == 0);
    cr_expect(woken == reader);
    till_reader_close(reader);
}

Test(till_reader, skips_what_is_no_response) {
    keys_buffer key;
    keys_responses(key, &fake_book, 0, "shop");
    respond(0, "k0", NULL);
    server_text(&server, "XADD", key, "*", "hello", "world", NULL);
    server_text(&server, "XADD", key, "*", "key", "k", "source", "shop", "code", "none", NULL);
    server_text(&server, "XADD", key, "*", "odd", "", NULL);
    respond(0, "k1", NULL);
    struct till_reader *reader = reader_open("0");
    expect(reader, "k0");
    expect(reader, "k1");
    expect_none(reader, 0);
    till_reader_close(reader);
}

/* A response of which one field is this. */
static void respond_with(enum response_field field, const char *value) {
    const char *values[] = {"odd", "shop", "pay", "0", "ok", "alice", "5", "CNY", "1", "0", "0-1", "9", "9-0", "0", ""};
    values[field] = value;
    fake_respond(&server, 0, values);
}

/* Ten thousand fields that nobody knows, and then those of a response. */
static void respond_behind_many(void) {
    enum { MANY = 10000, COUNT = 3 + 2 * (MANY + RESPONSE_TOLD_COUNT) };
    static const char *const values[] = {"many", "shop", "pay", "0", "ok", "alice", "5", "CNY", "1", "0", "0-1", "9", "9-0", "0", ""};
    static const char *argv[COUNT];
    static size_t sizes[COUNT];
    keys_buffer key;
    keys_responses(key, &fake_book, 0, "shop");
    argv[0] = "XADD", argv[1] = key, argv[2] = "*";
    for (unsigned n = 0; n < MANY; n++) argv[3 + 2 * n] = argv[4 + 2 * n] = "unknown";
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++)
        argv[3 + 2 * (MANY + n)] = response_field_name[n], argv[4 + 2 * (MANY + n)] = values[n];
    for (unsigned n = 0; n < COUNT; n++) sizes[n] = strlen(argv[n]);
    server_call(&server, COUNT, argv, sizes);
}

/* No worker writes these, but whoever may write to the stream can. */
Test(till_reader, skips_answers_beyond_every_limit) {
    static char huge[1 << 20];
    static const struct row { enum response_field field; const char *value; } rows[] = {
        {RESPONSE_CODE, ""}, {RESPONSE_CODE, "-"}, {RESPONSE_CODE, "nan"}, {RESPONSE_CODE, "0.5"}, {RESPONSE_CODE, "1e3"},
        {RESPONSE_CODE, " 0"}, {RESPONSE_CODE, "100"}, {RESPONSE_CODE, "-100"}, {RESPONSE_CODE, "18446744073709551616"},
        {RESPONSE_AMOUNT, "NaN"}, {RESPONSE_AMOUNT, "1e400"}, {RESPONSE_AMOUNT, "9223372036854775808"}, {RESPONSE_AMOUNT, "--1"},
        {RESPONSE_AMOUNT, "5 "}, {RESPONSE_BALANCE, "0x10"}, {RESPONSE_HELD, "\xff"}, {RESPONSE_AT, "tomorrow"}, {RESPONSE_REPLAYED, "yes"},
        {RESPONSE_KEY, huge}, {RESPONSE_ACCOUNT, huge}, {RESPONSE_BILL, huge}, {RESPONSE_DETAIL, huge}, {RESPONSE_AMOUNT, huge},
    };
    struct till_answer a;
    memset(huge, '9', sizeof huge - 1);
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) respond_with(rows[n].field, rows[n].value);
    respond_behind_many();
    respond_with(RESPONSE_AMOUNT, "-9223372036854775808");
    respond_with(RESPONSE_DETAIL, "\xff\xc0\xaf");
    struct till_reader *reader = reader_open("0");
    expect(reader, "many");
    cr_assert_eq(till_reader_next(reader, 2000, &a), TILL_OK);
    cr_assert(a.has_amount && a.amount_minor == INT64_MIN);
    cr_assert_eq(till_reader_next(reader, 2000, &a), TILL_OK);
    cr_assert_str_eq(a.detail, "\xff\xc0\xaf");
    expect_none(reader, 0);
    till_reader_close(reader);
}

Test(till_reader, other_calls_may_come_between) {
    respond(0, "k0", NULL);
    respond(0, "k1", NULL);
    struct till_reader *reader = reader_open("0"), *second = reader_open("0");
    struct till_account account;
    expect(reader, "k0");
    cr_assert_eq(till_account(till, "nobody", &account), TILL_NOT_FOUND);
    expect(second, "k0");
    expect(reader, "k1");
    expect(second, "k1");
    till_reader_close(second);
    till_reader_close(reader);
}

Test(till_reader, keeps_its_place_when_the_connection_is_lost) {
    struct till_reader *reader = reader_open("0");
    for (int i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        respond(2, key, NULL);
        server_text(&server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
        expect(reader, key);
    }
    server_pause(&server);
    struct till_answer a;
    int64_t before = wait_now_ms();
    cr_assert_eq(till_reader_next(reader, 300, &a), TILL_READ_FAILED);
    cr_assert_lt(wait_now_ms() - before, 700);
    server_resume(&server);
    respond(2, "k10", NULL);
    expect(reader, "k10");
    till_reader_close(reader);
}
