/* Follow-ups of orders and of settlement: there, back, home and to itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "tests/schema/random_intent.h"

enum { PARTITIONS = 4 };
static const struct book book = {.name = "till", .partitions = PARTITIONS};

static unsigned home_of(const char *account) {
    return keys_partition(&book, account, strlen(account));
}

/* An account that lives in another partition than coffee does. */
static const char *elsewhere(void) {
    static char name[16];
    for (unsigned n = 0; name[0] == '\0' || home_of(name) == home_of("coffee"); n++)
        snprintf(name, sizeof name, "u%u", n);
    return name;
}

static void check_sound(const struct intent *to) {
    struct intent_fault fault;
    struct intent again;
    uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX];
    size_t size;
    cr_assert_null(intent_check(to, &fault), "%s: %s", op_word(to->op), fault.text);
    cr_assert(intent_encode(to, bytes, sizeof bytes, &size) && intent_decode(bytes, size, &again, &fault) == INTENT_OK, "%s: %s",
              op_word(to->op), fault.text);
    cr_assert(intents_equal(to, &again), "%s", op_word(to->op));
}

static struct intent payment(void) {
    struct intent intent = {.op = OP_pay, .v = 1, .at_ms = 1234, .source = "shop", .key = "p>9", .to = "coffee", .currency = "CNY",
                            .amount_minor = 77, .order = "o-1"};
    snprintf(intent.account, sizeof intent.account, "%s", elsewhere());
    intent.present = op_fields_needed(OP_pay) | FIELD_BIT(FIELD_order);
    return intent;
}

/* The only partition that gets one, or PARTITIONS. */
static unsigned target_of(const struct intent *from, int code, unsigned here, const char *detail, struct intent *out) {
    unsigned found = PARTITIONS;
    for (unsigned target = 0; target < PARTITIONS + 2; target++) {
        struct intent to;
        if (!followup_derive(from, code, false, "1700000000009-5", &book, here, target, detail, &to))
            continue;
        cr_assert(found == PARTITIONS && target < PARTITIONS && target != here, "to %u as well", target);
        found = target, *out = to;
    }
    cr_assert(found == PARTITIONS || followup_any(from, code, false, PARTITIONS));
    cr_assert_not(followup_any(from, code, false, 1));
    if (found < PARTITIONS)
        check_sound(out);
    return found;
}

Test(followup_shop, a_payment_asks_at_the_home_of_its_order) {
    struct intent from = payment(), to;
    char key[128], origin[64];
    unsigned here = home_of(from.account);
    cr_assert(target_of(&from, CODE_in_progress, here, "", &to) == home_of("coffee"));
    snprintf(key, sizeof key, "%s/shop/p>9>paid", from.account);
    snprintf(origin, sizeof origin, "%u:1700000000009-5", here);
    cr_assert(to.op == OP_paid && to.amount_minor == 77 && to.at_ms == 1234 && to.v == 1);
    cr_assert(to.present == op_fields_needed(OP_paid));
    cr_assert_str_eq(to.key, key);
    cr_assert_str_eq(to.account, "coffee");
    cr_assert_str_eq(to.order, "o-1");
    cr_assert_str_eq(to.currency, "CNY");
    cr_assert_str_eq(to.entry, "1700000000009-5");
    cr_assert_str_eq(to.origin, origin);
}

Test(followup_shop, a_payment_that_was_decided_asks_nobody) {
    static const int codes[] = {CODE_ok, CODE_not_found, CODE_insufficient_funds, CODE_wrong_state, CODE_expired, CODE_rate_limited};
    struct intent from = payment(), to;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cr_assert(target_of(&from, codes[i], home_of(from.account), "", &to) == PARTITIONS, "%s", code_word(codes[i]));
        cr_assert_not(followup_any(&from, codes[i], true, PARTITIONS));
    }
    cr_assert(target_of(&from, CODE_in_progress, home_of("coffee"), "", &to) == PARTITIONS, "it is at home");
    from.present &= ~FIELD_BIT(FIELD_order);
    cr_assert(target_of(&from, CODE_in_progress, home_of(from.account), "", &to) == PARTITIONS, "it is for no order, but put off");
    cr_assert_not(followup_any(&from, CODE_in_progress, false, PARTITIONS));
}

Test(followup_shop, the_home_tells_the_payer) {
    static const int codes[] = {CODE_ok, CODE_not_found, CODE_account_frozen, CODE_wrong_state, CODE_expired, CODE_limit_exceeded,
                                CODE_dead};
    struct intent from = payment(), paid, back, none;
    unsigned here = home_of("coffee");
    cr_assert(target_of(&from, CODE_in_progress, home_of(from.account), "", &paid) == here);
    memcpy(paid.entry, "1700000000001-0", 16); /* it had been put off: this is its first entry */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        bool settled = codes[i] == CODE_ok;
        char key[128];
        cr_assert(target_of(&paid, codes[i], here, "", &back) == home_of(from.account), "%s", code_word(codes[i]));
        snprintf(key, sizeof key, "%s/shop/p>9>%s", from.account, settled ? "settled" : "bounce");
        cr_assert(back.op == (settled ? OP_settled : OP_bounce) && back.code == (uint64_t)codes[i] && back.at_ms == 1234);
        cr_assert_str_eq(back.key, key);
        cr_assert_str_eq(back.account, from.account);
        cr_assert_str_eq(back.to, settled ? "coffee" : "");
        cr_assert_str_eq(back.entry, "1700000000001-0", "the original's");
        cr_assert(target_of(&back, CODE_ok, home_of(from.account), "", &none) == PARTITIONS, "nothing follows");
    }
}

static struct intent settle(void) {
    struct intent intent = {.op = OP_settle, .v = 1, .at_ms = 1234, .source = "settlement", .key = "2023-10.3", .account = "coffee",
                            .currency = "CNY", .month = "2023-10"};
    intent.present = op_fields_needed(OP_settle);
    return intent;
}

Test(followup_shop, a_settled_month_goes_home) {
    struct intent from = settle(), to;
    unsigned home = home_of("coffee"), here = (home + 1) % PARTITIONS;
    cr_assert(target_of(&from, CODE_ok, here, "129900 3200", &to) == home);
    cr_assert(to.op == OP_swept && to.gross_minor == 129900 && to.refunds_minor == 3200 && to.at_ms == 1234);
    cr_assert(to.present == op_fields_needed(OP_swept));
    cr_assert_str_eq(to.key, "coffee/settlement/2023-10.3>swept");
    cr_assert_str_eq(to.account, "coffee");
    cr_assert_str_eq(to.month, "2023-10");
    cr_assert_str_eq(to.currency, "CNY");
    cr_assert_str_eq(to.entry, "1700000000009-5");
    cr_assert(target_of(&from, CODE_ok, home, "129900 3200", &to) == PARTITIONS, "it is at home");
    cr_assert(target_of(&from, CODE_already_exists, here, "", &to) == PARTITIONS);
    cr_assert(target_of(&from, CODE_wrong_state, here, "2023-09", &to) == PARTITIONS);
    cr_assert(target_of(&to, CODE_ok, home, "", &to) == PARTITIONS, "nothing follows a swept");
}

Test(followup_shop, what_a_settlement_found_is_read_strictly) {
    static const struct { const char *detail; bool good; uint64_t gross, refunds; } details[] = {
        {"1 0", true, 1, 0},
        {"0 1", true, 0, 1},
        {"9007199254740991 9007199254740991", true, INTENT_AMOUNT_MAX, INTENT_AMOUNT_MAX},
        {"0 0", false, 0, 0},
        {"", false, 0, 0},
        {" ", false, 0, 0},
        {"1", false, 0, 0},
        {"1 ", false, 0, 0},
        {" 1", false, 0, 0},
        {"1  1", false, 0, 0},
        {"1 1 ", false, 0, 0},
        {"1 1 1", false, 0, 0},
        {" 1 1", false, 0, 0},
        {"01 1", false, 0, 0},
        {"1 00", false, 0, 0},
        {"+1 1", false, 0, 0},
        {"-1 1", false, 0, 0},
        {"1 -1", false, 0, 0},
        {"1.0 1", false, 0, 0},
        {"1e3 1", false, 0, 0},
        {"1\t1", false, 0, 0},
        {"9007199254740992 0", false, 0, 0},
        {"0 9007199254740992", false, 0, 0},
        {"18446744073709551617 1", false, 0, 0},
        {"99999999999999999999999999999999 1", false, 0, 0},
    };
    struct intent from = settle(), to;
    unsigned home = home_of("coffee"), here = (home + 1) % PARTITIONS;
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
        unsigned target = target_of(&from, CODE_ok, here, details[i].detail, &to);
        cr_assert(target == (details[i].good ? home : PARTITIONS), "\"%s\"", details[i].detail);
        cr_assert(!details[i].good || (to.gross_minor == details[i].gross && to.refunds_minor == details[i].refunds), "\"%s\"",
                  details[i].detail);
    }
}

Test(followup_shop, orders_that_fall_due) {
    static const struct { const char *member, *account, *key, *order; } members[] = {
        {"lapse|1700000000000-5|coffee/shop/k1 o-1", "coffee", "coffee/shop/k1>lapse", "o-1"},
        {"lapse|17-0|a:b@c/s/a|b>c !~>|:", "a:b@c", "a:b@c/s/a|b>c>lapse", "!~>|:"},
        {"lapse|1-1|a/s/k", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k ", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k o 1", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k  o", NULL, NULL, NULL},
        {"lapse|1-1|a/s/ o", NULL, NULL, NULL},
        {"lapse|1-1| o", NULL, NULL, NULL},
        {"lapse|1-1|", NULL, NULL, NULL},
        {"lapse|1-1| ", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k o/1", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k {o}", NULL, NULL, NULL},
        {"lapse|1-1|a/s/k \xc3\xa9", NULL, NULL, NULL},
        {"lapse|1-1|a/till/k o", NULL, NULL, NULL},
        {"lapse|1-1|@book/s/k o", NULL, NULL, NULL},
        {"lapse|1|a/s/k o", NULL, NULL, NULL},
        {"lapse|01-1|a/s/k o", NULL, NULL, NULL},
        {"expire|1-1|a/s/k o", NULL, NULL, NULL},
        {"due|1-1|a/s/k o", NULL, NULL, NULL},
        {"swept|1-1|a/s/k o", NULL, NULL, NULL},
        {"settle|1-1|a/s/k o", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct intent out, none;
        bool good = followup_own(members[i].member, strlen(members[i].member), "\x80", 1, &out);
        cr_assert(good == (members[i].key != NULL), "%s", members[i].member);
        if (!good)
            continue;
        check_sound(&out);
        cr_assert(out.op == OP_lapse && out.origin[0] == '\0' && out.inner == NULL, "%s", members[i].member);
        cr_assert_str_eq(out.account, members[i].account);
        cr_assert_str_eq(out.key, members[i].key);
        cr_assert_str_eq(out.order, members[i].order);
        cr_assert(target_of(&out, CODE_ok, 0, "", &none) == PARTITIONS, "nothing follows");
    }
}

Test(followup_shop, an_order_whose_name_is_too_long) {
    char member[128] = "lapse|1-1|a/s/k ";
    struct intent out;
    size_t size = strlen(member);
    memset(member + size, 'o', 65);
    cr_assert(followup_own(member, size + 64, NULL, 0, &out) && strlen(out.order) == 64);
    cr_assert_not(followup_own(member, size + 65, NULL, 0, &out));
}

Test(followup_shop, the_longest_names_fit) {
    const char *last = "18446744073709551615-18446744073709551615";
    struct intent from = payment(), paid, back;
    const struct book wide = {.name = "till", .partitions = KEYS_PARTITIONS_MAX};
    struct intent_fault fault;
    memset(from.account, 'a', INTENT_ACCOUNT_MAX);
    memset(from.source, 's', INTENT_SOURCE_MAX);
    memset(from.key, 'k', INTENT_KEY_MAX);
    memset(from.to, 'm', INTENT_ACCOUNT_MAX);
    memset(from.order, 'o', INTENT_NAME_MAX);
    unsigned payer = keys_partition(&wide, from.account, INTENT_ACCOUNT_MAX), home = keys_partition(&wide, from.to, INTENT_ACCOUNT_MAX);
    cr_assert(followup_derive(&from, CODE_in_progress, false, last, &wide, home ^ 1, home, "", &paid));
    cr_assert_null(intent_check(&paid, &fault), "%s", fault.text);
    cr_assert(followup_derive(&paid, CODE_ok, false, last, &wide, payer ^ 1, payer, "", &back));
    cr_assert_null(intent_check(&back, &fault), "%s", fault.text);
}
