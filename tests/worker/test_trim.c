/* trim.lua by itself: what is old goes, and nothing that anybody still needs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "producer/redis.h"
#include "schema/script.h"
#include "tests/support/server.h"

#define META "{till:0}:meta"
#define TRIMMED "{till:0}:trimmed"
#define INTENTS "{till:0}:intents"

static struct server server;
static struct redis *redis;
static int64_t cut, behind;
static char holder[64], error[200];

static void open_all(void) {
    struct redis_options options = {.connect_timeout_ms = 2000, .timeout_ms = 10000};
    server_start(&server, &(struct server_options){.extra = {"--stream-node-max-entries", "10"}});
    cr_assert_null(redis_url_parse(server.url, &options.url));
    cr_assert_eq(redis_open(&redis, &options), REDIS_OK);
    server_text(&server, "HSET", META, "epoch", "7", "applied", "0-0", "bill", "0", NULL);
}

static void close_all(void) {
    redis_close(redis);
    server_stop(&server);
}

TestSuite(trim, .init = open_all, .fini = close_all, .timeout = 60);

struct call {
    const char *name, *kept, *readers, *archived, *count, *fault, *limit, *epoch;
};

static enum redis_err trim(struct call t) {
    struct command c;
    struct reply reply;
    char key[80];
    const char *const arguments[] = {t.epoch ? t.epoch : "7", t.name,  t.kept ? t.kept : "3600000", t.readers ? t.readers : "keep",
                                     t.archived ? t.archived : "", t.count ? t.count : "", t.fault ? t.fault : "",
                                     t.limit ? t.limit : "100"};
    snprintf(key, sizeof key, "{till:0}:%s", t.name);
    command_init(&c);
    redis_script_begin(&c, &script_trim, 3);
    command_word(&c, META);
    command_word(&c, TRIMMED);
    command_word(&c, key);
    for (size_t n = 0; n < sizeof arguments / sizeof *arguments; n++) command_word(&c, arguments[n]);
    enum redis_err err = redis_script_call(redis, &script_trim, &c, &reply);
    cut = reply_integer(reply_at(reply, 0));
    behind = reply_integer(reply_at(reply, 1));
    snprintf(holder, sizeof holder, "%s", reply_text(reply_at(reply, 2), NULL));
    snprintf(error, sizeof error, "%s", err ? redis_error(redis) : "");
    command_clear(&c);
    return err;
}

/* Until there is no more; how many. */
static int64_t trim_all(struct call t, int64_t *unread) {
    int64_t all = 0;
    if (unread) *unread = 0;
    do {
        cr_assert_eq(trim(t), REDIS_OK, "%s", error);
        all += cut;
        if (unread) *unread += behind;
    } while (cut > 0);
    return all;
}

/* Entries 1-0 .. COUNT-0: older than anything. */
static void add(const char *key, unsigned from, unsigned to) {
    for (unsigned n = from; n <= to; n++) {
        char id[16];
        snprintf(id, sizeof id, "%u-0", n);
        cr_assert_str_eq(server_text(&server, "XADD", key, id, "intent", "x", NULL), id);
    }
}

static int64_t length(const char *key) { return server_integer(&server, "XLEN", key, NULL); }

static const char *first(const char *key) {
    static char id[32];
    snprintf(id, sizeof id, "%s", server_text(&server, "XRANGE", key, "-", "+", "COUNT", "1", NULL));
    id[strcspn(id, "\n")] = '\0';
    return id;
}

static void expect_left(const char *key, const char *id, int64_t count, const char *row) {
    cr_assert_str_eq(first(key), id, "%s: begins with %s", row, first(key));
    cr_assert_eq(length(key), count, "%s: %d are left", row, (int)length(key));
}

static void expect_field(const char *field, const char *value) {
    const char *is = server_text(&server, "HGET", TRIMMED, field, NULL);
    cr_assert_str_eq(is, value, "%s is '%s'", field, is);
}

Test(trim, what_is_old_goes_and_what_is_not_stays) {
    char id[40];
    add("{till:0}:dead", 1, 57);
    snprintf(id, sizeof id, "%s", server_text(&server, "XADD", "{till:0}:dead", "*", "entry", "x", NULL));
    cr_assert_eq(trim_all((struct call){.name = "dead", .kept = "keep"}, NULL), 0);
    cr_assert_eq(trim_all((struct call){.name = "dead"}, NULL), 57);
    expect_left("{till:0}:dead", id, 1, "dead");
    expect_field("cut:dead", "57");
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 0);
    expect_field("cut:responses:shop", "0"); /* so that whoever comes next knows of it */
}

Test(trim, a_bite_is_never_larger_than_allowed) {
    static const char *const limits[] = {"1", "3", "10", "11", "25", "1000"};
    unsigned last = 0;
    for (size_t n = 0; n < sizeof limits / sizeof *limits; n++) {
        struct call t = {.name = "dead", .limit = limits[n]};
        int64_t most = strtol(limits[n], NULL, 10);
        add("{till:0}:dead", last + 1, last + 95);
        last += 95;
        do {
            cr_assert_eq(trim(t), REDIS_OK, "%s", error);
            cr_assert_leq(cut, most, "limit %s: %d", limits[n], (int)cut);
        } while (cut > 0);
        cr_assert_eq(length("{till:0}:dead"), 0, "limit %s: %d are left", limits[n], (int)length("{till:0}:dead"));
    }
}

/* Of intents 1-0 .. 40-0. */
static const struct row {
    const char *name, *applied, *delivered, *archived;
    unsigned acknowledged; /* so many of those delivered */
    unsigned first;        /* what is left begins with it; 41: nothing is */
} rows[] = {
    {"no group", "30-0", NULL, NULL, 0, 1},
    {"nothing applied", "0-0", "40", NULL, 40, 1},
    {"applied", "30-0", "40", NULL, 40, 30},
    {"applied beyond the last", "99-0", "40", NULL, 40, 41},
    {"pending", "30-0", "30", NULL, 20, 21},
    {"all pending", "30-0", "30", NULL, 0, 1},
    {"not delivered", "30-0", "20", NULL, 20, 21},
    {"nothing delivered", "30-0", "0", NULL, 0, 1},
    {"nothing archived", "30-0", "40", "0-0", 40, 1},
    {"archived less", "30-0", "40", "12-0", 40, 12},
    {"archived more", "30-0", "40", "35-0", 40, 30},
    {"archived, pending before", "30-0", "40", "25-0", 18, 19},
};

static void deliver(const char *count, unsigned acknowledged) {
    char id[16];
    server_text(&server, "XGROUP", "CREATE", INTENTS, "workers", "0", NULL);
    if (strcmp(count, "0") == 0) return;
    server_text(&server, "XREADGROUP", "GROUP", "workers", "w", "COUNT", count, "STREAMS", INTENTS, ">", NULL);
    for (unsigned n = 1; n <= acknowledged; n++) {
        snprintf(id, sizeof id, "%u-0", n);
        cr_assert_eq(server_integer(&server, "XACK", INTENTS, "workers", id, NULL), 1);
    }
}

Test(trim, an_intent_stays_until_it_is_done_and_archived) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        const struct row *r = &rows[n];
        char id[16] = "";
        server_text(&server, "DEL", INTENTS, NULL);
        server_text(&server, "HSET", META, "applied", r->applied, NULL);
        add(INTENTS, 1, 40);
        if (r->delivered) deliver(r->delivered, r->acknowledged);
        cr_assert_eq(trim_all((struct call){.name = "intents", .archived = r->archived, .limit = "7"}, NULL), r->first - 1, "%s", r->name);
        if (r->first <= 40) snprintf(id, sizeof id, "%u-0", r->first);
        expect_left(INTENTS, id, 41 - r->first, r->name);
    }
}

Test(trim, a_halted_partition_is_left_alone) {
    add(INTENTS, 1, 40);
    deliver("40", 40);
    server_text(&server, "HSET", META, "applied", "40-0", "halted", "bills are missing", NULL);
    cr_assert_eq(trim_all((struct call){.name = "intents"}, NULL), 0);
    add("{till:0}:ledger", 1, 5);
    cr_assert_eq(trim_all((struct call){.name = "ledger"}, NULL), 0);
    server_text(&server, "HDEL", META, "halted", NULL);
    cr_assert_eq(trim_all((struct call){.name = "intents"}, NULL), 39);
}

Test(trim, who_was_replaced_trims_nothing) {
    add("{till:0}:dead", 1, 5);
    cr_assert_eq(trim((struct call){.name = "dead", .epoch = "6"}), REDIS_FENCED);
    cr_assert_eq(trim((struct call){.name = "dead", .epoch = "8"}), REDIS_FENCED);
    cr_assert_eq(length("{till:0}:dead"), 5);
    cr_assert_eq(server_integer(&server, "EXISTS", TRIMMED, NULL), 0);
}

static void read_as(const char *group, const char *count, bool acknowledged) {
    char text[4096], *rest = text;
    snprintf(text, sizeof text, "%s", server_text(&server, "XREADGROUP", "GROUP", group, "c", "COUNT", count, "STREAMS",
                                                  "{till:0}:responses:shop", ">", NULL));
    for (char *line; acknowledged && (line = strsep(&rest, "\n"));)
        if (strstr(line, "-0")) server_text(&server, "XACK", "{till:0}:responses:shop", group, line, NULL);
}

Test(trim, a_group_that_is_behind_holds_its_stream_up) {
    static const char key[] = "{till:0}:responses:shop";
    add(key, 1, 40);
    server_text(&server, "XGROUP", "CREATE", key, "books", "0", NULL);
    server_text(&server, "XGROUP", "CREATE", key, "workers", "0", NULL); /* a reader like any other, here */
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 0);
    expect_field("held:responses:shop", "books");
    read_as("books", "10", true);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 0);
    expect_field("held:responses:shop", "workers");
    read_as("workers", "30", true);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 10);
    expect_left(key, "11-0", 30, "read by both");
    read_as("books", "5", false);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 0);
    read_as("books", "100", false);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 0); /* read, but not acknowledged */
    server_text(&server, "XGROUP", "DESTROY", key, "books", NULL);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 20);
    expect_left(key, "31-0", 10, "not read by workers");
    read_as("workers", "100", true);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop"}, NULL), 10);
    expect_field("held:responses:shop", "");
    expect_field("cut:responses:shop", "40");
    expect_field("behind:responses:shop", "");
}

Test(trim, a_group_that_is_late_beyond_measure_is_cut_off_and_counted) {
    static const char key[] = "{till:0}:responses:shop";
    int64_t unread;
    add(key, 1, 40);
    server_text(&server, "XGROUP", "CREATE", key, "books", "0", NULL);
    read_as("books", "15", true);
    server_text(&server, "XADD", key, "*", "key", "x", NULL);
    cr_assert_eq(trim_all((struct call){.name = "responses:shop", .readers = "60000", .limit = "7"}, &unread), 40);
    cr_assert_eq(unread, 25, "%d were unread", (int)unread);
    expect_field("behind:responses:shop", "25");
    expect_field("cut:responses:shop", "40");
    expect_field("held:responses:shop", ""); /* what is left is not old */
    cr_assert_eq(length(key), 1);
}

Test(trim, a_group_of_somebody_elses_holds_intents_up_too) {
    add(INTENTS, 1, 40);
    deliver("40", 40);
    server_text(&server, "HSET", META, "applied", "40-0", NULL);
    server_text(&server, "XGROUP", "CREATE", INTENTS, "fraud", "12-0", NULL);
    cr_assert_eq(trim_all((struct call){.name = "intents"}, NULL), 12);
    expect_field("held:intents", "fraud");
    cr_assert_eq(trim_all((struct call){.name = "intents", .readers = "0", .archived = "20-0"}, NULL), 7);
    expect_left(INTENTS, "20-0", 21, "late, but not archived");
}

/* How far the bills went that are gone. */
Test(trim, of_the_ledger_the_last_bill_is_kept_in_mind) {
    static const char *const bills[] = {"0-1", "0-2", "0-45", "0-1234567", "0-1234570"};
    char rows_text[64], id[16];
    for (int n = 0; n < 5; n++) {
        snprintf(id, sizeof id, "%d-0", n + 1);
        snprintf(rows_text, sizeof rows_text, "\xdc%c%c\x9b\xa9%s\xa5u/s/k", 0x30, '-', bills[n]); /* a count that looks like text */
        server_text(&server, "XADD", "{till:0}:ledger", id, "rows", rows_text, NULL);
    }
    server_text(&server, "HSET", META, "bill", "1234599", NULL);
    for (int n = 1; n < 5; n++) {
        snprintf(id, sizeof id, "%d-0", n + 1);
        cr_assert_eq(trim_all((struct call){.name = "ledger", .archived = id}, NULL), 1);
        snprintf(rows_text, sizeof rows_text, "%ld", strtol(bills[n] + 2, NULL, 10) - 1);
        expect_field("bill", rows_text);
    }
    cr_assert_eq(trim_all((struct call){.name = "ledger"}, NULL), 1);
    expect_field("bill", "1234599");
}

Test(trim, what_the_archive_says_is_noted) {
    cr_assert_eq(trim((struct call){.name = "intents", .kept = "keep", .archived = "5-0", .count = "12", .fault = "disk full"}), REDIS_OK);
    expect_field("archived:intents", "12");
    expect_field("archive", "disk full");
    cr_assert_eq(trim((struct call){.name = "intents", .kept = "keep", .archived = "5-0", .count = "13"}), REDIS_OK);
    expect_field("archived:intents", "13");
    expect_field("archive", "");
}

Test(trim, keys_of_a_wrong_type_change_nothing) {
    char before[SERVER_DIGEST_SIZE], after[SERVER_DIGEST_SIZE];
    add("{till:0}:dead", 1, 5);
    server_text(&server, "SET", "{till:0}:discarded", "x", NULL);
    server_digest(&server, before);
    cr_assert_eq(trim((struct call){.name = "discarded"}), REDIS_REFUSED, "%s", error);
    server_digest(&server, after);
    cr_assert_str_eq(before, after);
    server_text(&server, "HSET", TRIMMED, "cut:dead", "many", NULL);
    server_digest(&server, before);
    cr_assert_eq(trim((struct call){.name = "dead"}), REDIS_REFUSED, "%s", error);
    server_text(&server, "HSET", TRIMMED, "cut:dead", "1", "behind:dead", "1.5", NULL);
    server_digest(&server, before);
    cr_assert_eq(trim((struct call){.name = "dead"}), REDIS_REFUSED, "%s", error);
    server_text(&server, "DEL", TRIMMED, NULL);
    server_text(&server, "SET", TRIMMED, "x", NULL);
    server_digest(&server, before);
    cr_assert_eq(trim((struct call){.name = "dead"}), REDIS_REFUSED, "%s", error);
    server_digest(&server, after);
    cr_assert_str_eq(before, after);
}

Test(trim, a_full_redis_is_trimmed) {
    add("{till:0}:dead", 1, 500);
    server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL);
    cr_assert(strncmp(server_text(&server, "XADD", "{till:0}:dead", "*", "a", "b", NULL), "OOM", 3) == 0);
    cr_assert_eq(trim_all((struct call){.name = "dead"}, NULL), 500);
}
