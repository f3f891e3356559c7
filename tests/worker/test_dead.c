/* Entries that nobody can read: they end in the dead stream with their bytes and a reason, and their neighbours go on. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(dead, .init = start, .fini = stop);

static int64_t count_dead(void) { return server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL); }

/* Field n (from 0: entry, reason, attempts, then the original ones; name and value by turns) of the last dead entry. */
static struct reply dead_field(size_t n) {
    struct reply range;
    command_begin(&fold.command, "XREVRANGE");
    command_word(&fold.command, fold_key(&fold, 0, "dead"));
    command_word(&fold.command, "+");
    command_word(&fold.command, "-");
    command_word(&fold.command, "COUNT");
    command_word(&fold.command, "1");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &range), REDIS_OK);
    return reply_at(reply_at(reply_at(range, 0), 1), n);
}

static void expect_dead(const char *name, const char *reason) {
    cr_expect(reply_is(dead_field(0), "entry") && reply_is(dead_field(2), "reason"), "%s: the fields", name);
    cr_expect(reply_is(dead_field(1), fold.entry), "%s: entry %s", name, reply_text(dead_field(1), NULL));
    cr_expect(strstr(reply_text(dead_field(3), NULL), reason), "%s: reason is %s", name, reply_text(dead_field(3), NULL));
    cr_expect(reply_is(dead_field(4), "attempts") && reply_is(dead_field(5), "0"), "%s: attempts", name);
}

struct unreadable {
    const char *name, *bytes;
    size_t size;
    const char *reason;
};
#define BYTES(text) text, sizeof text - 1

static const struct unreadable unreadables[] = {
    {"no bytes", BYTES(""), "unreadable"},
    {"not msgpack", BYTES("\xc1"), "unreadable"},
    {"cut", BYTES("\x85\xa1v\x01\xa2op\xa3pay"), "unreadable"},
    {"trailing", BYTES("\x80\x80"), "unreadable"},
    {"an array", BYTES("\x93\x01\x02\x03"), "unreadable"},
    {"an empty map", BYTES("\x80"), "source"},
    {"source not text", BYTES("\x82\xa6source\x05\xa3key\xa1k"), "source"},
    {"source in the wrong alphabet", BYTES("\x81\xa6source\xa4SHOP"), "source"},
    {"source with a NUL", BYTES("\x81\xa6source\xa2x\0"), "source"},
    {"source of 33", BYTES("\x81\xa6source\xd9\x21" "abcdefghijklmnopqrstuvwxyz0123456"), "source"},
    {"a map of 2^32 - 1", BYTES("\xdf\xff\xff\xff\xff"), "unreadable"},
    {"a text of 2^32 - 1", BYTES("\x81\xdb\xff\xff\xff\xff"), "unreadable"},
    {"nested deep", BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0"), "unreadable"},
    {"from till, a producer's operation", BYTES("\x82\xa6source\xa4till\xa2op\xa3pay"), "unreadable"},
};

Test(dead, unreadable_between_two_good_ones) {
    for (size_t n = 0; n < sizeof unreadables / sizeof *unreadables; n++) {
        for (unsigned batch = 1; batch <= FOLD_BATCH; batch += FOLD_BATCH - 1) {
            const struct unreadable *u = &unreadables[n];
            fold_reset(&fold);
            fold_set_batch(&fold, batch);
            fold_add(&fold, TABLE_BASE "pay account=a to=m amount=1");
            fold_add_bytes(&fold, 0, u->bytes, u->size);
            char entry[sizeof fold.entry];
            memcpy(entry, fold.entry, sizeof entry);
            fold_add(&fold, "pay account=a to=m amount=1");
            fold_run(&fold);
            memcpy(fold.entry, entry, sizeof entry);
            expect_dead(u->name, u->reason);
            cr_expect(reply_is(dead_field(6), "intent"), "%s: other fields", u->name);
            size_t size;
            const char *kept = reply_text(dead_field(7), &size);
            cr_expect(size == u->size && memcmp(kept, u->bytes, size) == 0, "%s: other bytes", u->name);
            cr_expect_eq(count_dead(), 1, "%s: %lld dead", u->name, (long long)count_dead());
            cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "998", "%s: the neighbours go on", u->name);
            cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "responses:shop"), NULL), 5, "%s: answers", u->name);
            const char *keys = server_text(&fold.server, "KEYS", fold_key(&fold, 0, "responses:*"), NULL);
            cr_expect(!strchr(keys, '\n'), "%s: somebody else was told: %s", u->name, keys);
        }
    }
}

/* A batch of nothing else. */
Test(dead, nothing_but_unreadable) {
    for (int n = 0; n < 5; n++) fold_add_bytes(&fold, 0, "\xc1", 1);
    fold_run(&fold);
    cr_expect_eq(count_dead(), 5);
    table_step("it goes on", &fold, "open account=a kind=user", "code=0 balance=0 held=0", NULL);
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "bill", NULL), "0", "no bill");
}

static void add_many_fields(size_t pairs, const char *first) {
    const char **texts = calloc(2 * pairs, sizeof *texts);
    char (*names)[24] = calloc(pairs, sizeof *names);
    uint8_t bytes[1024];
    char copy[1024];
    size_t size = fold_bytes(&fold, "topup account=a amount=1 currency=CNY", bytes, sizeof bytes);
    size_t *sizes = calloc(2 * pairs, sizeof *sizes);
    for (size_t n = 0; n < pairs; n++) {
        snprintf(names[n], sizeof names[n], "f%zu", n);
        texts[2 * n] = names[n], texts[2 * n + 1] = "x";
        sizes[2 * n] = strlen(names[n]), sizes[2 * n + 1] = 1;
    }
    memcpy(copy, bytes, size);
    texts[0] = first, sizes[0] = strlen(first), texts[1] = copy, sizes[1] = size;
    fold_add_fields(&fold, 0, 2 * pairs, texts, sizes);
    free(texts);
    free(names);
    free(sizes);
}

Test(dead, many_fields) {
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    add_many_fields(64, "intent");
    fold_run(&fold);
    cr_expect_eq(count_dead(), 0, "64 are allowed");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1001", "balance");
    static const size_t counts[] = {65, 1999, 2000, 2001, 3990, 4000, 5000, 20000};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        char name[40];
        snprintf(name, sizeof name, "%zu fields", counts[n]);
        add_many_fields(counts[n], "intent");
        fold_run(&fold);
        expect_dead(name, "more than 64 fields");
        cr_expect_eq(count_dead(), (int64_t)n + 1, "%s", name);
        bool packed = counts[n] > 2000;
        cr_expect(reply_is(dead_field(6), packed ? "packed" : "intent"), "%s: kept as %s", name, reply_text(dead_field(6), NULL));
        size_t size;
        reply_text(dead_field(7), &size);
        cr_expect(packed ? size > 4 * counts[n] : reply_is(dead_field(9), "x"), "%s: kept whole", name);
    }
    for (int n = 0; n < 3; n++) add_many_fields(3000, "intent"); /* several at once, and in a batch with others */
    fold_add(&fold, "topup account=a amount=1");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1002", "the neighbour");
}

Test(dead, no_field_intent) {
    fold_add_fields(&fold, 0, 4, (const char *const[]){"Intent", "x", "traceparent", "\x01"}, NULL);
    fold_run(&fold);
    expect_dead("no intent", "no field `intent`");
    cr_expect(reply_is(dead_field(6), "Intent") && reply_is(dead_field(8), "traceparent"), "the fields are kept");
}

Test(dead, other_fields_are_let_be) {
    uint8_t bytes[1024];
    size_t size = fold_bytes(&fold, "open account=a kind=user currency=CNY", bytes, sizeof bytes);
    fold_add_fields(&fold, 0, 6, (const char *const[]){"traceparent", "00-x", "intent", (const char *)bytes, "intent", "junk"},
                    (const size_t[]){11, 4, 6, size, 6, 4});
    fold_run(&fold);
    cr_expect_eq(count_dead(), 0);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "status"), "active", "the first `intent` counts");
}

static void add_large(size_t note_size) {
    char *bytes = malloc(note_size + 400);
    size_t size = fold_bytes(&fold, "topup account=a amount=1 currency=CNY key=large", (uint8_t *)bytes, 400);
    bytes[0]++; /* one pair more */
    memcpy(bytes + size, "\xa4note\xdb", 6);
    for (int n = 0; n < 4; n++) bytes[size + 6 + (size_t)n] = (char)(note_size >> (24 - 8 * n));
    memset(bytes + size + 10, 'n', note_size);
    fold_add_bytes(&fold, 0, bytes, size + 10 + note_size);
    free(bytes);
}

Test(dead, larger_than_16_kib) {
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    static const size_t sizes[] = {17 * 1024, 100 * 1024, 1000 * 1024};
    for (size_t n = 0; n < 3; n++) {
        add_large(sizes[n]);
        fold_run(&fold);
        struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
        table_expect("large", &fold, "topup account=a amount=1 key=large", fold.entry, "code=6 detail=intent", &answer);
        cr_expect_eq(count_dead(), 0);
    }
    add_large(2 * 1024 * 1024);
    fold_run(&fold);
    expect_dead("2 MiB", "unreadable");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1000", "nothing happened");
}

/* A dead entry put back has the same key and the same bytes, once. */
Test(dead, requeued_once) {
    fold_add_bytes(&fold, 0, "\xc1\x00\xff", 3);
    fold_run(&fold);
    char id[50];
    struct reply reply;
    const char *dead = server_text(&fold.server, "XRANGE", fold_key(&fold, 0, "dead"), "-", "+", NULL);
    snprintf(id, sizeof id, "%.*s", (int)strcspn(dead, "\n"), dead);
    for (int n = 0; n < 2; n++) {
        redis_script_begin(&fold.command, &script_requeue, 2);
        command_word(&fold.command, fold_key(&fold, 0, "dead"));
        command_word(&fold.command, fold_key(&fold, 0, "intents"));
        command_word(&fold.command, id);
        cr_assert_eq(redis_script_call(fold.redis, &script_requeue, &fold.command, &reply), REDIS_OK);
        cr_expect_eq(reply_type(reply), n == 0 ? REPLY_TEXT : REPLY_NIL, "only the first time");
    }
    cr_expect_eq(count_dead(), 0);
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "intents"), NULL), 2, "one more entry");
    fold_run(&fold);
    cr_expect_eq(count_dead(), 1, "dead again");
}
