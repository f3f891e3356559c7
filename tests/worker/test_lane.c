/* A lane among others' doings: a successor's epoch, scripts flushed, workers that died at an entry, several broken things at once. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/wait.h"
#include "tests/worker/table.h"

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(lane, .init = start, .fini = stop);

static char *all_digests(void) { return fold_digests(&fold, 0, ""); }

/* Whoever was replaced cannot write anything, whenever it notices. */
Test(lane, fenced_by_a_successor) {
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    fold_add(&fold, "pay account=a to=m amount=1; freeze account=m; withdraw account=a amount=1; refund account=a of=t0");
    fold_add_bytes(&fold, 0, "\xc1", 1);
    server_text(&fold.server, "HINCRBY", fold_key(&fold, 0, "meta"), "epoch", "1", NULL);
    char *before = all_digests();
    for (int n = 0; n < 3; n++) {
        enum redis_err err = fold_try(&fold, 0);
        cr_expect_eq(err, REDIS_FENCED, "%s", redis_err_word(err));
    }
    char *after = all_digests();
    cr_expect_str_eq(after, before, "it wrote: %s", fold_difference(after, before));
    free(before);
    free(after);
    fold_take_over(&fold);
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "998", "the successor goes on");
}

/* Between reading and applying: what was read stays pending for the successor. */
Test(lane, fenced_with_entries_in_hand) {
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    fold_add(&fold, "pay account=a to=m amount=1");
    server_text(&fold.server, "XREADGROUP", "GROUP", "workers", "fold", "STREAMS", fold_key(&fold, 0, "intents"), ">", NULL);
    fold_take_over(&fold);
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "999", "claimed and applied");
}

static atomic_bool flushing;

static void *flush_scripts(void *argument) {
    struct redis *redis = NULL;
    struct command c;
    struct reply reply;
    enum redis_err err = redis_open(&redis, argument);
    command_init(&c);
    while (!err && atomic_load(&flushing)) {
        command_begin(&c, "SCRIPT");
        command_word(&c, "FLUSH");
        err = redis_call(redis, &c, &reply);
    }
    command_clear(&c);
    redis_close(redis);
    return NULL;
}

Test(lane, scripts_flushed_in_a_loop, .timeout = 60) {
    pthread_t thread;
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    for (int n = 0; n < 300; n++) fold_add(&fold, n % 50 ? "pay account=a to=m amount=1" : n % 100 ? "freeze account=m" : "thaw account=m");
    fold_set_batch(&fold, 7);
    atomic_store(&flushing, true);
    cr_assert_eq(pthread_create(&thread, NULL, flush_scripts, &fold.shared.redis), 0);
    int64_t until_ms = wait_now_ms() + 1000;
    int flushed = 0;
    while (wait_now_ms() < until_ms) {
        enum redis_err err = fold_try(&fold, 0);
        flushed += err == REDIS_NOSCRIPT;
        cr_expect(err == REDIS_OK || err == REDIS_NOSCRIPT, "%s", redis_err_word(err));
    }
    atomic_store(&flushing, false);
    pthread_join(thread, NULL);
    fold_run(&fold);
    cr_expect(flushed > 0, "no script was ever missing");
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s", fault ? fault : "");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "responses:shop"), NULL), 303, "one answer each");
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "dead"), NULL), 0, "nobody is given up for it");
}

/* Makes the last entry one that was delivered often, and tried alone this often. */
static void pretend_attempts(const char *tries) {
    server_text(&fold.server, "XREADGROUP", "GROUP", "workers", "gone", "STREAMS", fold_key(&fold, 0, "intents"), ">", NULL);
    server_text(&fold.server, "XCLAIM", fold_key(&fold, 0, "intents"), "workers", "gone", "0", fold.entry, "RETRYCOUNT", "10", NULL);
    server_text(&fold.server, "HSET", fold_key(&fold, 0, "meta"), "suspect", fold.entry, "tries", tries, NULL);
    fold_take_over(&fold);
}

Test(lane, workers_died_at_an_entry) {
    static const struct { const char *tries, *balance, *code; } rows[] = {{"2", "998", "0"}, {"3", "999", "19"}};
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        fold_reset(&fold);
        fold_add(&fold, TABLE_BASE);
        fold_run(&fold);
        fold_add(&fold, "pay account=a to=m amount=1");
        pretend_attempts(rows[n].tries);
        char entry[ENTRY_TEXT_MAX + 1];
        memcpy(entry, fold.entry, sizeof entry);
        fold_add(&fold, "pay account=a to=m amount=1");
        fold_run(&fold);
        cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), rows[n].balance, "after %s attempts", rows[n].tries);
        struct fold_answer *answers;
        size_t count = fold_answers(&fold, 0, "shop", &answers), hits = 0;
        for (size_t m = 0; m < count; m++)
            hits += strcmp(answers[m].text[RESPONSE_ENTRY], entry) == 0 && strcmp(answers[m].text[RESPONSE_CODE], rows[n].code) == 0;
        cr_expect_eq(hits, 1, "after %s attempts: not answered %s", rows[n].tries, rows[n].code);
        free(answers);
    }
}

Test(lane, several_broken_accounts) {
    fold_add(&fold, "open account=m kind=merchant");
    fold_run(&fold);
    for (int n = 0; n < 10; n++) {
        char key[30], line[100];
        snprintf(key, sizeof key, "account:u%d", n);
        if (n % 2) server_text(&fold.server, "SET", fold_key(&fold, 0, key), "x", NULL);
        snprintf(line, sizeof line, "open account=u%d kind=user; topup account=u%d amount=10; pay account=u%d to=m amount=1", n, n, n);
        fold_add(&fold, line);
    }
    fold_run(&fold);
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 15, "three entries each of five accounts");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "responses:shop"), NULL), 31, "all are answered");
    cr_expect_str_eq(fold_account(&fold, 0, "m", "balance"), "5", "the other five have paid");
    cr_expect_str_eq(fold_account(&fold, 0, "u8", "balance"), "9", "u8");
}

/* The name of an account is no response stream. */
Test(lane, broken_account_named_like_a_stream) {
    server_text(&fold.server, "SET", fold_key(&fold, 0, "account:x:responses:y"), "x", NULL);
    fold_add(&fold, "topup account=x:responses:y amount=1");
    fold_run(&fold);
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_CODE], "19", "its sender can be told");
}
