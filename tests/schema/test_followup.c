/* Follow-ups: which intents have them, for whom, and that they pass every check on the other side. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"

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
            bool derived = followup_derive(&from, rows[i].code, rows[i].merchant, "1700000000000-5", &book, 2, target, &to);
            cr_assert(derived == (any && target != 2 && target < 4), "row %zu %s to %u", i, row, target);
            if (derived) {
                cr_assert(to.op == rows[i].follow_up, "row %zu", i);
                check_one(row, &from, &to, rows[i].status, rows[i].key);
            }
        }
    }
}

Test(followup, the_longest_names_fit) {
    struct intent from = original(OP_open, KIND_merchant), to;
    struct intent_fault fault;
    const struct book wide = {.name = "till", .partitions = KEYS_PARTITIONS_MAX};
    memset(from.account, 'a', INTENT_ACCOUNT_MAX);
    memset(from.source, 's', INTENT_SOURCE_MAX);
    memset(from.key, 'k', INTENT_KEY_MAX);
    cr_assert(followup_derive(&from, CODE_ok, true, "18446744073709551615-18446744073709551615", &wide, 1023, 0, &to));
    cr_assert_null(intent_check(&to, &fault), "%s", fault.text);
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
