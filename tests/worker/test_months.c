/* Months of a merchant's shard: what counts as gross, refunds and other; where a month ends; what a month cannot say; and that all this
 * does not depend on batches, takeovers or copies. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/scene.h"
#include "tests/worker/table.h"

#define MAX "9007199254740991"
#define BASE TABLE_BASE "open account=n kind=merchant; open account=b kind=user;"
#define PAID BASE "pay account=a to=m amount=100 key=p;"
#define HELD BASE "hold account=a to=m amount=100 key=h;"
#define APRIL_MS UINT64_C(1901232000000) /* 2030-04-01 */

static void start(void) { scene_start(1); }
TestSuite(months, .init = start, .fini = scene_stop);

/* What m and n earn in March after these lines. */
struct earning { const char *lines, *m, *n; };
static const struct earning earnings[] = {
    {BASE, "", ""},
    {PAID, "2030-03 100 0 0", ""},
    {PAID "pay account=a to=m amount=5", "2030-03 105 0 0", ""},
    {PAID "! pay account=a to=m amount=5000", "2030-03 100 0 0", ""},
    {PAID "refund account=a of=p amount=30; refund account=a of=p amount=1", "2030-03 100 31 0", ""},
    {PAID "! refund account=a of=p amount=300", "2030-03 100 0 0", ""},
    {PAID "rollback account=a of=p", "2030-03 100 100 0", ""},
    {HELD, "", ""},
    {HELD "release account=a of=h", "", ""},
    {HELD "capture account=a of=h amount=40 final=0", "2030-03 40 0 0", ""},
    {HELD "capture account=a of=h amount=40 final=0; capture account=a of=h", "2030-03 100 0 0", ""},
    {HELD "capture account=a of=h; refund account=a of=h amount=7", "2030-03 100 7 0", ""},
    {BASE "topup account=m amount=9 key=t", "2030-03 0 0 9", ""},
    {BASE "topup account=m amount=9 key=t; withdraw account=m amount=4", "2030-03 0 0 5", ""},
    {BASE "topup account=m amount=9 key=t; rollback account=m of=t", "2030-03 0 0 0", ""},
    {PAID "withdraw account=m amount=100 key=w", "2030-03 100 0 -100", ""},
    {PAID "withdraw account=m amount=100 key=w; rollback account=m of=w", "2030-03 100 0 0", ""},
    {PAID "transfer account=m to=b amount=60", "2030-03 100 0 -60", ""},
    {PAID "pay account=m to=n amount=60 key=q", "2030-03 100 0 -60", "2030-03 60 0 0"},
    {PAID "pay account=m to=n amount=60 key=q; refund account=m of=q amount=10", "2030-03 100 0 -50", "2030-03 60 10 0"},
    {PAID "pay account=m to=n amount=60 key=q; rollback account=m of=q", "2030-03 100 0 0", "2030-03 60 60 0"},
    {PAID "hold account=m to=n amount=60 key=q; capture account=m of=q", "2030-03 100 0 -60", "2030-03 60 0 0"},
    {BASE "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7/pay,to:m,amount:9", "2030-03 14 0 0", "2030-03 7 0 0"},
    {BASE "! group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7000", "", ""},
    {PAID "! group account=a steps=refund,of:p,amount:5/pay,to:n,amount:7000", "2030-03 100 0 0", ""},
    {PAID "group account=a steps=refund,of:p,amount:5/pay,to:n,amount:5", "2030-03 100 5 0", "2030-03 5 0 0"},
    {BASE "order account=m order=o1 amount=50; pay account=a to=m order=o1 amount=50", "2030-03 50 0 0", ""},
    {PAID "freeze account=m; thaw account=m; lock account=m token=T expires=1h; limit account=m payments=1 per=1h", "2030-03 100 0 0", ""},
};

/* A shard that has moved nothing may be in a month or not. */
static void expect_earning(const char *lines, const char *merchant, const char *wanted) {
    char key[20];
    snprintf(key, sizeof key, "account:%s", merchant);
    const char *earning = scene_field(0, key, "earning");
    bool nothing = !*wanted && strcmp(earning, "2030-03 0 0 0") == 0;
    cr_expect(nothing || strcmp(earning, wanted) == 0, "%s: %s earns \"%s\", not \"%s\"", lines, merchant, earning, wanted);
}

Test(months, what_counts, .timeout = 60) {
    for (size_t n = 0; n < sizeof earnings / sizeof *earnings; n++) {
        fold_reset(&scene);
        scene_go(earnings[n].lines);
        expect_earning(earnings[n].lines, "m", earnings[n].m);
        expect_earning(earnings[n].lines, "n", earnings[n].n);
        scene_expect_sound(earnings[n].lines);
    }
}

/* Where March ends, by the book's clock: the first ms of April. */
struct end { const char *name; unsigned offset; uint64_t april_ms; };
static const struct end ends[] = {
    {"UTC", 0, UINT64_C(1901232000000)},
    {"a minute east", 1, UINT64_C(1901231940000)},
    {"8 h east", 480, UINT64_C(1901203200000)},
    {"14 h east, the easternmost", 840, UINT64_C(1901181600000)},
    {"9 h 59 west, the westernmost", 841, UINT64_C(1901267940000)},
    {"8 h west", 960, UINT64_C(1901260800000)},
    {"a minute west", 1439, UINT64_C(1901232060000)},
};

static void run_end(const struct end *e) {
    char line[200];
    snprintf(line, sizeof line, TABLE_BASE "policy account=@book settings=settlement_offset:%u;", e->offset);
    scene_go(line);
    scene.clock_ms = e->april_ms - 1;
    fold_add(&scene, "pay account=a to=m amount=5; settle account=m month=2030-03 key=early; +1ms; pay account=a to=m amount=7;"
                     "settle account=m month=2030-03 key=s; pay account=a to=m amount=9");
    fold_run(&scene);
    scene_expect(e->name, 0, "account:m", "month:2030-03", "5 0 0 settled");
    scene_expect(e->name, 0, "account:m", "earning", "2030-04 16 0 0");
    scene_expect_bill(e->name, 0, "m/shop/s", "|0|settle||5|CNY|12|0|");
    cr_expect(!*scene_bill(0, "m/shop/early"), "%s: settled a ms too early", e->name);
    scene_expect_sound(e->name);
}

Test(months, ends, .timeout = 60) {
    for (size_t n = 0; n < sizeof ends / sizeof *ends; n++) {
        fold_reset(&scene);
        run_end(&ends[n]);
    }
}

/* First moments of months that calendars get wrong, in ms. */
Test(months, calendar) {
    static const struct { uint64_t ms; const char *before, *after; } firsts[] = {
        {UINT64_C(1893456000000), "2029-12", "2030-01"}, {UINT64_C(1898553600000), "2030-02", "2030-03"},
        {UINT64_C(1956528000000), "2031-12", "2032-01"}, {UINT64_C(1961712000000), "2032-02", "2032-03"}, /* 29 days */
        {UINT64_C(4107542400000), "2100-02", "2100-03"}, {UINT64_C(13574649600000), "2400-02", "2400-03"}};
    for (size_t n = 0; n < sizeof firsts / sizeof *firsts; n++) {
        char earning[40];
        fold_reset(&scene);
        scene.clock_ms = firsts[n].ms - 1;
        scene_go(TABLE_BASE "pay account=a to=m amount=1");
        snprintf(earning, sizeof earning, "%s 1 0 0", firsts[n].before);
        scene_expect("last ms", 0, "account:m", "earning", earning);
        scene_go("+1ms; pay account=a to=m amount=1");
        snprintf(earning, sizeof earning, "%s 1 0 0", firsts[n].after);
        scene_expect("first ms", 0, "account:m", "earning", earning);
    }
}

/* The clock is set back by policy: the shard stays in its month, and what is settled stays settled. */
Test(months, never_go_back) {
    scene_go(TABLE_BASE "policy account=@book settings=settlement_offset:840; pay account=a to=m amount=5");
    scene.clock_ms = APRIL_MS - 3600000;
    scene_go("pay account=a to=m amount=7; settle account=m month=2030-03");
    scene_expect("east", 0, "account:m", "month:2030-03", "5 0 0 settled");
    scene_go("policy account=@book settings=settlement_offset:841; pay account=a to=m amount=9");
    scene_expect("west", 0, "account:m", "earning", "2030-04 16 0 0");
    scene_expect("west", 0, "account:m", "month:2030-03", "5 0 0 settled");
    scene_go("settle account=m month=2030-03 key=s"); /* running again, by its own entry */
    cr_expect(!*scene_bill(0, "m/shop/s"));
    scene.clock_ms = APRIL_MS + UINT64_C(31) * FOLD_DAY_MS;
    scene_go("settle account=m month=2030-03 key=again; settle account=m month=2030-04 key=april");
    scene_expect_bill("april", 0, "m/shop/april", "|0|settle||16|");
    scene_expect_sound("west");
}

/* A month in which nothing happened leaves nothing; one in which things cancelled out does not either, if they were its own. */
Test(months, empty_ones_leave_nothing) {
    scene_go(TABLE_BASE "topup account=m amount=5 key=t; rollback account=m of=t; +31d; topup account=m amount=5; +62d;"
             "topup account=m amount=5");
    scene_expect("March", 0, "account:m", "month:2030-03", "");
    scene_expect("April", 0, "account:m", "month:2030-04", "0 0 5");
    scene_expect("May", 0, "account:m", "month:2030-05", "");
    scene_expect("June", 0, "account:m", "earning", "2030-06 0 0 5");
    scene_go("settle account=m month=2030-05 key=x");
    cr_expect(!*scene_bill(0, "m/shop/x"), "April was first");
    scene_go("settle account=m month=2030-04 key=y; settle account=m month=2030-05 key=z");
    scene_expect("May", 0, "account:m", "month:2030-05", "0 0 0 settled");
}

/* Gross, refunds and other each end at 2^53 - 1, whatever the balances. */
static const struct table_row cap_rows[] = {
    {"gross, a pay", BASE "pay account=a to=m amount=1000; topup account=b amount=9007199254739991;"
     "pay account=b to=m amount=9007199254739991; withdraw account=m amount=" MAX "; topup account=a amount=5",
     "pay account=a to=m amount=1", "code=12 amount=0 balance=5 held=0"},
    {"gross, up to it", BASE "pay account=a to=m amount=999; topup account=b amount=9007199254739991;"
     "pay account=b to=m amount=9007199254739991; withdraw account=m amount=9007199254740990", "pay account=a to=m amount=1",
     "code=0 amount=1 balance=0 held=0 bill=0-6"},
    {"gross, a capture", BASE "hold account=a to=m amount=5 key=h; topup account=b amount=9007199254739991;"
     "pay account=b to=m amount=9007199254739991; withdraw account=m amount=9007199254739991; topup account=b amount=999;"
     "pay account=b to=m amount=999", "capture account=a of=h", "code=12 amount=0 balance=1000 held=5 detail=0-2"},
    {"gross, an order's payment", BASE "order account=m order=o1 amount=5; pay account=a to=m amount=994;"
     "topup account=b amount=9007199254739991; pay account=b to=m amount=9007199254739991; withdraw account=m amount=9007199254740985;"
     "topup account=b amount=5; pay account=b to=m amount=5",
     "pay account=a to=m order=o1 amount=5", "code=12 amount=0 balance=6 held=0"},
    {"gross, anew next month", BASE "pay account=a to=m amount=1000; topup account=b amount=9007199254739991;"
     "pay account=b to=m amount=9007199254739991; withdraw account=m amount=" MAX "; topup account=a amount=5; +15d",
     "pay account=a to=m amount=1", "code=0 amount=1 balance=4 held=0 bill=0-7"},
    {"gross, before funds", BASE "pay account=a to=m amount=1000; topup account=b amount=9007199254739991;"
     "pay account=b to=m amount=9007199254739991; withdraw account=m amount=" MAX, "pay account=a to=m amount=1",
     "code=12 amount=0 balance=0 held=0"},
    {"other", BASE "withdraw account=a amount=1000; topup account=m amount=" MAX "; pay account=m to=n amount=" MAX " key=q;"
     "refund account=m of=q; withdraw account=m amount=" MAX "; topup account=m amount=" MAX, "withdraw account=m amount=1",
     "code=0 amount=1 balance=9007199254740990 held=0 bill=0-8"},
};

Test(months, caps) { table_run(cap_rows, sizeof cap_rows / sizeof *cap_rows, 1); }

/* Refunds of what was paid in March, in April. */
Test(months, caps_of_refunds) {
    scene_go(BASE "withdraw account=a amount=1000; topup account=a amount=" MAX "; pay account=a to=m amount=" MAX " key=p");
    scene.clock_ms = APRIL_MS;
    scene_go("refund account=a of=p; pay account=a to=m amount=7 key=q");
    scene_expect("April", 0, "account:m", "earning", "2030-04 7 " MAX " 0");
    scene_go("refund account=a of=q amount=1 key=r; rollback account=a of=q key=s");
    scene_expect_bill("one more", 0, "a/shop/r", "|12|refund|");
    scene_expect_bill("one more", 0, "a/shop/s", "|12|rollback|");
    scene_expect("April", 0, "account:m", "earning", "2030-04 7 " MAX " 0");
    scene_go("+31d; refund account=a of=q amount=1");
    scene_expect("May", 0, "account:m", "earning", "2030-05 0 1 0");
    scene_expect_sound("May");
}

/* Whatever is refused, a month does not turn by it in one batch and not in another. */
Test(months, batches, .timeout = 60) {
    scene_expect_batches_alike("refused in a new month", 1,
        PAID "hold account=a to=m amount=9 key=h; order account=m order=o1 amount=5; +15d; ! pay account=a to=m amount=5000;"
        "lock account=m token=T expires=1h; ! group account=a steps=pay,to:m,amount:5/pay,to:n,amount:5000; freeze account=n;"
        "! refund account=a of=p amount=300; ! settle account=m month=2030-04; thaw account=n; limit account=m payments=1 per=1h;"
        "! settle account=n month=2030-04; policy account=@book settings=balance_cap:800; ! refund account=a of=p;"
        "! rollback account=a of=p;"
        "! withdraw account=m amount=500 token=T; ! pay account=a to=m order=o1 amount=6; ! pay account=m to=n amount=700 token=T;"
        "! capture account=a of=h amount=10; unlock account=m token=T; freeze account=m; ! topup account=m amount=1;"
        "! pay account=a to=m amount=1; thaw account=m; ! topup account=m amount=" MAX);
    scene_expect_batches_alike("refused in a new month, within a day", 1,
        PAID "policy account=@book settings=settlement_offset:960; +14d14h13m19s; pay account=a to=m amount=7; +2s;"
        "! settle account=m month=2030-04; ! pay account=a to=m amount=5000; policy account=@book settings=balance_cap:800;"
        "! refund account=a of=p; ! rollback account=a of=p; ! group account=a steps=pay,to:m,amount:5/pay,to:n,amount:5000");
    scene_expect_batches_alike("a month turns", 1,
        PAID "policy account=@book settings=fee:1000; +14d6h13m19s999ms; pay account=a to=m amount=1; +1ms; refund account=a of=p amount=2;"
        "settle account=m month=2030-03; settle account=m month=2030-03; pay account=a to=m amount=3; settle account=n month=2030-03;"
        "pay account=a to=n amount=4; policy account=@book settings=settlement_offset:841; pay account=a to=m amount=5;"
        "settle account=m month=2030-02; +30d; settle account=m month=2030-04; hold account=m to=n amount=1 key=h; release account=m of=h");
}

TestSuite(months_far, .fini = scene_stop);

/* Every turn in another worker's hands, and all of it delivered again. */
Test(months_far, taken_over_and_redelivered) {
    scene_start(3);
    scene_go("open account=m kind=merchant; open account=a kind=user; open account=g kind=user; topup account=a amount=1000;"
             "topup account=g amount=1000; p=2 policy account=@book settings=fee:1000");
    scene_go("pay account=a to=m amount=100; pay account=g to=m amount=50; +15d");
    fold_add(&scene, "p=0 settle account=m month=2030-03 key=x.0; p=1 settle account=m month=2030-03 key=x.1;"
                     "p=2 settle account=m month=2030-03 key=x.2; p=0 settle account=m month=2030-03 key=x.0");
    static const unsigned turns[] = {0, 2, 1, 0, 2, 1, 2, 0};
    for (size_t n = 0; n < sizeof turns / sizeof *turns; n++) {
        scene_turn(turns[n]);
        fold_take_over(&scene);
        scene_expect_sound("in between");
    }
    fold_run(&scene);
    scene_expect_account("home", 2, "m", "135 0");
    scene_expect("home", 2, "account:@fees:CNY", "balance", "15");
    struct scene_picture before = scene_take();
    for (unsigned p = 0; p < 3; p++) server_text(&scene.server, "XGROUP", "SETID", fold_key(&scene, p, "intents"), "workers", "0", NULL);
    fold_run(&scene);
    scene_expect_unchanged("redelivered", &before);
}

/* A part that has come is not taken again, by whatever origin and however late; one of a merchant that is not there is nothing. */
Test(months_far, copies_of_a_sweep) {
    static const char *const copies[] = {"0:1900000000000-1", "0:1999999999999-1", "0:1999999999999-2"};
    scene_start(3);
    scene_go("open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000;"
             "p=2 policy account=@book settings=fee:1000");
    scene_go("pay account=a to=m amount=100; +15d; p=0 settle account=m month=2030-03 key=s");
    struct scene_picture before = scene_take();
    for (size_t n = 0; n < sizeof copies / sizeof *copies; n++) {
        char line[300];
        snprintf(line, sizeof line, "p=2 swept account=m source=till key=m/shop/s>swept at=1 origin=%s entry=1901296000000-9 month=2030-03 "
                 "currency=CNY gross=100 refunds=0", copies[n]);
        scene_go(line);
        scene_go("+20d");
    }
    scene_go("p=2 swept account=zz source=till key=zz/shop/s>swept at=1 origin=1:1999999999999-1 entry=1901296000000-9 month=2030-03 "
             "currency=CNY gross=100 refunds=0");
    scene_expect_unchanged("copies", &before);
    scene_expect_sound("copies");
}

/* A payment of an order that comes back in April is April's. */
Test(months_far, an_order_over_the_end_of_the_month) {
    scene_start(3);
    scene_go("open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000; order account=m order=o1 amount=10");
    scene.clock_ms = APRIL_MS - 1;
    fold_add(&scene, "pay account=a to=m order=o1 amount=10; +1ms; inquire account=a; p=0 settle account=m month=2030-03");
    scene_turn(0);
    scene_expect_account("on the way", 0, "a", "1000 10");
    fold_run(&scene);
    scene_expect("April", 0, "account:m", "month:2030-03", "0 0 0 settled");
    scene_expect("April", 0, "account:m", "earning", "2030-04 10 0 0");
    scene_expect_sound("April");
}

/* What was reserved while there was room, but finds none when it is settled, is given up and kept, not lost; nothing else stops. */
Test(months_far, more_on_the_way_than_a_month_can_say) {
    scene_start(3);
    cr_assert(fold_partition_of(&scene, "c") == 0);
    scene_go("open account=m kind=merchant; open account=a kind=user; open account=b kind=user; open account=c kind=user;"
             "topup account=a amount=9007199254740988; topup account=c amount=2; topup account=b amount=10;"
             "order account=m order=o1 amount=2; order account=m order=o2 amount=2");
    scene_go("pay account=a to=m amount=9007199254740988; transfer account=b to=a amount=6; transfer account=b to=c amount=4");
    scene_go("pay account=a to=m order=o1 amount=2 key=x; pay account=c to=m order=o2 amount=2 key=y");
    scene_expect_bill("x", 0, "a/shop/x", "|0|pay|");
    scene_expect_bill("y", 0, "c/shop/y", "|in_progress|");
    cr_expect_eq(server_integer(&scene.server, "XLEN", fold_key(&scene, 0, "dead"), NULL), 1, "y's settled is not kept");
    scene_expect_account("y", 0, "c", "6 2");
    scene_go("pay account=c to=m amount=1 key=z; refund account=a of=x amount=1 key=r; p=0 inquire account=c key=i");
    scene_expect_bill("what there is room for", 0, "c/shop/z", "|0|pay|");
    scene_expect_bill("less", 0, "a/shop/r", "|0|refund|");
    scene_expect_bill("something else", 0, "c/shop/i", "|0|inquire|");
    scene_expect_sound("more than a month can say");
}
