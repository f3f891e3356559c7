/* What lies within an intent: guard, settings and the steps of a group, wrong in every way they can be, and right. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/from_json.h"

#define HEAD "\"v\":1,\"source\":\"shop\",\"key\":\"g\",\"at\":1700000000000,\"account\":\"alice\""
#define PAY "{\"op\":\"pay\",\"to\":\"coffee\",\"amount\":1,\"currency\":\"CNY\"}"
#define RELEASE "{\"op\":\"release\",\"of\":\"k0\"}"

static struct intent intent;
static struct intent_fault fault;

static enum intent_err decode(const char *start, const char *value, const char *end) {
    static char text[32768];
    struct message m;
    int size = snprintf(text, sizeof text, "{" HEAD ",%s%s%s}", start, value, end);
    cr_assert(size > 0 && (size_t)size < sizeof text);
    message_from_text(&m, text);
    return intent_decode(m.bytes, m.size, &intent, &fault);
}

/* `why`: how the text must go on after the field's name; NULL: nothing is wrong. */
static void expect(enum intent_err err, const char *field, const char *value, const char *why) {
    if (why == NULL) {
        cr_assert(err == INTENT_OK, "%s: %s", value, fault.text);
        return;
    }
    size_t size = strlen(field);
    cr_assert(err == INTENT_INVALID && strcmp(fault.field, field) == 0, "%s: outcome %d, field '%s'", value, err, fault.field);
    cr_assert(strncmp(fault.text, field, size) == 0 && strcmp(fault.text + size, why) == 0, "%s: \"%s\"", value, fault.text);
}

#define OUT_OF_AMOUNT " must be an integer from 0 to 9007199254740991"
static const struct { const char *value, *why; } guards[] = {
    {"{\"seq\":0}", NULL},
    {"{\"balance_min\":0}", NULL},
    {"{\"refunded\":0}", NULL},
    {"{\"refunded\":1,\"balance_min\":9007199254740991,\"seq\":9007199254740991}", NULL},
    {"{}", " must be a map with something in it"},
    {"[]", " must be a map with something in it"},
    {"7", " must be a map with something in it"},
    {"null", " must be a map with something in it"},
    {"\"seq\"", " must be a map with something in it"},
    {"{\"seq\":9007199254740992}", ": seq" OUT_OF_AMOUNT},
    {"{\"seq\":-1}", ": seq" OUT_OF_AMOUNT},
    {"{\"seq\":1.0}", ": seq" OUT_OF_AMOUNT},
    {"{\"seq\":\"1\"}", ": seq" OUT_OF_AMOUNT},
    {"{\"balance_min\":null}", ": balance_min" OUT_OF_AMOUNT},
    {"{\"refunded\":{}}", ": refunded" OUT_OF_AMOUNT},
    {"{\"seq\":1,\"seq+\":1}", ": seq is there twice"},
    {"{\"seq\":1,\"balance\":1}", ": balance is none of seq balance_min refunded"},
    {"{\"se\":1}", ": se is none of seq balance_min refunded"},
    {"{\"seqq\":1}", ": seqq is none of seq balance_min refunded"},
    {"{\"\":1}", ":  is none of seq balance_min refunded"},
    {"{\"a b\\u0007\\u00e9\":1}", ": a?b??? is none of seq balance_min refunded"},
    {"{\"hex:736571\":1}", ": hex:736571 is none of seq balance_min refunded"},
};

Test(nest, guards) {
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++)
        expect(decode("\"op\":\"refund\",\"of\":\"k0\",\"guard\":", guards[i].value, ""), "guard", guards[i].value, guards[i].why);
    cr_assert(decode("\"op\":\"refund\",\"of\":\"k0\",\"guard\":", guards[3].value, "") == INTENT_OK);
    const struct intent_guard *g = &intent.guard;
    cr_assert(g->has_seq && g->has_balance_min && g->has_refunded);
    cr_assert(g->seq == INTENT_AMOUNT_MAX && g->balance_min == INTENT_AMOUNT_MAX && g->refunded == 1);
}

Test(nest, half_of_what_is_unusable_is_not_left) {
    static const struct intent blank;
    static const char *const guards_cut[] = {"{\"seq\":1,\"x\":1}", "{\"seq\":1,\"seq+\":2}"};
    for (size_t i = 0; i < 2; i++) {
        cr_assert(decode("\"op\":\"pay\",\"guard\":", guards_cut[i], "") == INTENT_INVALID);
        cr_assert(memcmp(&intent.guard, &blank.guard, sizeof intent.guard) == 0 && !(intent.present & FIELD_BIT(FIELD_guard)));
    }
    cr_assert(decode("\"op\":\"policy\",\"settings\":", "{\"fee\":1,\"x\":1}", "") == INTENT_INVALID);
    cr_assert(memcmp(&intent.settings, &blank.settings, sizeof intent.settings) == 0 && !(intent.present & FIELD_BIT(FIELD_settings)));
    cr_assert(decode("\"op\":\"group\",\"steps\":", "[" PAY ",7]", "") == INTENT_INVALID);
    cr_assert(intent.step_count == 0 && !(intent.present & FIELD_BIT(FIELD_steps)) && intent.op == OP_group);
}

Test(nest, what_was_refunded_goes_only_with_of) {
    static const char *const ops[] = {"topup", "withdraw", "pay", "hold", "transfer"};
    char start[128];
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        bool to = i > 1;
        snprintf(start, sizeof start, "\"op\":\"%s\",\"amount\":1,\"currency\":\"CNY\"%s,\"guard\":", ops[i], to ? ",\"to\":\"x\"" : "");
        expect(decode(start, "{\"seq\":1}", ""), "guard", ops[i], NULL);
        expect(decode(start, "{\"refunded\":1}", ""), "guard", ops[i], " has refunded, which goes only with of");
    }
    static const char *const refer[] = {"refund", "rollback", "capture", "release"};
    for (size_t i = 0; i < sizeof refer / sizeof refer[0]; i++) {
        snprintf(start, sizeof start, "\"op\":\"%s\",\"of\":\"k0\",\"guard\":", refer[i]);
        expect(decode(start, "{\"refunded\":1}", ""), "guard", refer[i], NULL);
    }
}

static const struct { const char *value, *why; } settings[] = {
    {"{\"duplicate_window\":0,\"fee\":0,\"settlement_offset\":0,\"balance_cap\":1,\"bills_keep\":1}", NULL},
    {"{\"bills_keep\":3650,\"balance_cap\":9007199254740991,\"settlement_offset\":1439,\"fee\":10000,\"duplicate_window\":86400000}", NULL},
    {"{\"fee\":1}", NULL},
    {"{}", " must be a map with something in it"},
    {"[[\"fee\",1]]", " must be a map with something in it"},
    {"{\"duplicate_window\":86400001}", ": duplicate_window must be an integer from 0 to 86400000"},
    {"{\"fee\":10001}", ": fee must be an integer from 0 to 10000"},
    {"{\"fee\":-1}", ": fee must be an integer from 0 to 10000"},
    {"{\"fee\":\"1\"}", ": fee must be an integer from 0 to 10000"},
    {"{\"settlement_offset\":1440}", ": settlement_offset must be an integer from 0 to 1439"},
    {"{\"balance_cap\":0}", ": balance_cap must be an integer from 1 to 9007199254740991"},
    {"{\"balance_cap\":9007199254740992}", ": balance_cap must be an integer from 1 to 9007199254740991"},
    {"{\"bills_keep\":0}", ": bills_keep must be an integer from 1 to 3650"},
    {"{\"bills_keep\":3651}", ": bills_keep must be an integer from 1 to 3650"},
    {"{\"fee\":1,\"fees\":1}", ": fees is unknown"},
    {"{\"fee\":1,\"fee+\":2}", ": fee is there twice"},
    {"{\"a name that is far longer than any name of a setting\":1}", ": a?name?that?is?far?longer?than?a is unknown"},
};

Test(nest, settings) {
    static const char start[] = "{\"v\":1,\"source\":\"s\",\"key\":\"k\",\"at\":1,\"account\":\"@book\",\"op\":\"policy\",\"settings\":";
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        char text[512];
        struct message m;
        snprintf(text, sizeof text, "%s%s}", start, settings[i].value);
        message_from_text(&m, text);
        expect(intent_decode(m.bytes, m.size, &intent, &fault), "settings", settings[i].value, settings[i].why);
        if (i == 1)
            cr_assert(intent.settings.value[SETTING_fee] == 10000 && intent.settings.value[SETTING_bills_keep] == 3650 &&
                      intent.settings.present == (1u << SETTING_COUNT) - 1);
    }
}

static const struct { const char *value, *why; } steps[] = {
    {"[" PAY "," PAY "]", NULL},
    {"[" PAY "," RELEASE "]", NULL},
    {"[{\"op\":\"hold\",\"key\":\"h\",\"to\":\"m\",\"amount\":5,\"currency\":\"CNY\",\"expires\":0,\"allow_duplicate\":true,"
     "\"note\":\"n\"},"
     "{\"op\":\"capture\",\"of\":\"h\",\"amount\":5,\"final\":false,\"of_at\":1,\"to\":\"m\",\"currency\":\"CNY\"},"
     "{\"op\":\"transfer\",\"to\":\"bob\",\"amount\":1},{\"op\":\"refund\",\"of\":\"k0\"}]", NULL},
    {"[]", " must be an array of 2..16 steps"},
    {"[" PAY "]", " must be an array of 2..16 steps"},
    {"[" PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "]", NULL},
    {"[" PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY "," PAY
     "]", " must be an array of 2..16 steps"},
    {"{\"1\":" PAY ",\"2\":" PAY "}", " must be an array of 2..16 steps"},
    {"[" PAY ",7]", ": step 2: it must be a map"},
    {"[[]," PAY "]", ": step 1: it must be a map"},
    {"[{}," PAY "]", ": step 1: op is missing"},
    {"[" PAY ",{\"to\":\"x\"}]", ": step 2: op is missing"},
    {"[" PAY ",{\"op\":\"pay\",\"to\":\"coffee\",\"currency\":\"CNY\"}]", ": step 2: amount is missing"},
    {"[{\"op\":\"pay\",\"of\":\"x\"}," PAY "]", ": step 1: to is missing"},
    {"[" PAY "," PAY ",{\"op\":\"release\",\"of\":\"x\",\"amount\":1}]", ": step 3: amount is not taken by this step"},
    {"[" PAY ",{\"op\":\"topup\",\"amount\":1,\"currency\":\"CNY\"}]",
     ": step 2: op must be one of pay hold refund capture release transfer"},
    {"[" PAY ",{\"op\":\"rollback\",\"of\":\"x\"}]", ": step 2: op must be one of pay hold refund capture release transfer"},
    {"[" PAY ",{\"op\":\"group\"}]", ": step 2: op must be one of pay hold refund capture release transfer"},
    {"[" PAY ",{\"op\":\"arrive\"}]", ": step 2: op is for workers only"},
    {"[" PAY ",{\"op\":7}]", ": step 2: op must be text"},
    {"[" PAY ",{\"op\":\"pay\",\"amuont\":1}]", ": step 2: amuont is unknown"},
    {"[" PAY ",{\"a\\u0007b\":1}]", ": step 2: a?b is unknown"},
    {"[" PAY ",{\"\":1}]", ": step 2:  is no name of a field: names are text"},
    {"[" PAY ",{\"account\":\"bob\"}]", ": step 2: account is not taken by steps"},
    {"[" PAY ",{\"source\":\"till\"}]", ": step 2: source is not taken by steps"},
    {"[" PAY ",{\"v\":1}]", ": step 2: v is not taken by steps"},
    {"[" PAY ",{\"at\":1}]", ": step 2: at is not taken by steps"},
    {"[" PAY ",{\"token\":\"t\"}]", ": step 2: token is not taken by steps"},
    {"[" PAY ",{\"not_before\":1}]", ": step 2: not_before is not taken by steps"},
    {"[" PAY ",{\"guard\":{\"seq\":1}}]", ": step 2: guard is not taken by steps"},
    {"[" PAY ",{\"steps\":[" PAY "," PAY "]}]", ": step 2: steps is not taken by steps"},
    {"[{\"op\":\"pay\",\"op+\":\"pay\"}," PAY "]", ": step 1: op is there twice"},
    {"[{\"op\":\"pay\",\"amount\":0}," PAY "]", ": step 1: amount must be an integer from 1 to 9007199254740991"},
    {"[{\"op\":\"pay\",\"amount\":1.5}," PAY "]", ": step 1: amount must be an integer that is not negative"},
    {"[{\"op\":\"capture\",\"of\":\"x\",\"final\":1}," PAY "]", ": step 1: final must be true or false"},
    {"[{\"op\":\"pay\",\"to\":\"@book\"}," PAY "]",
     ": step 1: to must be 1..64 characters of A-Z a-z 0-9 . _ : @ - not starting with @"},
    {"[{\"op\":\"pay\",\"key\":\"a/b\"}," PAY "]", ": step 1: key must be 1..128 printable ASCII characters without space, / { }"},
    {"[{\"op\":\"pay\",\"currency\":\"cny\"},7]", ": step 1: currency must be three upper-case letters (ISO 4217)"},
    {"[{\"op\":\"transfer\",\"to\":\"alice\",\"amount\":1}," PAY "]", ": step 1: to must not be the account itself"},
    {"[" PAY ",{\"op\":\"release\",\"key\":\"x\",\"of\":\"x\"}]", ": step 2: of must not be the step's own key"},
    {"[" PAY ",{\"op\":\"release\",\"of\":\"g>2\"}]", ": step 2: of must not be the step's own key"},
    {"[" PAY ",{\"op\":\"release\",\"of\":\"g>1\"}]", NULL},
    {"[" PAY ",{\"op\":\"release\",\"key\":\"g\",\"of\":\"x\"}]", ": step 2: key is another step's or the group's"},
    {"[" PAY ",{\"op\":\"release\",\"key\":\"g>1\",\"of\":\"x\"}]", ": step 2: key is another step's or the group's"},
    {"[{\"op\":\"release\",\"key\":\"g>2\",\"of\":\"x\"}," PAY "]", ": step 2: key is another step's or the group's"},
    {"[{\"op\":\"release\",\"key\":\"a\",\"of\":\"x\"}," PAY ",{\"op\":\"release\",\"key\":\"a\",\"of\":\"x\"}]",
     ": step 3: key is another step's or the group's"},
    {"[{\"op\":\"release\",\"key\":\"g>1\",\"of\":\"x\"}," PAY "]", NULL},
};

Test(nest, steps) {
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        expect(decode("\"op\":\"group\",\"steps\":", steps[i].value, ""), "steps", steps[i].value, steps[i].why);
    cr_assert(intent.step_count == 2);
    cr_assert_str_eq(intent.steps[0].key, "g>1");
    cr_assert_str_eq(intent.steps[1].key, "g>2");
}

Test(nest, steps_are_read_field_by_field) {
    expect(decode("\"op\":\"group\",\"steps\":", steps[2].value, ""), "steps", "", NULL);
    const struct intent_step *s = intent.steps;
    cr_assert(intent.step_count == 4 && s[0].op == OP_hold && s[1].op == OP_capture && s[2].op == OP_transfer && s[3].op == OP_refund);
    cr_assert(s[0].amount_minor == 5 && s[0].expires_ms == 0 && s[0].allow_duplicate && !s[0].keeps && !s[1].allow_duplicate);
    cr_assert(s[1].keeps && s[1].of_at_ms == 1);
    cr_assert_str_eq(s[0].key, "h");
    cr_assert_str_eq(s[1].of, "h");
    cr_assert_str_eq(s[0].note, "n");
    cr_assert_str_eq(s[1].key, "g>2");
    cr_assert_str_eq(s[2].to, "bob");
    cr_assert_str_eq(s[2].currency, "");
}

/* As they stand in the map, a fault within counts where its field stands. */
Test(nest, faults_in_their_order) {
    expect(decode("\"zzz\":1,\"op\":\"group\",\"steps\":", "7", ""), "zzz", "before", " is unknown");
    expect(decode("\"op\":\"group\",\"steps\":", "[7,7]", ",\"zzz\":1"), "steps", "after", ": step 1: it must be a map");
    static const char group[] = "\"op\":\"group\",\"steps\":";
    expect(decode(group, "[" PAY ",{\"op\":\"pay\"}]", ",\"amount\":0"), "steps", "after", ": step 2: to is missing");
    expect(decode(group, "[" PAY ",{\"op\":\"release\",\"of\":\"g>2\"}]", ",\"to\":\"bob\""), "to", "relations last",
           " is not taken by this operation");
    expect(decode(group, "[" PAY "," PAY "]", ",\"steps+\":[" PAY "," PAY "]"), "steps", "twice", " is there twice");
}

Test(nest, a_key_too_long_to_make_others_of) {
    static const struct { size_t size, steps; bool good; } rows[] = {{126, 9, true}, {127, 9, false}, {125, 10, true}, {126, 10, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct intent group = {.source = "shop", .account = "alice", .v = 1, .at_ms = 1, .op = OP_group};
        struct intent step = {.op = OP_release, .of = "k0", .present = FIELD_BIT(FIELD_op) | FIELD_BIT(FIELD_of)};
        group.present = op_fields_needed(OP_group);
        memset(group.key, 'k', rows[i].size);
        while (group.step_count < rows[i].steps)
            cr_assert_null(intent_add_step(&group, &step, &fault), "%s", fault.text);
        const char *why = intent_check(&group, &fault);
        cr_assert((why == NULL) == rows[i].good, "%zu: %s", rows[i].size, why);
        cr_assert(rows[i].good || strstr(why, "key is missing, and the group's is too long to make one of it") != NULL, "%s", why);
    }
}

Test(nest, steps_filled_by_hand_are_checked) {
    static const struct { const char *name; enum field field; const char *why; } rows[] = {
        {"amount", FIELD_amount, "steps: step 2: amount must be an integer from 1 to 9007199254740991"},
        {"to", FIELD_to, "steps: step 2: to must be 1..64 characters of A-Z a-z 0-9 . _ : @ - not starting with @"},
        {"note", FIELD_note, "steps: step 2: note must be UTF-8 text of 0..256 bytes without NUL"},
        {"token", FIELD_token, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(decode("\"op\":\"group\",\"steps\":", "[" PAY "," PAY "]", ""), "steps", "", NULL);
        struct intent_step *step = &intent.steps[1];
        step->present |= FIELD_BIT(rows[i].field);
        if (rows[i].field == FIELD_amount)
            step->amount_minor = 0;
        if (rows[i].field == FIELD_to)
            memset(step->to, 't', sizeof step->to);
        if (rows[i].field == FIELD_note)
            memset(step->note, 0xff, sizeof step->note);
        const char *why = intent_check(&intent, &fault);
        cr_assert((why == NULL) == (rows[i].why == NULL) && (why == NULL || strcmp(why, rows[i].why) == 0), "%s: %s", rows[i].name, why);
    }
}

/* The step's fingerprint, identity and all are those of the intent that says the same by itself. */
Test(nest, a_step_is_the_intent_it_would_be_alone) {
    struct intent alone;
    char x[INTENT_FINGERPRINT_SIZE + 1], y[INTENT_FINGERPRINT_SIZE + 1], identity[INTENT_IDENTITY_MAX + 1];
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    struct message m;
    message_from_text(&m, "{\"v\":1,\"source\":\"shop\",\"key\":\"h\",\"at\":5,\"account\":\"alice\",\"op\":\"hold\",\"to\":\"m\","
                          "\"amount\":5,\"currency\":\"CNY\",\"expires\":0,\"allow_duplicate\":true,\"note\":\"other\"}");
    cr_assert(intent_decode(m.bytes, m.size, &alone, &fault) == INTENT_OK, "%s", fault.text);
    intent_fingerprint(&alone, x);
    expect(decode("\"op\":\"group\",\"steps\":", steps[2].value, ""), "steps", "", NULL);
    intent_step_fingerprint(&intent, 0, y);
    cr_assert_str_eq(x, y);
    cr_assert(intent_step_identity(&intent, 0, identity) == 12);
    cr_assert_str_eq(identity, "alice/shop/h");
    for (unsigned n = 0; n < intent.step_count; n++) {
        struct intent again;
        intent_step_alone(&intent, n, &alone);
        cr_assert_null(intent_check(&alone, &fault), "step %u: %s", n + 1, fault.text);
        cr_assert(intent_encode(&alone, bytes, sizeof bytes, &size) && intent_decode(bytes, size, &again, &fault) == INTENT_OK);
        intent_step_fingerprint(&intent, n, x);
        intent_fingerprint(&again, y);
        cr_assert_str_eq(x, y);
        intent_identity(&again, identity);
        cr_assert(strncmp(identity, "alice/shop/", 11) == 0 && strcmp(identity + 11, intent.steps[n].key) == 0, "%s", identity);
    }
}

/* What changes the meaning of a group, and what does not. */
Test(nest, fingerprints_of_groups) {
    static const struct { const char *name, *value; bool same; } rows[] = {
        {"the same", "[" PAY "," RELEASE "]", true},
        {"names in another order", "[{\"to\":\"coffee\",\"currency\":\"CNY\",\"amount\":1,\"op\":\"pay\"}," RELEASE "]", true},
        {"a note", "[{\"op\":\"pay\",\"to\":\"coffee\",\"amount\":1,\"currency\":\"CNY\",\"note\":\"n\"}," RELEASE "]", true},
        {"a hint", "[" PAY ",{\"op\":\"release\",\"of\":\"k0\",\"of_at\":5}]", true},
        {"a restatement", "[" PAY ",{\"op\":\"release\",\"of\":\"k0\",\"to\":\"m\",\"currency\":\"CNY\"}]", true},
        {"a key that would be made", "[" PAY ",{\"op\":\"release\",\"key\":\"g>2\",\"of\":\"k0\"}]", false},
        {"another order", "[" RELEASE "," PAY "]", false},
        {"one more", "[" PAY "," RELEASE "," PAY "]", false},
        {"another amount", "[{\"op\":\"pay\",\"to\":\"coffee\",\"amount\":2,\"currency\":\"CNY\"}," RELEASE "]", false},
        {"another op", "[{\"op\":\"hold\",\"to\":\"coffee\",\"amount\":1,\"currency\":\"CNY\"}," RELEASE "]", false},
    };
    char first[INTENT_FINGERPRINT_SIZE + 1], x[INTENT_FINGERPRINT_SIZE + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(decode("\"op\":\"group\",\"steps\":", rows[i].value, ""), "steps", rows[i].name, NULL);
        intent_fingerprint(&intent, i == 0 ? first : x);
        cr_assert(i == 0 || (strcmp(first, x) == 0) == rows[i].same, "%s", rows[i].name);
    }
    static const char *const guarded[] = {"{\"seq\":1,\"balance_min\":2}", "{\"balance_min\":2,\"seq\":1}", "{\"seq\":1}"};
    for (size_t i = 0; i < 3; i++) {
        expect(decode("\"op\":\"release\",\"of\":\"k0\",\"guard\":", guarded[i], ""), "guard", guarded[i], NULL);
        intent_fingerprint(&intent, i == 0 ? first : x);
        cr_assert(i == 0 || (strcmp(first, x) == 0) == (i == 1), "%s", guarded[i]);
    }
}

/* A follow-up carries an intent of the largest size, and is not much larger itself. */
Test(nest, the_largest_intent_within_another) {
    static uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX + 1];
    static const uint8_t inner[INTENT_SIZE_MAX];
    struct message m;
    size_t size;
    message_from_text(&m, "{\"op\":\"due\",\"v\":1,\"source\":\"till\",\"key\":\"a/s/k>due\",\"at\":1,\"account\":\"a\",\"entry\":\"1-1\","
                          "\"inner\":\"hex:80\"}");
    cr_assert(intent_decode(m.bytes, m.size, &intent, &fault) == INTENT_OK, "%s", fault.text);
    struct intent large = intent;
    memset(large.account, 'a', INTENT_ACCOUNT_MAX), memset(large.key, 'k', INTENT_FOLLOW_UP_KEY_MAX);
    memcpy(large.entry, "18446744073709551615-18446744073709551615", INTENT_ENTRY_MAX + 1);
    cr_assert_null(intent_set_bytes(&large, FIELD_inner, inner, sizeof inner));
    cr_assert_str_eq(intent_set_bytes(&large, FIELD_inner, inner, sizeof inner + 1), "must be 1..16384 bytes");
    cr_assert(intent_encode(&large, bytes, INTENT_FOLLOW_UP_SIZE_MAX, &size) && size > INTENT_SIZE_MAX);
    cr_assert(intent_decode(bytes, size, &intent, &fault) == INTENT_OK, "%s", fault.text);
    const uint8_t *at = intent.inner;
    cr_assert(intent.inner_size == sizeof inner && at > bytes && at + sizeof inner <= bytes + size, "borrowed from what was decoded");
    large.note[0] = 'n', large.present |= FIELD_BIT(FIELD_note);
    while (intent_encode(&large, bytes, INTENT_FOLLOW_UP_SIZE_MAX, &size) && large.note[255] == '\0')
        large.note[strlen(large.note)] = 'n';
    cr_assert(intent_decode(bytes, size, &intent, &fault) == INTENT_OK && large.note[255] != '\0', "%s", fault.text);
}
