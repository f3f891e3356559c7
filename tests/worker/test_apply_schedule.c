/* Scheduled intents and unschedule: kept until their time, decided then, answered once. "due account=a of=x" is the follow-up that the
 * owner puts on the stream for what was sent under that key; fold_add_due puts there what the partition itself says is due. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define LATER TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+1h; " /* entry 1900000000000-4, due 1900003600000 */

static const struct table_row at_once_rows[] = {
    {"not_before, long ago", TABLE_BASE, "pay account=a to=m amount=5 not_before=1", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"not_before, a millisecond ago", TABLE_BASE, "pay account=a to=m amount=5 not_before=-1ms",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"not_before, now", TABLE_BASE, "pay account=a to=m amount=5 not_before=+0ms", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"not_before, a hold now", TABLE_BASE, "hold account=a to=m amount=5 not_before=+0ms expires=1h",
     "code=0 amount=5 balance=1000 held=5 bill=0-2 detail=1900003600000"},
    {"not_before, a topup now", TABLE_BASE, "topup account=a amount=5 not_before=+0ms", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"not_before, refused now", TABLE_BASE, "withdraw account=a amount=5000 not_before=-1h", "code=3 amount=0 balance=1000 held=0"},
    {"not_before, more than 90 days ahead", TABLE_BASE, "pay account=a to=m amount=5 not_before=+90d1ms", "code=6 detail=not_before"},
    {"not_before, too far, before stale", TABLE_BASE, "pay account=a to=m amount=5 not_before=+90d1ms at=-24h", "code=6 detail=not_before"},
    {"not_before, later than its bill is kept", TABLE_BASE "policy account=@book settings=bills_keep:2",
     "pay account=a to=m amount=5 not_before=+30h13m20s1ms", "code=6 detail=not_before"}, /* to midnight, and a ms */
    {"not_before, later than its bill is kept, after stale", TABLE_BASE "policy account=@book settings=bills_keep:2",
     "pay account=a to=m amount=5 not_before=+3d at=-24h", "code=14"},
    {"not_before, stale", TABLE_BASE, "pay account=a to=m amount=5 not_before=+1h at=-24h", "code=14"},
    {"not_before, zero", TABLE_BASE, "pay account=a to=m amount=5 not_before=0", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"not_before, negative", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY not_before=-1", "code=6 detail=not_before"},
    {"not_before, of a capture", TABLE_BASE, "raw capture account=a of=h not_before=1", "code=6 currency= detail=not_before"},
    {"not_before, of a refund", TABLE_BASE, "raw refund account=a of=h not_before=1", "code=6 currency= detail=not_before"},
    {"not_before, of an open", "", "raw open account=a kind=user currency=CNY not_before=1", "code=6 detail=not_before"},
    {"scheduled, another time under the key", LATER, "pay account=a to=m amount=5 key=x not_before=1900003600001", "code=7"},
    {"scheduled, another operation under the key", LATER, "topup account=a amount=5 key=x", "code=7 detail=op"},
    {"scheduled, another merchant under the key", LATER, "pay account=a to=n amount=5 key=x not_before=1900003600000", "code=7 detail=to"},
    {"due, from a producer", TABLE_BASE, "raw due account=a entry=1-1", "code=6 detail=op op= currency="},
};

Test(apply_schedule, at_once) { table_run(at_once_rows, sizeof at_once_rows / sizeof *at_once_rows, 1); }

static const struct table_row unschedule_rows[] = {
    {"unschedule", LATER, "unschedule account=a of=x", "code=0 balance=1000 held=0"},
    {"unschedule, with a hint", LATER, "unschedule account=a of=x of_at=-1h", "code=0 balance=1000 held=0"},
    {"unschedule, days later", TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+30d; +29d", "unschedule account=a of=x",
     "code=0 balance=1000 held=0"},
    {"unschedule, frozen", LATER "freeze account=a", "unschedule account=a of=x", "code=0 balance=1000 held=0"},
    {"unschedule, locked", LATER "lock account=a token=T expires=0", "unschedule account=a of=x", "code=0 balance=1000 held=0"},
    {"unschedule, its time has come, but it was not decided", LATER "+2h", "unschedule account=a of=x", "code=0 balance=1000 held=0"},
    {"unschedule, unknown account", LATER, "unschedule account=b of=x", "code=1 currency= detail=account"},
    {"unschedule, nothing", LATER, "unschedule account=a of=y", "code=1 balance=1000 held=0 detail=of"},
    {"unschedule, another source's", LATER, "unschedule account=a of=x source=other", "code=1 balance=1000 held=0 detail=of"},
    {"unschedule, decided", LATER "+1h; due account=a of=x", "unschedule account=a of=x", "code=11 balance=995 held=0"},
    {"unschedule, decided and refused", LATER "freeze account=a; +1h; !due account=a of=x", "unschedule account=a of=x",
     "code=11 balance=1000 held=0"},
    {"unschedule, what never was scheduled", TABLE_BASE, "unschedule account=a of=t0", "code=11 balance=1000 held=0"},
    {"unschedule, not before the past", TABLE_BASE "pay account=a to=m amount=5 key=x not_before=1", "unschedule account=a of=x",
     "code=11 balance=995 held=0"},
    {"unschedule, stale", LATER, "unschedule account=a of=x at=-24h", "code=14 currency="},
    {"unschedule, itself", LATER, "raw unschedule account=a of=z key=z", "code=6 currency= detail=of"},
    {"unschedule, amount", LATER, "raw unschedule account=a of=x amount=5", "code=6 currency= detail=amount"},
    /* what is scheduled is not there yet */
    {"refund, of a scheduled payment", LATER, "refund account=a of=x", "code=11 amount=0 balance=1000 held=0"},
    {"rollback, of a scheduled payment", LATER, "rollback account=a of=x", "code=11 amount=0 balance=1000 held=0"},
    {"capture, of a scheduled hold", TABLE_BASE "hold account=a to=m amount=5 key=x not_before=+1h", "capture account=a of=x",
     "code=11 amount=0 balance=1000 held=0"},
    {"pay, what is scheduled is not reserved", LATER, "pay account=a to=m amount=1000", "code=0 amount=1000 balance=0 held=0 bill=0-2"},
    {"refund, of what was scheduled", LATER "+1h; due account=a of=x", "refund account=a of=x",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"rollback, of what was scheduled", LATER "+1h; due account=a of=x", "rollback account=a of=x",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
};

Test(apply_schedule, unschedule) { table_run(unschedule_rows, sizeof unschedule_rows / sizeof *unschedule_rows, 1); }

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }
TestSuite(apply_scheduled, .init = start, .fini = stop);

static void go(const char *lines) {
    fold_add(&fold, lines);
    fold_run(&fold);
}

/* How many answers there are to this key, and the last of them. */
static size_t answers_to(const char *key, struct fold_answer *last) {
    struct fold_answer *answers;
    size_t hits = 0, count = fold_answers(&fold, 0, "shop", &answers);
    memset(last, 0, sizeof *last);
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_KEY], key) != 0) continue;
        *last = answers[n];
        hits++;
    }
    free(answers);
    return hits;
}

/* There are so many answers to x, the last of which is this one, to that entry. */
static void expect_answers(const char *name, size_t wanted_count, const char *line, const char *entry, const char *wanted) {
    struct fold_answer last;
    size_t count = answers_to("x", &last);
    cr_expect_eq(count, wanted_count, "%s: %zu answers, not %zu", name, count, wanted_count);
    if (count) table_expect(name, &fold, line, entry, wanted, &last);
}

static void expect_bill(const char *name, const char *day, const char *part) {
    char key[30];
    snprintf(key, sizeof key, "bills:%s", day);
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, key), "a/shop/x", NULL);
    cr_expect(strstr(bill, part), "%s: the bill is %s, without %s", name, bill, part);
}

static void expect_waiting(const char *name, int64_t wanted) {
    cr_expect_eq(server_integer(&fold.server, "ZCARD", fold_key(&fold, 0, "due"), NULL), wanted, "%s: not %d due", name, (int)wanted);
    int64_t scheduled = server_integer(&fold.server, "HLEN", fold_key(&fold, 0, "scheduled"), NULL);
    cr_expect_eq(scheduled, wanted, "%s: %d scheduled, not %d", name, (int)scheduled, (int)wanted);
}

#define FIRST "1900000000000-4"
#define PAY_X "pay account=a to=m amount=5 key=x"

Test(apply_scheduled, decided_when_due) {
    go(LATER);
    expect_answers("kept", 0, PAY_X, FIRST, "");
    expect_bill("kept", "20300317", "|20|pay||5|CNY|");
    expect_bill("kept", "20300317", "|1900000000000|" FIRST "|m|scheduled|0|0|");
    expect_waiting("kept", 1);
    cr_expect_str_eq(server_text(&fold.server, "ZRANGE", fold_key(&fold, 0, "due"), "0", "-1", "WITHSCORES", NULL),
                     "due|" FIRST "|a/shop/x\n1900003600000", "due: %s", fold.server.text);
    cr_expect_str_eq(server_text(&fold.server, "HKEYS", fold_key(&fold, 0, "scheduled"), NULL), FIRST, "scheduled: %s", fold.server.text);
    go("+10m; pay account=a to=m amount=5 key=x not_before=1900003600000 at=1900000000000");
    char again[ENTRY_TEXT_MAX + 1];
    memcpy(again, fold.entry, sizeof again);
    expect_answers("repeated before its time", 1, PAY_X, again, "code=20");
    go("+49m59s999ms; topup account=a amount=7; due account=a of=x");
    expect_answers("a millisecond early", 1, PAY_X, again, "code=20");
    expect_waiting("a millisecond early", 1);
    cr_expect_eq(fold_add_due(&fold), 0, "it is not due yet");
    go("+1ms");
    cr_expect_eq(fold_add_due(&fold), 1, "it is due");
    fold_run(&fold);
    expect_answers("decided", 2, PAY_X, FIRST, "code=0 amount=5 balance=1002 held=0 bill=0-3");
    expect_bill("decided", "20300317", "|0|pay|0-3|5|CNY|1002|0|1900000000000|" FIRST "|m|captured|5|0|");
    expect_waiting("decided", 0);
    char *dump = fold_dump(&fold, 0);
    cr_expect(strstr(dump, "ledger 0-3 a/shop/x pay a -5 0 1002 0 3 1900003600000 \n"), "the row: %s", dump);
    free(dump);
    go("pay account=a to=m amount=5 key=x not_before=1900003600000 at=1900000000000");
    expect_answers("repeated", 3, PAY_X, FIRST, "code=0 amount=5 balance=1002 held=0 bill=0-3 replayed=1");
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s", fault ? fault : "");
}

Test(apply_scheduled, decided_once) {
    static const unsigned batches[] = {FOLD_BATCH, 1};
    for (size_t n = 0; n < 2; n++) {
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(LATER "+1h; due account=a of=x; due account=a of=x; +1d; due account=a of=x");
        go("+3d; due account=a of=x");
        expect_answers("once", 1, PAY_X, FIRST, "code=0 amount=5 balance=995 held=0 bill=0-2");
        cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "995", "paid more than once");
        expect_waiting("once", 0);
    }
}

/* Far ahead: the bill and the answer stay those of the day it came. */
Test(apply_scheduled, after_ninety_days) {
    go(TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+90d; +90d");
    cr_expect_eq(fold_add_due(&fold), 1, "it is due");
    fold_run(&fold);
    expect_answers("decided", 1, PAY_X, FIRST, "code=0 amount=5 balance=995 held=0 bill=0-2");
    expect_bill("decided", "20300317", "|0|pay|0-2|5|CNY|995|0|1900000000000|" FIRST "|m|captured|5|0|");
    expect_waiting("decided", 0);
}

/* Every operation that can wait, and what may have become of its surroundings. The line is sent with key x and not_before=+1h. */
struct waiting_row { const char *name, *before, *line, *meanwhile, *answer; };
static const struct waiting_row waiting_rows[] = {
    {"topup", "", "topup account=a amount=5", "", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"withdraw", "", "withdraw account=a amount=5", "", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"hold, its deadline counts from then", "", "hold account=a to=m amount=5 expires=1h", "",
     "code=0 amount=5 balance=1000 held=5 bill=0-2 detail=1900007200000"},
    {"transfer", "open account=b kind=user; ", "transfer account=a to=b amount=5", "", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"the money came meanwhile", "", "pay account=a to=m amount=1500", "topup account=a amount=500",
     "code=0 amount=1500 balance=0 held=0 bill=0-3"},
    {"the money went meanwhile", "", "pay account=a to=m amount=5", "withdraw account=a amount=996", "code=3 amount=0 balance=4 held=0"},
    {"the merchant came meanwhile", "", "pay account=a to=n amount=5", "open account=n kind=merchant",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"the merchant never came", "", "pay account=a to=n amount=5", "", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"currency", "", "pay account=a to=m amount=5 currency=USD", "", "code=15 amount=0 balance=1000 held=0"},
    {"frozen meanwhile", "", "pay account=a to=m amount=5", "freeze account=a", "code=4 amount=0 balance=1000 held=0"},
    {"frozen before, thawed meanwhile", "freeze account=a; ", "pay account=a to=m amount=5", "thaw account=a",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"the book's cap came meanwhile", "", "topup account=a amount=5", "policy account=@book settings=balance_cap:1004",
     "code=12 amount=0 balance=1000 held=0"},
    {"a look-alike then", "policy account=@book settings=duplicate_window:1m; ", "pay account=a to=m amount=5",
     "+59m1s; pay account=a to=m amount=5", "code=9 amount=0 balance=995 held=0"},
    {"locked, with the token", "", "pay account=a to=m amount=5 token=T", "lock account=a token=T expires=1d",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"lock lapsed by then", "lock account=a token=T expires=1h; ", "pay account=a to=m amount=5", "",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked then", "", "pay account=a to=m amount=5", "lock account=a token=T expires=1d", "code=5"},
    {"guard", "", "pay account=a to=m amount=5 guard=seq:1", "topup account=a amount=1", "code=18"},
    {"guard, right by then", "", "pay account=a to=m amount=5 guard=seq:2", "topup account=a amount=1",
     "code=0 amount=5 balance=996 held=0 bill=0-3"},
    {"rate", "limit account=a payments=1 per=1d; ", "pay account=a to=m amount=5", "pay account=a to=m amount=1", "code=8"},
};

Test(apply_scheduled, every_operation, .timeout = 60) {
    for (size_t n = 0; n < sizeof waiting_rows / sizeof *waiting_rows; n++) {
        const struct waiting_row *row = &waiting_rows[n];
        char line[300], entry[ENTRY_TEXT_MAX + 1];
        fold_reset(&fold);
        go(TABLE_BASE);
        go(row->before);
        snprintf(line, sizeof line, "%s key=x", row->line);
        snprintf(line + strlen(line), sizeof line - strlen(line), " not_before=+1h");
        go(line);
        memcpy(entry, fold.entry, sizeof entry);
        expect_answers(row->name, 0, line, entry, "");
        uint64_t due_ms = fold.clock_ms + 3600000;
        go(row->meanwhile);
        fold.clock_ms = due_ms;
        cr_expect_eq(fold_add_due(&fold), 1, "%s: not due", row->name);
        fold_run(&fold);
        snprintf(line, sizeof line, "%s key=x", row->line);
        bool says_currency = strstr(line, "currency=") || strncmp(line, "withdraw", 8) != 0;
        cr_expect(says_currency || strstr(row->answer, "code=0"), "this table has no rows without a currency that are refused");
        expect_answers(row->name, 1, line, entry, row->answer);
        cr_expect_eq(server_integer(&fold.server, "HLEN", fold_key(&fold, 0, "scheduled"), NULL), 0, "%s: still scheduled", row->name);
        const char *fault = fold_unsound(&fold, 0);
        cr_expect(!fault, "%s: %s", row->name, fault ? fault : "");
    }
}

/* The account itself need not be there before. */
Test(apply_scheduled, account_opened_meanwhile) {
    go(TABLE_BASE "topup account=b amount=5 key=x not_before=+1h");
    char entry[ENTRY_TEXT_MAX + 1];
    memcpy(entry, fold.entry, sizeof entry);
    go("open account=b kind=user; +1h; due account=b of=x");
    expect_answers("opened", 1, "topup account=b key=x", entry, "code=0 amount=5 balance=5 held=0 bill=0-2");
    fold_reset(&fold);
    go(TABLE_BASE "topup account=b amount=5 key=x not_before=+1h");
    memcpy(entry, fold.entry, sizeof entry);
    go("+1h; due account=b of=x");
    expect_answers("never opened", 1, "topup account=b key=x", entry, "code=1 amount=0 detail=account");
}

/* Not now is no decision: the answer is given, the key is free again. */
Test(apply_scheduled, refused_for_now) {
    go(LATER "lock account=a token=T expires=1d; +1h; due account=a of=x");
    expect_answers("locked", 1, PAY_X, FIRST, "code=5");
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), "a/shop/x", NULL), "", "no bill is left");
    expect_waiting("locked", 0);
    go("due account=a of=x");
    expect_answers("once", 1, PAY_X, FIRST, "code=5");
    table_step("sent again", &fold, "pay account=a to=m amount=5 key=x token=T", "code=0 amount=5 balance=995 held=0 bill=0-2", NULL);
}

Test(apply_scheduled, unscheduled) {
    go(LATER "+1m; unschedule account=a of=x key=u");
    expect_answers("taken back", 1, PAY_X, FIRST, "code=11 amount=0 balance=1000 held=0 detail=unscheduled");
    expect_bill("taken back", "20300317", "|11|pay||0|CNY|1000|0|1900000000000|" FIRST "|m|released|0|0|unscheduled");
    expect_waiting("taken back", 0);
    go("+1h; due account=a of=x");
    expect_answers("nothing more", 1, PAY_X, FIRST, "code=11 amount=0 balance=1000 held=0 detail=unscheduled");
    go("pay account=a to=m amount=5 key=x not_before=1900003600000 at=1900000000000");
    expect_answers("repeated", 2, PAY_X, FIRST, "code=11 amount=0 balance=1000 held=0 detail=unscheduled replayed=1");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1000", "paid");
}

/* Whatever lies first in the stream wins, and the other finds it gone; in one batch as in two. */
Test(apply_scheduled, races) {
    static const unsigned batches[] = {FOLD_BATCH, 1};
    for (size_t n = 0; n < 2; n++) {
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(LATER "+1h; unschedule account=a of=x key=u; due account=a of=x; unschedule account=a of=x key=v");
        expect_answers("unschedule first", 1, PAY_X, FIRST, "code=11 amount=0 balance=1000 held=0 detail=unscheduled");
        struct fold_answer last;
        answers_to("u", &last);
        cr_expect_str_eq(last.text[RESPONSE_CODE], "0", "unschedule first: %s", last.text[RESPONSE_CODE]);
        answers_to("v", &last);
        cr_expect_str_eq(last.text[RESPONSE_CODE], "11", "the second finds it gone: %s", last.text[RESPONSE_CODE]);
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(LATER "+1h; due account=a of=x; unschedule account=a of=x key=u");
        expect_answers("due first", 1, PAY_X, FIRST, "code=0 amount=5 balance=995 held=0 bill=0-2");
        answers_to("u", &last);
        cr_expect_str_eq(last.text[RESPONSE_CODE], "11", "due first: %s", last.text[RESPONSE_CODE]);
    }
}

/* What was put off and then refused for now is gone, also for what refers to it in the same batch. */
Test(apply_scheduled, refused_for_now_and_referred_to) {
    static const unsigned batches[] = {FOLD_BATCH, 1};
    static const char *const ops[] = {"refund", "rollback", "capture", "release", "unschedule"};
    for (size_t n = 0; n < 2; n++) {
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(LATER "lock account=a token=T expires=1d");
        fold_add(&fold, "+1h; due account=a of=x");
        for (size_t op = 0; op < sizeof ops / sizeof *ops; op++) {
            char line[200];
            snprintf(line, sizeof line, "%s account=a of=x key=%s; %s account=a of=x of_at=1900000000000 key=%s2", ops[op], ops[op],
                     ops[op], ops[op]);
            fold_add(&fold, line);
        }
        fold_run(&fold);
        for (size_t op = 0; op < sizeof ops / sizeof *ops; op++) {
            char key[40];
            struct fold_answer last;
            for (int hinted = 0; hinted < 2; hinted++) {
                snprintf(key, sizeof key, "%s%s", ops[op], hinted ? "2" : "");
                cr_expect_eq(answers_to(key, &last), 1, "batches of %u: %s", batches[n], key);
                cr_expect_str_eq(last.text[RESPONSE_CODE], "1", "batches of %u: %s: %s", batches[n], key, last.text[RESPONSE_CODE]);
            }
        }
    }
}

/* The same key days later is another intent, even beside the first one's decision. */
Test(apply_scheduled, woken_beside_a_namesake) {
    static const unsigned batches[] = {FOLD_BATCH, 1};
    for (size_t n = 0; n < 2; n++) {
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+5d");
        go("+5d; due account=a of=x; pay account=a to=m amount=6 key=x");
        expect_answers("the second", 2, PAY_X, fold.entry, "code=0 amount=6 balance=989 held=0 bill=0-3");
        fold_reset(&fold);
        fold_set_batch(&fold, batches[n]);
        go(TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+5d; lock account=a token=T expires=0; +4d12h;"
           "pay account=a to=m amount=6 key=x token=T at=1900388800000");
        char entry[ENTRY_TEXT_MAX + 1];
        memcpy(entry, fold.entry, sizeof entry);
        go("+12h; due account=a of=x; pay account=a to=m amount=6 key=x token=T at=1900388800000");
        expect_answers("refused for now, the second replayed", 3, PAY_X, entry, "code=0 amount=6 balance=994 held=0 bill=0-2 replayed=1");
    }
}

/* A key may be used again two days later: each has a bill, a time and an answer of its own. */
Test(apply_scheduled, two_of_one_key) {
    go(LATER "unschedule account=a of=x key=u");
    fold_reset(&fold);
    go(TABLE_BASE "pay account=a to=m amount=5 key=x not_before=+10d; +2d; pay account=a to=m amount=6 key=x not_before=+10d; +8d");
    cr_expect_eq(fold_add_due(&fold), 1, "the first is due");
    fold_run(&fold);
    expect_answers("the first", 1, PAY_X, FIRST, "code=0 amount=5 balance=995 held=0 bill=0-2");
    expect_bill("the second waits", "20300319", "|m|scheduled|0|0|");
    go("+2d");
    cr_expect_eq(fold_add_due(&fold), 1, "the second is due");
    fold_run(&fold);
    expect_answers("the second", 2, PAY_X, "1900172800000-5", "code=0 amount=6 balance=989 held=0 bill=0-3");
}

/* It was signed when it came. */
Test(apply_scheduled, signed_when_it_came) {
    go("open account=m kind=merchant; open account=a kind=user credential=pw; topup account=a amount=1000;"
       "pay account=a to=m amount=5 key=x not_before=+1h sign=pw; credential account=a credential=new sign=pw; +1h; due account=a of=x");
    expect_answers("decided", 1, PAY_X, FIRST, "code=0 amount=5 balance=995 held=0 bill=0-2");
}

/* Taken over while waiting, and everything delivered once more. */
Test(apply_scheduled, taken_over_and_redelivered) {
    go(LATER "hold account=a to=m amount=7 key=h not_before=+2h expires=1h; unschedule account=a of=h");
    fold_take_over(&fold);
    go("+1h; due account=a of=x");
    fold_take_over(&fold);
    char *before = fold_dump(&fold, 0);
    server_text(&fold.server, "XGROUP", "SETID", fold_key(&fold, 0, "intents"), "workers", "0", NULL);
    fold_run(&fold);
    char *after = fold_dump(&fold, 0);
    const char *difference = fold_difference(after, before);
    cr_expect(!difference, "%s", difference ? difference : "");
    free(before);
    free(after);
}

/* To another partition: on its way when due, answered when it is known. Book of three: a in 0, b in 2. */
Test(apply_schedule, transfer_elsewhere) {
    static const char *const names[] = {"arrives", "bounces"};
    fold_start(&fold, 3, FOLD_BATCH);
    for (int bounces = 0; bounces < 2; bounces++) {
        char entry[ENTRY_TEXT_MAX + 1];
        fold_reset(&fold);
        go("open account=a kind=user; open account=b kind=user; topup account=a amount=1000 key=t0");
        go("transfer account=a to=b amount=5 key=x not_before=+1h");
        memcpy(entry, fold.entry, sizeof entry);
        go(bounces ? "freeze account=b; +1h" : "+1h");
        expect_answers(names[bounces], 0, "", entry, "");
        cr_expect_eq(fold_add_due(&fold), 1, "%s: not due", names[bounces]);
        cr_expect_eq(fold_try(&fold, 0), REDIS_OK);
        expect_bill("left", "20300317", "|b|in_progress|0|0|");
        cr_expect_str_eq(fold_account(&fold, 0, "@transit:CNY", "balance"), "5", "left");
        fold_add(&fold, "+1ms; unschedule account=a of=x key=u");
        fold_run(&fold);
        struct fold_answer last;
        answers_to("u", &last);
        cr_expect_str_eq(last.text[RESPONSE_CODE], "11", "unscheduled on its way: %s", last.text[RESPONSE_CODE]);
        expect_answers(names[bounces], 1, "transfer account=a key=x", entry,
                       bounces ? "code=4 amount=0 balance=1000 held=0 bill=0-2" : "code=0 amount=5 balance=995 held=0 bill=0-2");
        for (unsigned p = 0; p < 3; p++) {
            const char *fault = fold_unsound(&fold, p);
            cr_expect(!fault, "%s: partition %u: %s", names[bounces], p, fault ? fault : "");
        }
    }
    fold_stop(&fold);
}
