/* The payment of an order whose merchant is at home elsewhere: every outcome, what is seen on the way, and what cannot happen twice. Book
 * of three: a pays in 0, g in 1, b in 2, which is the home of m. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"
#include "tests/worker/table.h"

#define SHOP "open account=m kind=merchant; open account=a kind=user; open account=g kind=user; open account=b kind=user;" \
             "topup account=a amount=1000 key=t0; topup account=g amount=1000; topup account=b amount=1000;" \
             "price account=m sku=tea amount=5; stock account=m sku=tea quantity=10;"
#define ORDER "order account=m order=o1 lines=tea:2 expires=15m key=o;"
#define PAY "pay account=a to=m order=o1 amount=10 key=x"
#define SETTLED "code=0 amount=10 balance=990 held=0 bill=0-3"

static void start(void) { scene_start(3); }
TestSuite(order_pay, .init = start, .fini = scene_stop);

struct row { const char *name, *setup, *intent, *answer, *order; /* its state then */ };
static const struct row rows[] = {
    {"paid", ORDER, PAY, SETTLED, "paid"},
    {"paid, by the customer", "order account=m order=o1 lines=tea:2 to=a", PAY, SETTLED, "paid"},
    {"paid, with all there is", "order account=m order=o1 amount=1000", "pay account=a to=m order=o1 amount=1000 key=x",
     "code=0 amount=1000 balance=0 held=0 bill=0-3", "paid"},
    {"paid, beside a hold", ORDER "hold account=a to=m amount=990", PAY, "code=0 amount=10 balance=990 held=990 bill=0-4", "paid"},
    {"paid, no look-alike", ORDER "p=0 policy account=@book settings=duplicate_window:1h; pay account=a to=m amount=10", PAY,
     "code=0 amount=10 balance=980 held=0 bill=0-4", "paid"},
    {"paid, with the token", ORDER "lock account=a token=T expires=1h", PAY " token=T", SETTLED, "paid"},
    {"here: unknown", ORDER, "pay account=d to=m order=o1 amount=10 key=x", "code=1 amount=0 detail=account", "created"},
    {"here: unknown merchant", ORDER, "pay account=a to=m1 order=o1 amount=10 key=x",
     "code=1 amount=0 balance=1000 held=0 detail=to", "created"},
    {"here: no merchant", ORDER, "pay account=a to=b order=o1 amount=10 key=x", "code=1 amount=0 balance=1000 held=0 detail=to", "created"},
    {"here: currency", ORDER, PAY " currency=USD", "code=15 amount=0 balance=1000 held=0", "created"},
    {"here: frozen", ORDER "freeze account=a", PAY, "code=4 amount=0 balance=1000 held=0", "created"},
    {"here: merchant frozen", ORDER "freeze account=m", PAY, "code=4 amount=0 balance=1000 held=0", "created"},
    {"here: locked", ORDER "lock account=a token=T expires=1h", PAY, "code=5 currency=CNY", "created"},
    {"here: guard", ORDER, PAY " guard=balance_min:1001", "code=18 currency=CNY", "created"},
    {"here: too often", ORDER "limit account=a payments=1 per=1h; pay account=a to=m amount=1", PAY, "code=8 currency=CNY", "created"},
    {"here: too poor", ORDER "withdraw account=a amount=991", PAY, "code=3 amount=0 balance=9 held=0", "created"},
    {"here: too much is held", ORDER "hold account=a to=m amount=991", PAY, "code=3 amount=0 balance=1000 held=991", "created"},
    {"there: unknown", "", PAY, "code=1 amount=0 balance=1000 held=0 bill=0-2 detail=order", ""},
    {"there: another's", "order account=m order=o1 lines=tea:2 to=g", PAY,
     "code=1 amount=0 balance=1000 held=0 bill=0-2 detail=order", "created"},
    {"there: paid", ORDER "pay account=b to=m order=o1 amount=10", PAY, "code=11 amount=0 balance=1000 held=0 bill=0-2", "paid"},
    {"there: cancelled", ORDER "cancel account=m order=o1", PAY, "code=11 amount=0 balance=1000 held=0 bill=0-2", "cancelled"},
    {"there: lapsed", ORDER "+15m; inquire account=b", PAY, "code=16 amount=0 balance=1000 held=0 bill=0-2", "created"},
    {"there: lapsed and swept", ORDER "+15m; lapse account=m of=o order=o1", PAY,
     "code=16 amount=0 balance=1000 held=0 bill=0-2", "lapsed"},
    {"there: too much", ORDER, "pay account=a to=m order=o1 amount=11 key=x", "code=12 amount=0 balance=1000 held=0 bill=0-2 detail=amount",
     "created"},
    {"there: too little", ORDER, "pay account=a to=m order=o1 amount=9 key=x",
     "code=12 amount=0 balance=1000 held=0 bill=0-2 detail=amount",
     "created"},
    /* precedence */
    {"unknown merchant before currency", ORDER, "pay account=a to=m1 order=o1 amount=10 currency=USD key=x",
     "code=1 amount=0 balance=1000 held=0 detail=to", "created"},
    {"too often before too poor", ORDER "limit account=a payments=1 per=1h; pay account=a to=m amount=995", PAY,
     "code=8 currency=CNY", "created"},
    {"too poor before unknown there", "withdraw account=a amount=991", PAY, "code=3 amount=0 balance=9 held=0", ""},
    {"there: another's before paid", "order account=m order=o1 amount=10 to=b; pay account=b to=m order=o1 amount=10", PAY,
     "code=1 amount=0 balance=1000 held=0 bill=0-2 detail=order", "paid"},
    {"there: paid before the amount", ORDER "pay account=b to=m order=o1 amount=10", "pay account=a to=m order=o1 amount=11 key=x",
     "code=11 amount=0 balance=1000 held=0 bill=0-2", "paid"},
    {"there: lapsed before the amount", ORDER "+15m; inquire account=b", "pay account=a to=m order=o1 amount=11 key=x",
     "code=16 amount=0 balance=1000 held=0 bill=0-2", "created"},
};

static bool is_stored(const char *answer) {
    return !strstr(answer, "code=5") && !strstr(answer, "code=18") && !strstr(answer, "code=8 ");
}

static void expect_last(const struct row *row, const char *entry, const char *wanted) {
    struct fold_answer answer = fold_last_answer(&scene, 0, "shop");
    table_expect(row->name, &scene, row->intent, entry, wanted, &answer);
}

static void run_row(const struct row *row) {
    char entry[ENTRY_TEXT_MAX + 1], again[300], wanted[300];
    scene_go(SHOP);
    scene_go(row->setup); /* by now m is known everywhere */
    uint64_t at = scene.clock_ms;
    scene_go(row->intent);
    memcpy(entry, scene.entry, sizeof entry);
    expect_last(row, entry, row->answer);
    scene_expect(row->name, 2, "order:m/o1", "state", row->order);
    scene_expect_sound(row->name);
    if (!is_stored(row->answer)) return;
    struct scene_picture before = scene_take();
    snprintf(again, sizeof again, "%s at=%llu", row->intent, (unsigned long long)at);
    snprintf(wanted, sizeof wanted, "%s replayed=1", row->answer);
    scene_go(again);
    expect_last(row, entry, wanted);
    scene_expect_unchanged(row->name, &before);
}

Test(order_pay, every_outcome, .timeout = 120) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        fold_reset(&scene);
        run_row(&rows[n]);
    }
}

static void leave(char entry[ENTRY_TEXT_MAX + 1]) {
    scene_go(SHOP ORDER);
    fold_add(&scene, PAY);
    memcpy(entry, scene.entry, ENTRY_TEXT_MAX + 1);
    scene_turn(0);
}

Test(order_pay, on_the_way) {
    char entry[ENTRY_TEXT_MAX + 1], line[200];
    leave(entry);
    uint64_t at = scene.clock_ms;
    scene_expect_answer("left", 0, entry, PAY, "");
    scene_expect_bill("left", 0, "a/shop/x", "|20|pay|0-2|10|CNY|1000|10|");
    scene_expect_bill("left", 0, "a/shop/x", "|m|in_progress|0|0|");
    scene_expect_account("left", 0, "a", "1000 10");
    scene_expect_account("left", 0, "m", "0 0");
    scene_expect_sound("left");
    snprintf(line, sizeof line, "+1ms;" PAY " at=%llu", (unsigned long long)at);
    fold_add(&scene, line);
    scene_turn(0);
    scene_expect_answer("repeated on the way", 0, scene.entry, PAY, "code=20 currency=CNY");
    snprintf(line, sizeof line, "pay account=a to=m order=o2 amount=10 key=x at=%llu", (unsigned long long)at);
    fold_add(&scene, line);
    scene_turn(0);
    scene_expect_answer("another on the way", 0, scene.entry, PAY, "code=7 currency=CNY");
    fold_add(&scene, "topup account=a amount=50");
    scene_turn(0);
    scene_turn(2);
    scene_expect("there", 2, "order:m/o1", "state", "paid");
    scene_expect("there", 2, "order:m/o1", "payer", "a/shop/x");
    scene_expect_account("there", 0, "a", "1050 10");
    scene_expect_sound("there");
    scene_turn(0);
    scene_expect_answer("back", 0, entry, PAY, "code=0 amount=10 balance=1040 held=0 bill=0-4");
    scene_expect_bill("back", 0, "a/shop/x", "|0|pay|0-4|10|CNY|1040|0|");
    scene_expect_bill("back", 0, "a/shop/x", "|m|captured|10|0|");
    scene_expect_account("back", 0, "m", "10 0");
    scene_expect("back", 0, "account:m", "earning", "2030-03 10 0 0");
    scene_expect("back", 2, "account:m", "earning", "");
    scene_expect_sound("back");
}

Test(order_pay, rows_of_the_way) {
    scene_go(SHOP ORDER);
    scene_go(PAY " note=n; pay account=a to=m order=o2 amount=7 key=y");
    static const char *const wanted[] = {
        "ledger 0-2 a/shop/x pay a 0 10 1000 10 2 19000000000",  "ledger 0-3 a/shop/y pay a 0 7 1000 17 3 ",
        "ledger 0-4 a/shop/x settled a -10 -10 990 7 4 ",         "ledger 0-4 a/shop/x settled m 10 0 10 0 1 ",
        "ledger 0-5 a/shop/y bounce a 0 -7 990 0 5 "};
    scene_expect_rows("rows", 0, wanted, sizeof wanted / sizeof *wanted);
    cr_expect_eq(server_integer(&scene.server, "HLEN", fold_key(&scene, 2, "unanswered"), NULL), 0, "nobody waits there");
    scene_expect_bill("bounced", 0, "a/shop/y", "|1|pay|0-3|0|CNY|990|0|");
    scene_expect_bill("bounced", 0, "a/shop/y", "|m||0|0|order");
    char *dump = fold_dump(&scene, 2);
    cr_expect_not(strstr(dump, " a/shop/"), "money or bills of it at home:\n%s", strstr(dump, " a/shop/") ? dump : "");
    free(dump);
}

/* What is on its way can neither be given back nor captured. */
Test(order_pay, referred_to_on_the_way) {
    static const char *const ops[] = {"rollback", "refund", "capture", "release", "unschedule"};
    char entry[ENTRY_TEXT_MAX + 1], line[100];
    leave(entry);
    for (size_t n = 0; n < 5; n++) {
        snprintf(line, sizeof line, "%s account=a of=x", ops[n]);
        fold_add(&scene, line);
        scene_turn(0);
        struct fold_answer answer = fold_last_answer(&scene, 0, "shop");
        cr_expect_str_eq(answer.text[RESPONSE_CODE], "11", "%s: %s", ops[n], answer.text[RESPONSE_CODE]);
    }
    scene_expect_account("on the way", 0, "a", "1000 10");
    fold_run(&scene);
    scene_expect_answer("after that", 0, entry, PAY, SETTLED);
    scene_expect_sound("after that");
}

/* What happens between the reservation and the home's word. `first`: before the `paid` comes there; `here`: before its word is back. */
struct meanwhile { const char *name, *first, *here, *answer, *order; };
static const struct meanwhile meanwhiles[] = {
    {"cancelled", "cancel account=m order=o1", "", "code=11 amount=0 balance=1000 held=0 bill=0-2", "cancelled"},
    {"paid by another", "pay account=b to=m order=o1 amount=10", "", "code=11 amount=0 balance=1000 held=0 bill=0-2", "paid"},
    {"a ms before the deadline", "+14m59s998ms; inquire account=b", "", SETTLED, "paid"},
    {"the deadline", "+14m59s999ms; inquire account=b", "", "code=16 amount=0 balance=1000 held=0 bill=0-2", "created"},
    {"swept", "+15m; lapse account=m of=o order=o1", "", "code=16 amount=0 balance=1000 held=0 bill=0-2", "lapsed"},
    {"merchant frozen there", "freeze account=m", "", "code=4 amount=0 balance=1000 held=0 bill=0-2", "created"},
    {"merchant closed there", "close account=m", "", "code=4 amount=0 balance=1000 held=0 bill=0-2", "created"},
    {"frozen before cancelled", "freeze account=m; cancel account=m order=o1", "",
     "code=4 amount=0 balance=1000 held=0 bill=0-2", "cancelled"},
    {"payer frozen", "", "freeze account=a", SETTLED, "paid"},
    {"payer frozen, and back", "cancel account=m order=o1", "freeze account=a",
     "code=11 amount=0 balance=1000 held=0 bill=0-2", "cancelled"},
    {"payer locked", "", "lock account=a token=T expires=0", SETTLED, "paid"},
    {"payer spends the rest", "", "withdraw account=a amount=990", "code=0 amount=10 balance=0 held=0 bill=0-4", "paid"},
    {"the book's cap lowered", "", "p=0 policy account=@book settings=balance_cap:1", SETTLED, "paid"},
    {"the limit lowered", "", "limit account=a payments=1 per=1h", SETTLED, "paid"},
};

static void run_meanwhile(const struct meanwhile *m) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go(SHOP ORDER);
    fold_add(&scene, m->first);
    uint64_t now = scene.clock_ms;
    scene.clock_ms = FOLD_CLOCK_MS + 1; /* reserved in time */
    fold_add(&scene, PAY);
    memcpy(entry, scene.entry, sizeof entry);
    scene_turn(0);
    scene.clock_ms = now + 1;
    fold_add(&scene, m->here);
    if (*m->here) scene_turn(0);
    fold_run(&scene);
    scene_expect_answer(m->name, 0, entry, PAY, m->answer);
    scene_expect(m->name, 2, "order:m/o1", "state", m->order);
    scene_expect_sound(m->name);
}

Test(order_pay, meanwhile, .timeout = 60) {
    for (size_t n = 0; n < sizeof meanwhiles / sizeof *meanwhiles; n++) {
        fold_reset(&scene);
        run_meanwhile(&meanwhiles[n]);
    }
}

/* Frozen there once it is paid, its shard here before the word is back: the money moves all the same. */
Test(order_pay, merchant_frozen_once_it_is_paid) {
    char entry[ENTRY_TEXT_MAX + 1];
    leave(entry);
    scene_turn(2);
    scene.clock_ms++;
    fold_add(&scene, "p=0 mark account=m source=till key=m/shop/f>freeze at=1 origin=1:1900000000000-1 entry=1900000000000-1 "
                     "status=frozen");
    fold_run(&scene);
    scene_expect_answer("frozen", 0, entry, PAY, SETTLED);
    scene_expect_account("frozen", 0, "m", "10 0");
    scene_expect_sound("frozen");
}

/* All three pay at once, in every order of turns: one of them does. */
Test(order_pay, race, .timeout = 60) {
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const payers[] = {"a", "g", "b"};
    for (size_t n = 0; n < sizeof orders / sizeof *orders; n++) {
        int64_t left = 0, held = 0;
        fold_reset(&scene);
        scene_go(SHOP ORDER);
        fold_add(&scene, PAY "; pay account=g to=m order=o1 amount=10 key=x; pay account=b to=m order=o1 amount=10 key=x");
        for (size_t turn = 0; turn < 3; turn++) scene_turn(orders[n][turn]);
        fold_run(&scene);
        for (unsigned p = 0; p < 3; p++) {
            left += strtoll(fold_account(&scene, p, payers[p], "balance"), NULL, 10);
            held += strtoll(fold_account(&scene, p, payers[p], "held"), NULL, 10);
        }
        cr_expect(left == 2990 && held == 0, "order %zu: %lld are left of 3000, %lld held", n, (long long)left, (long long)held);
        const char *payer = scene_field(2, "order:m/o1", "payer");
        cr_expect(strlen(payer) == 8, "order %zu: paid by \"%s\"", n, payer);
        scene_expect("race", 2, "sku:m/tea", "stock", "8");
        scene_expect_sound("race");
    }
}

Test(order_pay, refunded_and_rolled_back) {
    scene_go(SHOP ORDER "order account=m order=o2 amount=20");
    scene_go(PAY "; pay account=a to=m order=o2 amount=20 key=y");
    scene_expect_account("paid", 0, "a", "970 0");
    scene_go("refund account=a of=x amount=4; rollback account=a of=y; ! refund account=a of=y; ! rollback account=a of=x");
    scene_expect_account("given back", 0, "a", "994 0");
    scene_expect_account("given back", 0, "m", "6 0");
    scene_expect("given back", 0, "account:m", "earning", "2030-03 30 24 0");
    scene_expect("given back", 2, "order:m/o1", "state", "paid");
    scene_expect("given back", 2, "order:m/o2", "state", "paid");
    scene_expect_bill("given back", 0, "a/shop/x", "|m|captured|10|4|");
    scene_expect_bill("given back", 0, "a/shop/y", "|m|released|20|20|");
    scene_expect_sound("given back");
}

/* Decided when its time has come, answered as its first entry. */
Test(order_pay, put_off) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go(SHOP ORDER);
    fold_add(&scene, PAY " not_before=+1m");
    memcpy(entry, scene.entry, sizeof entry);
    fold_run(&scene);
    scene_expect_account("before", 0, "a", "1000 0");
    scene_go("+1m; due account=a of=x");
    scene_expect_answer("then", 0, entry, PAY, SETTLED);
    scene_expect("then", 2, "order:m/o1", "payer", "a/shop/x");
    scene_expect_sound("then");
}

Test(order_pay, taken_over_and_redelivered) {
    scene_go(SHOP ORDER);
    fold_add(&scene, PAY "; pay account=a to=m order=o2 amount=7 key=y; pay account=g to=m order=o1 amount=10 key=z");
    static const unsigned turns[] = {0, 1, 2, 0, 1, 2, 0, 1};
    for (size_t n = 0; n < sizeof turns / sizeof *turns; n++) {
        scene_turn(turns[n]);
        fold_take_over(&scene);
        scene_expect_sound("in between");
    }
    fold_run(&scene);
    scene_expect_account("x", 0, "a", "990 0");
    scene_expect_account("z", 1, "g", "1000 0");
    struct scene_picture before = scene_take();
    for (unsigned p = 0; p < 3; p++) server_text(&scene.server, "XGROUP", "SETID", fold_key(&scene, p, "intents"), "workers", "0", NULL);
    fold_run(&scene);
    scene_expect_unchanged("redelivered", &before);
}

/* Copies of the follow-ups, however late, move nothing. */
Test(order_pay, copies_of_follow_ups) {
    scene_go(SHOP ORDER);
    scene_go(PAY "; pay account=a to=m order=o2 amount=7 key=y");
    char entry[ENTRY_TEXT_MAX + 1], lines[900];
    struct scene_picture before = scene_take();
    const char *field = scene_bill(0, "a/shop/x");
    for (int n = 0; n < 9; n++) /* to its entry */
        field = strchr(field, '|') + 1;
    snprintf(entry, sizeof entry, "%.*s", (int)strcspn(field, "|"), field);
    snprintf(lines, sizeof lines,
             "p=2 paid account=m source=till key=a/shop/x>paid at=1 origin=0:%s entry=%s order=o1 amount=10 currency=CNY;"
             "p=0 settled account=a source=till key=a/shop/x>settled at=1 origin=2:1900000000000-5 entry=%s to=m;"
             "p=0 bounce account=a source=till key=a/shop/x>bounce at=1 origin=2:1900000000000-5 entry=%s code=11",
             entry, entry, entry, entry);
    for (int round = 0; round < 2; round++) {
        scene_go(lines);
        scene_go("+3d");
    }
    scene_expect_unchanged("copies", &before);
    scene_expect_sound("copies");
}
