/* A stream into its archive: nothing twice, nothing left out, and what was removed before its time is counted. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "producer/archive_tail.h"
#include "producer/archive.h"
#include "tests/producer/redis_fixture.h"

static const struct book book = {"till", 4};
static const struct archive_options archive_options = {.segment_size = 1 << 20, .segment_age_ms = 3600000, .fsync_every_ms = 1000};
static struct archive archive;
static struct archive_tail tail;
static struct archive_fault fault;
static struct command command;

static void reopen(void) {
    char dir[96];
    snprintf(dir, sizeof dir, "%s/archive", server.dir); /* gone with the server */
    archive_close(&archive);
    cr_assert_eq(archive_open(&archive, dir, &archive_options, &book, 1, &fault), ARCHIVE_OK, "%s", fault.text);
    archive_tail_init(&tail, &archive.intents, &book);
}

static void open_all(void) {
    redis_fixture_open();
    command_init(&command);
    archive = (struct archive){.lock = -1, .intents.fd = -1, .ledger.fd = -1};
    reopen();
}

static void close_all(void) {
    archive_close(&archive);
    command_clear(&command);
    redis_fixture_close();
}

TestSuite(archive_tail, .init = open_all, .fini = close_all, .timeout = 60);

static enum archive_err ask(void) {
    struct reply reply;
    archive_tail_ask(&tail, &command);
    enum redis_err err = redis_call(redis, &command, &reply);
    cr_assert(err == REDIS_OK || archive_tail_is_answer(reply), "%s", redis_error(redis));
    return archive_tail_info(&tail, reply, &fault);
}

static enum archive_err read_all(void) {
    struct reply reply;
    enum archive_err err = ARCHIVE_OK;
    while (!err && archive_tail_behind(&tail)) {
        archive_tail_want(&tail, &command);
        cr_assert_eq(redis_call(redis, &command, &reply), REDIS_OK, "%s", redis_error(redis));
        err = archive_tail_page(&tail, reply, &fault);
    }
    return err ? err : archive_settle(&archive, &fault);
}

static void round_of(const char *what, uint64_t entries, uint64_t missing) {
    enum archive_err err = ask();
    if (!err) err = read_all();
    cr_assert_eq(err, ARCHIVE_OK, "%s: %s", what, fault.text);
    cr_assert(archive.intents.chain.entries == entries && archive.intents.chain.missing == missing, "%s: %d entries, %d missing", what,
              (int)archive.intents.chain.entries, (int)archive.intents.chain.missing);
}

static void add(unsigned from, unsigned to) {
    for (unsigned n = from; n <= to; n++) {
        char id[16];
        snprintf(id, sizeof id, "%u-0", n);
        append("XADD", "{till:1}:intents", id, "intent", "x", NULL);
    }
    for (unsigned n = from; n <= to; n++) EXPECT_ERR(next(), REDIS_OK);
}

static void drop(const char *id) { cr_assert_eq(server_integer(&server, "XDEL", "{till:1}:intents", id, NULL), 1); }
static void trim(const char *id) { server_text(&server, "XTRIM", "{till:1}:intents", "MINID", id, NULL); }

static void expect_gap(uint64_t after, uint64_t upto, uint64_t missing) {
    cr_assert(tail.gap_count == 1 && tail.gap.after.ms == after && tail.gap.upto.ms == upto && tail.gap.missing == missing,
              "%d gaps, the last of %d entries after %d up to %d", (int)tail.gap_count, (int)tail.gap.missing, (int)tail.gap.after.ms,
              (int)tail.gap.upto.ms);
}

Test(archive_tail, pages_of_every_size) {
    static const unsigned counts[] = {0, 1, ARCHIVE_PAGE - 1, ARCHIVE_PAGE, ARCHIVE_PAGE + 1, 2 * ARCHIVE_PAGE, 7};
    unsigned total = 0;
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        if (counts[n]) add(total + 1, total + counts[n]);
        total += counts[n];
        round_of("a round", total, 0);
        round_of("nothing new", total, 0);
        if (n % 2) reopen();
    }
    cr_assert_eq(tail.gap_count, 0u);
}

Test(archive_tail, what_is_archived_may_be_removed) {
    add(1, 10);
    round_of("first", 10, 0);
    drop("5-0");
    trim("9-0");
    add(11, 12);
    round_of("in part", 12, 0);
    trim("100-0");
    round_of("all", 12, 0);
    add(13, 14);
    reopen();
    round_of("more", 14, 0);
}

Test(archive_tail, trimmed_before_the_first_look) {
    add(1, 10);
    trim("4-0");
    round_of("first", 7, 3);
    expect_gap(0, 3, 3);
    reopen();
    round_of("again", 7, 3);
    cr_assert_eq(tail.gap_count, 0u);
}

Test(archive_tail, trimmed_while_nobody_archived) {
    add(1, 10);
    round_of("first", 10, 0);
    reopen();
    add(11, 20);
    trim("15-0");
    round_of("behind", 16, 4);
    cr_assert_eq(tail.gap.upto.ms, 14u);
    add(21, 22);
    trim("100-0");
    round_of("all of it", 16, 6);
}

Test(archive_tail, removed_from_the_middle_and_the_end) {
    add(1, 4);
    round_of("first", 4, 0);
    add(5, 10);
    drop("7-0");
    round_of("middle", 9, 1);
    expect_gap(4, 10, 1);
    add(11, 12);
    drop("12-0");
    round_of("end", 10, 2);
    round_of("once only", 10, 2);
    add(13, 13);
    reopen();
    round_of("further", 11, 2);
    cr_assert_eq(tail.gap_count, 0u);
}

/* Between the look at the stream and the reading of it. */
Test(archive_tail, trimmed_under_our_hands) {
    add(1, 4);
    round_of("first", 4, 0);
    add(5, 10);
    cr_assert_eq(ask(), ARCHIVE_OK);
    trim("8-0");
    cr_assert_eq(read_all(), ARCHIVE_OK, "%s", fault.text);
    expect_gap(4, 10, 3);
    round_of("after", 7, 3);
}

/* Killed between the entries and the gap: the next one counts again. */
Test(archive_tail, a_gap_that_was_not_written_is_found_again) {
    struct reply reply;
    add(1, 10);
    cr_assert_eq(ask(), ARCHIVE_OK);
    drop("5-0");
    archive_tail_want(&tail, &command);
    cr_assert_eq(redis_call(redis, &command, &reply), REDIS_OK);
    tail.added = 9; /* the round ends without noticing */
    cr_assert_eq(archive_tail_page(&tail, reply, &fault), ARCHIVE_OK);
    cr_assert_eq(archive_settle(&archive, &fault), ARCHIVE_OK);
    reopen();
    round_of("again", 9, 1);
    expect_gap(0, 10, 1);
}

Test(archive_tail, a_redis_with_less_is_refused) {
    add(1, 10);
    round_of("first", 10, 0);
    server_text(&server, "DEL", "{till:1}:intents", NULL);
    cr_assert_eq(ask(), ARCHIVE_REWOUND);
    add(1, 5);
    cr_assert_eq(ask(), ARCHIVE_REWOUND, "lower IDs");
    server_text(&server, "DEL", "{till:1}:intents", NULL);
    add(11, 15);
    cr_assert_eq(ask(), ARCHIVE_REWOUND, "another stream with higher IDs");
    add(16, 40);
    cr_assert_eq(ask(), ARCHIVE_REWOUND, "and with more entries");
}

Test(archive_tail, what_is_no_stream_is_no_answer) {
    struct reply reply;
    server_text(&server, "SET", "{till:1}:intents", "x", NULL);
    archive_tail_ask(&tail, &command);
    EXPECT_ERR(redis_call(redis, &command, &reply), REDIS_REFUSED);
    cr_assert_not(archive_tail_is_answer(reply));
}
