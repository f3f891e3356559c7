/* A full Redis: the memory limit swept upwards in small steps, so that it is hit at every point of the road. What is refused is refused
 * whole, counts as nobody's fault, and with memory back everything ends exactly once. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

enum { PARTITIONS = 2, STEP = 640, STEPS_MAX = 2000, SUCCESSES = 8, TURNS = 12 };

static struct fold fold;

static void stop(void) { fold_stop(&fold); }

TestSuite(full, .fini = stop, .timeout = 300);

/* a, b in partition 1; d, e and the merchants m, n in 0. */
static void lay_out(void) {
    fold_reset(&fold);
    server_text(&fold.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    fold_add(&fold, "open account=m kind=merchant; open account=a kind=user; open account=d kind=user; topup account=a amount=1000;"
                    "topup account=d amount=1000; pay account=a to=m amount=9 key=p; pay account=d to=m amount=9 key=p; +5d");
    fold_run(&fold);
    fold_add(&fold, "open account=b kind=user; open account=e kind=user; pay account=a to=m amount=1 note=abcdefghijklmnopqrstuvwxyz;"
                    "refund account=a of=p; freeze account=m; ! pay account=d to=m amount=1; open account=n kind=merchant;"
                    "topup account=e amount=7 source=other; withdraw account=d amount=100");
    fold_add_bytes(&fold, 0, "\xc1 this is no intent", 18);
    fold_add_bytes(&fold, 1, "\xc1 nor is this", 13);
    fold_add(&fold, "thaw account=m; refund account=d of=p amount=2; raw pay account=a to=m amount=0 currency=CNY; inquire account=b;"
                    "pay account=a to=m amount=2; topup account=a amount=1 at=-24h");
}

static bool has_answer(unsigned p, const char *source, const char *entry) {
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, p, source, &answers);
    int hits = 0;
    for (size_t n = 0; n < count; n++) hits += strcmp(answers[n].text[RESPONSE_ENTRY], entry) == 0;
    free(answers);
    cr_expect(hits <= 1, "entry %s of %u has %d answers", entry, p, hits);
    return hits > 0;
}

/* Up to the watermark every entry of a sender is answered, or its answer is kept; beyond it none. */
static void expect_whole_entry(const char *name, unsigned p, const char *entry, struct reply fields, struct entry_id applied) {
    struct intent intent;
    struct intent_fault fault;
    struct entry_id id;
    size_t size;
    const char *bytes = reply_text(reply_at(fields, 1), &size);
    enum intent_err err = intent_decode(bytes, size, &intent, &fault);
    if (err == INTENT_UNREADABLE || strcmp(intent.source, "till") == 0) return;
    cr_assert(entry_id_parse(entry, strlen(entry), &id));
    bool kept = server_integer(&fold.server, "HEXISTS", fold_key(&fold, p, "unanswered"), entry, NULL);
    bool is_applied = entry_id_compare(id, applied) <= 0;
    bool answered = has_answer(p, intent.source, entry);
    cr_expect(is_applied ? kept != answered : !kept && !answered, "%s: entry %s of %u: %s, %s, %s", name, entry, p,
              is_applied ? "applied" : "not applied", answered ? "answered" : "not answered", kept ? "kept" : "not kept");
}

static void expect_whole(const char *name) {
    for (unsigned p = 0; p < PARTITIONS; p++) {
        const char *fault = fold_unsound(&fold, p);
        struct entry_id applied = {0, 0};
        cr_expect(!fault, "%s: partition %u: %s", name, p, fault ? fault : "");
        const char *text = server_text(&fold.server, "HGET", fold_key(&fold, p, "meta"), "applied", NULL);
        if (*text) cr_assert(entry_id_parse(text, strlen(text), &applied));
        struct redis *redis = NULL; /* of its own: the range is walked while others are asked */
        struct command c;
        struct reply range;
        command_init(&c);
        cr_assert_eq(redis_open(&redis, &fold.shared.redis), REDIS_OK);
        command_begin(&c, "XRANGE");
        command_word(&c, fold_key(&fold, p, "intents"));
        command_word(&c, "-");
        command_word(&c, "+");
        cr_assert_eq(redis_call(redis, &c, &range), REDIS_OK);
        for (size_t n = 0; n < reply_count(range); n++)
            expect_whole_entry(name, p, reply_text(reply_at(reply_at(range, n), 0), NULL), reply_at(reply_at(range, n), 1), applied);
        command_clear(&c);
        redis_close(redis);
    }
}

static int64_t used_memory(void) {
    const char *info = server_text(&fold.server, "INFO", "memory", NULL);
    return strtoll(strstr(info, "used_memory:") + 12, NULL, 10);
}

/* True when no turn was refused. */
static bool run_within(const char *name, int64_t limit) {
    char text[24];
    bool refused = false;
    snprintf(text, sizeof text, "%lld", (long long)limit);
    server_text(&fold.server, "CONFIG", "SET", "maxmemory", text, NULL);
    for (int turn = 0; turn < TURNS; turn++)
        for (unsigned p = 0; p < PARTITIONS; p++) {
            enum redis_err err = fold_try(&fold, p);
            cr_expect(err == REDIS_OK || err == REDIS_HELD, "%s: %s", name, redis_err_word(err));
            refused = refused || err;
            if (err && turn % 3 == 0) expect_whole(name);
        }
    server_text(&fold.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    return !refused;
}

/* Without the watermark: a follow-up may have been sent twice, which its receiver ignores. */
static char *dump_of_both(void) {
    char *dumps[PARTITIONS], *both;
    for (unsigned p = 0; p < PARTITIONS; p++) {
        dumps[p] = fold_dump(&fold, p);
        char *applied = strstr(dumps[p], "meta applied=");
        cr_assert(applied);
        memmove(applied, applied + strcspn(applied, "\n"), strlen(applied + strcspn(applied, "\n")) + 1);
    }
    cr_assert(asprintf(&both, "%s%s", dumps[0], dumps[1]) > 0);
    for (unsigned p = 0; p < PARTITIONS; p++) free(dumps[p]);
    return both;
}

static void sweep(unsigned batch) {
    int successes = 0, refusals = 0;
    fold_start(&fold, PARTITIONS, batch);
    lay_out();
    fold_run(&fold);
    char *wanted = dump_of_both();
    for (int step = 0; step < STEPS_MAX && successes < SUCCESSES; step++) {
        char name[60];
        lay_out();
        snprintf(name, sizeof name, "batches of %u, %d bytes", batch, step * STEP);
        bool fits = run_within(name, used_memory() + step * STEP);
        successes = fits ? successes + 1 : 0;
        refusals += !fits;
        fold_run(&fold);
        expect_whole(name);
        char *dump = dump_of_both();
        const char *difference = fold_difference(dump, wanted);
        cr_expect(!difference, "%s: %s", name, difference ? difference : "");
        free(dump);
    }
    cr_expect(successes == SUCCESSES && refusals > 20, "%d successes, %d refusals: the sweep missed the limit", successes, refusals);
    free(wanted);
}

Test(full, batches_of_128) { sweep(FOLD_BATCH); }
Test(full, batches_of_3) { sweep(3); }
Test(full, batches_of_1) { sweep(1); }
