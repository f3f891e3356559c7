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
    cr_assert(op_of_word("", 0) == OP_NONE && op_of_word("NONE", 4) == OP_NONE && op_of_word("hold", 4) == OP_NONE);
    cr_assert(kind_of_word("", 0) == KIND_NONE && status_of_word("", 0) == STATUS_NONE);
    cr_assert_str_eq(op_word(OP_NONE), "");
    cr_assert_str_eq(kind_word(KIND_NONE), "");
    cr_assert_str_eq(status_word(STATUS_NONE), "");
}

Test(field, only_what_workers_send_is_a_follow_up) {
    for (enum op op = OP_NONE; op < OP_COUNT; op++)
        cr_assert(op_is_follow_up(op) == (op == OP_adopt || op == OP_mark), "%s", op_word(op));
}

Test(field, the_other_type_is_told) {
    struct intent intent = {0};
    cr_assert_str_eq(intent_set_text(&intent, FIELD_amount, "5", 1), "must be an integer");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_allow_duplicate, "true", 4), "must be true or false");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_allow_duplicate, 2), "must be true or false");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_key, 5), "must be text");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_op, 5), "must be text");
    cr_assert_str_eq(intent_set_number(&intent, FIELD_amount, 0), "must be an integer from 1 to 9007199254740991");
    cr_assert_str_eq(intent_set_text(&intent, FIELD_key, "", 0), "must be 1..128 printable ASCII characters without space, / { }");
    cr_assert(intent.present == 0);
}

Test(field, the_operations_offered_are_those_a_producer_may_send) {
    struct intent intent = {0};
    cr_assert_str_eq(intent_set_text(&intent, FIELD_op, "hold", 4),
                     "must be one of open freeze thaw close inquire topup withdraw pay refund rollback");
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
    CHECK("bits of no field", i.present |= UINT32_C(1) << 31, "");
}
