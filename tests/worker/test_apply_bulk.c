/* Bulk entries: what several intents in one entry come to. That it is the same as alone, the property test shows over random ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/bulk.h"
#include "tests/worker/fold.h"
#include "tests/worker/table.h"

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(bulk, .init = start, .fini = stop, .timeout = 60);

static int64_t length(const char *stream) { return server_integer(&fold.server, "XLEN", fold_key(&fold, 0, stream), NULL); }

/* The codes of the answers to the last entry, in their order, each with its detail if it has one. */
static const char *codes(void) {
    static char text[1000];
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, 0, "shop", &answers), size = 0;
    text[0] = '\0';
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_ENTRY], fold.entry) != 0) continue;
        const char *detail = answers[n].text[RESPONSE_DETAIL];
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%s%s", size ? " " : "", answers[n].text[RESPONSE_CODE],
                                 *detail ? ":" : "", detail);
    }
    free(answers);
    return text;
}

static void expect_done(const char *name) {
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s: %s", name, fault ? fault : "");
    const char *pending = server_text(&fold.server, "XPENDING", fold_key(&fold, 0, "intents"), "workers", NULL);
    cr_expect(pending[0] == '0', "%s: pending: %s", name, pending);
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "applied", NULL), fold.entry, "%s: the watermark", name);
}

/* The accounts of the rows: a has 1000, c has 50, m sells; k was paid before, of 30. */
#define BASE TABLE_BASE "open account=c kind=user; topup account=c amount=50; pay account=a to=m amount=30 key=k"

static const struct row { const char *name, *intents, *codes; int dead; } rows[] = {
    {"two payments", "pay account=a to=m amount=1 currency=CNY; pay account=c to=m amount=1 currency=CNY", "0 0", 0},
    {"a refused one beside others",
     "pay account=a to=m amount=1 currency=CNY; pay account=c to=m amount=51 currency=CNY; pay account=a to=m amount=2 currency=CNY",
     "0 3 0", 0},
    {"the same intent twice", "topup account=a amount=1 currency=CNY key=t; topup account=a amount=1 currency=CNY key=t", "0 0", 0},
    {"a key used twice", "topup account=a amount=1 currency=CNY key=t; topup account=a amount=2 currency=CNY key=t", "0 7:amount", 0},
    {"one that was decided before is told of its first entry",
     "pay account=a to=m amount=30 currency=CNY key=k; pay account=a to=m amount=1 currency=CNY", "0", 0},
    {"refunds of a payment of before and of one in front of it",
     "refund account=a of=k amount=10; pay account=c to=m amount=5 currency=CNY key=p; refund account=c of=p", "0:0-3 0 0:0-5", 0},
    {"a hold, captured in two, then released",
     "hold account=a to=m amount=100 currency=CNY key=h; capture account=a of=h amount=40 final=false; capture account=a of=h;"
     "release account=a of=h",
     "0 0:0-4 0:0-4 11:0-4", 0},
    {"a topup rolled back", "topup account=a amount=7 currency=CNY key=t; rollback account=a of=t", "0 0:0-4", 0},
    {"a withdrawal rolled back", "withdraw account=a amount=7 key=w; rollback account=a of=w", "0 0:0-4", 0},
    {"a group among others",
     "group account=a steps=[{op:pay,to:m,amount:5,currency:CNY,key:g1},{op:refund,of:g1}]; inquire account=a", "0:0-5 0", 0},
    {"a refund of a group's step",
     "group account=a steps=[{op:pay,to:m,amount:5,currency:CNY,key:g1},{op:pay,to:m,amount:6,currency:CNY}]; refund account=a of=g1",
     "0:0-5 0:0-4", 0},
    {"what goes alone",
     "open account=z kind=user currency=CNY; topup account=a amount=1 currency=CNY; transfer account=a to=c amount=1", "6:op 0 6:op", 0},
    {"what waits", "topup account=a amount=1 currency=CNY not_before=1900000100000; inquire account=a", "6:op 0", 0},
    {"a field that is unknown", "topup account=a amount=1 currency=CNY tip=1; inquire account=a", "6:tip 0", 0},
    {"one that cannot be read", "topup account=a amount=1 currency=CNY; junk; inquire account=a", "0 0", 1},
    {"a follow-up", "inquire account=a; settled source=till account=a key=a/shop/k>settled origin=0:1-1 entry=1-1", "0", 1},
    {"nothing that can be read", "junk; junk; junk", "", 3},
};

Test(bulk, rows) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        for (unsigned batch = 1; batch <= FOLD_BATCH; batch += FOLD_BATCH - 1) {
            fold_reset(&fold);
            fold_set_batch(&fold, batch);
            fold.shares = !fold.shares;
            fold_add(&fold, BASE);
            fold_add_bulk(&fold, 0, rows[n].intents);
            fold_run(&fold);
            cr_expect_str_eq(codes(), rows[n].codes, "%s: %s, not %s", rows[n].name, codes(), rows[n].codes);
            cr_expect_eq(length("dead"), rows[n].dead, "%s: %lld dead", rows[n].name, (long long)length("dead"));
            expect_done(rows[n].name);
        }
    }
}

/* The same entry again, in a book that has it already: its answers again, and nothing else. */
Test(bulk, sent_again) {
    fold_add(&fold, BASE);
    for (int n = 0; n < 3; n++)
        fold_add_bulk(&fold, 0, "pay account=a to=m amount=1 currency=CNY key=x; pay account=c to=m amount=1 currency=CNY key=y");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "969");
    cr_expect_eq(length("responses:shop"), 6 + 6);
    expect_done("again");
}

/* More entries than a batch has room for, each of as many as there may be. */
Test(bulk, full_ones) {
    static char lines[2000];
    size_t size = 0;
    fold_add(&fold, TABLE_BASE);
    for (int n = 0; n < BULK_INTENTS_MAX; n++)
        size += (size_t)snprintf(lines + size, sizeof lines - size, "%sinquire account=a", n ? ";" : "");
    for (int n = 0; n < 9; n++) fold_add_bulk(&fold, 0, lines);
    fold_run(&fold);
    cr_expect_eq(length("responses:shop"), 3 + 9 * BULK_INTENTS_MAX);
    expect_done("full ones");
}

static void add_fields(const char *intents, size_t size, const char *sigs, size_t sigs_size) {
    const char *const fields[] = {"intents", intents, "sigs", sigs};
    fold_add_fields(&fold, 0, sigs ? 4 : 2, fields, (const size_t[]){7, size, 4, sigs_size});
}

Test(bulk, that_cannot_be_taken_apart) {
    fold_add(&fold, BASE);
    add_fields("\x93\x01\x02", 3, NULL, 0);
    add_fields("\x91\x01", 2, NULL, 0);
    add_fields("\x92\x01\x02", 3, "\x91\xc0", 2);
    fold_add(&fold, "topup account=a amount=1");
    fold_run(&fold);
    cr_expect_eq(length("dead"), 3, "each whole");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "971", "those behind go on");
    expect_done("cannot be taken apart");
}

/* One account that cannot be read gives up the whole entry, after its attempts, and each sender is told. */
Test(bulk, that_fails_every_time) {
    fold_add(&fold, BASE);
    fold_run(&fold);
    server_text(&fold.server, "SET", fold_key(&fold, 0, "account:z"), "no hash", NULL);
    fold_add_bulk(&fold, 0, "topup account=a amount=1 currency=CNY; topup account=z amount=1 currency=CNY; junk;"
                            "topup account=c amount=1 currency=CNY");
    char entry[sizeof fold.entry];
    memcpy(entry, fold.entry, sizeof entry);
    fold_add(&fold, "topup account=a amount=5");
    fold_run(&fold);
    cr_expect_eq(length("dead"), 1, "whole");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "975", "nothing of it, and those behind go on");
    memcpy(fold.entry, entry, sizeof entry);
    cr_expect_str_eq(codes(), "19 19 19", "%s", codes());
}

/* What is kept of one that is dead by itself is as if it had come alone. */
Test(bulk, one_among_the_dead) {
    struct reply dead;
    fold_add(&fold, BASE);
    fold_add_bulk(&fold, 0, "inquire account=a; junk");
    fold_run(&fold);
    command_begin(&fold.command, "XRANGE");
    command_word(&fold.command, fold_key(&fold, 0, "dead"));
    command_word(&fold.command, "-");
    command_word(&fold.command, "+");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &dead), REDIS_OK);
    struct reply all = reply_at(reply_at(dead, 0), 1);
    cr_expect(reply_is(reply_at(all, 0), "entry") && reply_is(reply_at(all, 1), fold.entry));
    cr_expect(reply_is(reply_at(all, 6), "intent") && reply_is(reply_at(all, 7), "\x01") && reply_count(all) == 8);
}
