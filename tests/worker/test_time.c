/* Time: the entry ID is the clock, days are UTC days of entry IDs, and what was seen before stays seen. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define PAID TABLE_BASE "pay account=a to=m amount=100 key=p"
#define TO_MIDNIGHT "+6h13m20s" /* from the clock's start */

static struct fold fold;
static char first[ENTRY_TEXT_MAX + 1];

static void start(unsigned partitions, unsigned batch) { fold_start(&fold, partitions, batch); }
static void stop(void) { fold_stop(&fold); }

static void remember(void) { memcpy(first, fold.entry, sizeof first); }

/* "replayed=1 at=..." of the entry remembered. */
static const char *replay_of(const char *wanted) {
    static char text[300];
    snprintf(text, sizeof text, "%s replayed=1 at=%.*s", wanted, (int)strcspn(first, "-"), first);
    return text;
}

TestSuite(time, .fini = stop);

Test(time, limits_of_at) {
    start(1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    table_step("exactly 23 h old", &fold, "topup account=a amount=1 at=-23h", "code=0 amount=1 balance=1001 held=0 bill=0-2", NULL);
    table_step("1 ms more", &fold, "topup account=a amount=1 at=-23h1ms", "code=14", NULL);
    table_step("very old", &fold, "topup account=a amount=1 at=1", "code=14", NULL);
    table_step("exactly 5 min ahead", &fold, "topup account=a amount=1 at=+5m", "code=0 amount=1 balance=1002 held=0 bill=0-3", NULL);
    table_step("1 ms more", &fold, "topup account=a amount=1 at=+5m1ms", "code=6 detail=at", NULL);
}

Test(time, replay_across_midnight) {
    start(1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE TO_MIDNIGHT "; +22h; pay account=a to=m amount=5 key=x");
    remember();
    uint64_t at = fold.clock_ms;
    char again[100];
    snprintf(again, sizeof again, "+23h; pay account=a to=m amount=5 key=x at=%llu", (unsigned long long)at);
    table_step("the day before is looked at", &fold, again, replay_of("code=0 amount=5 balance=995 held=0 bill=0-2"), first);
    snprintf(again, sizeof again, "+1ms; pay account=a to=m amount=5 key=x at=%llu", (unsigned long long)at);
    table_step("known comes before stale", &fold, again, replay_of("code=0 amount=5 balance=995 held=0 bill=0-2"), first);
    snprintf(again, sizeof again, "+1d; pay account=a to=m amount=5 key=x at=%llu", (unsigned long long)at);
    table_step("two days later it is only stale", &fold, again, "code=14", NULL);
}

Test(time, same_key_two_days_later_is_a_new_intent) {
    start(1, FOLD_BATCH);
    fold_add(&fold, PAID);
    table_step("next day, other amount", &fold, "+1d; pay account=a to=m amount=7 key=p", "code=7 detail=amount", NULL);
    table_step("two days later", &fold, "+1d; pay account=a to=m amount=7 key=p", "code=0 amount=7 balance=893 held=0 bill=0-3", NULL);
    table_step("a refund finds the newer", &fold, "refund account=a of=p", "code=0 amount=7 balance=900 held=0 bill=0-4 detail=0-3", NULL);
    table_step("a hint finds the older", &fold, "refund account=a of=p of_at=-2d",
               "code=0 amount=100 balance=1000 held=0 bill=0-5 detail=0-2", NULL);
    table_step("a month later, still the newer", &fold, "+30d; refund account=a of=p", "code=12 amount=0 balance=1000 held=0 detail=0-3",
               NULL);
    table_step("and the older by its hint", &fold, "refund account=a of=p of_at=-32d", "code=12 amount=0 balance=1000 held=0 detail=0-2",
               NULL);
}

Test(time, refunds_of_days_ago) {
    static const char *const ages[] = {"+1d", "+2d", "+3d", "+30d", "+179d", "+180d"};
    for (size_t n = 0; n < sizeof ages / sizeof *ages; n++) {
        for (int hinted = 0; hinted < 2; hinted++) {
            char line[200], name[60];
            start(1, FOLD_BATCH);
            snprintf(name, sizeof name, "%s, %s hint", ages[n], hinted ? "with" : "without");
            snprintf(line, sizeof line, "%s; refund account=a of=p amount=40%s%s", ages[n], hinted ? " of_at=-" : "",
                     hinted ? ages[n] + 1 : "");
            fold_add(&fold, PAID);
            table_step(name, &fold, line, "code=0 amount=40 balance=940 held=0 bill=0-3 detail=0-2", NULL);
            table_step(name, &fold, "rollback account=a of=p", "code=11 amount=0 balance=940 held=0 detail=0-2", NULL);
            table_step(name, &fold, "refund account=a of=p", "code=0 amount=60 balance=1000 held=0 bill=0-4 detail=0-2", NULL);
            stop();
        }
    }
    start(1, FOLD_BATCH);
}

/* Found for 180 days, and dropped 30 days later. */
Test(time, bills_are_dropped_after_210_days) {
    start(1, FOLD_BATCH);
    fold_add(&fold, PAID "; +1d; topup account=a amount=1");
    fold_run(&fold);
    fold_add(&fold, "+179d; inquire account=a");
    fold_run(&fold);
    table_step("181 days", &fold, "+1d; refund account=a of=p of_at=-181d", "code=1 amount=0 balance=901 held=0 detail=of", NULL);
    table_step("210 days", &fold, "+29d; refund account=a of=p of_at=-210d", "code=1 amount=0 balance=901 held=0 detail=of", NULL);
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "bills:20300317"), NULL), 1, "dropped a day early");
    table_step("211 days", &fold, "+1d; inquire account=a", "code=0 balance=901 held=0", NULL);
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "bills:20300317"), NULL), 0, "not dropped after 211 days");
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "bills:20300318"), NULL), 1, "the next day dropped too");
}

/* A stream that was idle for long must not leave old days behind for ever. */
Test(time, bills_are_dropped_after_years_of_silence) {
    static const char *const gaps[] = {"+212d", "+361d", "+500d", "+1000d", "+20000d"};
    for (size_t n = 0; n < sizeof gaps / sizeof *gaps; n++) {
        start(1, FOLD_BATCH);
        fold_add(&fold, PAID "; +100d; topup account=a amount=1");
        fold_run(&fold);
        char line[100];
        snprintf(line, sizeof line, "%s; inquire account=a", gaps[n]);
        fold_add(&fold, line);
        fold_run(&fold);
        cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "bills:20300317"), NULL), 0,
                     "%s: the first day is still there", gaps[n]);
        const char *keys = server_text(&fold.server, "KEYS", fold_key(&fold, 0, "bills:*"), NULL);
        cr_expect(strchr(keys, '\n') == NULL, "%s: more than the last day is left: %s", gaps[n], keys);
        stop();
    }
    start(1, FOLD_BATCH);
}

Test(time, several_days_in_one_read) {
    start(1, FOLD_BATCH);
    fold_add(&fold, PAID "; " TO_MIDNIGHT "; pay account=a to=m amount=1 key=q; +1d; refund account=a of=p; +10d; refund account=a of=q;"
                    "refund account=a of=p; +200d; refund account=a of=q");
    fold_run(&fold);
    struct fold_answer *answers;
    static const char *const codes[] = {"0", "0", "0", "0", "0", "0", "0", "12", "1"};
    size_t count = fold_answers(&fold, 0, "shop", &answers);
    cr_assert_eq(count, 9, "%zu answers", count);
    for (size_t n = 0; n < count; n++) {
        size_t at = n == 8 ? 8 : n; /* the merchant's answer comes last in its batch */
        char entry[ENTRY_TEXT_MAX + 1] = "";
        for (size_t m = 0; m < count; m++)
            if (strtoull(strchr(answers[m].text[RESPONSE_ENTRY], '-') + 1, NULL, 10) == at + 1) {
                memcpy(entry, answers[m].text[RESPONSE_ENTRY], sizeof entry);
                cr_expect_str_eq(answers[m].text[RESPONSE_CODE], codes[at], "entry %s: code %s", entry, answers[m].text[RESPONSE_CODE]);
            }
        cr_expect(*entry, "entry %zu has no answer", at + 1);
    }
    free(answers);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1000", "balance");
}

Test(time, redelivered_from_the_beginning) {
    start(2, 3);
    fold_add(&fold, "open account=m kind=merchant; open account=a kind=user; open account=b kind=user; topup account=a amount=1000;"
                    "topup account=b amount=1000; " TO_MIDNIGHT "; pay account=a to=m amount=1; ! pay account=a to=m amount=5000;"
                    "raw pay account=a to=m amount=0 currency=CNY; +3d; pay account=b to=m amount=1; freeze account=m");
    fold_add_bytes(&fold, 0, "junk", 4);
    fold_run(&fold);
    char *before[2], *after[2];
    for (unsigned p = 0; p < 2; p++) before[p] = fold_dump(&fold, p);
    for (int round = 0; round < 2; round++) {
        for (unsigned p = 0; p < 2; p++) server_text(&fold.server, "XGROUP", "SETID", fold_key(&fold, p, "intents"), "workers", "0", NULL);
        if (round) fold_take_over(&fold);
        if (round) fold_set_batch(&fold, FOLD_BATCH);
        fold_run(&fold);
        for (unsigned p = 0; p < 2; p++) {
            after[p] = fold_dump(&fold, p);
            const char *difference = fold_difference(after[p], before[p]);
            cr_expect(!difference, "partition %u: %s", p, difference ? difference : "");
            free(after[p]);
        }
    }
    free(before[0]);
    free(before[1]);
}

Test(time, group_destroyed_and_created_anew) {
    start(1, FOLD_BATCH);
    fold_add(&fold, PAID);
    fold_run(&fold);
    char *before = fold_dump(&fold, 0);
    server_text(&fold.server, "XGROUP", "DESTROY", fold_key(&fold, 0, "intents"), "workers", NULL);
    enum redis_err err = fold_try(&fold, 0); /* creates it, from the beginning */
    cr_expect_eq(err, REDIS_OK, "%s", redis_err_word(err));
    fold_run(&fold);
    char *after = fold_dump(&fold, 0);
    cr_expect_str_eq(after, before, "something happened twice: %s", fold_difference(after, before));
    free(before);
    free(after);
}

Test(time, same_identity_several_times_in_a_batch) {
    start(1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE "pay account=a to=m amount=5 key=x; pay account=a to=m amount=5 key=x; pay account=a to=m amount=6 key=x;"
                    "pay account=a to=m amount=5 key=x; topup account=a amount=5 key=x; pay account=a to=m amount=5 key=x source=other");
    fold_run(&fold);
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, 0, "shop", &answers), paid = 0, replayed = 0, reused = 0;
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_KEY], "x") != 0) continue;
        paid += strcmp(answers[n].text[RESPONSE_CODE], "0") == 0 && *answers[n].text[RESPONSE_REPLAYED] == '0';
        replayed += strcmp(answers[n].text[RESPONSE_CODE], "0") == 0 && *answers[n].text[RESPONSE_REPLAYED] == '1';
        reused += strcmp(answers[n].text[RESPONSE_CODE], "7") == 0;
    }
    free(answers);
    cr_expect(paid == 1 && replayed == 2 && reused == 2, "paid %zu, replayed %zu, reused %zu", paid, replayed, reused);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "990", "two sources, one payment each");
}

Test(time, one_bill_many_times_in_a_batch) {
    static const unsigned batches[] = {FOLD_BATCH, 1, 2, 3};
    char *dumps[4];
    for (size_t n = 0; n < 4; n++) {
        start(1, batches[n]);
        fold_add(&fold, TABLE_BASE "pay account=a to=m amount=100 key=p; refund account=a of=p amount=10; refund account=a of=p amount=20;"
                        "! rollback account=a of=p; ! refund account=a of=p amount=71; refund account=a of=p; ! refund account=a of=p;"
                        "withdraw account=a amount=7 key=w; rollback account=a of=w; ! rollback account=a of=w;"
                        "pay account=a to=m amount=50 key=q; rollback account=a of=q; ! refund account=a of=q;"
                        "pay account=a to=m amount=100 key=p");
        fold_run(&fold);
        dumps[n] = fold_dump(&fold, 0);
        cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1000", "batches of %u", batches[n]);
        cr_expect_str_eq(dumps[n], dumps[0], "batches of %u: %s", batches[n], fold_difference(dumps[n], dumps[0]));
        stop();
    }
    for (size_t n = 0; n < 4; n++) free(dumps[n]);
    start(1, FOLD_BATCH);
}

/* An entry of the batch has the key that a refund refers to, but is not stored; the payment lies days back. */
Test(time, refund_of_days_ago_beside_a_refused_namesake) {
    static const unsigned batches[] = {FOLD_BATCH, 1};
    for (size_t n = 0; n < 2; n++) {
        start(1, batches[n]);
        fold_add(&fold, TABLE_BASE "pay account=a to=m amount=100 key=p; pay account=a to=m amount=100 key=q");
        fold_run(&fold);
        table_step("the namesake is refused and not stored", &fold, "+5d; refund account=a of=q to=x key=p; refund account=a of=p",
                   "code=0 amount=100 balance=900 held=0 bill=0-4 detail=0-2", NULL);
        stop();
    }
    start(1, FOLD_BATCH);
}

/* Sequences beyond 2^53 differ though their doubles are equal. */
Test(time, entries_with_huge_sequences) {
    start(1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    fold.clock_ms++;
    fold.seq = UINT64_MAX - 3;
    for (int n = 0; n < 3; n++) {
        fold_add(&fold, "topup account=a amount=1");
        fold_run(&fold);
    }
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1003", "an entry was taken for applied");
}

Test(time, entries_beyond_the_calendar) {
    start(1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    fold.clock_ms = UINT64_C(253402300799999); /* the last millisecond of 9999 */
    table_step("the last day there is", &fold, "topup account=a amount=1", "code=0 amount=1 balance=1001 held=0 bill=0-2", NULL);
    fold.clock_ms++;
    fold_add(&fold, "topup account=a amount=1 at=253402300799999");
    fold.clock_ms = UINT64_MAX;
    fold_add(&fold, "topup account=a amount=1 at=253402300799999");
    fold_run(&fold);
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 2, "both lie beyond");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1001", "balance");
}
