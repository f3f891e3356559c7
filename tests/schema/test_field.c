/* Setting fields one by one, their words, and checks of an intent filled by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/intent.h"

Test(field, names_and_words_are_found_again) {
    for (enum field field = 0; field < FIELD_COUNT; field++)
        cr_assert(field_of_name(field_name(field), strlen(field_name(field))) == field, "%s", field_name(field));
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++)
        cr_assert(op_of_word(op_word(op), strlen(op_word(op))) == op, "%s", op_word(op));
    for (enum kind kind = KIND_user; kind <= KIND_app; kind++)
        cr_assert(kind_of_word(kind_word(kind), strlen(kind_word(kind))) == kind, "%s", kind_word(kind));
    for (enum status status = STATUS_active; status <= STATUS_closed; status++)
        cr_assert(status_of_word(status_word(status), strlen(status_word(status))) == status, "%s", status_word(status));
}

Test(field, no_word_is_none) {
    cr_assert(field_of_name("", 0) == FIELD_COUNT && field_of_name("opp", 3) == FIELD_COUNT && field_of_name("amount", 5) == FIELD_COUNT);
    cr_assert(op_of_word("", 0) == OP_NONE && op_of_word("NONE", 4) == OP_NONE && op_of_word("sell", 4) == OP_NONE);
    cr_assert(kind_of_word("", 0) == KIND_NONE && status_of_word("", 0) == STATUS_NONE);
    cr_assert_str_eq(op_word(OP_NONE), "");
    cr_assert_str_eq(kind_word(KIND_NONE), "");
    cr_assert_str_eq(status_word(STATUS_NONE), "");
}

Test(field, only_what_workers_send_is_a_follow_up) {
    for (enum op op = OP_NONE; op < OP_COUNT; op++)
        cr_assert(op_is_follow_up(op) == (op >= OP_adopt && op <= OP_lapse), "%s", op_word(op));
    for (enum op op = OP_NONE; op < OP_COUNT; op++)
        cr_assert(op_is_own(op) == (op == OP_expire || op == OP_due || op == OP_lapse), "%s", op_word(op));
}

#define NOT_A_QUANTITY "must be an integer from -9007199254740991 to 9007199254740991, not 0"

Test(field, the_other_type_is_told) {
    struct intent intent = {0};
    cr_assert_str_eq(intent_set_text(&intent, FIELD_amount, "5", 1), "must be an integer");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_allow_duplicate, "true", 4), "must be true or false");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_allow_duplicate, 2), "must be true or false");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_key, 5), "must be text");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_op, 5), "must be text");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_amount, 0), "must be an integer from 1 to 9007199254740991");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_key, "", 0), "must be 1..128 printable ASCII characters without space, / { }");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_credential, "01234567890123456789012345678901", 32), "must be 32 bytes");
    cr_assert_str_eq(intent_set_bytes(&intent, FIELD_credential, "0", 1), "must be 32 bytes");
    cr_assert_str_eq(intent_set_bytes(&intent, FIELD_key, "k", 1), "must be text");
    cr_assert_str_eq(intent_set_bytes(&intent, FIELD_at, "1", 1), "must be an integer from 1 to 9007199254740991");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_credential, 1), "must be 32 bytes");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_guard, "seq", 3), "must be a map of seq balance_min refunded");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_steps, 3), "must be an array of 2..16 steps");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_settings, "", 0), "must be a map of settings");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_quantity, "5", 1), "must be an integer");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_lines, "tea", 3), "must be an array of 1..64 lines, each [sku, quantity]");
    cr_assert_str_eq(intent_set_integer(&intent, FIELD_lines, 3), "must be an array of 1..64 lines, each [sku, quantity]");
    cr_assert_str_eq(intent_set_integer(&intent, FIELD_sku, 3), "must be text");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_month, 202611), "must be text");
    cr_assert_str_eq(intent_set_bytes(&intent, FIELD_quantity, "3", 1), NOT_A_QUANTITY);
    cr_assert_str_eq(intent_set_text(&intent, FIELD_month, "2026-13", 7), "must be a month from 1970-01 to 9999-12, YYYY-MM");
    cr_assert(intent.present == 0);
}

Test(field, integers_with_a_sign) {
    static const struct { int64_t number; bool good; } numbers[] = {
        {1, true}, {-1, true}, {INTENT_AMOUNT_MAX, true}, {-INTENT_AMOUNT_MAX, true}, {0, false}, {INTENT_AMOUNT_MAX + 1, false},
        {-INTENT_AMOUNT_MAX - 1, false}, {INT64_MAX, false}, {INT64_MIN, false},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct intent intent = {0}, other = {0};
        int64_t number = numbers[i].number;
        const char *why = intent_set_integer(&intent, FIELD_quantity, number);
        cr_assert((why == NULL) == numbers[i].good && intent_integer(&intent, FIELD_quantity) == (why == NULL ? number : 0), "%zu", i);
        cr_assert(why == NULL || strcmp(why, NOT_A_QUANTITY) == 0, "%zu: %s", i, why);
        cr_assert(intent.present == (why == NULL ? FIELD_BIT(FIELD_quantity) : 0), "%zu", i);
        cr_assert(intent_number(&intent, FIELD_quantity) == 0, "it is not one without a sign");
        const char *plain = intent_set_number(&other, FIELD_quantity, (uint64_t)number);
        cr_assert((plain == NULL) == (why == NULL && number > 0) && (plain != NULL || other.quantity == number), "%zu", i);
        const char *amount = intent_set_integer(&other, FIELD_amount, number);
        cr_assert((amount == NULL) == (why == NULL && number > 0), "%zu: %s", i, amount);
        cr_assert(intent_integer(&other, FIELD_amount) == 0, "it is not one with a sign");
    }
}

Test(field, clearing_leaves_only_the_lines_and_the_steps) {
    struct intent intent, blank = {0};
    size_t cleared = offsetof(struct intent, lines);
    memset(&intent, 0x5a, sizeof intent);
    intent_clear(&intent);
    cr_assert(memcmp(&intent, &blank, cleared) == 0);
    cr_assert(intent.lines[0].sku[0] == 0x5a && intent.steps[0].key[0] == 0x5a);
    cr_assert(sizeof intent - cleared == sizeof intent.lines + sizeof intent.steps);
    cr_assert(cleared < 1536, "an intent stays cheap: %zu", cleared);
}

Test(field, the_operations_offered_are_those_a_producer_may_send) {
    struct intent intent = {0};
    cr_assert_str_eq(intent_set_text(&intent, FIELD_op, "sell", 4),
                     "must be one of open freeze thaw close inquire lock unlock limit credential policy price stock "
                     "order cancel settle topup withdraw pay refund rollback "
                     "hold capture release transfer group unschedule");
}

Test(field, a_refused_value_leaves_the_one_before) {
    struct intent intent = {0};
    size_t size;
    cr_assert_null(intent_set_text(&intent, FIELD_account, "a-long-name", 11));
    cr_assert_not_null(intent_set_text(&intent, FIELD_account, "no way", 6));
    cr_assert_str_eq(intent_text(&intent, FIELD_account, &size), "a-long-name");
    cr_assert_null(intent_set_text(&intent, FIELD_account, "bob", 3));
    cr_assert_str_eq(intent_text(&intent, FIELD_account, &size), "bob");
    cr_assert(size == 3);
    cr_assert(memcmp(intent.account + 3, "\0\0\0\0\0\0\0\0", 8) == 0, "no trace of the longer name");
}

static struct intent payment(void) {
    struct intent intent = {.op = OP_pay,
                            .v = 1,
                            .at_ms = 1,
                            .amount_minor = 5,
                            .source = "shop",
                            .key = "k",
                            .account = "alice",
                            .to = "coffee",
                            .currency = "CNY",
                            .present = op_fields_needed(OP_pay)};
    return intent;
}

#define CHECK(name, change, wanted)                                                                          \
    do {                                                                                                     \
        struct intent i = payment();                                                                         \
        struct intent_fault fault = {.field = ""};                                                           \
        change;                                                                                              \
        const char *why = intent_check(&i, &fault);                                                          \
        cr_assert(strcmp(fault.field, wanted) == 0, "%s: fault in '%s', not '%s'", name, fault.field, wanted); \
        cr_assert((why == NULL) == (wanted[0] == '\0') && (why == NULL || why == fault.text), "%s", name);    \
    } while (0)

Test(field, an_intent_filled_by_hand_is_checked_whole) {
    CHECK("good", (void)0, "");
    CHECK("empty", i = (struct intent){0}, "v");
    CHECK("no end of text", memset(i.account, 'a', sizeof i.account), "account");
    CHECK("no end of key", memset(i.key, 'k', sizeof i.key), "key");
    CHECK("an operation that is none", i.op = OP_COUNT, "op");
    CHECK("no operation", i.op = OP_NONE, "op");
    CHECK("missing", i.present &= ~FIELD_BIT(FIELD_to), "to");
    CHECK("not taken", i.present |= FIELD_BIT(FIELD_of_at); i.of_at_ms = 1, "of_at");
    CHECK("present but empty", i.present |= FIELD_BIT(FIELD_kind), "kind");
    CHECK("not present, so it does not count", i.kind = KIND_user, "");
    CHECK("to oneself", memcpy(i.to, "alice", 6), "to");
    CHECK("ill-valued before missing", i.present &= ~FIELD_BIT(FIELD_v); i.amount_minor = 0, "amount");
    CHECK("in field order", i.key[0] = '/'; i.v = 2, "v");
    CHECK("a follow-up from a producer", i.op = OP_adopt, "op");
    CHECK("a producer's operation from till", memcpy(i.source, "till", 5), "op");
    CHECK("a source that is none", i.source[0] = 'S', "source");
    CHECK("bits of no field", i.present |= UINT64_C(1) << FIELD_COUNT | UINT64_C(1) << 63, "");
    CHECK("the book's account", memcpy(i.account, "@book", 6), "account");
    CHECK("a guard that is empty", i.present |= FIELD_BIT(FIELD_guard), "guard");
    CHECK("a guard out of range", i.present |= FIELD_BIT(FIELD_guard); i.guard.has_seq = true; i.guard.seq = UINT64_C(1) << 53, "guard");
    CHECK("a guard", i.present |= FIELD_BIT(FIELD_guard); i.guard.has_seq = true, "");
    CHECK("a guard that refers to nothing", i.present |= FIELD_BIT(FIELD_guard); i.guard.has_refunded = true, "guard");
    CHECK("settings that are empty", i.present |= FIELD_BIT(FIELD_settings), "settings");
    CHECK("a setting out of range", i.present |= FIELD_BIT(FIELD_settings); i.settings.present = 1u << SETTING_fee;
          i.settings.value[SETTING_fee] = 10001, "settings");
    CHECK("settings that pay does not take", i.present |= FIELD_BIT(FIELD_settings); i.settings.present = 1u << SETTING_fee, "settings");
    CHECK("no steps", i.present |= FIELD_BIT(FIELD_steps), "steps");
    CHECK("more steps than there can be", i.present |= FIELD_BIT(FIELD_steps); i.step_count = 17, "steps");
    CHECK("no end of token", i.present |= FIELD_BIT(FIELD_token); memset(i.token, 't', sizeof i.token), "token");
    CHECK("an inner that is not there", i.present |= FIELD_BIT(FIELD_inner), "inner");
}
