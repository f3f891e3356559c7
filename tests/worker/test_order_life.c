/* What an order leaves in the book: stock that is taken off and given back, once; the order itself until it is forgotten; what is due. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/worker/scene.h"

#define SHOP "open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000;" \
             "price account=m sku=tea amount=5; stock account=m sku=tea quantity=10; price account=m sku=milk amount=3;" \
             "stock account=m sku=milk quantity=4;"
#define ORDER "order account=m order=o1 lines=tea:2,milk:1 expires=15m key=o;"
#define MAX "9007199254740991"

static void start(void) { scene_start(1); }
TestSuite(order_life, .init = start, .fini = scene_stop);

static void expect_stock(const char *name, const char *tea, const char *milk) {
    scene_expect(name, 0, "sku:m/tea", "stock", tea);
    scene_expect(name, 0, "sku:m/milk", "stock", milk);
}

static void expect_due(const char *name, size_t count, const char *wanted) {
    char *dump = fold_dump(&scene, 0);
    size_t found = 0;
    for (const char *at = dump; (at = strstr(at, "due lapse|")) != NULL; at++) found++;
    cr_expect_eq(found, count, "%s: %zu are due, not %zu", name, found, count);
    cr_expect(strstr(dump, wanted), "%s: no \"%s\" in\n%s", name, wanted, dump);
    free(dump);
}

Test(order_life, fields) {
    scene_go(SHOP);
    scene_go("+5ms; order account=m order=o1 lines=tea:2,milk:1 to=a expires=15m key=o");
    static const char *const wanted[][2] = {
        {"state", "created"}, {"amount", "13"}, {"currency", "CNY"}, {"to", "a"}, {"lines", "tea 2 5 milk 1 3"},
        {"entry", "1900000000005-8"}, {"identity", "m/shop/o"}, {"deadline", "1900000900005"}, {"opened", "1900000000005"},
        {"changed", "1900000000005"}, {"payer", ""}};
    for (size_t n = 0; n < sizeof wanted / sizeof *wanted; n++) scene_expect("new", 0, "order:m/o1", wanted[n][0], wanted[n][1]);
    scene_expect_bill("new", 0, "m/shop/o", "|0|order||13|CNY|0|0|1900000000005|1900000000005-8|a||0|0|1900000900005");
    expect_stock("new", "8", "3");
    expect_due("new", 1, "due lapse|1900000000005-8|m/shop/o o1=1900000900005\n");
    scene_go("+5ms; pay account=a to=m order=o1 amount=13 key=p");
    scene_expect("paid", 0, "order:m/o1", "state", "paid");
    scene_expect("paid", 0, "order:m/o1", "payer", "a/shop/p");
    scene_expect("paid", 0, "order:m/o1", "changed", "1900000000010");
    scene_expect("paid", 0, "order:m/o1", "opened", "1900000000005");
    scene_expect_bill("paid", 0, "a/shop/p", "|0|pay|0-2|13|CNY|987|0|1900000000010|1900000000010-9|m|captured|13|0|");
    expect_stock("paid", "8", "3");
    scene_go("order account=m order=o2 amount=7");
    static const char *const empty[] = {"to", "lines", "deadline"};
    for (size_t n = 0; n < 3; n++) scene_expect("of an amount", 0, "order:m/o2", empty[n], "");
    scene_expect_sound("paid");
}

/* A refusal takes nothing off, and makes no article. */
Test(order_life, nothing_is_reserved_by_a_refusal) {
    scene_go(SHOP "order account=m order=o1 lines=tea:10,milk:5; order account=m order=o2 lines=tea:1,salt:1;"
                  "stock account=m sku=salt quantity=-1; freeze account=m; order account=m order=o3 lines=tea:1");
    expect_stock("refused", "10", "4");
    cr_expect_not(scene_has(0, "order:m/o1") || scene_has(0, "order:m/o2") || scene_has(0, "order:m/o3"), "an order came of it");
    cr_expect_not(scene_has(0, "sku:m/salt"), "an article came of it");
    cr_expect_not(scene_has(0, "due"), "something is due of it");
}

Test(order_life, what_was_taken_comes_back_once) {
    scene_go(SHOP ORDER "cancel account=m order=o1 key=c; cancel account=m order=o1");
    expect_stock("cancelled", "10", "4");
    scene_go("+15m; lapse account=m of=o order=o1; lapse account=m of=o order=o1; cancel account=m order=o1");
    expect_stock("cancelled, then swept", "10", "4");
    scene_expect("cancelled", 0, "order:m/o1", "state", "cancelled");
    scene_go("order account=m order=o2 lines=tea:3 expires=15m key=o2; +14m59s999ms; lapse account=m of=o2 order=o2");
    expect_stock("swept too early", "7", "4");
    scene_go("+1ms; lapse account=m of=o2 order=o2; lapse account=m of=o2 order=o2; cancel account=m order=o2");
    expect_stock("lapsed", "10", "4");
    scene_expect("lapsed", 0, "order:m/o2", "state", "lapsed");
    scene_expect_sound("all back");
}

/* Whatever came into stock meanwhile, it stays a number that can be counted. */
Test(order_life, back_into_full_stock) {
    scene_go(SHOP "order account=m order=o1 lines=tea:10; stock account=m sku=tea quantity=" MAX "; cancel account=m order=o1");
    const char *stock = scene_field(0, "sku:m/tea", "stock");
    cr_expect(strlen(stock) <= strlen(MAX) && strcmp(stock, MAX) <= 0, "stock is %s", stock);
    scene_go("stock account=m sku=tea quantity=-" MAX);
    cr_expect_neq(*scene_field(0, "sku:m/tea", "stock"), '-', "stock is below nothing");
}

Test(order_life, stays_as_it_ended) {
    scene_go(SHOP ORDER "pay account=a to=m order=o1 amount=13 key=p; +1h; lapse account=m of=o order=o1");
    scene_expect("swept after it was paid", 0, "order:m/o1", "state", "paid");
    expect_stock("sold", "8", "3");
    scene_go("refund account=a of=p amount=3; rollback account=a of=p; refund account=a of=p");
    scene_expect("refunded", 0, "order:m/o1", "state", "paid");
    expect_stock("refunded", "8", "3");
    scene_expect_account("refunded", 0, "a", "1000 0");
    scene_expect_sound("refunded");
}

/* 2030-03-17; bills are kept for 180 days: 2030-09-13. */
#define FORGET "1915488000000"

Test(order_life, forgotten_with_time) {
    scene_go(SHOP ORDER "order account=m order=o2 lines=tea:1 key=o2; order account=m order=o3 lines=tea:1 expires=365d key=o3");
    expect_due("made", 3, "due lapse|1900000000000-9|m/shop/o2 o2=" FORGET "\n"); /* none lives longer than its bill */
    expect_due("made", 3, "due lapse|1900000000000-10|m/shop/o3 o3=" FORGET "\n");
    scene_go("pay account=a to=m order=o1 amount=13");
    expect_due("paid", 3, "due lapse|1900000000000-8|m/shop/o o1=" FORGET "\n");
    scene_go("+1d; cancel account=m order=o3");
    expect_due("cancelled a day later", 3, "o3=1915574400000\n");
    scene.clock_ms = UINT64_C(1915488000000) - 1;
    scene_go("lapse account=m of=o order=o1; lapse account=m of=o2 order=o2");
    cr_expect(scene_has(0, "order:m/o1"), "forgotten too early");
    scene_expect("a ms before", 0, "order:m/o2", "state", "created");
    scene_go("+1ms");
    cr_expect_eq(fold_add_due(&scene), 2);
    fold_run(&scene);
    cr_expect_not(scene_has(0, "order:m/o1"), "not forgotten");
    scene_expect("its bill goes", 0, "order:m/o2", "state", "lapsed");
    expect_due("lapsed", 2, "o2=1931040000000\n"); /* 180 days after 2030-09-13 */
    scene_expect_sound("forgotten");
}

/* The name of what is forgotten is free; what was due of the old one does not touch the new one. */
Test(order_life, a_name_used_anew) {
    scene_go(SHOP ORDER "cancel account=m order=o1");
    scene.clock_ms = UINT64_C(1915488000000);
    scene_go("! order account=m order=o1 lines=tea:1");
    expect_stock("the name is taken until it is forgotten", "10", "4");
    scene_go("lapse account=m of=o order=o1; order account=m order=o1 lines=tea:3 expires=1h key=o9");
    expect_stock("anew", "7", "4");
    scene_go("+2h; lapse account=m of=o order=o1; lapse account=m of=o order=o1");
    scene_expect("the old one's lapse", 0, "order:m/o1", "state", "created");
    expect_stock("the old one's lapse", "7", "4");
    expect_due("the new one's", 1, "|m/shop/o9 o1=");
    scene_sweep();
    scene_expect("its own lapse", 0, "order:m/o1", "state", "lapsed");
    expect_stock("its own lapse", "10", "4");
}

/* As holds do: by the number of days that counts when it is looked at. */
Test(order_life, bills_kept_longer_or_shorter) {
    scene_go(SHOP "order account=m order=o1 lines=tea:1 key=o; policy account=@book settings=bills_keep:200");
    scene.clock_ms = UINT64_C(1915488000000);
    scene_sweep();
    scene_expect("longer", 0, "order:m/o1", "state", "created");
    expect_due("longer", 1, "o1=1917216000000\n"); /* not due again until then */
    scene_go("policy account=@book settings=bills_keep:100; cancel account=m order=o1");
    scene_expect("shorter", 0, "order:m/o1", "state", "created");
    scene_sweep();
    scene.clock_ms = UINT64_C(1917216000000);
    scene_sweep();
    scene_expect("shorter", 0, "order:m/o1", "state", "lapsed");
    expect_stock("shorter", "10", "4");
}

/* Within a batch everything is as it is one by one. */
Test(order_life, batches) {
    scene_expect_batches_alike("orders", 1,
        SHOP ORDER "order account=m order=o2 lines=tea:9; order account=m order=o2 lines=tea:8; order account=m order=o3 lines=tea:1;"
        "cancel account=m order=o2; order account=m order=o3 lines=tea:8; pay account=a to=m order=o1 amount=13;"
        "pay account=a to=m order=o3 amount=41; price account=m sku=tea amount=6; pay account=a to=m order=o3 amount=40;"
        "order account=m order=o4 lines=milk:3,tea:1; +15m; stock account=m sku=tea quantity=1;"
        "order account=m order=o4 lines=milk:3,tea:1; price account=m sku=salt amount=1; order account=m order=o5 lines=salt:1;"
        "stock account=m sku=salt quantity=2;"
        "order account=m order=o5 lines=salt:1 expires=1m key=o5; +1m; cancel account=m order=o5; lapse account=m of=o5 order=o5;"
        "order account=m order=o6 lines=salt:2; close account=m; cancel account=m order=o6; order account=m order=o7 amount=1; +181d;"
        "inquire account=a");
}
