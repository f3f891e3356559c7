/* What stands in a debit's way or not: lock and unlock, limit (GCRA), guards, the look-alike guard, the book's policy. Every code, each row
 * twice, and the edges in time. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define LOCKED TABLE_BASE "lock account=a token=T expires=1h; "
#define FOREVER TABLE_BASE "lock account=a token=T expires=0; "
#define CLOSED "open account=z kind=user; close account=z; "

static const struct table_row lock_rows[] = {
    {"lock", TABLE_BASE, "lock account=a token=T expires=1h", "code=0 balance=1000 held=0"},
    {"lock, until unlocked", TABLE_BASE, "lock account=a token=T expires=0", "code=0 balance=1000 held=0"},
    {"lock, a merchant", TABLE_BASE, "lock account=m token=T expires=1h", "code=0 balance=0 held=0"},
    {"lock, frozen", TABLE_BASE "freeze account=a", "lock account=a token=T expires=1h", "code=0 balance=1000 held=0"},
    {"lock, again", LOCKED, "lock account=a token=T expires=2h", "code=0 balance=1000 held=0"},
    {"lock, lapsed, by another", LOCKED "+1h", "lock account=a token=U expires=1h", "code=0 balance=1000 held=0"},
    {"lock, unlocked, by another", LOCKED "unlock account=a token=T", "lock account=a token=U expires=1h", "code=0 balance=1000 held=0"},
    {"lock, unknown", TABLE_BASE, "lock account=b token=T expires=1h", "code=1 currency= detail=account"},
    {"lock, closed", CLOSED, "lock account=z token=T expires=1h", "code=4 balance=0 held=0"},
    {"lock, by another", LOCKED, "lock account=a token=U expires=1h", "code=5 currency="},
    {"lock, by another, a millisecond before it lapses", LOCKED "+59m59s999ms", "lock account=a token=U expires=1h", "code=5 currency="},
    {"lock, by another, after months", FOREVER "+170d", "lock account=a token=U expires=1h", "code=5 currency="},
    {"lock, stale", TABLE_BASE, "lock account=b token=T expires=1h at=-24h", "code=14 currency="},
    {"lock, no token", TABLE_BASE, "raw lock account=a expires=5", "code=6 currency= detail=token"},
    {"lock, no length", TABLE_BASE, "raw lock account=a token=T", "code=6 currency= detail=expires"},
    {"unlock", LOCKED, "unlock account=a token=T", "code=0 balance=1000 held=0"},
    {"unlock, frozen", LOCKED "freeze account=a", "unlock account=a token=T", "code=0 balance=1000 held=0"},
    {"unlock, unknown", TABLE_BASE, "unlock account=b token=T", "code=1 currency= detail=account"},
    {"unlock, by another", LOCKED, "unlock account=a token=U", "code=2 currency="},
    {"unlock, not locked", TABLE_BASE, "unlock account=a token=T", "code=11 balance=1000 held=0"},
    {"unlock, twice", LOCKED "unlock account=a token=T", "unlock account=a token=T", "code=11 balance=1000 held=0"},
    {"unlock, a millisecond before it lapses", LOCKED "+59m59s999ms", "unlock account=a token=T", "code=0 balance=1000 held=0"},
    {"unlock, lapsed", LOCKED "+1h", "unlock account=a token=T", "code=11 balance=1000 held=0"},
    {"unlock, lapsed, by another", LOCKED "+1h", "unlock account=a token=U", "code=11 balance=1000 held=0"},
    {"unlock, expires", LOCKED, "raw unlock account=a token=T expires=5", "code=6 currency= detail=expires"},
    /* what a lock stops, and what not */
    {"locked, pay", LOCKED, "pay account=a to=m amount=5", "code=5"},
    {"locked, pay, another token", LOCKED, "pay account=a to=m amount=5 token=U", "code=5"},
    {"locked, pay, a longer token", LOCKED, "pay account=a to=m amount=5 token=TT", "code=5"},
    {"locked, pay, the token", LOCKED, "pay account=a to=m amount=5 token=T", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, pay, lapsed", LOCKED "+1h", "pay account=a to=m amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, pay, a millisecond before it lapses", LOCKED "+59m59s999ms", "pay account=a to=m amount=5", "code=5"},
    {"locked, pay, extended", LOCKED "+30m; lock account=a token=T expires=1h; +59m59s999ms", "pay account=a to=m amount=5", "code=5"},
    {"locked, pay, extended and lapsed", LOCKED "+30m; lock account=a token=T expires=1h; +1h", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, pay, unlocked", LOCKED "unlock account=a token=T", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, pay, for ever", FOREVER "+170d", "pay account=a to=m amount=5", "code=5"},
    {"locked, a token without a lock", TABLE_BASE, "pay account=a to=m amount=5 token=U", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, withdraw", LOCKED, "withdraw account=a amount=5", "code=5 currency="},
    {"locked, withdraw, the token", LOCKED, "withdraw account=a amount=5 token=T", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, topup", LOCKED, "topup account=a amount=5", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"locked, inquire", LOCKED, "inquire account=a", "code=0 balance=1000 held=0"},
    {"locked, refund", TABLE_BASE "pay account=a to=m amount=5 key=p; lock account=a token=T expires=1h", "refund account=a of=p",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"locked, rollback of a topup", LOCKED, "rollback account=a of=t0", "code=5 currency="},
    {"locked, rollback of a topup, the token", LOCKED, "rollback account=a of=t0 token=T",
     "code=0 amount=1000 balance=0 held=0 bill=0-2 detail=0-1"},
    {"locked, rollback of a payment", TABLE_BASE "pay account=a to=m amount=5 key=p; lock account=a token=T expires=1h",
     "rollback account=a of=p", "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"locked, rollback of a withdraw", TABLE_BASE "withdraw account=a amount=5 key=p; lock account=a token=T expires=1h",
     "rollback account=a of=p", "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"locked, a refund out of the merchant", TABLE_BASE "pay account=a to=m amount=5 key=p; lock account=m token=T expires=1h",
     "refund account=a of=p", "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"locked, a payment to the merchant", TABLE_BASE "lock account=m token=T expires=1h", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"locked, freeze", LOCKED, "freeze account=a", "code=0 balance=1000 held=0"},
    {"locked, close", TABLE_BASE "open account=b kind=user; lock account=b token=T expires=1h", "close account=b", "code=0 balance=0 held=0"},
    /* precedence */
    {"pay, unknown merchant before locked", LOCKED, "pay account=a to=x amount=5", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, currency before locked", LOCKED, "pay account=a to=m amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"pay, frozen before locked", LOCKED "freeze account=m", "pay account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"pay, locked before guard", LOCKED, "pay account=a to=m amount=5 guard=seq:9", "code=5"},
    {"pay, locked before funds", LOCKED, "pay account=a to=m amount=5000", "code=5"},
    {"withdraw, frozen before locked", LOCKED "freeze account=a", "withdraw account=a amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"rollback, locked before rolled back", TABLE_BASE "rollback account=a of=t0; lock account=a token=T expires=1h", "rollback account=a of=t0", "code=5 currency="},
    {"rollback, locked before funds", TABLE_BASE "pay account=a to=m amount=5; lock account=a token=T expires=1h",
     "rollback account=a of=t0", "code=5 currency="},
    {"unlock, another's token before nothing", LOCKED "freeze account=a", "unlock account=a token=U", "code=2 currency="},
};

Test(apply_lock, lock, .timeout = 60) { table_run(lock_rows, sizeof lock_rows / sizeof *lock_rows, 1); }

static const struct table_row guard_rows[] = {
    {"guard, seq", TABLE_BASE, "pay account=a to=m amount=5 guard=seq:1", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"guard, seq, one less", TABLE_BASE, "pay account=a to=m amount=5 guard=seq:0", "code=18"},
    {"guard, seq, one more", TABLE_BASE, "pay account=a to=m amount=5 guard=seq:2", "code=18"},
    {"guard, seq of an account without rows", "open account=a kind=user", "topup account=a amount=5 guard=seq:0",
     "code=0 amount=5 balance=5 held=0 bill=0-1"},
    {"guard, balance", TABLE_BASE, "pay account=a to=m amount=5 guard=balance_min:1000", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"guard, balance, one more", TABLE_BASE, "pay account=a to=m amount=5 guard=balance_min:1001", "code=18"},
    {"guard, balance counts what is held", TABLE_BASE "hold account=a to=m amount=900", "pay account=a to=m amount=5 guard=balance_min:1000", "code=0 amount=5 balance=995 held=900 bill=0-3"},
    {"guard, the shard of a refund may be below", TABLE_BASE "pay account=a to=m amount=5 key=p; withdraw account=m amount=5",
     "refund account=a of=p guard=balance_min:995", "code=0 amount=5 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"guard, one of two", TABLE_BASE, "pay account=a to=m amount=5 guard=seq:1,balance_min:1001", "code=18"},
    {"guard, topup", TABLE_BASE, "topup account=a amount=5 guard=seq:0", "code=18"},
    {"guard, topup, right", TABLE_BASE, "topup account=a amount=5 guard=seq:1", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"guard, withdraw", TABLE_BASE, "withdraw account=a amount=5 guard=seq:0", "code=18 currency="},
    {"guard, withdraw, right", TABLE_BASE, "withdraw account=a amount=5 guard=seq:1", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"guard, refunded", TABLE_BASE "pay account=a to=m amount=50 key=p; refund account=a of=p amount=20",
     "refund account=a of=p amount=10 guard=refunded:20", "code=0 amount=10 balance=980 held=0 bill=0-4 detail=0-2"},
    {"guard, refunded, meanwhile more", TABLE_BASE "pay account=a to=m amount=50 key=p; refund account=a of=p amount=20",
     "refund account=a of=p amount=10 guard=refunded:0", "code=18 currency="},
    {"guard, refunded of none", TABLE_BASE "pay account=a to=m amount=50 key=p", "refund account=a of=p amount=10 guard=refunded:0",
     "code=0 amount=10 balance=960 held=0 bill=0-3 detail=0-2"},
    {"guard, rollback", TABLE_BASE, "rollback account=a of=t0 guard=refunded:1", "code=18 currency="},
    {"guard, rollback, right", TABLE_BASE, "rollback account=a of=t0 guard=refunded:0",
     "code=0 amount=1000 balance=0 held=0 bill=0-2 detail=0-1"},
    /* precedence */
    {"guard, unknown account before", TABLE_BASE, "pay account=b to=m amount=5 guard=seq:9", "code=1 amount=0 detail=account"},
    {"guard, unknown bill before", TABLE_BASE, "refund account=a of=x guard=refunded:9", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"guard, currency before", TABLE_BASE, "topup account=a amount=5 currency=USD guard=seq:9", "code=15 amount=0 balance=1000 held=0"},
    {"guard, frozen before", TABLE_BASE "freeze account=a", "topup account=a amount=5 guard=seq:9", "code=4 amount=0 balance=1000 held=0"},
    {"guard, restatement before", TABLE_BASE "pay account=a to=m amount=50 key=p", "refund account=a of=p to=x guard=refunded:9",
     "code=6 currency= detail=to"},
    {"guard before rolled back", TABLE_BASE "pay account=a to=m amount=50 key=p; rollback account=a of=p",
     "refund account=a of=p guard=refunded:0", "code=18 currency="},
    {"guard before wrong kind, refund", TABLE_BASE, "refund account=a of=t0 guard=seq:2", "code=18 currency="},
    {"guard before a refused payment, refund", TABLE_BASE "! pay account=a to=m amount=5000 key=p", "refund account=a of=p guard=refunded:1", "code=18 currency="},
    {"guard before wrong kind, rollback", TABLE_BASE "pay account=a to=m amount=50 key=p; refund account=a of=p key=r",
     "rollback account=a of=r guard=seq:2", "code=18 currency="},
    {"guard before too much", TABLE_BASE "pay account=a to=m amount=50 key=p", "refund account=a of=p amount=51 guard=refunded:9",
     "code=18 currency="},
    {"guard before rate", TABLE_BASE "limit account=a payments=1 per=1h; pay account=a to=m amount=1",
     "pay account=a to=m amount=5 guard=seq:1", "code=18"},
    {"guard before look-alike", TABLE_BASE "policy account=@book settings=duplicate_window:1h; pay account=a to=m amount=5",
     "pay account=a to=m amount=5 guard=seq:1", "code=18"},
    {"guard before funds", TABLE_BASE, "pay account=a to=m amount=5000 guard=seq:9", "code=18"},
    /* at the door */
    {"guard, empty", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={}", "code=6 detail=guard"},
    {"guard, no map", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard=5", "code=6 detail=guard"},
    {"guard, unknown condition", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={seq:1,mood:1}", "code=6 detail=guard"},
    {"guard, twice", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={seq:1,seq:1}", "code=6 detail=guard"},
    {"guard, negative", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={balance_min:-1}", "code=6 detail=guard"},
    {"guard, 2^53", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={seq:9007199254740992}", "code=6 detail=guard"},
    {"guard, text", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={seq:'1}", "code=6 detail=guard"},
    {"guard, refunded of no bill", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY guard={refunded:0}", "code=6 detail=guard"},
    {"guard, of an inquiry", TABLE_BASE, "raw inquire account=a guard={seq:1}", "code=6 currency= detail=guard"},
};

Test(apply_lock, guard, .timeout = 60) { table_run(guard_rows, sizeof guard_rows / sizeof *guard_rows, 1); }

#define LIMITED TABLE_BASE "limit account=a payments=1 per=1h; "

static const struct table_row limit_rows[] = {
    {"limit", TABLE_BASE, "limit account=a payments=3 per=1000", "code=0 balance=1000 held=0"},
    {"limit, at the most", TABLE_BASE, "limit account=a payments=1000000 per=31d", "code=0 balance=1000 held=0"},
    {"limit, a merchant", TABLE_BASE, "limit account=m payments=3 per=1s", "code=0 balance=0 held=0"},
    {"limit, frozen", TABLE_BASE "freeze account=a", "limit account=a payments=3 per=1s", "code=0 balance=1000 held=0"},
    {"limit, unknown", TABLE_BASE, "limit account=b payments=3 per=1s", "code=1 currency= detail=account"},
    {"limit, closed", CLOSED, "limit account=z payments=3 per=1s", "code=4 balance=0 held=0"},
    {"limit, no payments", TABLE_BASE, "raw limit account=a payments=0 per=1000", "code=6 currency= detail=payments"},
    {"limit, too many", TABLE_BASE, "raw limit account=a payments=1000001 per=1000", "code=6 currency= detail=payments"},
    {"limit, per nothing", TABLE_BASE, "raw limit account=a payments=1 per=0", "code=6 currency= detail=per"},
    {"limit, per 31 days and a bit", TABLE_BASE, "raw limit account=a payments=1 per=2678400001", "code=6 currency= detail=per"},
    {"open, limited", "", "open account=x kind=user payments=3 per=1s", "code=0 balance=0 held=0"},
    {"open, half limited", "", "raw open account=x kind=user currency=CNY payments=3", "code=6 detail=per"},
    {"open, the other half", "", "raw open account=x kind=user currency=CNY per=3", "code=6 detail=payments"},
    {"pay, within", LIMITED, "pay account=a to=m amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"pay, faster", LIMITED "pay account=a to=m amount=1", "pay account=a to=m amount=5", "code=8"},
    {"pay, a hold counts", LIMITED "hold account=a to=m amount=1", "pay account=a to=m amount=5", "code=8"},
    {"pay, a millisecond early", LIMITED "pay account=a to=m amount=1; +59m59s999ms", "pay account=a to=m amount=5", "code=8"},
    {"pay, in time", LIMITED "pay account=a to=m amount=1; +1h", "pay account=a to=m amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"pay, limited from the opening", TABLE_BASE "open account=b kind=user payments=1 per=1h; topup account=b amount=9; pay account=b to=m amount=1", "pay account=b to=m amount=1", "code=8"},
    {"pay, a refused one does not count", LIMITED "! pay account=a to=m amount=5000; ! pay account=a to=x amount=1",
     "pay account=a to=m amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"pay, a limited one does not count", LIMITED "pay account=a to=m amount=1; +30m; ! pay account=a to=m amount=2; +30m",
     "pay account=a to=m amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"pay, a repetition does not count", LIMITED "+1ms; pay account=a to=m amount=1 key=p at=1900000000001; pay account=a to=m amount=1 key=p at=1900000000001; +1h", "pay account=a to=m amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"pay, what was rolled back counts", LIMITED "pay account=a to=m amount=1 key=p; rollback account=a of=p", "pay account=a to=m amount=5", "code=8"},
    {"pay, another account", LIMITED "pay account=a to=m amount=1; open account=b kind=user; topup account=b amount=9",
     "pay account=b to=m amount=1", "code=0 amount=1 balance=8 held=0 bill=0-4"},
    {"pay, to a limited merchant", TABLE_BASE "limit account=m payments=1 per=1h; pay account=a to=m amount=1", "pay account=a to=m amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"withdraw is no payment", LIMITED "pay account=a to=m amount=1", "withdraw account=a amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"pay, a wider limit", LIMITED "pay account=a to=m amount=1; limit account=a payments=2 per=1h", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"pay, funds after rate", LIMITED "pay account=a to=m amount=1", "pay account=a to=m amount=5000", "code=8"},
    {"pay, rate before look-alike", LIMITED "policy account=@book settings=duplicate_window:1h; pay account=a to=m amount=5",
     "pay account=a to=m amount=5", "code=8"},
};

Test(apply_lock, limit, .timeout = 60) { table_run(limit_rows, sizeof limit_rows / sizeof *limit_rows, 1); }

static struct fold fold;

/* A payment so many ms after the clock's start. */
static void pay_at(const char *name, uint64_t offset_ms, const char *code) {
    fold.clock_ms = FOLD_CLOCK_MS + offset_ms;
    fold_add(&fold, "pay account=a to=m amount=1");
    fold_run(&fold);
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_CODE], code, "%s, after %llu ms: %s, not %s", name, (unsigned long long)offset_ms,
                     answer.text[RESPONSE_CODE], code);
}

/* Three in 1000 ms: one comes back every 333 1/3 ms, exactly, without losing the thirds. */
Test(apply_lock, limit_of_thirds) {
    static const struct { uint64_t ms; const char *code; } steps[] = {
        {0, "0"},   {0, "0"},    {0, "0"},   {0, "8"},    {333, "8"},  {334, "0"},  {334, "8"},  {666, "8"},
        {667, "0"}, {999, "8"},  {1000, "0"}, {1000, "8"}, {1333, "8"}, {1334, "0"}, {2333, "0"}, {2333, "0"},
        {2333, "8"}, {2334, "0"}, {2666, "8"}, {2667, "0"},
    };
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE "limit account=a payments=3 per=1000");
    for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) pay_at("3 in 1000", steps[n].ms, steps[n].code);
    fold_stop(&fold);
}

/* All at once, then one at ceil(per / payments) and not a millisecond earlier, the next at ceil(2 * per / payments), and so on. */
Test(apply_lock, limit_at_its_boundaries, .timeout = 60) {
    static const struct { unsigned payments; uint64_t per; } limits[] = {
        {1, 1}, {1, 2678400000}, {2, 3}, {3, 2678399999}, {7, 86400000}, {7, 86399999}, {13, 997}, {101, 2678399999}, {128, 60000}, {97, 98},
    };
    fold_start(&fold, 1, FOLD_BATCH);
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        char line[200];
        unsigned n = limits[l].payments;
        fold_reset(&fold);
        snprintf(line, sizeof line, TABLE_BASE "limit account=a payments=%u per=%llu", n, (unsigned long long)limits[l].per);
        fold_add(&fold, line);
        for (unsigned k = 0; k < n; k++) fold_add(&fold, "pay account=a to=m amount=1");
        fold_run(&fold);
        char wanted[20];
        snprintf(wanted, sizeof wanted, "%u", 1000 - n);
        cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), wanted, "%s: not all of the first", line);
        pay_at(line, 0, "8");
        for (uint64_t k = 1; k < 9; k++) {
            uint64_t free_ms = (k * limits[l].per + n - 1) / n;
            if (free_ms > 0 && free_ms - 1 > ((k - 1) * limits[l].per + n - 1) / n) pay_at(line, free_ms - 1, "8");
            pay_at(line, free_ms, "0");
        }
    }
    fold_stop(&fold);
}

/* More than one comes back within a millisecond. */
Test(apply_lock, limit_of_five_a_millisecond) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, TABLE_BASE "limit account=a payments=5 per=1");
    for (uint64_t ms = 0; ms < 3; ms++) {
        for (int k = 0; k < 5; k++) pay_at("5 in 1", ms, "0");
        pay_at("5 in 1", ms, "8");
    }
    fold_stop(&fold);
}

static const struct table_row policy_rows[] = {
    {"policy", "", "policy account=@book settings=duplicate_window:10s", "code=0 currency="},
    {"policy, all", "", "policy account=@book settings=duplicate_window:0,fee:10000,settlement_offset:1439,balance_cap:1,bills_keep:1",
     "code=0 currency="},
    {"policy, stale", "", "policy account=@book settings=fee:30 at=-24h", "code=14 currency="},
    {"policy, others under the key", "policy account=@book settings=fee:30 key=x", "policy account=@book settings=fee:31 key=x",
     "code=7 currency="},
    {"policy, of an account", TABLE_BASE, "raw policy account=a settings={fee:30}", "code=6 currency= detail=account"},
    {"policy, none", "", "raw policy account=@book", "code=6 currency= detail=settings"},
    {"policy, empty", "", "raw policy account=@book settings={}", "code=6 currency= detail=settings"},
    {"policy, no map", "", "raw policy account=@book settings=5", "code=6 currency= detail=settings"},
    {"policy, unknown", "", "raw policy account=@book settings={fee:30,mood:1}", "code=6 currency= detail=settings"},
    {"policy, twice the same", "", "raw policy account=@book settings={fee:30,fee:30}", "code=6 currency= detail=settings"},
    {"policy, window too long", "", "raw policy account=@book settings={duplicate_window:86400001}", "code=6 currency= detail=settings"},
    {"policy, fee too high", "", "raw policy account=@book settings={fee:10001}", "code=6 currency= detail=settings"},
    {"policy, offset too large", "", "raw policy account=@book settings={settlement_offset:1440}", "code=6 currency= detail=settings"},
    {"policy, offset negative", "", "raw policy account=@book settings={settlement_offset:-60}", "code=6 currency= detail=settings"},
    {"policy, no cap", "", "raw policy account=@book settings={balance_cap:0}", "code=6 currency= detail=settings"},
    {"policy, no days", "", "raw policy account=@book settings={bills_keep:0}", "code=6 currency= detail=settings"},
    {"policy, too many days", "", "raw policy account=@book settings={bills_keep:3651}", "code=6 currency= detail=settings"},
    {"settings, of a payment", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY settings={fee:30}", "code=6 detail=settings"},
    {"the book is no account, topup", "", "raw topup account=@book amount=5 currency=CNY", "code=6 detail=account"},
    {"the book is no account, inquire", "", "raw inquire account=@book", "code=6 currency= detail=account"},
    {"the book is no merchant", TABLE_BASE, "raw pay account=a to=@book amount=5 currency=CNY", "code=6 detail=to"},
    /* the book's cap */
    {"cap, topup", TABLE_BASE "policy account=@book settings=balance_cap:1004", "topup account=a amount=5",
     "code=12 amount=0 balance=1000 held=0"},
    {"cap, topup, up to it", TABLE_BASE "policy account=@book settings=balance_cap:1005", "topup account=a amount=5",
     "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"cap, topup, above it already", TABLE_BASE "policy account=@book settings=balance_cap:5", "topup account=a amount=1",
     "code=12 amount=0 balance=1000 held=0"},
    {"cap, debits go on above it", TABLE_BASE "policy account=@book settings=balance_cap:5", "withdraw account=a amount=1",
     "code=0 amount=1 balance=999 held=0 bill=0-2"},
    {"cap, a merchant has none", TABLE_BASE "policy account=@book settings=balance_cap:4", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"cap, topup of a merchant", TABLE_BASE "policy account=@book settings=balance_cap:4", "topup account=m amount=5",
     "code=0 amount=5 balance=5 held=0 bill=0-2"},
    {"cap, of an app", "open account=x kind=app; policy account=@book settings=balance_cap:4", "topup account=x amount=5",
     "code=12 amount=0 balance=0 held=0"},
    {"cap, refund", TABLE_BASE "pay account=a to=m amount=5 key=p; topup account=a amount=1; policy account=@book settings=balance_cap:1000", "refund account=a of=p", "code=12 amount=0 balance=996 held=0 detail=0-2"},
    {"cap, rollback of a payment", TABLE_BASE "pay account=a to=m amount=5 key=p; topup account=a amount=1; policy account=@book settings=balance_cap:1000", "rollback account=a of=p", "code=12 amount=0 balance=996 held=0 detail=0-2"},
    {"cap, rollback of a topup", TABLE_BASE "policy account=@book settings=balance_cap:5", "rollback account=a of=t0",
     "code=0 amount=1000 balance=0 held=0 bill=0-2 detail=0-1"},
    {"cap, set anew", TABLE_BASE "policy account=@book settings=balance_cap:5; policy account=@book settings=fee:1; policy account=@book settings=balance_cap:2000", "topup account=a amount=1000", "code=0 amount=1000 balance=2000 held=0 bill=0-2"},
    {"cap, frozen before", TABLE_BASE "policy account=@book settings=balance_cap:5; freeze account=a", "topup account=a amount=1",
     "code=4 amount=0 balance=1000 held=0"},
};

Test(apply_lock, policy, .timeout = 60) { table_run(policy_rows, sizeof policy_rows / sizeof *policy_rows, 1); }

Test(apply_lock, policy_lies_in_meta) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, "policy account=@book settings=duplicate_window:10s,fee:30;"
                    "policy account=@book settings=fee:31,settlement_offset:480");
    fold_run(&fold);
    static const char *const wanted[][2] = {{"policy:duplicate_window", "10000"}, {"policy:fee", "31"}, {"policy:settlement_offset", "480"},
                                            {"policy:balance_cap", ""}, {"policy:bills_keep", ""}};
    for (size_t n = 0; n < 5; n++)
        cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), wanted[n][0], NULL), wanted[n][1], "%s",
                         wanted[n][0]);
    fold_stop(&fold);
}

/* To every partition, and from each for itself. */
Test(apply_lock, policy_may_lie_anywhere) {
    fold_start(&fold, 3, FOLD_BATCH);
    for (unsigned p = 0; p < 3; p++) {
        char line[100];
        snprintf(line, sizeof line, "p=%u policy account=@book settings=fee:%u key=x", p, p + 1);
        table_step(line, &fold, line, "code=0 currency=", NULL);
        snprintf(line, sizeof line, "%u", p + 1);
        cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, p, "meta"), "policy:fee", NULL), line, "partition %u", p);
    }
    fold_stop(&fold);
}

static int64_t first_day(void) { return server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "bills:20300317"), NULL); }

/* The book's days of keeping bills instead of the usual ones; they are there for 30 more, or until those are over that were promised
 * before. */
Test(apply_lock, bills_are_kept_as_long_as_the_book_says) {
    static const struct { const char *keep, *age, *last, *dropped; } cases[] = {
        {"2", "+2d", "+207d", "+1d"}, {"1", "+1d", "+208d", "+1d"}, {"200", "+200d", "+29d", "+1d"}, {"180", "+180d", "+29d", "+1d"}};
    for (size_t n = 0; n < 4; n++) {
        char line[300];
        fold_start(&fold, 1, FOLD_BATCH);
        snprintf(line, sizeof line, TABLE_BASE "policy account=@book settings=bills_keep:%s; pay account=a to=m amount=100 key=p; %s; "
                 "refund account=a of=p amount=1", cases[n].keep, cases[n].age);
        table_step(cases[n].age, &fold, line, "code=0 amount=1 balance=901 held=0 bill=0-3 detail=0-2", NULL);
        cr_expect_eq(first_day(), 1, "%s: dropped early", cases[n].age);
        table_step(cases[n].age, &fold, "+1d; refund account=a of=p amount=1", "code=1 amount=0 balance=901 held=0 detail=of", NULL);
        snprintf(line, sizeof line, "%s; refund account=a of=p amount=1", cases[n].last);
        table_step(cases[n].age, &fold, line, "code=1 amount=0 balance=901 held=0 detail=of", NULL);
        cr_expect_eq(first_day(), 1, "%s: what may still be on its way lost its bill", cases[n].age);
        snprintf(line, sizeof line, "%s; inquire account=a", cases[n].dropped);
        table_step(cases[n].age, &fold, line, "code=0 balance=901 held=0", NULL);
        cr_expect_eq(first_day(), 0, "%s: still there", cases[n].age);
        fold_stop(&fold);
    }
}

/* Fewer days: what is older is not found any more, at once; but it is there until the days are over that it was promised, wherever batches
 * end. */
Test(apply_lock, fewer_days_of_bills) {
    static const unsigned batches[] = {FOLD_BATCH, 1, 2, 3};
    static const char *const codes[] = {"0", "1", "0", "0", "1"};
    for (size_t n = 0; n < sizeof batches / sizeof *batches; n++) {
        struct fold_answer *answers;
        size_t refund = 0;
        fold_start(&fold, 1, FOLD_BATCH);
        fold_add(&fold, TABLE_BASE "pay account=a to=m amount=100 key=p; +3d; pay account=a to=m amount=100 key=q");
        fold_run(&fold);
        fold_set_batch(&fold, batches[n]);
        fold_add(&fold, "+2d; refund account=a of=p amount=1; policy account=@book settings=bills_keep:4; refund account=a of=p amount=1;"
                        "policy account=@book settings=bills_keep:9; refund account=a of=p amount=1; refund account=a of=q amount=1;"
                        "+5d; refund account=a of=p amount=1");
        fold_run(&fold);
        size_t count = fold_answers(&fold, 0, "shop", &answers);
        for (size_t a = 0; a < count; a++) {
            if (strcmp(answers[a].text[RESPONSE_OP], "refund") != 0) continue;
            const char *code = answers[a].text[RESPONSE_CODE];
            cr_expect(refund < 5 && strcmp(code, codes[refund]) == 0, "batches of %u: refund %zu is %s", batches[n], refund + 1, code);
            refund++;
        }
        free(answers);
        cr_expect_eq(first_day(), 1, "batches of %u: gone before its time", batches[n]);
        fold_stop(&fold);
    }
}

/* Look-alikes */

#define WINDOW TABLE_BASE "open account=n kind=merchant; policy account=@book settings=duplicate_window:10s; "
#define ONCE WINDOW "pay account=a to=m amount=5 key=p; "

static const struct table_row alike_rows[] = {
    {"look-alike", ONCE, "pay account=a to=m amount=5", "code=9 amount=0 balance=995 held=0"},
    {"look-alike, the last millisecond of the window", ONCE "+9s999ms", "pay account=a to=m amount=5", "code=9 amount=0 balance=995 held=0"},
    {"look-alike, after the window", ONCE "+10s", "pay account=a to=m amount=5", "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, from another source", ONCE, "pay account=a to=m amount=5 source=other", "code=9 amount=0 balance=995 held=0"},
    {"look-alike, allowed", ONCE, "pay account=a to=m amount=5 allow_duplicate=1", "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, not allowed, said", ONCE, "pay account=a to=m amount=5 allow_duplicate=0", "code=9 amount=0 balance=995 held=0"},
    {"look-alike, of one that was allowed", WINDOW "pay account=a to=m amount=5 allow_duplicate=1", "pay account=a to=m amount=5",
     "code=9 amount=0 balance=995 held=0"},
    {"look-alike, of the second that was allowed", ONCE "+9s; pay account=a to=m amount=5 allow_duplicate=1; +9s",
     "pay account=a to=m amount=5", "code=9 amount=0 balance=990 held=0"},
    {"look-alike, a refused one does not prolong it", ONCE "+9s; ! pay account=a to=m amount=5; +1s", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, of one that was refused", WINDOW "! pay account=a to=m amount=5000; topup account=a amount=9000",
     "pay account=a to=m amount=5000", "code=0 amount=5000 balance=5000 held=0 bill=0-3"},
    {"look-alike, with others between", ONCE "pay account=a to=m amount=6; pay account=a to=n amount=5; pay account=a to=n amount=7",
     "pay account=a to=m amount=5", "code=9 amount=0 balance=977 held=0"},
    {"look-alike, another amount", ONCE, "pay account=a to=m amount=6", "code=0 amount=6 balance=989 held=0 bill=0-3"},
    {"look-alike, another merchant", ONCE, "pay account=a to=n amount=5", "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, another account", ONCE "open account=b kind=user; topup account=b amount=9", "pay account=b to=m amount=5",
     "code=0 amount=5 balance=4 held=0 bill=0-4"},
    {"look-alike, a hold is none", ONCE, "hold account=a to=m amount=5", "code=0 amount=5 balance=995 held=5 bill=0-3"},
    {"look-alike, of a captured hold", WINDOW "hold account=a to=m amount=5 key=h; capture account=a of=h", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=990 held=0 bill=0-4"},
    {"look-alike, of one that was rolled back", ONCE "rollback account=a of=p", "pay account=a to=m amount=5",
     "code=9 amount=0 balance=1000 held=0"},
    {"look-alike, the guard is off by default", TABLE_BASE "pay account=a to=m amount=5", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, the guard is off again", ONCE "policy account=@book settings=duplicate_window:0", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"look-alike, a shorter window", ONCE "+5s; policy account=@book settings=duplicate_window:5s", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=990 held=0 bill=0-3"},
    /* precedence */
    {"look-alike, locked before", ONCE "lock account=a token=T expires=1h", "pay account=a to=m amount=5", "code=5"},
    {"look-alike before funds", WINDOW "pay account=a to=m amount=600", "pay account=a to=m amount=600",
     "code=9 amount=0 balance=400 held=0"},
    {"look-alike, frozen before", ONCE "freeze account=m", "pay account=a to=m amount=5", "code=4 amount=0 balance=995 held=0"},
};

Test(apply_lock, look_alike, .timeout = 60) { table_run(alike_rows, sizeof alike_rows / sizeof *alike_rows, 1); }
