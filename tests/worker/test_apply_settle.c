/* settle: every code in the published order of checks, each row twice; where money goes, and what is left of a month. Rows in a book of one
 * partition, where the merchant is at home; then a book of three, m at home in 2. The clock begins on 2030-03-17. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"
#include "tests/worker/table.h"

#define MAX "9007199254740991"
#define APRIL "+15d;" /* 2030-04-01 */
#define EARNED TABLE_BASE "pay account=a to=m amount=100 key=p; refund account=a of=p amount=30;" /* bills 0-2, 0-3 */
#define FEE "policy account=@book settings=fee:250;"

static const struct table_row rows[] = {
    {"settle", EARNED APRIL, "settle account=m month=2030-03", "code=0 amount=70 balance=70 held=0 detail=100~30"},
    {"settle, with a fee", EARNED FEE APRIL, "settle account=m month=2030-03", "code=0 amount=70 balance=68 held=0 bill=0-4 detail=100~30"},
    {"settle, nothing earned", TABLE_BASE APRIL, "settle account=m month=2030-03", "code=0 amount=0 balance=0 held=0 detail=0~0"},
    {"settle, long before", EARNED APRIL, "settle account=m month=1970-01", "code=0 amount=0 balance=70 held=0 detail=0~0"},
    {"settle, a month later", EARNED "+60d", "settle account=m month=2030-03", "code=0 amount=70 balance=70 held=0 detail=100~30"},
    {"settle, the month after", EARNED "+60d; settle account=m month=2030-03", "settle account=m month=2030-04",
     "code=0 amount=0 balance=70 held=0 detail=0~0"},
    {"settle, more back than came", TABLE_BASE "pay account=a to=m amount=100 key=p;" APRIL "refund account=a of=p amount=30; +30d;"
     "settle account=m month=2030-03", "settle account=m month=2030-04", "code=0 amount=30 balance=70 held=0 detail=0~30"},
    {"settle, frozen", EARNED APRIL "freeze account=m", "settle account=m month=2030-03",
     "code=0 amount=70 balance=70 held=0 detail=100~30"},
    {"settle, closed", EARNED APRIL "close account=m", "settle account=m month=2030-03",
     "code=0 amount=70 balance=70 held=0 detail=100~30"},
    {"settle, what was paid out", EARNED "withdraw account=m amount=70;" APRIL, "settle account=m month=2030-03",
     "code=0 amount=70 balance=0 held=0 detail=100~30"},
    {"settle, unknown", EARNED APRIL, "settle account=x month=2030-03", "code=1 currency=CNY detail=account"},
    {"settle, of a user", EARNED APRIL, "settle account=a month=2030-03", "code=1 currency=CNY detail=account"},
    {"settle, other currency", EARNED APRIL, "settle account=m month=2030-03 currency=USD", "code=15 currency=USD"},
    {"settle, running", EARNED, "settle account=m month=2030-03", "code=11 currency=CNY detail=month"},
    {"settle, to come", EARNED, "settle account=m month=2030-04", "code=11 currency=CNY detail=month"},
    {"settle, far from now", EARNED, "settle account=m month=9999-12", "code=11 currency=CNY detail=month"},
    {"settle, again under another key", EARNED APRIL "settle account=m month=2030-03", "settle account=m month=2030-03",
     "code=10 currency=CNY"},
    {"settle, nothing, again", TABLE_BASE APRIL "settle account=m month=2030-03", "settle account=m month=2030-03", "code=10 currency=CNY"},
    {"settle, one before it first", EARNED "+60d; pay account=a to=m amount=1", "settle account=m month=2030-04",
     "code=11 currency=CNY detail=2030-03"},
    {"settle, the earliest before it first", EARNED "+30d; pay account=a to=m amount=1; +30d; pay account=a to=m amount=1; +30d",
     "settle account=m month=2030-05", "code=11 currency=CNY detail=2030-03"},
    {"settle, one before it that nobody has turned yet", EARNED "+60d", "settle account=m month=2030-04",
     "code=11 currency=CNY detail=2030-03"},
    {"settle, one that was spent only", TABLE_BASE "topup account=m amount=5; +60d", "settle account=m month=2030-04",
     "code=11 currency=CNY detail=2030-03"},
    {"settle, no month", EARNED, "raw settle account=m currency=CNY", "code=6 currency=CNY detail=month"},
    {"settle, a month 13", EARNED, "raw settle account=m currency=CNY month=2030-13", "code=6 currency=CNY detail=month"},
    {"settle, a month 0", EARNED, "raw settle account=m currency=CNY month=2030-00", "code=6 currency=CNY detail=month"},
    {"settle, before all time", EARNED, "raw settle account=m currency=CNY month=1969-12", "code=6 currency=CNY detail=month"},
    {"settle, a day", EARNED, "raw settle account=m currency=CNY month=2030-03-01", "code=6 currency=CNY detail=month"},
    {"settle, no currency", EARNED, "raw settle account=m month=2030-03", "code=6 currency= detail=currency"},
    {"settle, an amount", EARNED, "raw settle account=m month=2030-03 currency=CNY amount=1", "code=6 currency=CNY detail=amount"},
    /* precedence */
    {"settle, stale before unknown", EARNED APRIL, "settle account=x month=2030-03 at=-24h", "code=14 currency=CNY"},
    {"settle, unknown before currency", EARNED APRIL, "settle account=a month=2030-03 currency=USD", "code=1 currency=USD detail=account"},
    {"settle, currency before running", EARNED, "settle account=m month=2030-03 currency=USD", "code=15 currency=USD"},
    {"settle, running before one before it", EARNED APRIL, "settle account=m month=2030-04", "code=11 currency=CNY detail=month"},
    {"settle, one before it afterwards", EARNED APRIL "settle account=m month=2030-02; settle account=m month=2030-01",
     "settle account=m month=2030-02", "code=10 currency=CNY"},
};

Test(apply_settle, rows, .timeout = 60) { table_run(rows, sizeof rows / sizeof *rows, 1); }

/* Elsewhere: a pays in 0, g in 1, b in 2, which is the home of m. */

#define FAR "open account=m kind=merchant; open account=a kind=user; open account=g kind=user; open account=b kind=user;" \
            "topup account=a amount=1000; topup account=g amount=1000; topup account=b amount=1000;"
#define TAKEN "pay account=a to=m amount=100 key=p; refund account=a of=p amount=30; pay account=g to=m amount=11;" \
              "pay account=b to=m amount=7;"
#define MARCH "account=m month=2030-03"

static void start(void) { scene_start(3); }
TestSuite(settle_far, .init = start, .fini = scene_stop);

/* Earns TAKEN in March, and goes to April. */
static void earn(const char *more) {
    scene_go(FAR);
    scene_go(TAKEN);
    scene_go(more);
    scene_go(APRIL);
}

static void settle(const char *month, unsigned p) {
    char line[100];
    snprintf(line, sizeof line, "p=%u settle account=m month=%s source=settlement key=%s.%u", p, month, month, p);
    fold_add(&scene, line);
}

static void expect_shards(const char *name, const char *zero, const char *one, const char *home) {
    scene_expect_account(name, 0, "m", zero);
    scene_expect_account(name, 1, "m", one);
    scene_expect_account(name, 2, "m", home);
    scene_expect_sound(name);
}

static int64_t balance(unsigned p, const char *account) { return strtoll(fold_account(&scene, p, account, "balance"), NULL, 10); }

static void expect_nothing_in_transit(const char *name) {
    int64_t sum = 0;
    for (unsigned p = 0; p < 3; p++) sum += balance(p, "@transit:CNY");
    cr_expect_eq(sum, 0, "%s: %lld are in transit", name, (long long)sum);
}

Test(settle_far, sweeps_home) {
    earn("");
    fold_add(&scene, "p=0 settle " MARCH " key=s");
    char entry[ENTRY_TEXT_MAX + 1];
    memcpy(entry, scene.entry, sizeof entry);
    scene_turn(0);
    expect_shards("on its way", "0 0", "11 0", "7 0");
    scene_expect("on its way", 0, "account:@transit:CNY", "balance", "70");
    scene_expect_answer("on its way", 0, entry, "settle " MARCH " key=s", "code=0 amount=70 balance=0 held=0 bill=0-4 detail=100~30");
    fold_run(&scene);
    expect_shards("home", "0 0", "11 0", "77 0");
    scene_expect("home", 0, "account:m", "month:2030-03", "100 30 0 settled");
    scene_expect("home", 0, "account:m", "earning", "2030-04 0 0 0");
    scene_expect("home", 2, "account:m", "fee:2030-03", "0 100 0 0");
    static const char *const here[] = {"ledger 0-4 m/shop/s settle m -70 0 0 0 3 ", "ledger 0-4 m/shop/s settle @transit:CNY 70 0 70 0 1 "};
    static const char *const there[] = {"ledger 2-3 m/shop/s swept @transit:CNY -70 0 -70 0 1 ",
                                       "ledger 2-3 m/shop/s swept m 70 0 77 0 2 "};
    scene_expect_rows("here", 0, here, 2);
    scene_expect_rows("there", 2, there, 2);
    fold_add(&scene, "p=1 settle " MARCH "; p=2 settle " MARCH);
    fold_run(&scene);
    expect_shards("all home", "0 0", "0 0", "88 0");
    expect_nothing_in_transit("all home");
    scene_expect("all home", 2, "account:m", "month:2030-03", "7 0 0 settled");
    scene_expect("all home", 2, "account:@fees:CNY", "balance", "");
}

/* In whatever order the parts come: the same fee in the end, taken in steps. */
Test(settle_far, fee_in_every_order, .timeout = 60) {
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t n = 0; n < sizeof orders / sizeof *orders; n++) {
        char wanted[60];
        fold_reset(&scene);
        earn("p=2 policy account=@book settings=fee:2500"); /* 118 : 29.5 */
        for (size_t part = 0; part < 3; part++) {
            settle("2030-03", orders[n][part]);
            fold_run(&scene);
        }
        snprintf(wanted, sizeof wanted, "2500 118 30 %u,%u,%u", orders[n][0], orders[n][1], orders[n][2]);
        scene_expect("fee", 2, "account:m", "fee:2030-03", wanted);
        scene_expect("fee", 2, "account:@fees:CNY", "balance", "30");
        expect_shards("fee", "0 0", "0 0", "58 0");
        expect_nothing_in_transit("fee");
    }
}

/* Half to even, of the sum so far: ties go either way, and what is taken adds up. Three payments of g, by so many, each settled alone. */
struct tie { unsigned basis_points; uint64_t gross[3]; const char *fees[3]; };
static const struct tie ties[] = {
    {5000, {1, 1, 1}, {"0", "1", "2"}},          /* 0.5 1 1.5 */
    {5000, {3, 1, 1}, {"2", "2", "2"}},          /* 1.5 2 2.5 */
    {250, {20, 40, 40}, {"0", "2", "2"}},        /* 0.5 1.5 2.5 */
    {1, {5000, 10000, 10000}, {"0", "2", "2"}},  /* 0.5 1.5 2.5 */
    {1, {4999, 1, 1}, {"0", "0", "1"}},          /* 0.4999 0.5 0.5001 */
    {10000, {1, 2, 3}, {"1", "3", "6"}},
    {3333, {1, 1, 1}, {"0", "1", "1"}},          /* 0.3333 0.6666 0.9999 */
    {0, {1, 2, 3}, {"", "", ""}},
};

static void run_tie(const struct tie *t) {
    char line[300];
    snprintf(line, sizeof line, "p=2 policy account=@book settings=fee:%u; topup account=a amount=30000; topup account=g amount=30000;"
             "topup account=b amount=30000", t->basis_points);
    scene_go(FAR);
    scene_go(line);
    snprintf(line, sizeof line, "pay account=a to=m amount=%llu; pay account=g to=m amount=%llu; pay account=b to=m amount=%llu;" APRIL,
             (unsigned long long)t->gross[0], (unsigned long long)t->gross[1], (unsigned long long)t->gross[2]);
    scene_go(line);
    for (unsigned p = 0; p < 3; p++) {
        settle("2030-03", p);
        fold_run(&scene);
        const char *fees = fold_account(&scene, 2, "@fees:CNY", "balance");
        bool same = strcmp(fees, t->fees[p]) == 0 || (!*fees && strcmp(t->fees[p], "0") == 0);
        cr_expect(same, "%u bp of %llu,%llu,%llu: after %u %s is taken, not %s", t->basis_points, (unsigned long long)t->gross[0],
                  (unsigned long long)t->gross[1], (unsigned long long)t->gross[2], p, fees, t->fees[p]);
    }
    scene_expect_sound("ties");
}

Test(settle_far, ties, .timeout = 60) {
    for (size_t n = 0; n < sizeof ties / sizeof *ties; n++) {
        fold_reset(&scene);
        run_tie(&ties[n]);
    }
}

/* The product is far beyond what a double can say. */
Test(settle_far, fee_of_very_much) {
    static const struct { unsigned basis_points; const char *gross; } much[] = {
        {9999, MAX}, {3333, MAX}, {10000, MAX}, {1, MAX}, {5000, MAX}, {5000, "9007199254740989"}, {1, "9007199254735000"}};
    for (size_t n = 0; n < sizeof much / sizeof *much; n++) {
        char line[300], fee[40];
        unsigned __int128 parts = (unsigned __int128)strtoull(much[n].gross, NULL, 10) * much[n].basis_points;
        uint64_t whole = (uint64_t)(parts / 10000), rest = (uint64_t)(parts % 10000);
        snprintf(fee, sizeof fee, "%llu", (unsigned long long)(whole + (rest > 5000 || (rest == 5000 && whole % 2))));
        fold_reset(&scene);
        scene_go("open account=m kind=merchant; open account=b kind=user");
        snprintf(line, sizeof line, "topup account=b amount=%s; pay account=b to=m amount=%s; p=2 policy account=@book settings=fee:%u;"
                 APRIL "p=2 settle " MARCH, much[n].gross, much[n].gross, much[n].basis_points);
        scene_go(line);
        scene_expect("much", 2, "account:@fees:CNY", "balance", fee);
        scene_expect_sound("much");
    }
}

/* The fee that was in force when the first part came is that of the month. */
Test(settle_far, policy_between_sweeps) {
    earn("p=2 policy account=@book settings=fee:1000; p=0 policy account=@book settings=fee:5000"); /* that of the home counts */
    settle("2030-03", 0);
    fold_run(&scene);
    scene_expect("first", 2, "account:m", "fee:2030-03", "1000 100 10 0");
    scene_go("p=2 policy account=@book settings=fee:9000");
    settle("2030-03", 1);
    settle("2030-03", 2);
    fold_run(&scene);
    scene_expect("others", 2, "account:m", "fee:2030-03", "1000 118 12 0,2,1");
    scene_expect("others", 2, "account:@fees:CNY", "balance", "12");
}

/* Refunds of a month that is settled are the next one's, which may end below nothing. */
Test(settle_far, late_refunds) {
    earn("p=2 policy account=@book settings=fee:1000");
    for (unsigned p = 0; p < 3; p++) settle("2030-03", p);
    fold_run(&scene);
    scene_go("refund account=a of=p amount=50");
    expect_shards("refunded", "-50 0", "0 0", "76 0");
    scene_go("+30d");
    for (unsigned p = 0; p < 3; p++) settle("2030-04", p);
    fold_run(&scene);
    scene_expect("refunded", 0, "account:m", "month:2030-03", "100 30 0 settled");
    scene_expect("refunded", 0, "account:m", "month:2030-04", "0 50 0 settled");
    expect_shards("netted", "0 0", "0 0", "26 0");
    expect_nothing_in_transit("netted");
    scene_expect("no fee is given back", 2, "account:@fees:CNY", "balance", "12");
    scene_expect("no fee is given back", 2, "account:m", "fee:2030-03", "1000 118 12 2,0,1");
}

/* What came and went in equal parts is told home, though nothing moves. */
Test(settle_far, nothing_to_move) {
    scene_go(FAR "p=2 policy account=@book settings=fee:1000");
    scene_go("pay account=a to=m amount=50 key=p; refund account=a of=p; topup account=m amount=9;" APRIL);
    for (unsigned p = 0; p < 3; p++) settle("2030-03", p);
    fold_run(&scene);
    scene_expect("equal", 0, "account:m", "month:2030-03", "50 50 0 settled");
    scene_expect("nothing", 1, "account:m", "month:2030-03", "0 0 0 settled");
    scene_expect("only other", 2, "account:m", "month:2030-03", "0 0 9 settled");
    expect_shards("fee", "0 0", "0 0", "4 0");
    scene_expect("fee", 2, "account:@fees:CNY", "balance", "5");
    cr_expect_eq(balance(0, "@transit:CNY"), 0);
}

Test(settle_far, frozen_and_closed, .timeout = 60) {
    static const char *const ops[] = {"freeze account=m", "close account=m"};
    for (size_t n = 0; n < 2; n++) {
        fold_reset(&scene);
        earn(ops[n]);
        for (unsigned p = 0; p < 3; p++) settle("2030-03", p);
        fold_run(&scene);
        expect_shards(ops[n], "0 0", "0 0", "88 0");
        expect_nothing_in_transit(ops[n]);
    }
}
