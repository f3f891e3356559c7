/* Answers that came together in one entry of the stream: each handed out by itself, and none lost when a program stops among them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"
#include "schema/answers.h"
#include "tests/producer/test_till_fake.h"

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

TestSuite(till_answers, .init = start, .fini = stop, .timeout = 60);

#define LINE(key) key "\tpay\t0\tok\talice\t5\tCNY\t95\t0\t1-7\t0"
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void respond(const char *key) {
    fake_respond(&server, 1, (const char *[]){key, "shop", "pay", "0", "ok", "alice", "5", "CNY", "1", "0", "0-1", "9", "9-0", "0", ""});
}

static struct till_reader *reader_open(const char *from) {
    struct till_reader *reader;
    cr_assert_eq(till_reader_open(till, "shop", from, &reader), TILL_OK, "%s", till_error(till));
    return reader;
}

/* The keys of the next `most` answers, or of all. */
static const char *read_keys(struct till_reader *reader, unsigned most) {
    static char keys[4096];
    struct till_answer a;
    size_t size = 0;
    keys[0] = '\0';
    for (unsigned n = 0; n < most && till_reader_next(reader, 0, &a) == TILL_OK; n++)
        size += (size_t)snprintf(keys + size, sizeof keys - size, "%s%s", n > 0 ? " " : "", a.key);
    return keys;
}

Test(till_answers, each_is_what_it_would_be_alone) {
    fake_respond_bulk(&server, 2, LINE("k1") "\n"
                                  "k2\trefund\t1\tnot_found\tbob\t0\tCNY\t\t\t\t0\tof\n"
                                  "k3\tpay\t3\tinsufficient_funds\tcarol\t0\tCNY\t4\t1\t\t1\t\t7\t7-3\t" TRACE);
    const struct till_answer wanted[] = {
        {.key = "k1", .op = "pay", .reason = "ok", .account = "alice", .has_amount = true, .amount_minor = 5, .has_balance = true,
         .balance_minor = 95, .has_held = true, .bill = "1-7", .at_ms = 9, .entry = "9-0"},
        {.key = "k2", .op = "refund", .code = 1, .reason = "not_found", .account = "bob", .has_amount = true, .at_ms = 9, .entry = "9-0",
         .detail = "of"},
        {.key = "k3", .op = "pay", .code = 3, .reason = "insufficient_funds", .account = "carol", .has_amount = true, .has_balance = true,
         .balance_minor = 4, .has_held = true, .held_minor = 1, .at_ms = 7, .entry = "7-3", .replayed = true},
    };
    struct till_reader *reader = reader_open("0");
    for (size_t n = 0; n < 3; n++) {
        struct till_answer a;
        char is[TILL_NUMBER_SIZE], was[TILL_NUMBER_SIZE];
        cr_assert_eq(till_reader_next(reader, 2000, &a), TILL_OK, "%zu", n);
        for (unsigned field = 0; field < TILL_ANSWER_FIELDS; field++) {
            const char *value = strcmp(till_answer_field_name(field), "source") == 0     ? "shop"
                                : strcmp(till_answer_field_name(field), "currency") == 0 ? "CNY"
                                : strcmp(till_answer_field_name(field), "durable") == 0  ? "replica(2)"
                                                                                         : till_answer_field(&wanted[n], field, was);
            cr_expect_str_eq(till_answer_field(&a, field, is), value, "%s of answer %zu", till_answer_field_name(field), n);
        }
        cr_expect(a.partition == 2 && strlen(a.response) > 2);
        cr_expect_str_eq(till_reader_traceparent(reader), n == 2 ? TRACE : "");
    }
    cr_expect_str_eq(read_keys(reader, 1), "");
    till_reader_close(reader);
}

/* Whoever saves the position after each answer finds every later one, whenever it stops; of an entry that it was in the middle of, all. */
Test(till_answers, stopping_among_them_loses_none) {
    static const char *const rest[] = {"p1 a b c p2 d e p3", "a b c p2 d e p3", "a b c p2 d e p3", "a b c p2 d e p3", "p2 d e p3", "d e p3",
                                       "d e p3", "p3", ""};
    respond("p1");
    fake_respond_bulk(&server, 1, LINE("a") "\n" LINE("b") "\n" LINE("c"));
    respond("p2");
    fake_respond_bulk(&server, 1, LINE("d") "\n" LINE("e"));
    respond("p3");
    for (unsigned n = 0; n < sizeof rest / sizeof *rest; n++) {
        char position[512];
        struct till_reader *reader = reader_open("0");
        read_keys(reader, n);
        snprintf(position, sizeof position, "%s", till_reader_position(reader));
        till_reader_close(reader);
        reader = reader_open(position);
        cr_expect_str_eq(read_keys(reader, 100), rest[n], "after %u answers", n);
        till_reader_close(reader);
    }
}

Test(till_answers, as_many_as_there_can_be) {
    static char lines[64 * 80], wanted[64 * 4];
    size_t size = 0, keys = 0;
    for (unsigned n = 0; n < ANSWERS_MAX; n++) {
        size += (size_t)snprintf(lines + size, sizeof lines - size, "%s" LINE("k%02u"), n > 0 ? "\n" : "", n);
        keys += (size_t)snprintf(wanted + keys, sizeof wanted - keys, "%sk%02u", n > 0 ? " " : "", n);
    }
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) fake_respond_bulk(&server, p, lines);
    struct till_reader *reader = reader_open("0");
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) cr_expect_str_eq(read_keys(reader, ANSWERS_MAX), wanted);
    cr_expect_str_eq(read_keys(reader, 1), "");
    till_reader_close(reader);
}

/* What cannot be read is left out, what stands before and behind it comes. */
Test(till_answers, malformed_ones_are_left_out) {
    static char lines[65 * 80], huge[2000];
    static const char none[] = "beside `answers` there is no source, at or entry", torn[] = "a line of `answers` has less than 11 values",
                      value[] = "an answer has a value that cannot be";
    static const struct row { const char *lines, *keys, *why; } rows[] = {
        {"", "p q", torn},
        {"\n", "p q", torn},
        {LINE("a") "\n", "p a q", torn},
        {LINE("a") "\nb\tpay\t0\tok\n" LINE("c"), "p a q", torn}, /* what follows a torn line is anybody's guess */
        {LINE("a") "\nb\tpay\tnone\tok\talice\t5\tCNY\t95\t0\t1-7\t0\n" LINE("c"), "p a c q", value},
        {"b\tpay\t0\tok\talice\t5 \tCNY\t95\t0\t1-7\t0\n" LINE("c"), "p c q", value},
        {LINE("a") "\nb\tpay\t0\tok\talice\t5\tCNYX\t95\t0\t1-7\t0", "p a q", value},
        {LINE("a") "\t\t\t\t\twhat later releases put there\n" LINE("b"), "p a b q", none},
        {huge, "p q", torn},
    };
    keys_buffer key;
    memset(huge, 'x', sizeof huge - 1);
    keys_responses(key, &fake_book, 1, "shop");
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        server_text(&server, "DEL", key, NULL);
        respond("p");
        server_text(&server, "XADD", key, "*", "answers", LINE("x"), NULL);
        server_text(&server, "XADD", key, "*", "source", "shop", "at", "9", "answers", LINE("x"), NULL);
        fake_respond_bulk(&server, 1, rows[n].lines);
        respond("q");
        struct till_reader *reader = reader_open("0");
        cr_expect_str_eq(till_reader_left_out(reader), "");
        cr_expect_str_eq(read_keys(reader, 100), rows[n].keys, "row %zu", n);
        cr_expect_str_eq(read_keys(reader, 1), "");
        const char *left_out = till_reader_left_out(reader);
        cr_expect(strstr(left_out, " of partition 1: ") && strstr(left_out, rows[n].why), "row %zu: %s", n, left_out);
        till_reader_close(reader);
    }
    server_text(&server, "DEL", key, NULL);
    for (size_t n = 0, size = 0; n <= ANSWERS_MAX; n++)
        size += (size_t)snprintf(lines + size, sizeof lines - size, "%s" LINE("k"), n > 0 ? "\n" : "");
    fake_respond_bulk(&server, 1, lines);
    respond("q");
    struct till_reader *reader = reader_open("0");
    const char *keys = read_keys(reader, 100);
    cr_expect(strlen(keys) == 2 * ANSWERS_MAX + 1 && strcmp(keys + 2 * ANSWERS_MAX, "q") == 0, "too many: %s", keys);
    till_reader_close(reader);
}
