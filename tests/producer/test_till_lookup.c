/* Looking up accounts and bills. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "producer/client.h"
#include "tests/producer/test_till_fake.h"

static struct server server;
static struct till *till;

static void start(void) {
    fake_server_start(&server, NULL);
    till = fake_open(&server, NULL);
}

static void stop(void) {
    till_close(till);
    server_stop(&server);
}

TestSuite(till_lookup, .init = start, .fini = stop, .timeout = 30);

static void account_put(unsigned partition, const char *id, const char *kind, const char *balance, const char *held, const char *changed) {
    keys_buffer key;
    keys_account(key, &fake_book, partition, id);
    server_text(&server, "HSET", key, "kind", kind, "currency", "CNY", "status", "active", "balance", balance, "held", held, "seq", "3",
                "opened", "1000", "changed", changed, NULL);
}

Test(till_lookup, an_account_at_its_home) {
    struct till_account a;
    unsigned home = till_partition_of(till, "alice");
    account_put(home, "alice", "user", "8001", "20", "2000");
    account_put((home + 1) % FAKE_PARTITIONS, "alice", "user", "5", "0", "1"); /* not hers to have */
    cr_assert_eq(till_account(till, "alice", &a), TILL_OK, "%s", till_error(till));
    cr_assert_str_eq(a.id, "alice");
    cr_assert_str_eq(a.kind, "user");
    cr_assert_str_eq(a.currency, "CNY");
    cr_assert_str_eq(a.status, "active");
    cr_assert(a.balance_minor == 8001 && a.held_minor == 20 && a.seq == 3 && a.opened_ms == 1000 && a.changed_ms == 2000);
    cr_assert(a.partition == home && a.shards == 1);
}

Test(till_lookup, a_merchant_is_the_sum_of_its_shards) {
    struct till_account a;
    const char *const balances[FAKE_PARTITIONS] = {"100", "-30", "7", "9007199254740991"};
    const char *const changed[FAKE_PARTITIONS] = {"5000", "9000", "7000", "6000"};
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++)
        account_put(p, "coffee", "merchant", balances[p], "1", changed[p]);
    cr_assert_eq(till_account(till, "coffee", &a), TILL_OK);
    cr_assert_eq(a.balance_minor, 100 - 30 + 7 + INT64_C(9007199254740991));
    cr_assert(a.held_minor == 4 && a.seq == 12 && a.shards == FAKE_PARTITIONS && a.changed_ms == 9000);
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        cr_assert_eq(till_account_shard(till, "coffee", p, &a), TILL_OK);
        cr_assert(a.balance_minor == strtoll(balances[p], NULL, 10) && a.shards == 1);
    }
    cr_assert_eq(till_account_shard(till, "coffee", FAKE_PARTITIONS, &a), TILL_INVALID);
}

Test(till_lookup, a_system_account_is_summed_over_the_partitions_that_have_it) {
    struct till_account a;
    account_put(1, "@world:CNY", "system", "-50", "0", "1");
    account_put(2, "@world:CNY", "system", "-70", "0", "1");
    cr_assert_eq(till_account(till, "@world:CNY", &a), TILL_OK);
    cr_assert(a.balance_minor == -120 && a.shards == 2);
    cr_assert_eq(till_account(till, "@world:EUR", &a), TILL_NOT_FOUND);
}

Test(till_lookup, what_is_not_there_or_cannot_be) {
    struct till_account a;
    cr_assert_eq(till_account(till, "nobody", &a), TILL_NOT_FOUND);
    cr_assert(strstr(till_error(till), "nobody"), "%s", till_error(till));
    const char *const wrong[] = {"", "a b", "@", "a/b", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_eq(till_account(till, wrong[i], &a), TILL_INVALID, "%s", wrong[i] ? wrong[i] : "NULL");
    keys_buffer key;
    keys_account(key, &fake_book, till_partition_of(till, "alice"), "alice");
    server_text(&server, "SET", key, "no hash", NULL);
    cr_assert_eq(till_account(till, "alice", &a), TILL_READ_FAILED);
    cr_assert(strstr(till_error(till), "WRONGTYPE"), "%s", till_error(till));
}

static void order_put(const char *order, const char *lines, const char *amount) {
    keys_buffer key;
    keys_order(key, &fake_book, till_partition_of(till, "coffee"), "coffee", order);
    server_text(&server, "HSET", key, "state", "paid", "amount", amount, "currency", "CNY", "to", "alice", "lines", lines, "entry", "5-0",
                "identity", "coffee/shop/k1", "deadline", "", "opened", "5", "changed", "9", "payer", "alice/shop/p1", NULL);
}

Test(till_lookup, an_order) {
    static struct till_order o;
    order_put("o-1", "tea 2 300 a=b 9007199254740991 1", "1100");
    cr_assert_eq(till_order_lookup(till, "coffee", "o-1", &o), TILL_OK, "%s", till_error(till));
    cr_assert(strcmp(o.merchant, "coffee") == 0 && strcmp(o.order, "o-1") == 0 && strcmp(o.state, "paid") == 0);
    cr_assert(strcmp(o.currency, "CNY") == 0 && strcmp(o.to, "alice") == 0 && strcmp(o.entry, "5-0") == 0);
    cr_assert(strcmp(o.identity, "coffee/shop/k1") == 0 && strcmp(o.payer, "alice/shop/p1") == 0);
    cr_assert(o.amount_minor == 1100 && o.deadline_ms == 0 && o.opened_ms == 5 && o.changed_ms == 9 && o.line_count == 2);
    cr_assert(strcmp(o.lines[0].sku, "tea") == 0 && o.lines[0].quantity == 2 && o.lines[0].price_minor == 300);
    cr_assert(strcmp(o.lines[1].sku, "a=b") == 0 && o.lines[1].quantity == 9007199254740991 && o.lines[1].price_minor == 1);
    cr_assert_eq(o.partition, till_partition_of(till, "coffee"));
    order_put("o-2", "", "7");
    cr_assert_eq(till_order_lookup(till, "coffee", "o-2", &o), TILL_OK);
    cr_assert(o.line_count == 0 && o.amount_minor == 7);
    cr_assert_eq(till_order_lookup(till, "tea", "o-1", &o), TILL_NOT_FOUND);
    cr_assert_eq(till_order_lookup(till, "coffee", "o-3", &o), TILL_NOT_FOUND);
    cr_assert_str_eq(till_error(till), "coffee has no order o-3");
}

Test(till_lookup, orders_and_articles_that_cannot_be_read) {
    static struct till_order o;
    static char many[(TILL_LINES_MAX + 1) * 10];
    struct till_article a;
    for (size_t n = 0; n <= TILL_LINES_MAX; n++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%sa%zu 1 1", n > 0 ? " " : "", n);
    const char *const lines[] = {"tea", "tea 2", "tea 2 ", "tea x 300", "tea 2 30000000000000000000", " tea 2 300", "tea 2 300 cake 1",
                                 many,
                                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg 1 1"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        order_put("bad", lines[i], "5");
        cr_assert_eq(till_order_lookup(till, "coffee", "bad", &o), TILL_READ_FAILED, "%s", lines[i]);
        cr_assert(strstr(till_error(till), "the order bad of coffee cannot be read: its lines"), "%s: %s", lines[i], till_error(till));
    }
    order_put("bad", "", "-5");
    cr_assert_eq(till_order_lookup(till, "coffee", "bad", &o), TILL_READ_FAILED);
    cr_assert_eq(till_order_lookup(till, "a/b", "bad", &o), TILL_INVALID);
    cr_assert_eq(till_order_lookup(till, "coffee", "a/b", &o), TILL_INVALID);
    cr_assert_eq(till_order_lookup(till, "coffee", NULL, &o), TILL_INVALID);
    cr_assert_str_eq(till_error(till), "order is missing");
    cr_assert_eq(till_article_lookup(till, NULL, "tea", &a), TILL_INVALID);
    cr_assert_str_eq(till_error(till), "merchant is missing");
    cr_assert_eq(till_article_lookup(till, "coffee", "", &a), TILL_INVALID);
    keys_buffer key;
    keys_sku(key, &fake_book, till_partition_of(till, "coffee"), "coffee", "tea");
    server_text(&server, "HSET", key, "price", "1.5", NULL);
    cr_assert_eq(till_article_lookup(till, "coffee", "tea", &a), TILL_READ_FAILED);
    cr_assert(strstr(till_error(till), "its price is no number"), "%s", till_error(till));
    server_text(&server, "DEL", key, NULL);
    server_text(&server, "SET", key, "no hash", NULL);
    cr_assert_eq(till_article_lookup(till, "coffee", "tea", &a), TILL_READ_FAILED);
    cr_assert(strstr(till_error(till), "WRONGTYPE"), "%s", till_error(till));
}

Test(till_lookup, an_article) {
    struct till_article a;
    keys_buffer key;
    cr_assert_eq(till_article_lookup(till, "coffee", "tea", &a), TILL_NOT_FOUND);
    cr_assert_str_eq(till_error(till), "coffee has no article tea");
    keys_sku(key, &fake_book, till_partition_of(till, "coffee"), "coffee", "tea");
    server_text(&server, "HSET", key, "stock", "5", "changed", "9", NULL);
    cr_assert_eq(till_article_lookup(till, "coffee", "tea", &a), TILL_OK, "%s", till_error(till));
    cr_assert(!a.has_price && a.stock == 5 && a.changed_ms == 9 && strcmp(a.sku, "tea") == 0 && strcmp(a.merchant, "coffee") == 0);
    server_text(&server, "HSET", key, "price", "300", NULL);
    cr_assert_eq(till_article_lookup(till, "coffee", "tea", &a), TILL_OK);
    cr_assert(a.has_price && a.price_minor == 300);
}

/* A bill of alice, as if its entry had this time. */
static void bill_put(uint64_t ms, const char *key, const char *record) {
    keys_buffer bills;
    char field[200];
    keys_bills(bills, &fake_book, till_partition_of(till, "alice"), keys_day(ms));
    snprintf(field, sizeof field, "alice/shop/%s", key);
    server_text(&server, "HSET", bills, field, record, NULL);
}

static const char record[] = "0123456789abcdef|0|pay|2-9|1999|CNY|8001|0|1700000000000|1700000000000-0|coffee|captured|1999|5|a|b";
static const uint64_t day_ms = 86400000;

Test(till_lookup, a_bill_wherever_it_lies) {
    const unsigned ages[] = {0, 1, 2, 50, 100, 180, 181};
    struct till_bill b;
    uint64_t now_ms = client_wall_ms();
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        char key[8], day[9];
        snprintf(key, sizeof key, "k%u", ages[i]);
        bill_put(now_ms - ages[i] * day_ms, key, record);
        keys_day_text(keys_day(now_ms - ages[i] * day_ms), day);
        cr_assert_eq(till_bill(till, "alice", "shop", key, 0, &b), TILL_OK, "%s: %s", key, till_error(till));
        cr_assert_str_eq(b.day, day);
        cr_assert_eq(till_bill(till, "alice", "shop", key, now_ms - ages[i] * day_ms, &b), TILL_OK, "%s with its time", key);
        cr_assert_eq(till_bill(till, "alice", "shop", key, 1, &b), TILL_OK, "%s with a wrong time", key);
    }
    cr_assert(b.code == 0 && b.amount_minor == 1999 && b.balance_minor == 8001 && b.captured_minor == 1999 && b.refunded_minor == 5);
    cr_assert_str_eq(b.bill, "2-9");
    cr_assert_str_eq(b.op, "pay");
    cr_assert_str_eq(b.to, "coffee");
    cr_assert_str_eq(b.state, "captured");
    cr_assert_str_eq(b.detail, "a|b");
    cr_assert_str_eq(b.entry, "1700000000000-0");
    cr_assert_eq(b.partition, till_partition_of(till, "alice"));
}

Test(till_lookup, near_its_time_also_across_midnight) {
    const struct {
        const char *name;
        int64_t at_from_midnight_ms, entry_from_midnight_ms;
    } rows[] = {
        {"entry 23 h later", -1, 23 * 3600000 - 2},
        {"the clock of the upstream ahead", 60000, -200000},
        {"the same moment", 0, 0},
    };
    uint64_t midnight = 20000 * day_ms; /* long ago: only its time leads there */
    struct till_bill b;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[8];
        snprintf(key, sizeof key, "m%zu", i);
        bill_put(midnight + (uint64_t)rows[i].entry_from_midnight_ms, key, record);
        cr_assert_eq(till_bill(till, "alice", "shop", key, midnight + (uint64_t)rows[i].at_from_midnight_ms, &b), TILL_OK, "%s",
                     rows[i].name);
    }
}

Test(till_lookup, no_bill_and_bad_ones) {
    struct till_bill b;
    cr_assert_eq(till_bill(till, "alice", "shop", "none", 0, &b), TILL_NOT_FOUND);
    cr_assert_eq(till_bill(till, "alice", "Shop", "k", 0, &b), TILL_INVALID);
    cr_assert(strstr(till_error(till), "source"), "%s", till_error(till));
    cr_assert_eq(till_bill(till, "alice", "shop", NULL, 0, &b), TILL_INVALID);
    bill_put(client_wall_ms(), "bad", "nonsense");
    cr_assert_eq(till_bill(till, "alice", "shop", "bad", 0, &b), TILL_READ_FAILED);
    cr_assert(strstr(till_error(till), "alice/shop/bad"), "%s", till_error(till));
}
