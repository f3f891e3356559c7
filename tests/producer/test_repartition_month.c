/* A merchant's shards put together: nothing is made or lost, settled months stay settled, and what is half settled stands in the way. */
#include "producer/cli/repartition_month.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct merged *m, unsigned partition, int64_t balance, const char *fields) {
    cr_assert_null(merged_add(m, partition, balance, 0, 3));
    for (const char *at = fields; *at; at += strcspn(at, ";") + 1) {
        char name[32], text[100];
        cr_assert_eq(sscanf(at, "%31[^=]=%99[^;]", name, text), 2, "%s", at);
        const char *wrong = merged_field(m, partition, name, text);
        cr_assert_null(wrong, "%s: %s", name, wrong);
    }
}

/* "NAME=TEXT;..." of a new shard. */
static void show(const struct merged *m, unsigned partition, char out[400]) {
    struct merged_text text;
    out[0] = '\0';
    for (size_t n = 0; merged_text_at(m, partition, n, &text); n++) {
        size_t size = strlen(out);
        snprintf(out + size, 400 - size, "%s=%s%s;", text.name, text.text, text.list ? "*" : "");
    }
}

Test(repartition_month, each_old_shard_goes_into_one_new_one_and_the_home_into_the_home) {
    struct merged m = {0};
    for (unsigned old = 1; old < 20; old++)
        for (unsigned new = 1; new < 20; new++)
            for (unsigned home = 0; home < new; home++) {
                m.partitions = new;
                m.old_home = old / 2;
                m.home = home;
                cr_assert_eq(merged_target(&m, m.old_home), home);
                for (unsigned p = 0; p < old; p++) {
                    cr_assert_lt(merged_target(&m, p), new);
                    cr_assert(p == m.old_home || new == 1 || merged_target(&m, p) != home, "%u of %u into the home of %u", p, old, new);
                }
            }
}

Test(repartition_month, months_are_added_up_where_their_shards_go) {
    struct merged m = {0};
    char text[400];
    merged_begin(&m, 3, 2, 1, 0);
    add(&m, 0, 70, "earning=2026-11 50 0 0;month:2026-10=20 0 0 settled;");
    add(&m, 1, 500, "fee:2026-10=100 120 1 1,0,2;month:2026-10=100 0 400 settled;earning=2026-11 0 0 0;");
    add(&m, 2, -7, "earning=2026-09 3 10 0;");
    cr_assert_str_eq(merged_finish(&m), "2026-10 is settled in some partitions only");
    merged_begin(&m, 3, 2, 1, 0);
    add(&m, 0, 70, "earning=2026-11 50 0 0;month:2026-10=20 0 0 settled;");
    add(&m, 1, 500, "fee:2026-10=100 120 1 1,0;month:2026-10=100 0 400 settled;earning=2026-12 0 0 0;");
    add(&m, 2, -7, "earning=2026-11 3 10 0;month:2026-10=0 0 0 settled;");
    cr_assert_null(merged_finish(&m));
    cr_assert_eq(m.shards[0].balance, 500);
    cr_assert_eq(m.shards[1].balance, 63);
    cr_assert_eq(m.shards[1].seq, 6);
    show(&m, 0, text);
    cr_assert_str_eq(text, "month:2026-10=100 0 400 settled;fee:2026-10=100 120 1 *;earning=2026-12 0 0 0;");
    show(&m, 1, text);
    cr_assert_str_eq(text, "month:2026-10=20 0 0 settled;month:2026-11=53 10 0;earning=2026-12 0 0 0;");
    merged_clear(&m);
}

Test(repartition_month, what_is_half_done_stands_in_the_way) {
    static const struct row {
        const char *name, *home, *other, *fault;
    } rows[] = {
        {"on its way", "fee:2026-10=0 5 0 0;month:2026-10=5 0 0 settled;", "month:2026-10=9 0 0 settled;",
         "2026-10 is settled, but has not come home yet"},
        {"without a fee", "month:2026-10=0 0 0 settled;", "month:2026-10=0 0 0 settled;", "2026-10 is settled, but has no fee"},
        {"a fee before its time", "fee:2026-10=0 5 0 0;month:2026-10=5 0 0;", "", "2026-10 has a fee, but is not settled"},
        {"of one only", "month:2026-10=5 0 0;", "month:2026-10=9 0 0 settled;", "2026-10 is settled in some partitions only"},
        {"nothing came, nothing is owed", "fee:2026-10=0 5 0 0;month:2026-10=5 0 0 settled;", "month:2026-10=0 0 3 settled;", NULL},
        {"nothing at all", "", "", NULL},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct merged m = {0};
        merged_begin(&m, 2, 5, 0, 4);
        add(&m, 0, 0, rows[n].home);
        add(&m, 1, 0, rows[n].other);
        const char *fault = merged_finish(&m);
        cr_assert(rows[n].fault ? fault && strcmp(fault, rows[n].fault) == 0 : !fault, "%s: %s", rows[n].name, fault ? fault : "nothing");
        merged_clear(&m);
    }
}

Test(repartition_month, what_cannot_be_counted_or_read_is_said) {
    struct merged m = {0};
    merged_begin(&m, 3, 2, 0, 0);
    cr_assert_null(merged_add(&m, 1, INT64_C(9007199254740991), 0, 1));
    cr_assert_not_null(merged_add(&m, 2, 1, 0, 1), "both go into shard 1");
    merged_begin(&m, 3, 2, 0, 0);
    cr_assert_null(merged_field(&m, 1, "month:2026-10", "9007199254740991 0 0"));
    cr_assert_not_null(merged_field(&m, 2, "month:2026-10", "1 0 0"));
    cr_assert_not_null(merged_field(&m, 0, "earning", "2026-10 1 0"));
    cr_assert_not_null(merged_field(&m, 0, "fee:2026-10", "1 2 3 0,9"));
    cr_assert_null(merged_field(&m, 0, "lock_token", "anything"));
    merged_clear(&m);
}

/* From a seed: sums over all shards are what they were, of each month too. */
Test(repartition_month, nothing_is_made_or_lost) {
    unsigned seed = getenv("TILL_SEED") ? (unsigned)strtoul(getenv("TILL_SEED"), NULL, 10) : 20261121;
    struct merged m = {0};
    printf("repartition_month: TILL_SEED=%u\n", seed);
    for (unsigned round = 0; round < 300; round++) {
        unsigned old = 1 + (unsigned)rand_r(&seed) % 40, new = 1 + (unsigned)rand_r(&seed) % 40;
        int64_t balance = 0, gross[12] = {0};
        merged_clear(&m);
        merged_begin(&m, old, new, (unsigned)rand_r(&seed) % old, (unsigned)rand_r(&seed) % new);
        for (unsigned p = 0; p < old; p++) {
            int64_t amount = rand_r(&seed) % 2000 - 1000;
            balance += amount;
            cr_assert_null(merged_add(&m, p, amount, 0, 1));
            for (unsigned month = 1; month < 12; month++) {
                char name[20], text[60];
                int part = rand_r(&seed) % 100;
                if (part < 50) continue;
                gross[month] += part;
                snprintf(name, sizeof name, "month:2026-%02u", month);
                snprintf(text, sizeof text, "%d 0 0", part);
                cr_assert_null(merged_field(&m, p, name, text));
            }
        }
        cr_assert_null(merged_finish(&m));
        for (unsigned q = 0; q < new; q++) {
            struct merged_text text;
            balance -= m.shards[q].balance;
            for (size_t n = 0; merged_text_at(&m, q, n, &text); n++)
                gross[strtoul(text.name + strlen("month:2026-"), NULL, 10)] -= strtoll(text.text, NULL, 10);
        }
        cr_assert_eq(balance, 0, "round %u", round);
        for (unsigned month = 1; month < 12; month++) cr_assert_eq(gross[month], 0, "round %u, month %u", round, month);
    }
    merged_clear(&m);
}
