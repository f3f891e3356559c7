/* Decoding: every field of every operation, wrong in every way it can be, and the order in which faults are reported. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/from_json.h"
#include "tests/schema/least.h"

#define HEAD LEAST_HEAD
#define PAYMENT LEAST_PAYMENT

static struct intent intent;
static struct intent_fault fault;

static enum intent_err decode(json_t *map) {
    struct message m;
    message_from_json(&m, map);
    return intent_decode(m.bytes, m.size, &intent, &fault);
}

static enum intent_err decode_text(const char *text) {
    struct message m;
    message_from_text(&m, text);
    return intent_decode(m.bytes, m.size, &intent, &fault);
}

static json_t *map_of(enum op op) {
    json_t *map = json_loads(least_of_op[op], 0, NULL);
    cr_assert(map != NULL, "%s", op_word(op));
    return map;
}

static json_t *json_of(const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert(value != NULL, "%s", text);
    return value;
}

/* A faulty follow-up, or one without a sender, has nobody to be told. */
static enum intent_err outcome(enum op op, enum field field) {
    return op_is_follow_up(op) || field == FIELD_source ? INTENT_UNREADABLE : INTENT_INVALID;
}

static void expect(enum intent_err err, enum intent_err wanted, const char *field, const char *row) {
    cr_assert(err == wanted, "%s: outcome %d, not %d (%s)", row, err, wanted, fault.text);
    cr_assert(strcmp(fault.field, field) == 0, "%s: fault in '%s', not '%s' (%s)", row, fault.field, field, fault.text);
    cr_assert((err == INTENT_OK) == (fault.text[0] == '\0'), "%s: %s", row, fault.text);
}

Test(decode, every_operation_with_what_it_needs) {
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
        expect(decode_text(least_of_op[op]), INTENT_OK, "", op_word(op));
        uint64_t lines = op == OP_order ? FIELD_BIT(FIELD_lines) : 0; /* or an amount */
        cr_assert(intent.op == op && intent.present == (op_fields_needed(op) | lines), "%s", op_word(op));
    }
}

Test(decode, every_operation_with_all_it_may_have) {
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
        json_t *map = map_of(op);
        for (enum field field = 0; field < FIELD_COUNT; field++)
            if (op_fields_allowed(op) & ~op_fields_needed(op) & FIELD_BIT(field))
                json_object_set_new(map, field_name(field), json_of(usual_of_field[field]));
        uint64_t not_both = op == OP_order ? FIELD_BIT(FIELD_amount) : 0;
        if (not_both)
            json_object_del(map, "amount");
        expect(decode(map), INTENT_OK, "", op_word(op));
        cr_assert(intent.present == (op_fields_allowed(op) & ~not_both), "%s", op_word(op));
        json_decref(map);
    }
}

Test(decode, every_field_missing_twice_or_not_taken) {
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++)
        for (enum field field = 0; field < FIELD_COUNT; field++) {
            char row[64], twice[64];
            snprintf(row, sizeof row, "%s %s", op_word(op), field_name(field));
            json_t *map = map_of(op);
            if (!(op_fields_allowed(op) & FIELD_BIT(field))) {
                json_object_set_new(map, field_name(field), json_of(usual_of_field[field]));
                expect(decode(map), outcome(op, field), field_name(field), row);
            } else if (op_fields_needed(op) & FIELD_BIT(field)) {
                snprintf(twice, sizeof twice, "%s+", field_name(field));
                json_object_set(map, twice, json_object_get(map, field_name(field)));
                expect(decode(map), op_is_follow_up(op) ? INTENT_UNREADABLE : INTENT_INVALID, field_name(field), row);
                json_object_del(map, twice);
                json_object_del(map, field_name(field));
                expect(decode(map), outcome(op, field), field_name(field), row);
                cr_assert(intent.op == (field == FIELD_op || field == FIELD_source ? OP_NONE : op), "%s", row);
            }
            json_decref(map);
        }
}

/* Values that are wrong for nearly all fields and right for a few. */
static bool takes_any(enum field field, const char *value) {
    const char *taken = field == FIELD_note || field == FIELD_token ? "\"\\u0001\""
                        : field == FIELD_quantity                   ? "-1"
                        : field == FIELD_inner                      ? "\"hex:00\""
                                                                    : "";
    return strcmp(value, taken) == 0;
}

Test(decode, every_field_of_a_wrong_type) {
    static const char *const wrong[] = {"null", "[]", "{}", "[1]", "{\"a\":1}", "1.0", "0.5", "-1", "\"hex:00\"", "\"\\u0001\""};
    for (enum op op = OP_NONE + 1; op < OP_COUNT; op++)
        for (enum field field = 0; field < FIELD_COUNT; field++)
            for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
                char row[96];
                if (!(op_fields_allowed(op) & FIELD_BIT(field)) || takes_any(field, wrong[i]))
                    continue;
                snprintf(row, sizeof row, "%s %s %s", op_word(op), field_name(field), wrong[i]);
                json_t *map = map_of(op);
                json_object_set_new(map, field_name(field), json_of(wrong[i]));
                expect(decode(map), outcome(op, field), field_name(field), row);
                cr_assert_not(intent.present & FIELD_BIT(field), "%s", row);
                json_decref(map);
            }
}

static const struct {
    enum op op;
    const char *field, *value;
    bool good;
} values[] = {
    {OP_pay, "v", "0", false},
    {OP_pay, "v", "2", false},
    {OP_pay, "v", "\"1\"", false},
    {OP_pay, "v", "true", false},
    {OP_pay, "at", "0", false},
    {OP_pay, "at", "1", true},
    {OP_pay, "at", "9007199254740991", true},
    {OP_pay, "at", "9007199254740992", false},
    {OP_pay, "amount", "0", false},
    {OP_pay, "amount", "9007199254740991", true},
    {OP_pay, "amount", "9007199254740992", false},
    {OP_pay, "amount", "9223372036854775807", false},
    {OP_pay, "amount", "\"5\"", false},
    {OP_pay, "amount", "true", false},
    {OP_pay, "amount", "-9223372036854775808", false},
    {OP_pay, "amount", "5e0", false},
    {OP_pay, "op", "\"sell\"", false},
    {OP_pay, "op", "\"expire\"", false},
    {OP_pay, "op", "\"bounce\"", false},
    {OP_pay, "op", "\"paid\"", false},
    {OP_pay, "op", "\"swept\"", false},
    {OP_pay, "op", "\"lapse\"", false},
    {OP_pay, "op", "\"\"", false},
    {OP_pay, "op", "\"PAY\"", false},
    {OP_pay, "op", "\"pay \"", false},
    {OP_pay, "op", "\"adopt\"", false},
    {OP_pay, "op", "\"mark\"", false},
    {OP_pay, "op", "\"pa\"", false},
    {OP_pay, "op", "\"pay\\u0000\"", false},
    {OP_pay, "key", "\"\"", false},
    {OP_pay, "key", "\"a b\"", false},
    {OP_pay, "key", "\"a/b\"", false},
    {OP_pay, "key", "\"a{b\"", false},
    {OP_pay, "key", "\"a}b\"", false},
    {OP_pay, "key", "\"\\u00e9\"", false},
    {OP_pay, "key", "\"a\\u007f\"", false},
    {OP_pay, "key", "\"a\\u0000\"", false},
    {OP_pay, "key", "\"!~>|\\\\\\\"\"", true},
    {OP_pay, "key", "7", false},
    {OP_pay, "account", "\"\"", false},
    {OP_pay, "account", "\"@world:CNY\"", false},
    {OP_pay, "account", "\"a@b\"", true},
    {OP_pay, "account", "\"a/b\"", false},
    {OP_pay, "account", "\"a b\"", false},
    {OP_pay, "account", "\"\\u00e9\"", false},
    {OP_pay, "account", "\"A.b_c:d-9\"", true},
    {OP_pay, "account", "\"a\\u0000b\"", false},
    {OP_pay, "to", "\"@book\"", false},
    {OP_pay, "to", "\"\"", false},
    {OP_pay, "to", "\"alice\"", false},
    {OP_pay, "to", "\"Alice\"", true},
    {OP_pay, "currency", "\"cny\"", false},
    {OP_pay, "currency", "\"CN\"", false},
    {OP_pay, "currency", "\"CNYY\"", false},
    {OP_pay, "currency", "\"C1Y\"", false},
    {OP_pay, "currency", "156", false},
    {OP_pay, "allow_duplicate", "false", true},
    {OP_pay, "allow_duplicate", "1", false},
    {OP_pay, "allow_duplicate", "\"true\"", false},
    {OP_pay, "note", "\"\"", true},
    {OP_pay, "note", "\"\\u00e9 \\ud83d\\ude00 \\n\"", true},
    {OP_pay, "note", "\"a\\u0000b\"", false},
    {OP_pay, "source", "\"a.b_c-9\"", true},
    {OP_pay, "amuont", "1", false},
    {OP_pay, "expires", "1", false},
    {OP_pay, "at_ms", "1", false},
    {OP_pay, "token", "\"\"", false},
    {OP_pay, "token", "\"\\u00e9 /{}\"", true},
    {OP_pay, "token", "\"a\\u0000\"", false},
    {OP_pay, "token", "\"hex:41\"", false},
    {OP_pay, "not_before", "0", true},
    {OP_pay, "not_before", "9007199254740991", true},
    {OP_pay, "not_before", "9007199254740992", false},
    {OP_pay, "account", "\"@book\"", false},
    {OP_pay, "account", "\"@booK\"", false},
    {OP_pay, "code", "1", false},
    {OP_policy, "account", "\"alice\"", false},
    {OP_policy, "account", "\"@bool\"", false},
    {OP_hold, "expires", "0", true},
    {OP_hold, "expires", "9007199254740991", true},
    {OP_hold, "expires", "9007199254740992", false},
    {OP_hold, "expires", "-1", false},
    {OP_capture, "final", "true", true},
    {OP_capture, "final", "0", false},
    {OP_capture, "of", "\"k1\"", false},
    {OP_transfer, "to", "\"alice\"", false},
    {OP_transfer, "to", "\"@book\"", false},
    {OP_limit, "payments", "0", false},
    {OP_limit, "payments", "1000000", true},
    {OP_limit, "payments", "1000001", false},
    {OP_limit, "per", "0", false},
    {OP_limit, "per", "2678400000", true},
    {OP_limit, "per", "2678400001", false},
    {OP_credential, "credential", "\"01234567890123456789012345678901\"", false},
    {OP_credential, "credential", "\"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"", true},
    {OP_credential, "credential", "\"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e\"", false},
    {OP_credential, "credential", "\"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\"", false},
    {OP_bounce, "code", "0", true},
    {OP_bounce, "code", "99", true},
    {OP_bounce, "code", "100", false},
    {OP_due, "inner", "\"80\"", false},
    {OP_due, "inner", "\"hex:\"", false},
    {OP_expire, "account", "\"@book\"", false},
    {OP_open, "kind", "\"merchant\"", true},
    {OP_open, "kind", "\"app\"", true},
    {OP_open, "kind", "\"system\"", false},
    {OP_open, "kind", "\"\"", false},
    {OP_refund, "of", "\"k1\"", false},
    {OP_refund, "of", "\"a/b\"", false},
    {OP_refund, "of", "\"\"", false},
    {OP_refund, "of_at", "0", false},
    {OP_rollback, "of", "\"k1\"", false},
    {OP_rollback, "amount", "1", false},
    {OP_price, "sku", "\"!~>|:\"", true},
    {OP_price, "sku", "\"\"", false},
    {OP_price, "sku", "\"a b\"", false},
    {OP_price, "sku", "\"a/b\"", false},
    {OP_price, "sku", "\"a{b\"", false},
    {OP_price, "sku", "\"a\\u0000\"", false},
    {OP_price, "sku", "7", false},
    {OP_price, "amount", "0", false},
    {OP_stock, "quantity", "0", false},
    {OP_stock, "quantity", "1", true},
    {OP_stock, "quantity", "9007199254740991", true},
    {OP_stock, "quantity", "9007199254740992", false},
    {OP_stock, "quantity", "9223372036854775807", false},
    {OP_stock, "quantity", "-9007199254740991", true},
    {OP_stock, "quantity", "-9007199254740992", false},
    {OP_stock, "quantity", "-9223372036854775808", false},
    {OP_stock, "quantity", "\"3\"", false},
    {OP_order, "order", "\"a/b\"", false},
    {OP_order, "order", "\"\"", false},
    {OP_order, "to", "\"alice\"", false},
    {OP_pay, "order", "\"a}b\"", false},
    {OP_pay, "order", "\"o1\"", true},
    {OP_hold, "order", "\"o1\"", false},
    {OP_settle, "month", "\"1970-01\"", true},
    {OP_settle, "month", "\"9999-12\"", true},
    {OP_settle, "month", "\"1969-12\"", false},
    {OP_settle, "month", "\"2026-00\"", false},
    {OP_settle, "month", "\"2026-13\"", false},
    {OP_settle, "month", "\"2026-1\"", false},
    {OP_settle, "month", "\"2026-011\"", false},
    {OP_settle, "month", "\"2026/01\"", false},
    {OP_settle, "month", "\"2026-1 \"", false},
    {OP_settle, "month", "\"202a-01\"", false},
    {OP_settle, "month", "\"2026-01\\u0000\"", false},
    {OP_settle, "month", "202601", false},
    {OP_settle, "account", "\"@book\"", false},
    {OP_swept, "gross", "0", true},
    {OP_swept, "refunds", "9007199254740991", true},
    {OP_swept, "refunds", "9007199254740992", false},
    {OP_settled, "to", "\"alice\"", true},
    {OP_settled, "to", "\"coffee\"", false},
    {OP_lapse, "origin", "\"3:17-4\"", false},
    {OP_mark, "status", "\"active\"", true},
    {OP_mark, "status", "\"closed\"", true},
    {OP_mark, "status", "\"open\"", false},
    {OP_mark, "origin", "\"1023:0-0\"", true},
    {OP_mark, "origin", "\"1024:0-0\"", false},
    {OP_mark, "origin", "\"01:0-0\"", false},
    {OP_mark, "origin", "\"3:17\"", false},
    {OP_mark, "origin", "\"3-1:17-4\"", false},
    {OP_mark, "origin", "\":17-4\"", false},
    {OP_mark, "origin", "\"17-4\"", false},
    {OP_mark, "origin", "\"3:17-4 \"", false},
    {OP_mark, "origin", "\"3:17-4\\u0000\"", false},
    {OP_mark, "entry", "\"17\"", false},
    {OP_mark, "entry", "\"1700\"", false},
    {OP_mark, "entry", "\"17-04\"", false},
    {OP_mark, "entry", "\"18446744073709551616-0\"", false},
    {OP_mark, "key", "\"a/b/c>d\"", true},
    {OP_mark, "key", "\"a b\"", false},
    {OP_mark, "key", "\"a{b\"", false},
    {OP_mark, "op", "\"pay\"", false},
    {OP_mark, "account", "\"@world:CNY\"", false},
};

Test(decode, values_at_the_edge) {
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char row[128];
        snprintf(row, sizeof row, "%s %s %s", op_word(values[i].op), values[i].field, values[i].value);
        json_t *map = map_of(values[i].op);
        json_object_set_new(map, values[i].field, json_of(values[i].value));
        bool good = values[i].good;
        expect(decode(map), good ? INTENT_OK : outcome(values[i].op, FIELD_op), good ? "" : values[i].field, row);
        json_decref(map);
    }
}

/* Every source is at fault in the same way: nobody is left to tell. */
Test(decode, sources_that_are_none) {
    static const char *const sources[] = {"\"\"",        "\"Shop\"",     "\"a b\"", "\"a/b\"", "\"a:b\"", "\"a{b\"",
                                          "\"\\u00e9\"", "\"a\\u0000\"", "7",       "null",    "[]"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        json_t *map = map_of(OP_pay);
        json_object_set_new(map, "source", json_of(sources[i]));
        expect(decode(map), INTENT_UNREADABLE, "source", sources[i]);
        json_decref(map);
    }
}

static const struct {
    enum op op;
    const char *field;
    size_t longest;
    char letter;
} lengths[] = {
    {OP_pay, "key", 128, 'k'},   {OP_pay, "account", 64, 'a'}, {OP_pay, "to", 64, 't'},    {OP_pay, "note", 256, 'n'},
    {OP_refund, "of", 128, 'o'}, {OP_pay, "source", 32, 's'},  {OP_mark, "key", 256, 'k'},   {OP_lock, "token", 128, 't'},
    {OP_price, "sku", 64, 's'},  {OP_stock, "sku", 64, 's'},   {OP_order, "order", 64, 'o'}, {OP_lapse, "order", 64, 'o'},
};

Test(decode, lengths_at_the_edge) {
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char text[300];
        memset(text, lengths[i].letter, sizeof text);
        json_t *map = map_of(lengths[i].op);
        json_object_set_new(map, lengths[i].field, json_stringn(text, lengths[i].longest));
        expect(decode(map), INTENT_OK, "", lengths[i].field);
        json_object_set_new(map, lengths[i].field, json_stringn(text, lengths[i].longest + 1));
        expect(decode(map), outcome(lengths[i].op, field_of_name(lengths[i].field, strlen(lengths[i].field))), lengths[i].field,
               lengths[i].field);
        json_decref(map);
    }
}

/* The order of reporting: as the fields stand in the map, then missing, then not taken, then relations. */
static const struct {
    const char *name, *text, *field;
} orders[] = {
    {"unknown before ill-valued", "{\"zzz\":1,\"amount\":0,\"op\":\"pay\"," HEAD "}", "zzz"},
    {"ill-valued before unknown", "{\"amount\":0,\"zzz\":1,\"op\":\"pay\"," HEAD "}", "amount"},
    {"twice where it is again", "{\"op\":\"pay\",\"op+\":\"pay\",\"amount\":0," HEAD "}", "op"},
    {"ill-valued before twice", "{\"op\":\"pay\",\"amount\":0,\"op+\":\"pay\"," HEAD "}", "amount"},
    {"an ill-valued field again", "{\"amount\":0,\"amount+\":1,\"zzz\":1,\"op\":\"pay\"," HEAD "}", "amount"},
    {"ill-valued before missing", "{\"currency\":\"x\",\"op\":\"pay\"," HEAD "}", "currency"},
    {"missing in field order", "{\"op\":\"pay\"," HEAD "}", "to"},
    {"missing in field order, whatever the map's", "{\"currency\":\"CNY\",\"op\":\"pay\",\"source\":\"shop\"}", "v"},
    {"missing before not taken", "{\"op\":\"topup\"," HEAD ",\"to\":\"bob\",\"currency\":\"CNY\"}", "amount"},
    {"not taken before relations", "{\"op\":\"pay\"," HEAD ",\"to\":\"alice\",\"amount\":1,\"currency\":\"CNY\",\"kind\":\"user\"}",
     "kind"},
    {"not taken in field order", "{\"op\":\"freeze\"," HEAD ",\"kind\":\"user\",\"amount\":1,\"to\":\"bob\"}", "to"},
    {"op missing", "{" HEAD "}", "op"},
    {"half of a limit is missing", "{\"op\":\"open\"," HEAD ",\"kind\":\"user\",\"currency\":\"CNY\",\"payments\":3}", "per"},
    {"the other half", "{\"op\":\"open\"," HEAD ",\"kind\":\"user\",\"currency\":\"CNY\",\"per\":3}", "payments"},
    {"half of a limit in its order", "{\"op\":\"open\"," HEAD ",\"per\":3}", "currency"},
    {"half of a limit where none is taken", "{\"op\":\"freeze\"," HEAD ",\"per\":3}", "per"},
    {"the account before to", "{\"op\":\"pay\",\"v\":1,\"source\":\"s\",\"key\":\"k\",\"at\":1,\"account\":\"@book\"" PAYMENT, "account"},
    {"to before guard", "{\"op\":\"pay\"," HEAD ",\"guard\":{\"refunded\":1},\"to\":\"alice\",\"amount\":1,\"currency\":\"CNY\"}", "to"},
    {"of before guard", "{\"op\":\"refund\"," HEAD ",\"guard\":{\"refunded\":1},\"of\":\"k1\"}", "of"},
    {"guard before steps", "{\"op\":\"group\"," HEAD ",\"guard\":{\"refunded\":1},\"steps\":[{\"op\":\"release\",\"of\":\"x\"},"
     "{\"op\":\"release\",\"of\":\"k1>2\"}]}", "guard"},
    {"to before of", "{\"op\":\"refund\"," HEAD ",\"of\":\"k1\",\"to\":\"alice\"}", "to"},
};

Test(decode, faults_in_their_order) {
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        expect(decode_text(orders[i].text), INTENT_INVALID, orders[i].field, orders[i].name);
}

Test(decode, the_answer_can_say_whose_it_is) {
    cr_assert(decode_text("{\"zzz\":1,\"amount\":-1,\"op\":\"pay\"," HEAD "}") == INTENT_INVALID);
    cr_assert_str_eq(intent.source, "shop");
    cr_assert_str_eq(intent.key, "k1");
    cr_assert_str_eq(intent.account, "alice");
    cr_assert(intent.op == OP_pay && intent.amount_minor == 0 && !(intent.present & FIELD_BIT(FIELD_amount)));
}

Test(decode, the_source_may_come_last) {
    cr_assert(
        decode_text("{\"key\":\"a/b/c>d\",\"op\":\"mark\",\"status\":\"active\",\"origin\":\"0:1-1\",\"entry\":\"1-1\",\"v\":1,\"at\":1,"
                    "\"account\":\"a\",\"source\":\"till\"}") == INTENT_OK,
        "%s", fault.text);
}

Test(decode, names_at_fault_can_be_shown) {
    expect(decode_text("{\"a\\u0007b c\\u00e9\":1,\"op\":\"freeze\"," HEAD "}"), INTENT_INVALID, "a?b?c??", "unprintable");
    expect(decode_text("{\"\":1,\"op\":\"freeze\"," HEAD "}"), INTENT_INVALID, "?", "empty");
    json_t *map = map_of(OP_freeze);
    char name[201];
    memset(name, 'n', 200), name[200] = '\0';
    json_object_set_new(map, name, json_true());
    cr_assert(decode(map) == INTENT_INVALID);
    cr_assert(strlen(fault.field) == sizeof fault.field - 1);
    json_decref(map);
}

Test(decode, sizes_at_the_edge) {
    static uint8_t bytes[2 * 1024 * 1024];
    struct message m;
    message_from_text(&m, least_of_op[OP_pay]);
    m.bytes[0]++;
    for (size_t size = 1; size <= sizeof bytes; size = size < 16000 ? 16000 : size < INTENT_SIZE_MAX + 3 ? size + 1 : size * 4 / 3) {
        size_t filler = size > m.size + 9 ? size - m.size - 9 : 0; /* "zz" and a text of this size */
        memcpy(bytes, m.bytes, m.size);
        memcpy(bytes + m.size, "\xa3zzz\xdb", 5);
        for (int i = 0; i < 4; i++)
            bytes[m.size + 5 + (size_t)i] = (uint8_t)(filler >> (24 - 8 * i));
        memset(bytes + m.size + 9, 'x', filler);
        enum intent_err err = intent_decode(bytes, m.size + 9 + filler, &intent, &fault);
        char row[32];
        snprintf(row, sizeof row, "%zu bytes", size);
        if (size > 1024 * 1024)
            expect(err, INTENT_UNREADABLE, "", row);
        else
            expect(err, INTENT_INVALID, size > INTENT_SIZE_MAX ? "intent" : "zzz", row);
    }
}

Test(decode, every_cut_and_every_changed_byte_ends_well) {
    struct message whole, m;
    message_from_text(&whole, least_of_op[OP_mark]);
    for (size_t size = 0; size < whole.size; size++)
        expect(intent_decode(whole.bytes, size, &intent, &fault), INTENT_UNREADABLE, "", "cut");
    for (size_t at = 0; at < whole.size; at++)
        for (int byte = 0; byte < 256; byte++) {
            m = whole;
            m.bytes[at] = (uint8_t)byte;
            enum intent_err err = intent_decode(m.bytes, m.size, &intent, &fault);
            cr_assert((err == INTENT_OK) == (fault.text[0] == '\0'), "byte %zu = %d", at, byte);
            cr_assert(err != INTENT_OK || intent_check(&intent, &fault) == NULL, "byte %zu = %d: %s", at, byte, fault.text);
        }
}
