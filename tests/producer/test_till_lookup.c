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
