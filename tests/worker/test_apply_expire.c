/* Expiry of holds: what it leaves behind, and that it does so once. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define HELD TABLE_BASE "hold account=a to=m amount=100 key=h; "                 /* bill 0-2 */
#define HELD15 TABLE_BASE "hold account=a to=m amount=100 key=h expires=15m; "   /* the same, until 1900000900000 */

static struct fold fold;

static void expect_hold(const char *name, const char *held, const char *bill_end, int64_t due) {
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), "a/shop/h", NULL);
    size_t size = strlen(bill), end = strlen(bill_end);
    cr_expect(size >= end && strcmp(bill + size - end, bill_end) == 0, "%s: the bill is %s, not ...%s", name, bill, bill_end);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "held"), held, "%s: held", name);
    cr_expect_eq(server_integer(&fold.server, "ZCARD", fold_key(&fold, 0, "due"), NULL), due, "%s: not %d in due", name, (int)due);
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s: %s", name, fault ? fault : "");
}

static void expect_row(const char *name, const char *row, int wanted) {
    int count = 0;
    char *dump = fold_dump(&fold, 0);
    for (const char *at = dump; (at = strstr(at, row)) != NULL; at++) count++;
    cr_expect_eq(count, wanted, "%s: \"%s\" is there %d times", name, row, count);
    free(dump);
}

static void go(const char *lines) {
    fold_add(&fold, lines);
    fold_run(&fold);
}

#define EXPIRED_ROW "a/shop/h expire a 0 -100 1000 0 3 1900000900000"

Test(apply_expire, expire_releases_once) {
    static const char *const sweeps[] = {"+15m; expire account=a of=h; expire account=a of=h", "+1h; expire account=a of=h"};
    fold_start(&fold, 1, FOLD_BATCH);
    for (int stepwise = 0; stepwise < 2; stepwise++) {
        fold_reset(&fold);
        if (stepwise) {
            go(HELD15);
            expect_hold("held", "100", "|m|open|0|0|1900000900000", 1);
            cr_expect_str_eq(server_text(&fold.server, "ZRANGE", fold_key(&fold, 0, "due"), "0", "-1", "WITHSCORES", NULL),
                             "expire|1900000000000-4|a/shop/h\n1900000900000", "due: %s", fold.server.text);
            go("+14m59s999ms; expire account=a of=h");
            expect_hold("a millisecond early", "100", "|m|open|0|0|1900000900000", 1);
            go("+1ms; expire account=a of=h");
            expect_hold("expired", "0", "|m|expired|0|0|1900000900000", 0);
            go("expire account=a of=h");
            go("+3d; expire account=a of=h");
        } else {
            fold_add(&fold, HELD15);
            for (size_t n = 0; n < 2; n++) fold_add(&fold, sweeps[n]);
            fold_run(&fold);
        }
        expect_hold("at last", "0", "|m|expired|0|0|1900000900000", 0);
        expect_row("once", " expire a ", 1);
        expect_row("the row", EXPIRED_ROW, 1);
    }
    fold_stop(&fold);
}

Test(apply_expire, expire_does_nothing_more) {
    static const struct { const char *name, *lines, *held, *bill; int rows; } cases[] = {
        {"captured", HELD15 "capture account=a of=h", "0", "|m|captured|100|0|1900000900000", 0},
        {"captured in part", HELD15 "capture account=a of=h amount=30", "0", "|m|captured|30|0|1900000900000", 0},
        {"released", HELD15 "release account=a of=h", "0", "|m|released|0|0|1900000900000", 0},
        {"released after a part", HELD15 "capture account=a of=h amount=30 final=0; release account=a of=h", "0",
         "|m|released|30|0|1900000900000", 0},
        {"open in part", HELD15 "capture account=a of=h amount=30 final=0", "0", "|m|expired|30|0|1900000900000", 1},
        {"frozen", HELD15 "freeze account=a; freeze account=m", "0", "|m|expired|0|0|1900000900000", 1},
        {"locked", HELD15 "lock account=a token=T expires=0", "0", "|m|expired|0|0|1900000900000", 1},
        {"no deadline", HELD, "100", "|m|open|0|0|", 0},
    };
    fold_start(&fold, 1, FOLD_BATCH);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fold_reset(&fold);
        go(cases[n].lines);
        go("+15m; expire account=a of=h; +1d; expire account=a of=h");
        expect_hold(cases[n].name, cases[n].held, cases[n].bill, cases[n].held[0] != '0'); /* what is open is due some day */
        expect_row(cases[n].name, " expire a ", cases[n].rows);
    }
    fold_stop(&fold);
}

/* The owner's list is enough to sweep by. */
Test(apply_expire, swept_by_what_is_due) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(TABLE_BASE "hold account=a to=m amount=100 key=h expires=15m; hold account=a to=m amount=50 key=i expires=10m;"
       "hold account=a to=m amount=7 key=j");
    go("+10m");
    cr_expect_eq(fold_add_due(&fold), 1, "only i is due");
    fold_run(&fold);
    expect_hold("i is swept", "107", "|m|open|0|0|1900000900000", 2);
    go("+5m");
    cr_expect_eq(fold_add_due(&fold), 1, "h is due");
    cr_expect_eq(fold_add_due(&fold), 1, "it is put on the stream again, since nothing was run");
    fold_run(&fold);
    expect_hold("h is swept", "7", "|m|expired|0|0|1900000900000", 1);
    cr_expect_eq(fold_add_due(&fold), 0, "nothing is due");
    expect_row("each once", " expire a ", 2);
    fold_stop(&fold);
}

/* Money that no bill speaks of could never be given back: a hold without a deadline lapses on the last day its bill is kept. */
Test(apply_expire, no_hold_outlives_its_bill) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(HELD "+179d");
    cr_expect_eq(fold_add_due(&fold), 0, "nothing is due");
    table_step("on the day before", &fold, "capture account=a of=h amount=1 final=0",
               "code=0 amount=1 balance=999 held=99 bill=0-3 detail=0-2", NULL);
    go("+1d");
    table_step("on the last day", &fold, "capture account=a of=h", "code=16 amount=0 balance=999 held=99 detail=0-2", NULL);
    cr_expect_eq(fold_add_due(&fold), 1, "it is due");
    fold_run(&fold);
    expect_hold("swept", "0", "|m|expired|1|0|", 0);
    fold_stop(&fold);
}

static void sweep(const char *name, int due) {
    cr_expect_eq(fold_add_due(&fold), (size_t)due, "%s: not %d due", name, due);
    fold_run(&fold);
}

/* The first entry after the outage is of a day on which the bill is not kept any more, and comes before what sweeps. */
Test(apply_expire, outage_over_the_last_day_of_a_bill) {
    static const struct { const char *name, *before, *outage, *end; } cases[] = {
        {"the last day", HELD "+179d; inquire account=a", "+2d; inquire account=a", "|m|expired|0|0|"},
        {"a month", HELD "+179d; inquire account=a", "+31d; inquire account=a", "|m|expired|0|0|"},
        {"a deadline", TABLE_BASE "hold account=a to=m amount=100 key=h expires=179d; +178d; inquire account=a", "+3d; inquire account=a",
         "|m|expired|0|0|1915465600000"},
        {"put off", TABLE_BASE "hold account=a to=m amount=100 key=h not_before=+90d; +90d; inquire account=a", "+91d; inquire account=a",
         "|m|expired|0|0|"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fold_start(&fold, 1, FOLD_BATCH);
        go(cases[n].before);
        go(cases[n].outage);
        sweep(cases[n].name, 1);
        if (strstr(cases[n].before, "not_before")) sweep(cases[n].name, 1);
        expect_hold(cases[n].name, "0", cases[n].end, 0);
        fold_stop(&fold);
    }
}

/* Bills are kept for fewer days from now on: a hold of before keeps its own for as long as it was promised, until what sweeps it comes. */
Test(apply_expire, fewer_days_of_bills_leave_no_hold_behind) {
    static const char *const lowered[] = {
        "+100d; policy account=@book settings=bills_keep:1; +79d; inquire account=a",
        "+100d; policy account=@book settings=bills_keep:90; +1d; policy account=@book settings=bills_keep:120;"
        "+1d; policy account=@book settings=bills_keep:1; +77d; inquire account=a",
    };
    for (size_t n = 0; n < sizeof lowered / sizeof *lowered; n++) {
        fold_start(&fold, 1, FOLD_BATCH);
        go(HELD);
        go(lowered[n]);
        go("+25d; inquire account=a");
        sweep(lowered[n], 1);
        expect_hold(lowered[n], "0", "|m|expired|0|0|", 0);
        fold_stop(&fold);
    }
}

/* A bill of that key of another day is another hold. */
Test(apply_expire, expire_finds_its_own_bill) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(TABLE_BASE "hold account=a to=m amount=100 key=h expires=5d; +2d; hold account=a to=m amount=50 key=h expires=5d; +3d");
    cr_expect_eq(fold_add_due(&fold), 1, "the older is due");
    fold_run(&fold);
    expect_hold("the older", "50", "|m|expired|0|0|1900432000000", 1);
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300319"), "a/shop/h", NULL);
    cr_expect(strstr(bill, "|m|open|0|0|"), "the newer is untouched: %s", bill);
    fold_stop(&fold);
}

/* In time is what was enqueued in time, however late it is applied. */
Test(apply_expire, captured_in_time_after_an_outage) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(HELD15);
    fold_add(&fold, "+14m59s999ms; capture account=a of=h key=c; +3d; expire account=a of=h");
    fold_take_over(&fold);
    fold_run(&fold);
    expect_hold("captured", "0", "|m|captured|100|0|1900000900000", 0);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "balance"), "100", "the merchant has it");
    fold_stop(&fold);
}
