/* The answer codes against the published table. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/code.h"

static const struct { int number; const char *word; enum code_class class; } published[] = {
    {0, "ok", CODE_CLASS_DECIDED}, {1, "not_found", CODE_CLASS_DECIDED}, {2, "not_permitted", CODE_CLASS_MALFORMED},
    {3, "insufficient_funds", CODE_CLASS_DECIDED}, {4, "account_frozen", CODE_CLASS_DECIDED}, {5, "account_locked", CODE_CLASS_NOT_NOW},
    {6, "invalid", CODE_CLASS_MALFORMED}, {7, "key_reused", CODE_CLASS_MALFORMED}, {8, "rate_limited", CODE_CLASS_NOT_NOW},
    {9, "duplicate_suspected", CODE_CLASS_DECIDED}, {10, "already_exists", CODE_CLASS_DECIDED}, {11, "wrong_state", CODE_CLASS_DECIDED},
    {12, "limit_exceeded", CODE_CLASS_DECIDED}, {13, "out_of_stock", CODE_CLASS_DECIDED}, {14, "stale", CODE_CLASS_MALFORMED},
    {15, "currency_mismatch", CODE_CLASS_DECIDED}, {16, "expired", CODE_CLASS_DECIDED}, {17, "group_failed", CODE_CLASS_DECIDED},
    {18, "guard_failed", CODE_CLASS_NOT_NOW}, {19, "dead", CODE_CLASS_MALFORMED}, {20, "in_progress", CODE_CLASS_NOT_NOW},
    {-1, "busy", CODE_CLASS_CLIENT}, {-2, "read_failed", CODE_CLASS_CLIENT}, {-3, "write_failed", CODE_CLASS_CLIENT},
};
enum { PUBLISHED_COUNT = sizeof published / sizeof published[0] };

Test(code, is_as_published) {
    for (int i = 0; i < PUBLISHED_COUNT; i++) {
        int code = 99;
        cr_assert_str_eq(code_word(published[i].number), published[i].word);
        cr_assert(code_class(published[i].number) == published[i].class, "%s", published[i].word);
        cr_assert(strlen(code_sentence(published[i].number)) > 0, "%s", published[i].word);
        cr_assert(code_of_word(published[i].word, strlen(published[i].word), &code), "%s", published[i].word);
        cr_assert(code == published[i].number, "%s", published[i].word);
    }
}

Test(code, is_nothing_else) {
    int known = 0, code = 99;
    for (int number = -100; number <= 100; number++)
        known += strcmp(code_word(number), "unknown") != 0;
    cr_assert(known == PUBLISHED_COUNT, "%d codes", known);
    cr_assert(code_class(21) == CODE_CLASS_MALFORMED);
    cr_assert_not(code_of_word("unknown", 7, &code));
    cr_assert_not(code_of_word("o", 1, &code));
    cr_assert_not(code_of_word("okay", 4, &code));
    cr_assert_not(code_of_word("", 0, &code));
    cr_assert(code == 99);
}
