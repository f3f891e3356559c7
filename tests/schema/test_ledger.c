/* Ledger rows: a good one column by column, and every column spoilt. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/ledger.h"
#include "tests/schema/from_json.h"

static const char *const good = "[[\"7-42\",\"alice/shop/k1\",\"pay\",\"alice\",-1999,0,8001,0,3,1700000000000,\"n\"],"
                                "[\"7-42\",\"alice/shop/k1\",\"pay\",\"@world:CNY\",1999,-5,-9007199254740991,2,1,1700000000000,\"\"]]";

Test(ledger, is_read_column_by_column) {
    struct pack_tree *tree = pack_tree_new();
    struct message m;
    struct pack_value rows;
    struct ledger_row r;
    uint32_t count;
    message_from_text(&m, good);
    cr_assert_null(ledger_decode(tree, m.bytes, m.size, &rows, &count));
    cr_assert(count == 2);
    cr_assert_null(ledger_row_at(&rows, 0, &r));
    cr_assert(r.amount_minor == -1999 && r.hold_minor == 0 && r.balance_minor == 8001 && r.held_minor == 0 && r.seq == 3 &&
              r.at_ms == 1700000000000);
    cr_assert_str_eq(r.bill, "7-42");
    cr_assert_str_eq(r.identity, "alice/shop/k1");
    cr_assert_str_eq(r.op, "pay");
    cr_assert_str_eq(r.account, "alice");
    cr_assert_str_eq(r.note, "n");
    cr_assert_null(ledger_row_at(&rows, 1, &r));
    cr_assert(r.amount_minor == 1999 && r.hold_minor == -5 && r.balance_minor == -9007199254740991 && r.held_minor == 2 && r.seq == 1);
    cr_assert_str_eq(r.account, "@world:CNY");
    cr_assert_str_eq(r.note, "");
    pack_tree_free(tree);
}

static const struct { const char *name, *text, *why; } entries[] = {
    {"no array", "{}", "is not an array of rows"}, {"a number", "7", "is not an array of rows"}, {"nil", "null", "is not an array of rows"},
};

Test(ledger, says_what_is_wrong_with_an_entry) {
    struct pack_tree *tree = pack_tree_new();
    struct pack_value rows;
    uint32_t count;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct message m;
        message_from_text(&m, entries[i].text);
        cr_assert_str_eq(ledger_decode(tree, m.bytes, m.size, &rows, &count), entries[i].why);
        cr_assert(count == 0, "%s", entries[i].name);
    }
    cr_assert_str_eq(ledger_decode(tree, "\xdc\xff", 2, &rows, &count), "is not msgpack");
    cr_assert_str_eq(ledger_decode(tree, "", 0, &rows, &count), "is not msgpack");
    pack_tree_free(tree);
}

static const char *const columns[] = {"bill is not text that fits", "identity is not text that fits",
                                      "op is not text that fits",   "account is not text that fits",
                                      "amount is not an integer",   "hold is not an integer",
                                      "balance is not an integer",  "held is not an integer",
                                      "seq is not a count",         "at is not a time",
                                      "note is not text that fits"};

Test(ledger, says_which_column_is_wrong) {
    static const char *const wrong[] = {"null", "1.0", "\"hex:00\"", "[]", "\"a\\u0000\"", "true"};
    struct pack_tree *tree = pack_tree_new();
    struct pack_value rows;
    struct ledger_row r;
    uint32_t count;
    for (size_t column = 0; column < 11; column++)
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            json_t *all = json_loads(good, 0, NULL);
            struct message m;
            json_array_set_new(json_array_get(all, 0), column, json_loads(wrong[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
            message_from_json(&m, all);
            cr_assert_null(ledger_decode(tree, m.bytes, m.size, &rows, &count));
            const char *why = ledger_row_at(&rows, 0, &r);
            cr_assert(why != NULL && strcmp(why, columns[column]) == 0, "column %zu %s: %s", column, wrong[i], why);
            cr_assert_null(ledger_row_at(&rows, 1, &r), "the other row is well");
            json_decref(all);
        }
    pack_tree_free(tree);
}

Test(ledger, rows_have_eleven_columns_and_texts_that_fit) {
    static const char *const rows_text[] = {"[[]]", "[7]", "[{}]", "[[1,2,3,4,5,6,7,8,9,10]]", "[[1,2,3,4,5,6,7,8,9,10,11,12]]"};
    struct pack_tree *tree = pack_tree_new();
    struct pack_value rows;
    struct ledger_row r;
    uint32_t count;
    struct message m;
    for (size_t i = 0; i < sizeof rows_text / sizeof rows_text[0]; i++) {
        message_from_text(&m, rows_text[i]);
        cr_assert_null(ledger_decode(tree, m.bytes, m.size, &rows, &count));
        cr_assert_str_eq(ledger_row_at(&rows, 0, &r), "is not a row of eleven columns");
    }
    message_from_text(&m, "[[\"b\",\"i\",\"o\",\"a\",1,1,1,1,-1,1,\"\"]]");
    cr_assert_null(ledger_decode(tree, m.bytes, m.size, &rows, &count));
    cr_assert_str_eq(ledger_row_at(&rows, 0, &r), "seq is not a count");
    message_from_text(&m, "[[\"123456789012345678901234567890123\",\"i\",\"o\",\"a\",1,1,1,1,1,1,\"\"]]");
    cr_assert_null(ledger_decode(tree, m.bytes, m.size, &rows, &count));
    cr_assert_str_eq(ledger_row_at(&rows, 0, &r), "bill is not text that fits");
    pack_tree_free(tree);
}
