/* Lines of orders: wrong in every way they can be, and right; and what an order is of. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/from_json.h"

#define HEAD "\"v\":1,\"op\":\"order\",\"source\":\"shop\",\"key\":\"k\",\"at\":1700000000000,\"account\":\"coffee\",\"order\":\"o-1\""

static struct intent intent;
static struct intent_fault fault;

static enum intent_err decode(const char *rest) {
    static char text[32768];
    struct message m;
    int size = snprintf(text, sizeof text, "{" HEAD "%s}", rest);
    cr_assert(size > 0 && (size_t)size < sizeof text);
    message_from_text(&m, text);
    return intent_decode(m.bytes, m.size, &intent, &fault);
}

static void expect(const char *rest, const char *field, const char *text) {
    enum intent_err err = decode(rest);
    cr_assert(err == (field[0] == '\0' ? INTENT_OK : INTENT_INVALID), "%s: outcome %d, %s", rest, err, fault.text);
    cr_assert(strcmp(fault.field, field) == 0 && strcmp(fault.text, text) == 0, "%s: '%s': \"%s\"", rest, fault.field, fault.text);
}

#define NO_ARRAY "lines must be an array of 1..64 lines, each [sku, quantity]"
#define NO_SKU " has a sku that is not 1..64 printable ASCII characters without space, / { }"
#define NO_QUANTITY " has a quantity that is not an integer from 1 to 9007199254740991"
static const struct { const char *value, *why; } lines[] = {
    {"[[\"tea\",1]]", ""},
    {"[[\"!~>|:@\\\\\",9007199254740991],[\"Tea\",1],[\"tea\",1]]", ""},
    {"[]", NO_ARRAY},
    {"{}", NO_ARRAY},
    {"{\"tea\":1}", NO_ARRAY},
    {"7", NO_ARRAY},
    {"null", NO_ARRAY},
    {"\"tea\"", NO_ARRAY},
    {"\"hex:00\"", NO_ARRAY},
    {"[\"tea\",1]", "lines: line 1 must be [sku, quantity]"},
    {"[[\"tea\",1],{}]", "lines: line 2 must be [sku, quantity]"},
    {"[[]]", "lines: line 1 must be [sku, quantity]"},
    {"[[\"tea\"]]", "lines: line 1 must be [sku, quantity]"},
    {"[[\"tea\",1,1]]", "lines: line 1 must be [sku, quantity]"},
    {"[{\"tea\":1}]", "lines: line 1 must be [sku, quantity]"},
    {"[[\"tea\",1],[\"bun\",1],null]", "lines: line 3 must be [sku, quantity]"},
    {"[[1,\"tea\"]]", "lines: line 1 has a sku that is not text"},
    {"[[\"hex:746561\",1]]", "lines: line 1 has a sku that is not text"},
    {"[[[\"tea\"],1]]", "lines: line 1 has a sku that is not text"},
    {"[[\"\",1]]", "lines: line 1" NO_SKU},
    {"[[\"a b\",1]]", "lines: line 1" NO_SKU},
    {"[[\"a/b\",1]]", "lines: line 1" NO_SKU},
    {"[[\"{a\",1]]", "lines: line 1" NO_SKU},
    {"[[\"a\\u0000\",1]]", "lines: line 1" NO_SKU},
    {"[[\"\\u00e9\",1]]", "lines: line 1" NO_SKU},
    {"[[\"tea\",0]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",1],[\"bun\",-1]]", "lines: line 2" NO_QUANTITY},
    {"[[\"tea\",9007199254740992]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",-9223372036854775808]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",1.0]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",\"1\"]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",null]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",true]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",[[[[]]]]]]", "lines: line 1" NO_QUANTITY},
    {"[[\"tea\",1],[\"bun\",1],[\"tea\",2]]", "lines: line 3 has a sku that is in the order already"},
    {"[[\"tea\",1],[\"tea\",0]]", "lines: line 2" NO_QUANTITY},
};

Test(lines, table) {
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char rest[256];
        snprintf(rest, sizeof rest, ",\"lines\":%s", lines[i].value);
        expect(rest, lines[i].why[0] == '\0' ? "" : "lines", lines[i].why);
        bool good = lines[i].why[0] == '\0';
        cr_assert(good == (intent.line_count > 0) && good == ((intent.present & FIELD_BIT(FIELD_lines)) != 0), "%s", lines[i].value);
    }
}

Test(lines, are_as_given) {
    expect(",\"lines\":[[\"tea\",2],[\"bun\",9007199254740991]]", "", "");
    cr_assert(intent.line_count == 2 && intent.lines[0].quantity == 2 && intent.lines[1].quantity == INTENT_AMOUNT_MAX);
    cr_assert_str_eq(intent.lines[0].sku, "tea");
    cr_assert_str_eq(intent.lines[1].sku, "bun");
}

static void many(char *out, size_t capacity, unsigned count) {
    int at = snprintf(out, capacity, ",\"lines\":[");
    for (unsigned n = 0; n < count; n++)
        at += snprintf(out + at, capacity - (size_t)at, "%s[\"%064u\",%u]", n > 0 ? "," : "", n, n + 1);
    snprintf(out + at, capacity - (size_t)at, "]");
}

Test(lines, as_many_as_there_can_be) {
    char rest[16384];
    many(rest, sizeof rest, 64);
    expect(rest, "", "");
    cr_assert(intent.line_count == 64 && intent.lines[63].quantity == 64 && strlen(intent.lines[63].sku) == 64);
    many(rest, sizeof rest, 65);
    expect(rest, "lines", NO_ARRAY);
    cr_assert(intent.line_count == 0);
}

Test(lines, or_an_amount) {
    expect(",\"amount\":5", "", "");
    expect("", "lines", "lines is missing");
    expect(",\"to\":\"alice\",\"currency\":\"CNY\",\"expires\":5", "lines", "lines is missing");
    expect(",\"amount\":5,\"lines\":[[\"tea\",1]]", "amount", "amount is not taken beside lines");
    expect(",\"sku\":\"tea\",\"lines\":[[\"tea\",1]],\"amount\":5", "amount", "amount is not taken beside lines");
    expect(",\"sku\":\"tea\",\"amount\":5", "sku", "sku is not taken by this operation");
    expect(",\"sku\":\"tea\"", "lines", "lines is missing");
    expect(",\"amount\":5,\"lines\":[]", "lines", NO_ARRAY);
    expect(",\"amount\":0,\"lines\":[[\"tea\",1]]", "amount", "amount must be an integer from 1 to 9007199254740991");
    expect(",\"amount\":5,\"to\":\"coffee\"", "to", "to must not be the account itself");
}

/* What was faulty before: an order that is read on after its fault has no lines by halves. */
Test(lines, after_a_fault) {
    expect(",\"zzz\":1,\"lines\":[[\"tea\",1],[\"bun\",1]]", "zzz", "zzz is unknown");
    cr_assert(intent.line_count == 0 && !(intent.present & FIELD_BIT(FIELD_lines)));
    expect(",\"lines\":[[\"tea\",1]],\"lines+\":[[\"bun\",1]]", "lines", "lines is there twice");
    cr_assert(intent.line_count <= 1);
}

static struct intent order(unsigned count) {
    struct intent made = {.op = OP_order, .v = 1, .at_ms = 1, .source = "shop", .key = "k", .account = "coffee", .order = "o-1"};
    made.present = op_fields_needed(OP_order);
    for (unsigned n = 0; n < count; n++) {
        char sku[16];
        int size = snprintf(sku, sizeof sku, "s%u", n);
        cr_assert_null(intent_add_line(&made, sku, (size_t)size, n + 1));
    }
    return made;
}

static void check(struct intent made, const char *text) {
    const char *why = intent_check(&made, &fault);
    cr_assert(strcmp(why == NULL ? "" : why, text) == 0, "\"%s\", not \"%s\"", why, text);
}

Test(lines, added_by_hand) {
    struct intent made = order(64);
    check(made, "");
    cr_assert_str_eq(intent_add_line(&made, "x", 1, 1), "is one too many");
    made = order(1);
    cr_assert_str_eq(intent_add_line(&made, "s0", 2, 1), "has a sku that is in the order already");
    cr_assert_str_eq(intent_add_line(&made, "a/b", 3, 1), "has a sku that is not 1..64 printable ASCII characters without space, / { }");
    cr_assert_str_eq(intent_add_line(&made, "x", 1, 0), "has a quantity that is not an integer from 1 to 9007199254740991");
    cr_assert_str_eq(intent_add_line(&made, "x", 1, UINT64_MAX), "has a quantity that is not an integer from 1 to 9007199254740991");
    cr_assert(made.line_count == 1, "nothing was added");
}

Test(lines, filled_by_hand) {
    struct intent made = order(0);
    check(made, "lines is missing");
    made.present |= FIELD_BIT(FIELD_lines);
    check(made, NO_ARRAY);
    made.line_count = 65;
    check(made, NO_ARRAY);
    made = order(2);
    memset(made.lines[1].sku, 's', sizeof made.lines[1].sku);
    check(made, "lines: line 2" NO_SKU);
    made = order(2);
    made.lines[0].quantity = 0;
    check(made, "lines: line 1" NO_QUANTITY);
    made = order(3);
    made.lines[2] = made.lines[0];
    check(made, "lines: line 3 has a sku that is in the order already");
    made = order(1);
    made.amount_minor = 5, made.present |= FIELD_BIT(FIELD_amount);
    check(made, "amount is not taken beside lines");
    made.present &= ~FIELD_BIT(FIELD_lines);
    check(made, "");
}

/* The same numbers in formats wider than they need, and some that are out of range in every format. */
Test(lines, quantities_in_other_formats) {
    static const struct { const char *hex; int64_t quantity; } formats[] = {
        {"03", 3}, {"cc03", 3}, {"cd0003", 3}, {"ce00000003", 3}, {"cf0000000000000003", 3}, {"d003", 3}, {"d10003", 3}, {"d200000003", 3},
        {"d30000000000000003", 3}, {"fd", -3}, {"d0fd", -3}, {"d1fffd", -3}, {"d2fffffffd", -3}, {"d3fffffffffffffffd", -3},
        {"00", 0}, {"d000", 0}, {"d38000000000000000", 0}, {"cfffffffffffffffff", 0}, {"d3ffe0000000000001", -INTENT_AMOUNT_MAX},
        {"d3ffe0000000000000", -INTENT_AMOUNT_MAX - 1}, {"d3ffdfffffffffffff", -INTENT_AMOUNT_MAX - 2},
        {"ca40400000", 0}, {"cb4008000000000000", 0}, {"c0", 0}, {"c3", 0}, {"c103", 0},
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char hex[512];
        struct message m;
        snprintf(hex, sizeof hex, "88a17601a26f70a573746f636ba6736f75726365a473686f70a36b6579a16ba2617401a76163636f756e74a6636f66666565"
                                  "a3736b75a3746561a87175616e74697479%s", formats[i].hex);
        message_from_hex(&m, hex);
        enum intent_err err = intent_decode(m.bytes, m.size, &intent, &fault);
        bool good = formats[i].quantity >= -INTENT_AMOUNT_MAX && formats[i].quantity != 0;
        cr_assert((err == INTENT_OK) == good, "%s: %s", formats[i].hex, fault.text);
        cr_assert(intent.quantity == (good ? formats[i].quantity : 0), "%s: %lld", formats[i].hex, (long long)intent.quantity);
        cr_assert(good || err == INTENT_UNREADABLE || strcmp(fault.field, "quantity") == 0, "%s: %s", formats[i].hex, fault.text);
    }
}
