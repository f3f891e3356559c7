/* Every key of a partition with a wrong type, every number a hostile value, every stream exhausted: nothing is half-written, what
 * concerns single entries gives those up and lets the others go on, what is shared stops the partition until it is repaired. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define SETUP                                                                                                                  \
    "open account=m kind=merchant; open account=n kind=merchant; open account=a kind=user; open account=b kind=user;"          \
    "topup account=a amount=1000; topup account=b amount=1000; pay account=a to=m amount=100 key=q; +2d;"                      \
    "pay account=b to=m amount=100 key=y; +1d; pay account=a to=m amount=100 key=p"
#define OLD "bills:20300317"
#define YESTERDAY "bills:20300319"
#define TODAY "bills:20300320"

/* The batch, and by which keys each of its entries stands or falls: accounts a b m n, w for @world, bills q y p, s and o for the streams of
 * its source. */
static const struct { const char *line, *keys; } batch[] = {
    {"topup account=b amount=1", "bws"},
    {"pay account=a to=m amount=1", "ams"},
    {"refund account=a of=q amount=1", "amqs"},
    {"withdraw account=b amount=1", "bws"},
    {"", ""}, /* junk: dies always */
    {"freeze account=n", "ns"},
    {"pay account=b to=m amount=1 source=other", "bmo"},
    {"refund account=b of=y amount=1", "bmsy"},
    {"topup account=a amount=1 source=other", "awo"},
    {"refund account=a of=p amount=1", "amps"},
    {"inquire account=b", "bs"},
};
enum { BATCH_COUNT = sizeof batch / sizeof *batch };

static struct fold fold;
static char entries[BATCH_COUNT][ENTRY_TEXT_MAX + 1];
static char *sound; /* the dump when nothing is wrong */

static void lay_out(void) {
    fold_reset(&fold);
    fold_add(&fold, SETUP);
    fold_run(&fold);
    fold_take_over(&fold); /* a lane that remembers nothing: another would take what is garbled for lost, and halt */
    for (size_t n = 0; n < BATCH_COUNT; n++) {
        if (*batch[n].line) fold_add(&fold, batch[n].line);
        else fold_add_bytes(&fold, 0, "\xc1", 1);
        memcpy(entries[n], fold.entry, sizeof entries[n]);
    }
}

static void start(void) {
    fold_start(&fold, 1, FOLD_BATCH);
    lay_out();
    fold_run(&fold);
    sound = fold_dump(&fold, 0);
    const char *fault = fold_unsound(&fold, 0);
    cr_assert(!fault, "%s", fault ? fault : "");
}

static void stop(void) {
    free(sound);
    fold_stop(&fold);
}

TestSuite(hostile, .init = start, .fini = stop);

static void key_of(char key[KEYS_SIZE_MAX], const char *rest) { snprintf(key, KEYS_SIZE_MAX, "%s", fold_key(&fold, 0, rest)); }

static char *applied(void) { return strdup(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "applied", NULL)); }

/* One turn. When it got nowhere, no key may be another than before. */
static enum redis_err try_once(const char *name) {
    char *applied_before = applied(), *before = fold_digests(&fold, 0, "meta aside");
    enum redis_err err = fold_try(&fold, 0);
    char *applied_after = applied(), *after = fold_digests(&fold, 0, "meta aside");
    if (strcmp(applied_before, applied_after) == 0)
        cr_expect_str_eq(after, before, "%s: half written (%s): %s", name, redis_err_word(err), fold_difference(after, before));
    free(before);
    free(after);
    free(applied_before);
    free(applied_after);
    return err;
}

static bool is_done(void) {
    return server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "intents"), NULL) > 0 &&
           *server_text(&fold.server, "XPENDING", fold_key(&fold, 0, "intents"), "workers", NULL) == '0';
}

static void put_aside(const char *rest) { server_text(&fold.server, "COPY", fold_key(&fold, 0, rest), fold_key(&fold, 0, "aside"), NULL); }

static void put_back(const char *rest) {
    server_text(&fold.server, "DEL", fold_key(&fold, 0, rest), NULL);
    server_text(&fold.server, "RENAME", fold_key(&fold, 0, "aside"), fold_key(&fold, 0, rest), NULL);
}

/* What is shared: no turn gets anywhere, and after the repair all is as if nothing had been. */
static void expect_stop(const char *name, const char *rest) {
    for (int n = 0; n < 5; n++) {
        enum redis_err err = try_once(name);
        cr_expect_eq(err, REDIS_REFUSED, "%s: %s", name, redis_err_word(err));
    }
    put_back(rest);
    fold_run(&fold);
    char *after = fold_dump(&fold, 0);
    const char *difference = fold_difference(after, sound);
    cr_expect(!difference, "%s: after the repair %s", name, difference ? difference : "");
    free(after);
}

static bool is_dead(const char *entry) {
    struct reply range;
    command_begin(&fold.command, "XRANGE");
    command_word(&fold.command, fold_key(&fold, 0, "dead"));
    command_word(&fold.command, "-");
    command_word(&fold.command, "+");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &range), REDIS_OK);
    for (size_t n = 0; n < reply_count(range); n++)
        if (reply_is(reply_at(reply_at(reply_at(range, n), 1), 1), entry)) return true;
    return false;
}

/* The code with which the entry was answered; -1 for not at all, -2 for more than once. */
static int code_of(size_t n, const char *source) {
    struct fold_answer *answers;
    int code = -1;
    size_t count = fold_answers(&fold, 0, source, &answers);
    for (size_t m = 0; m < count; m++) {
        if (strcmp(answers[m].text[RESPONSE_ENTRY], entries[n]) != 0) continue;
        code = code == -1 ? (int)strtol(answers[m].text[RESPONSE_CODE], NULL, 10) : -2;
    }
    free(answers);
    return code;
}

/* What concerns single entries, those that have this letter: they die after their attempts, the others are applied and answered. */
static void expect_dead(const char *name, char letter) {
    int turns = 0;
    do (void)!try_once(name);
    while (!is_done() && ++turns < 100);
    cr_expect(turns < 100, "%s: it comes to no end", name);
    for (size_t n = 0; n < BATCH_COUNT; n++) {
        bool other = strchr(batch[n].keys, 'o') != NULL, victim = !*batch[n].line || strchr(batch[n].keys, letter);
        bool deaf = !*batch[n].line || letter == (other ? 'o' : 's');
        cr_expect_eq(is_dead(entries[n]), victim, "%s: entry %zu is %sdead", name, n, victim ? "not " : "");
        if (deaf) continue;
        int code = code_of(n, other ? "other" : "shop");
        cr_expect_eq(code, victim ? 19 : 0, "%s: entry %zu is answered %d", name, n, code);
    }
}

static const struct { const char *rest; char letter; } keys[] = {
    {"account:a", 'a'}, {"account:b", 'b'}, {"account:m", 'm'}, {"account:n", 'n'}, {"account:@world:CNY", 'w'}, {OLD, 'q'},
    {"responses:shop", 's'}, {"responses:other", 'o'},
    {"meta", 0}, {"intents", 0}, {"ledger", 0}, {"dead", 0}, {"unanswered", 0}, {YESTERDAY, 0}, {TODAY, 0}, {"lease", 0},
};

Test(hostile, wrong_type, .timeout = 120) {
    for (size_t n = 0; n < sizeof keys / sizeof *keys; n++) {
        char key[KEYS_SIZE_MAX];
        key_of(key, keys[n].rest);
        lay_out();
        put_aside(keys[n].rest);
        server_text(&fold.server, "DEL", key, NULL);
        if (strcmp(keys[n].rest, "lease") == 0) server_text(&fold.server, "RPUSH", key, "x", NULL);
        else server_text(&fold.server, "SET", key, "x", NULL);
        if (keys[n].letter) expect_dead(keys[n].rest, keys[n].letter);
        else expect_stop(keys[n].rest, keys[n].rest);
        if (keys[n].letter) cr_expect_str_eq(server_text(&fold.server, "GET", key, NULL), "x", "%s was written to", keys[n].rest);
    }
}

/* Streams whose IDs are used up: XADD fails after other writes could have been made. */
Test(hostile, exhausted_stream, .timeout = 120) {
    static const struct { const char *rest; char letter; } streams[] = {{"responses:other", 'o'}, {"ledger", 0}, {"dead", 0}};
    for (size_t n = 0; n < sizeof streams / sizeof *streams; n++) {
        char key[KEYS_SIZE_MAX];
        key_of(key, streams[n].rest);
        lay_out();
        put_aside(streams[n].rest);
        const char *id = server_text(&fold.server, "XADD", key, "18446744073709551615-18446744073709551615", "x", "x", NULL);
        cr_assert_eq(*id, '1', "%s", id);
        if (streams[n].letter) server_text(&fold.server, "XDEL", key, "18446744073709551615-18446744073709551615", NULL);
        if (streams[n].letter) expect_dead(streams[n].rest, streams[n].letter);
        else expect_stop(streams[n].rest, streams[n].rest);
    }
}

/* An answer that waited for its follow-ups cannot be given up any more: it stops the partition until it can be given. */
Test(hostile, exhausted_stream_of_a_waiting_answer) {
    enum redis_err err = REDIS_OK;
    lay_out();
    put_aside("responses:shop");
    server_text(&fold.server, "XADD", fold_key(&fold, 0, "responses:shop"), "18446744073709551615-18446744073709551615", "x", "x", NULL);
    for (int n = 0; n < 100 && err != REDIS_REFUSED; n++) err = try_once("responses:shop");
    cr_assert_eq(err, REDIS_REFUSED, "%s", redis_err_word(err));
    cr_expect_str_eq(server_text(&fold.server, "HKEYS", fold_key(&fold, 0, "unanswered"), NULL), entries[5], "the freeze waits");
    put_back("responses:shop");
    fold_run(&fold);
    cr_expect_eq(code_of(5, "shop"), 0, "it is answered");
    cr_expect_eq(code_of(10, "shop"), 0, "and what comes after");
}

static const char *const values[] = {"abc", "1e400", "nan", "", "9007199254740993", "-9007199254740993", "1.5", "inf", "-nan", "0x", "1 2",
                                     "99999999999999999999999999999999", "-"};

/* Numbers of an account that are none: its entries die, and it stays as it is. */
Test(hostile, account_numbers, .timeout = 300) {
    static const char *const fields[] = {"balance", "held", "seq"};
    static const struct { const char *rest; char letter; } accounts[] = {
        {"account:a", 'a'}, {"account:m", 'm'}, {"account:@world:CNY", 'w'}};
    for (size_t n = 0; n < sizeof accounts / sizeof *accounts; n++)
        for (size_t f = 0; f < 3; f++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                char name[100], before[SERVER_DIGEST_SIZE], after[SERVER_DIGEST_SIZE], key[KEYS_SIZE_MAX];
                key_of(key, accounts[n].rest);
                snprintf(name, sizeof name, "%s %s=%s", accounts[n].rest, fields[f], values[v]);
                lay_out();
                server_text(&fold.server, "HSET", key, fields[f], values[v], NULL);
                server_digest_key(&fold.server, key, before);
                expect_dead(name, accounts[n].letter);
                server_digest_key(&fold.server, key, after);
                cr_expect_str_eq(before, after, "%s: it was written to", name);
            }
}

/* -0 is 0. */
Test(hostile, minus_zero) {
    lay_out();
    server_text(&fold.server, "HSET", fold_key(&fold, 0, "account:a"), "held", "-0", NULL);
    server_text(&fold.server, "HSET", fold_key(&fold, 0, "account:b"), "held", "-0", NULL);
    fold_run(&fold);
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s", fault ? fault : "");
    for (size_t n = 0; n < BATCH_COUNT; n++)
        if (*batch[n].line) cr_expect_eq(code_of(n, strchr(batch[n].keys, 'o') ? "other" : "shop"), 0, "entry %zu", n);
}

/* A field that is gone. */
Test(hostile, account_fields_missing, .timeout = 120) {
    static const char *const fields[] = {"kind", "currency", "status", "balance", "held", "seq"};
    for (size_t f = 0; f < 6; f++) {
        lay_out();
        server_text(&fold.server, "HDEL", fold_key(&fold, 0, "account:a"), fields[f], NULL);
        expect_dead(fields[f], 'a');
    }
}

Test(hostile, meta_numbers, .timeout = 120) {
    static const char *const fields[] = {"bill", "applied"};
    for (size_t f = 0; f < 2; f++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            char name[100];
            snprintf(name, sizeof name, "meta %s=%s", fields[f], values[v]);
            lay_out();
            put_aside("meta");
            server_text(&fold.server, "HSET", fold_key(&fold, 0, "meta"), fields[f], values[v], NULL);
            for (int n = 0; n < 3; n++) {
                enum redis_err err = try_once(name);
                cr_expect(err == REDIS_REFUSED || err == REDIS_GARBLED, "%s: %s", name, redis_err_word(err));
            }
            put_back("meta");
            fold_take_over(&fold); /* 9007199254740993 is remembered as seen */
            fold_run(&fold);
            char *after = fold_dump(&fold, 0);
            const char *difference = fold_difference(after, sound);
    cr_expect(!difference, "%s: after the repair %s", name, difference ? difference : "");
            free(after);
        }
}

static void change_bill(const char *day, const char *identity, size_t field, const char *value) {
    char record[400], changed[800];
    const char *at = record;
    snprintf(record, sizeof record, "%s", server_text(&fold.server, "HGET", fold_key(&fold, 0, day), identity, NULL));
    for (size_t n = 0; n < field; n++) at = strchr(at, '|') + 1;
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - record), record, value, at + strcspn(at, "|"));
    server_text(&fold.server, "HSET", fold_key(&fold, 0, day), identity, changed, NULL);
}

/* Numbers of a bill that are none: the refund that needs it dies, and the bill stays as it is. */
Test(hostile, bill_numbers, .timeout = 300) {
    static const struct { const char *day, *identity; char letter; } bills[] = {
        {OLD, "a/shop/q", 'q'}, {YESTERDAY, "b/shop/y", 'y'}, {TODAY, "a/shop/p", 'p'}};
    static const struct { const char *name; size_t place; } fields[] = {{"code", 1}, {"amount", 4}, {"captured", 12}, {"refunded", 13}};
    for (size_t n = 0; n < 3; n++)
        for (size_t f = 0; f < 4; f++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                char name[100];
                snprintf(name, sizeof name, "%s %s=%s", bills[n].identity, fields[f].name, values[v]);
                lay_out();
                change_bill(bills[n].day, bills[n].identity, fields[f].place, values[v]);
                char *before = strdup(server_text(&fold.server, "HGET", fold_key(&fold, 0, bills[n].day), bills[n].identity, NULL));
                expect_dead(name, bills[n].letter);
                const char *after = server_text(&fold.server, "HGET", fold_key(&fold, 0, bills[n].day), bills[n].identity, NULL);
                cr_expect_str_eq(after, before, "%s: rewritten", name);
                free(before);
            }
}

/* Of the others a refund needs nothing: what was answered stays as it was. */
Test(hostile, bill_numbers_of_no_matter, .timeout = 120) {
    static const struct { const char *name; size_t place; } fields[] = {{"balance", 6}, {"held", 7}, {"at", 8}};
    for (size_t f = 0; f < 3; f++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            char name[100];
            snprintf(name, sizeof name, "a/shop/p %s=%s", fields[f].name, values[v]);
            lay_out();
            change_bill(TODAY, "a/shop/p", fields[f].place, values[v]);
            fold_run(&fold);
            const char *record = server_text(&fold.server, "HGET", fold_key(&fold, 0, TODAY), "a/shop/p", NULL);
            for (size_t n = 0; n < fields[f].place; n++) record = strchr(record, '|') + 1;
            cr_expect(strncmp(record, values[v], strlen(values[v])) == 0 && record[strlen(values[v])] == '|', "%s became %s", name, record);
            cr_expect(code_of(9, "shop") == 0 || code_of(9, "shop") == 19, "%s: %d", name, code_of(9, "shop"));
        }
}

Test(hostile, bill_records, .timeout = 120) {
    static const char *const records[] = {"", "abc", "||||||||||||||", "a|0|pay|0-1|5|CNY|5|0|1|1-1|m|captured|5|0",
                                          "a|0|pay|0-1|5|CNY|5|0|1|1-1|m|captured|5|0||x|y"};
    for (size_t n = 0; n < sizeof records / sizeof *records; n++)
        for (int day = 0; day < 3; day++) {
            static const char *const days[] = {OLD, YESTERDAY, TODAY}, *const identities[] = {"a/shop/q", "b/shop/y", "a/shop/p"};
            lay_out();
            server_text(&fold.server, "HSET", fold_key(&fold, 0, days[day]), identities[day], records[n], NULL);
            expect_dead(records[n], "qyp"[day]);
        }
}

/* The same garbage where a repetition looks for its first answer. */
Test(hostile, replay_of_a_garbled_bill) {
    lay_out();
    server_text(&fold.server, "HSET", fold_key(&fold, 0, TODAY), "a/shop/x", "abc", NULL);
    fold_add(&fold, "topup account=a amount=1 key=x; topup account=a amount=1");
    fold_run(&fold);
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    const char *code = answer.text[RESPONSE_CODE];
    cr_expect(strcmp(code, "0") == 0 || strcmp(code, "19") == 0, "%s", code);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "803", "the good one went on, alone");
}

/* A kept answer that nobody can read stops the partition; it is told by its key. */
Test(hostile, unanswered_garbled) {
    static const struct { const char *bytes; size_t size; } kept[] = {
        {"", 0}, {"abc", 3}, {"\xc1", 1}, {"\x05", 1}, {"\x90", 1}, {"\x95\x01\x01\x01\x01\x63", 6}};
    for (size_t n = 0; n < sizeof kept / sizeof *kept; n++) {
        lay_out();
        server_text(&fold.server, "SET", fold_key(&fold, 0, "unanswered"), "x", NULL);
        cr_expect_eq(try_once("unanswered"), REDIS_REFUSED);
        server_text(&fold.server, "DEL", fold_key(&fold, 0, "unanswered"), NULL);
        /* decided, but not answered: as after a crash in between */
        server_text(&fold.server, "HSET", fold_key(&fold, 0, "meta"), "applied", entries[0], NULL);
        put_aside("meta");
        const char *arguments[] = {"HSET", fold_key(&fold, 0, "unanswered"), entries[0], kept[n].bytes};
        server_call(&fold.server, 4, arguments, (const size_t[]){4, strlen(arguments[1]), strlen(entries[0]), kept[n].size});
        fold_take_over(&fold);
        for (int m = 0; m < 3; m++) {
            enum redis_err err = try_once("kept answer");
            cr_expect_eq(err, REDIS_REFUSED, "kept answer %zu: %s", n, redis_err_word(err));
        }
        server_text(&fold.server, "HDEL", fold_key(&fold, 0, "unanswered"), entries[0], NULL);
        fold_run(&fold);
        cr_expect_eq(code_of(10, "shop"), 0, "kept answer %zu: it goes on when that is gone", n);
    }
}
