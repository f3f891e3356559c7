/* Bill records: a good one field by field, and every way one can be spoilt. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/bill.h"

static const char *const good[15] = {"0123456789abcdef", "0",      "pay",      "7-42", "1999", "CNY",    "-8001", "10", "1700000000000",
                                     "1700000000000-3",  "coffee", "captured", "1999", "500",  "de|tail"};

/* The good record with one field replaced; -1 for none. */
static const char *parse_with(int place, const char *value, struct bill *bill) {
    char text[1024];
    size_t size = 0;
    for (int i = 0; i < 15; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i > 0 ? "|" : "", i == place ? value : good[i]);
    return bill_parse(text, size, bill);
}

Test(bill, is_read_field_by_field) {
    struct bill b;
    const char *why = parse_with(-1, "", &b);
    cr_assert_null(why, "%s", why);
    cr_assert_str_eq(b.fingerprint, "0123456789abcdef");
    cr_assert(b.code == 0 && b.has_amount && b.amount_minor == 1999 && b.has_balance && b.balance_minor == -8001 && b.held_minor == 10);
    cr_assert(b.at_ms == 1700000000000 && b.captured_minor == 1999 && b.refunded_minor == 500);
    cr_assert_str_eq(b.op, "pay");
    cr_assert_str_eq(b.bill, "7-42");
    cr_assert_str_eq(b.currency, "CNY");
    cr_assert_str_eq(b.entry, "1700000000000-3");
    cr_assert_str_eq(b.to, "coffee");
    cr_assert_str_eq(b.state, "captured");
    cr_assert_str_eq(b.detail, "de|tail");
}

Test(bill, empty_is_not_zero) {
    struct bill b;
    cr_assert_null(parse_with(4, "", &b));
    cr_assert(!b.has_amount && b.amount_minor == 0 && b.has_balance);
    cr_assert_null(parse_with(4, "0", &b));
    cr_assert(b.has_amount && b.amount_minor == 0);
    cr_assert_null(parse_with(6, "", &b));
    cr_assert(!b.has_balance && b.has_amount);
}

static const struct {
    int place;
    const char *value;
    const char *why;
} rows[] = {
    {0, "0123456789abcde", "fingerprint is not 16 hex digits"},
    {0, "0123456789abcdeF", "fingerprint is not 16 hex digits"},
    {0, "0123456789abcdef0", "fingerprint is not 16 hex digits"},
    {0, "", "fingerprint is not 16 hex digits"},
    {1, "", "code is not a number"},
    {1, "x", "code is not a number"},
    {1, "100", "code is not a number"},
    {1, "20", NULL},
    {1, "0x1", "code is not a number"},
    {2, "", "op is missing or too long"},
    {2, "oooooooooooooooooooooooooooooooooo", "op is missing or too long"},
    {3, "", NULL},
    {3, "123456789012345678901234567890123", "bill is too long"},
    {4, "1.5", "amount is not a number"},
    {4, "1e3", "amount is not a number"},
    {4, " 1", "amount is not a number"},
    {4, "+1", "amount is not a number"},
    {4, "9223372036854775807", NULL},
    {4, "9223372036854775808", "amount is not a number"},
    {4, "-9223372036854775808", NULL},
    {4, "-9223372036854775809", "amount is not a number"},
    {4, "99999999999999999999999", "amount is not a number"},
    {4, "-", "amount is not a number"},
    {4, "nan", "amount is not a number"},
    {5, "CNYX", "currency is too long"},
    {5, "", NULL},
    {6, "1-", "balance is not a number"},
    {7, "h", "held is not a number"},
    {7, "", NULL},
    {8, "", "at is not a number"},
    {8, "-1", "at is not a number"},
    {9, "", "entry is missing or too long"},
    {9, "111111111111111111111-11111111111111111111", "entry is missing or too long"},
    {10, "", NULL},
    {11, "a state that is long", "state is too long"},
    {12, "x", "captured is not a number"},
    {13, "x", "refunded is not a number"},
    {13, "1|2", NULL},
    {14, "", NULL},
    {14, "|||", NULL},
};

Test(bill, says_what_is_wrong) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bill b;
        const char *why = parse_with(rows[i].place, rows[i].value, &b);
        if (rows[i].place == 13 && rows[i].value[1] == '|')
            cr_assert(why == NULL && strcmp(b.detail, "2|de|tail") == 0, "a bar too many belongs to the detail");
        else
            cr_assert((why == NULL) == (rows[i].why == NULL) && (why == NULL || strcmp(why, rows[i].why) == 0), "%d '%s': %s",
                      rows[i].place, rows[i].value, why);
    }
}

Test(bill, every_cut_ends_well) {
    static const char text[] = "0123456789abcdef|0|pay|7-42|1999|CNY|-8001|10|1700000000000|1700000000000-3|coffee|captured|1999|500|";
    struct bill b;
    for (size_t size = 0; size < sizeof text - 1; size++)
        cr_assert_not_null(bill_parse(text, size, &b), "%zu", size);
    cr_assert_null(bill_parse(text, sizeof text - 1, &b));
    cr_assert_not_null(bill_parse("0123456789abcdef|0|pay|7\0-42|1||1|1|1|1-1||||||", 49, &b));
}
