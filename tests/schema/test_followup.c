/* Follow-ups: which intents have them, for whom, and that they pass every check on the other side. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "tests/schema/random_intent.h"

static const struct book book = {.name = "till", .partitions = 4};

static struct intent original(enum op op, enum kind kind) {
    return (struct intent){.op = op,
                           .kind = kind,
                           .v = 1,
                           .at_ms = 1234,
                           .source = "shop",
                           .key = "k-1",
                           .account = "coffee",
                           .currency = "CNY",
                           .present = op_fields_needed(op)};
}

static const struct {
    enum op op;
    enum kind kind;
    bool merchant;
    int code;
    enum op follow_up;
    enum status status;
    const char *key;
} rows[] = {
    {OP_open, KIND_merchant, true, CODE_ok, OP_adopt, STATUS_NONE, "coffee/shop/k-1>adopt"},
    {OP_open, KIND_merchant, false, CODE_ok, OP_adopt, STATUS_NONE, "coffee/shop/k-1>adopt"},
    {OP_open, KIND_merchant, true, CODE_already_exists, OP_NONE, STATUS_NONE, ""},
    {OP_open, KIND_user, false, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_open, KIND_app, false, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_freeze, KIND_NONE, true, CODE_ok, OP_mark, STATUS_frozen, "coffee/shop/k-1>freeze"},
    {OP_thaw, KIND_NONE, true, CODE_ok, OP_mark, STATUS_active, "coffee/shop/k-1>thaw"},
    {OP_close, KIND_NONE, true, CODE_ok, OP_mark, STATUS_closed, "coffee/shop/k-1>close"},
    {OP_freeze, KIND_NONE, true, CODE_wrong_state, OP_NONE, STATUS_NONE, ""},
    {OP_freeze, KIND_NONE, false, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_close, KIND_NONE, false, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_pay, KIND_NONE, true, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_inquire, KIND_NONE, true, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_freeze, KIND_NONE, true, CODE_in_progress, OP_NONE, STATUS_NONE, ""},
    {OP_pay, KIND_NONE, true, CODE_in_progress, OP_NONE, STATUS_NONE, ""},
    {OP_adopt, KIND_merchant, true, CODE_ok, OP_NONE, STATUS_NONE, ""},
    {OP_mark, KIND_NONE, true, CODE_ok, OP_NONE, STATUS_NONE, ""},
};

static void check_one(const char *row, const struct intent *from, const struct intent *to, enum status status, const char *key) {
    struct intent_fault fault;
    struct intent again;
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    cr_assert_null(intent_check(to, &fault), "%s: %s", row, fault.text);
    cr_assert(intent_encode(to, bytes, sizeof bytes, &size) && intent_decode(bytes, size, &again, &fault) == INTENT_OK, "%s: %s", row,
              fault.text);
    cr_assert_str_eq(to->source, "till");
    cr_assert_str_eq(to->key, key);
    cr_assert_str_eq(to->account, "coffee");
    cr_assert_str_eq(to->origin, "2:1700000000000-5");
    cr_assert_str_eq(to->entry, "1700000000000-5");
    cr_assert(to->v == 1 && to->at_ms == from->at_ms && to->status == status, "%s", row);
    if (to->op == OP_adopt) {
        cr_assert(to->kind == KIND_merchant, "%s", row);
        cr_assert_str_eq(to->currency, "CNY");
    }
}

Test(followup, table) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct intent from = original(rows[i].op, rows[i].kind), to;
        const char *row = op_word(rows[i].op);
        bool any = rows[i].follow_up != OP_NONE;
        cr_assert(followup_any(&from, rows[i].code, rows[i].merchant, 4) == any, "row %zu %s", i, row);
        cr_assert_not(followup_any(&from, rows[i].code, rows[i].merchant, 1), "row %zu %s", i, row);
        for (unsigned target = 0; target < 6; target++) {
            bool derived = followup_derive(&from, rows[i].code, rows[i].merchant, "1700000000000-5", &book, 2, target, "", &to);
            cr_assert(derived == (any && target != 2 && target < 4), "row %zu %s to %u", i, row, target);
            if (derived) {
                cr_assert(to.op == rows[i].follow_up, "row %zu", i);
                check_one(row, &from, &to, rows[i].status, rows[i].key);
            }
        }
    }
}

/* Accounts of each partition of 4, found by trying. */
static const char *account_in(unsigned partition) {
    static char names[4][8];
    for (unsigned n = 0; names[partition][0] == '\0' && n < 100; n++) {
        char name[8];
        int size = snprintf(name, sizeof name, "u%u", n);
        if (keys_partition(&book, name, (size_t)size) == partition)
            memcpy(names[partition], name, sizeof name);
    }
    return names[partition];
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

static struct intent transfer(unsigned to) {
    struct intent intent = {.op = OP_transfer, .v = 1, .at_ms = 1234, .source = "shop", .key = "t>9", .currency = "CNY"};
    intent.amount_minor = 77;
    snprintf(intent.account, sizeof intent.account, "%s", account_in(2));
    snprintf(intent.to, sizeof intent.to, "%s", account_in(to));
    intent.present = op_fields_needed(OP_transfer); /* the currency was not given, but found */
    return intent;
}

/* A transfer there and back: only to where the other account lives, and home. */
Test(followup, transfers) {
    static const int answers[] = {CODE_ok, CODE_not_found, CODE_account_frozen, CODE_currency_mismatch, CODE_limit_exceeded};
    struct intent from = transfer(1), arrive, back;
    char key[128];
    for (unsigned target = 0; target < 6; target++) {
        bool derived = followup_derive(&from, CODE_in_progress, false, "1700000000000-5", &book, 2, target, "", &arrive);
        cr_assert(derived == (target == 1), "to %u", target);
        cr_assert_not(followup_derive(&from, CODE_ok, false, "1-1", &book, 2, target, "", &back), "here and now, to %u", target);
        cr_assert_not(followup_derive(&from, CODE_insufficient_funds, false, "1-1", &book, 2, target, "", &back), "refused, to %u", target);
    }
    cr_assert(followup_derive(&from, CODE_in_progress, false, "1700000000000-5", &book, 2, 1, "", &arrive));
    check_sound(&arrive);
    snprintf(key, sizeof key, "%s/shop/t>9>arrive", account_in(2));
    cr_assert(arrive.op == OP_arrive && arrive.amount_minor == 77 && arrive.at_ms == 1234);
    cr_assert_str_eq(arrive.key, key);
    cr_assert_str_eq(arrive.account, account_in(1));
    cr_assert_str_eq(arrive.currency, "CNY");
    cr_assert_str_eq(arrive.entry, "1700000000000-5");
    cr_assert_str_eq(arrive.origin, "2:1700000000000-5");
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        bool settled = answers[i] == CODE_ok;
        cr_assert(followup_any(&arrive, answers[i], false, 4) && !followup_any(&arrive, answers[i], false, 1));
        for (unsigned target = 0; target < 6; target++) {
            bool derived = followup_derive(&arrive, answers[i], false, "1700000000009-0", &book, 1, target, "", &back);
            cr_assert(derived == (target == 2), "to %u", target);
        }
        cr_assert(followup_derive(&arrive, answers[i], false, "1700000000009-0", &book, 1, 2, "", &back));
        check_sound(&back);
        snprintf(key, sizeof key, "%s/shop/t>9>%s", account_in(2), settled ? "settled" : "bounce");
        cr_assert(back.op == (settled ? OP_settled : OP_bounce) && back.code == (uint64_t)answers[i] && back.at_ms == 1234);
        cr_assert_str_eq(back.key, key);
        cr_assert_str_eq(back.account, account_in(2));
        cr_assert_str_eq(back.entry, "1700000000000-5", "the original's");
        cr_assert_str_eq(back.origin, "1:1700000000009-0");
        for (unsigned target = 0; target < 4; target++)
            cr_assert_not(followup_derive(&back, CODE_ok, false, "1-1", &book, 2, target, "", &arrive), "nothing follows");
    }
}

Test(followup, a_transfer_at_home_has_none) {
    struct intent from = transfer(2), out;
    for (unsigned target = 0; target < 4; target++)
        cr_assert_not(followup_derive(&from, CODE_in_progress, false, "1-1", &book, 2, target, "", &out));
}

Test(followup, what_was_lost_is_told_once_more) {
    struct followup_lost lost = {.identity = "alice/shop/t>9", .entry = "1700000000000-5", .to = "bob", .order = "", .currency = "CNY",
                                 .amount_minor = 77};
    static const struct { const char *order; int code; int told; enum op op; } outcomes[] = {
        {"", CODE_ok, CODE_ok, OP_settled},        {"", CODE_already_exists, CODE_ok, OP_settled},
        {"", CODE_ok, CODE_not_found, OP_bounce},  {"o1", CODE_ok, CODE_ok, OP_settled},
        {"o1", CODE_ok, CODE_expired, OP_bounce},
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct intent recover, back;
        unsigned home = keys_partition(&book, "alice", 5);
        lost.order = outcomes[i].order;
        lost.code = outcomes[i].code;
        cr_assert(followup_recover(&lost, 1700000000777, &recover));
        check_sound(&recover);
        cr_assert(recover.op == OP_recover && recover.amount_minor == 77 && recover.code == (uint64_t)outcomes[i].code);
        cr_assert_str_eq(recover.key, "alice/shop/t>9>recover");
        cr_assert_str_eq(recover.account, "bob");
        cr_assert_str_eq(recover.order, outcomes[i].order);
        cr_assert(followup_derive(&recover, outcomes[i].told, false, "1700000000009-0", &book, (home + 1) % 4, home, "", &back));
        check_sound(&back);
        cr_assert(back.op == outcomes[i].op && (back.op == OP_settled || back.code == (uint64_t)outcomes[i].told));
        cr_assert_str_eq(back.entry, "1700000000000-5");
        cr_assert_str_eq(back.account, "alice");
        cr_assert_str_eq(back.to, back.op == OP_settled && outcomes[i].order[0] ? "bob" : "");
    }
    static const char *const none[] = {"", "alice/shop", "alice/till/k", "@book/shop/k", "alice/shop/k/l"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct intent out;
        lost.identity = none[i];
        cr_assert_not(followup_recover(&lost, 1700000000777, &out), "%s", none[i]);
    }
}

Test(followup, merchants_are_told_of_again) {
    struct intent shard, month;
    followup_shard("coffee", "CNY", STATUS_frozen, 3, 1700000000777, &shard);
    check_sound(&shard);
    cr_assert(shard.op == OP_adopt && shard.kind == KIND_merchant && shard.status == STATUS_frozen);
    cr_assert_str_eq(shard.origin, "3:0-1");
    followup_month(&(struct followup_month){"coffee", "CNY", "2026-10", 155, 5}, 2, 1700000000777, &month);
    check_sound(&month);
    cr_assert(month.op == OP_swept && month.gross_minor == 155 && month.refunds_minor == 5);
    cr_assert_str_eq(month.origin, "2:0-1");
    cr_assert_str_eq(month.month, "2026-10");
    cr_assert_str_eq(month.account, "coffee");
}

Test(followup, originals) {
    static const struct { const char *key, *account, *source, *of; } keys[] = {
        {"alice/shop/k>arrive", "alice", "shop", "k"},
        {"a:b@c/s/k>1>due", "a:b@c", "s", "k>1"},
        {"a/s/>>>", "a", "s", ">>"},
        {"a/s/k", NULL, NULL, NULL},
        {"a/s/>x", NULL, NULL, NULL},
        {"a/s>x", NULL, NULL, NULL},
        {"a>x", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {"/s/k>x", NULL, NULL, NULL},
        {"a//k>x", NULL, NULL, NULL},
        {"a/till/k>x", NULL, NULL, NULL},
        {"@book/s/k>x", NULL, NULL, NULL},
        {"a/S/k>x", NULL, NULL, NULL},
        {"a/s/k/l>x", NULL, NULL, NULL},
        {"a>b/s/k", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct intent follow_up = {.op = OP_settled, .source = "till"};
        struct followup_original of;
        memcpy(follow_up.key, keys[i].key, strlen(keys[i].key));
        bool good = followup_original(&follow_up, &of);
        cr_assert(good == (keys[i].account != NULL), "%s", keys[i].key);
        cr_assert(!good || (strcmp(of.account, keys[i].account) == 0 && strcmp(of.source, keys[i].source) == 0 &&
                            strcmp(of.key, keys[i].of) == 0), "%s", keys[i].key);
    }
}

Test(followup, what_falls_due) {
    static const struct { const char *member; enum op op; const char *account, *key, *entry; uint64_t at_ms; } members[] = {
        {"expire|1700000000000-5|alice/shop/h1", OP_expire, "alice", "alice/shop/h1>expire", "1700000000000-5", 1700000000000},
        {"due|17-0|alice/shop/a|b>c", OP_due, "alice", "alice/shop/a|b>c>due", "17-0", 17},
        {"expire|0-1|a/s/k", OP_expire, "a", "a/s/k>expire", "0-1", 1},
        {"expire|18446744073709551615-18446744073709551615|a/s/k", OP_expire, "a", "a/s/k>expire",
         "18446744073709551615-18446744073709551615", INTENT_AMOUNT_MAX},
        {"expire|1-1|a/s/", OP_NONE, "", "", "", 0},
        {"expire|1-1|a/s", OP_NONE, "", "", "", 0},
        {"expire|1-1|a/s/k/l", OP_NONE, "", "", "", 0},
        {"expire|1-1|a/till/k", OP_NONE, "", "", "", 0},
        {"due|1-1|@book/s/k", OP_NONE, "", "", "", 0},
        {"expire|1-1", OP_NONE, "", "", "", 0},
        {"expire|1|a/s/k", OP_NONE, "", "", "", 0},
        {"expire|01-1|a/s/k", OP_NONE, "", "", "", 0},
        {"expire||a/s/k", OP_NONE, "", "", "", 0},
        {"adopt|1-1|a/s/k", OP_NONE, "", "", "", 0},
        {"|1-1|a/s/k", OP_NONE, "", "", "", 0},
        {"expired|1-1|a/s/k", OP_NONE, "", "", "", 0},
        {"expire", OP_NONE, "", "", "", 0},
        {"", OP_NONE, "", "", "", 0},
        {"||", OP_NONE, "", "", "", 0},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct intent out;
        bool good = followup_own(members[i].member, strlen(members[i].member), "\x80", 1, &out);
        cr_assert(good == (members[i].op != OP_NONE), "%s", members[i].member);
        if (!good)
            continue;
        check_sound(&out);
        cr_assert(out.op == members[i].op && out.at_ms == members[i].at_ms && out.origin[0] == '\0', "%s", members[i].member);
        cr_assert(out.inner_size == (out.op == OP_due), "%s", members[i].member);
        cr_assert_str_eq(out.account, members[i].account);
        cr_assert_str_eq(out.key, members[i].key);
        cr_assert_str_eq(out.entry, members[i].entry);
        for (size_t size = 0; size < strlen(members[i].member); size++)
            cr_assert(!followup_own(members[i].member, size, "\x80", 1, &out) || size > strlen("expire|1-1|a/s/"), "%s", members[i].member);
    }
}

Test(followup, what_falls_due_with_its_bytes) {
    static const uint8_t bytes[INTENT_SIZE_MAX + 1];
    const char *member = "due|1-1|a/s/k";
    struct intent out;
    cr_assert_not(followup_own(member, strlen(member), bytes, 0, &out), "there is nothing to decide");
    cr_assert_not(followup_own(member, strlen(member), bytes, sizeof bytes, &out));
    cr_assert(followup_own(member, strlen(member), bytes, INTENT_SIZE_MAX, &out) && out.inner == bytes);
    cr_assert(followup_own("expire|1-1|a/s/k", 16, NULL, 0, &out) && out.inner == NULL, "an expire has none");
    check_sound(&out);
}

Test(followup, the_longest_names_fit) {
    struct intent from = original(OP_open, KIND_merchant), to;
    struct intent_fault fault;
    const struct book wide = {.name = "till", .partitions = KEYS_PARTITIONS_MAX};
    memset(from.account, 'a', INTENT_ACCOUNT_MAX);
    memset(from.source, 's', INTENT_SOURCE_MAX);
    memset(from.key, 'k', INTENT_KEY_MAX);
    cr_assert(followup_derive(&from, CODE_ok, true, "18446744073709551615-18446744073709551615", &wide, 1023, 0, "", &to));
    cr_assert_null(intent_check(&to, &fault), "%s", fault.text);
    from.op = OP_transfer;
    memcpy(from.to, "bob", 4);
    unsigned home = keys_partition(&wide, "bob", 3);
    from.amount_minor = 1;
    cr_assert(followup_derive(&from, CODE_in_progress, false, "18446744073709551615-18446744073709551615", &wide, home ^ 1, home, "", &to));
    cr_assert_null(intent_check(&to, &fault), "%s", fault.text);
    struct intent back;
    home = keys_partition(&wide, from.account, INTENT_ACCOUNT_MAX);
    const char *last = "18446744073709551615-18446744073709551615";
    cr_assert(followup_derive(&to, CODE_account_frozen, false, last, &wide, home ^ 1, home, "", &back));
    cr_assert_null(intent_check(&back, &fault), "%s", fault.text);
}

Test(followup, origins_are_split) {
    static const struct { const char *text; bool good; unsigned partition; const char *entry;
    } origins[] = {
        {"0:1-0", true, 0, "1-0"},
        {"1023:18446744073709551615-18446744073709551615", true, 1023, "18446744073709551615-18446744073709551615"},
        {"1024:1-0", false, 0, ""},
        {"", false, 0, ""},
        {":", false, 0, ""},
        {"1:", false, 0, ""},
        {":1-0", false, 0, ""},
        {"1-0", false, 0, ""},
        {"00:1-0", false, 0, ""},
        {"-1:1-0", false, 0, ""},
        {"0:1", false, 0, ""},
        {"0:1-0:1", false, 0, ""},
        {"0:01-0", false, 0, ""},
        {"18446744073709551616:1-0", false, 0, ""},
        {"4294967296:1-0", false, 0, ""},
        {"1-2:1-0", false, 0, ""},
    };
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        unsigned partition = 0;
        char entry[INTENT_ENTRY_MAX + 1] = "";
        cr_assert(followup_origin(origins[i].text, &partition, entry) == origins[i].good, "%s", origins[i].text);
        cr_assert(partition == origins[i].partition && strcmp(entry, origins[i].entry) == 0, "%s", origins[i].text);
    }
}
