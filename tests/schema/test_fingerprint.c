/* Fingerprints: what changes the meaning of an intent, and what does not. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/random_intent.h"

static struct intent of(enum op op, uint64_t more) {
    struct intent intent = {.op = op,
                            .v = 1,
                            .at_ms = 5,
                            .amount_minor = 7,
                            .of_at_ms = 9,
                            .source = "shop",
                            .key = "k",
                            .account = "alice",
                            .to = "coffee",
                            .of = "k0",
                            .currency = "CNY",
                            .note = "n"};
    intent.present = op_fields_needed(op) | more;
    return intent;
}

static const char *fingerprint(const struct intent *intent, char out[INTENT_FINGERPRINT_SIZE + 1]) {
    intent_fingerprint(intent, out);
    return out;
}

#define SAME(name, a, b)                                                                    \
    do {                                                                                    \
        struct intent first = a, second = b;                                                \
        char x[INTENT_FINGERPRINT_SIZE + 1], y[INTENT_FINGERPRINT_SIZE + 1];                \
        cr_assert(strcmp(fingerprint(&first, x), fingerprint(&second, y)) == 0, "%s", name); \
    } while (0)
#define OTHER(name, a, b)                                                                   \
    do {                                                                                    \
        struct intent first = a, second = b;                                                \
        char x[INTENT_FINGERPRINT_SIZE + 1], y[INTENT_FINGERPRINT_SIZE + 1];                \
        cr_assert(strcmp(fingerprint(&first, x), fingerprint(&second, y)) != 0, "%s", name); \
    } while (0)
#define BIT(f) FIELD_BIT(FIELD_##f)

Test(fingerprint, what_changes_nothing) {
    struct intent pay = of(OP_pay, 0), later = pay;
    later.at_ms = 6;
    SAME("at", pay, later);
    SAME("note", pay, of(OP_pay, BIT(note)));
    SAME("of_at", of(OP_refund, 0), of(OP_refund, BIT(of_at)));
    SAME("to and currency of a refund", of(OP_refund, 0), of(OP_refund, BIT(to) | BIT(currency)));
    SAME("to and currency of a capture", of(OP_capture, 0), of(OP_capture, BIT(to) | BIT(currency) | BIT(of_at)));
    SAME("to and currency of a release", of(OP_release, 0), of(OP_release, BIT(to) | BIT(currency)));
    struct intent hidden = pay;
    hidden.kind = KIND_app, hidden.of_at_ms = 3;
    SAME("what is not present", pay, hidden);
}

Test(fingerprint, what_makes_it_another) {
    OTHER("op", of(OP_freeze, 0), of(OP_thaw, 0));
    OTHER("amount of a refund", of(OP_refund, 0), of(OP_refund, BIT(amount)));
    OTHER("currency of a withdrawal", of(OP_withdraw, 0), of(OP_withdraw, BIT(currency)));
    OTHER("currency of a transfer", of(OP_transfer, 0), of(OP_transfer, BIT(currency)));
    OTHER("final", of(OP_capture, 0), of(OP_capture, BIT(final)));
    OTHER("expires", of(OP_hold, 0), of(OP_hold, BIT(expires)));
    OTHER("not_before", of(OP_pay, 0), of(OP_pay, BIT(not_before)));
    OTHER("token", of(OP_pay, 0), of(OP_pay, BIT(token)));
    OTHER("allow_duplicate", of(OP_pay, 0), of(OP_pay, BIT(allow_duplicate)));
    struct intent pay = of(OP_pay, 0), other;
    other = pay, other.amount_minor++;
    OTHER("amount", pay, other);
    other = pay, other.to[0]++;
    OTHER("to", pay, other);
    other = pay, other.currency[0]++;
    OTHER("currency", pay, other);
    other = pay, other.account[0]++;
    OTHER("account", pay, other);
    other = pay, other.source[0]++;
    OTHER("source", pay, other);
    other = pay, other.key[0]++;
    OTHER("key", pay, other);
}

static struct intent order_of(const char *first, const char *second, uint64_t quantity) {
    struct intent intent = of(OP_order, 0);
    cr_assert_null(intent_set_text(&intent, FIELD_order, "o", 1));
    cr_assert_null(intent_add_line(&intent, first, strlen(first), 1));
    if (quantity > 0)
        cr_assert_null(intent_add_line(&intent, second, strlen(second), quantity));
    return intent;
}

Test(fingerprint, of_orders) {
    struct intent stock = of(OP_stock, 0), less = stock;
    SAME("the same lines", order_of("tea", "bun", 2), order_of("tea", "bun", 2));
    OTHER("the other way round", order_of("tea", "bun", 1), order_of("bun", "tea", 1));
    OTHER("a quantity", order_of("tea", "bun", 2), order_of("tea", "bun", 3));
    OTHER("an article", order_of("tea", "bun", 2), order_of("tea", "nut", 2));
    OTHER("one line more", order_of("tea", "", 0), order_of("tea", "bun", 1));
    struct intent blank = order_of("tea", "", 0), dirty = blank;
    dirty.lines[1] = (struct intent_line){"bun", 7};
    SAME("what is no line", blank, dirty);
    cr_assert_null(intent_set_integer(&stock, FIELD_quantity, 3));
    cr_assert_null(intent_set_integer(&less, FIELD_quantity, -3));
    OTHER("a sign", stock, less);
}

/* Every field of random intents, taken away: the fingerprint changes exactly when the field counts. */
Test(fingerprint, every_field_counts_or_not) {
    uint64_t state = random_seed("fingerprint");
    for (int round = 0; round < 2000; round++) {
        struct intent intent = random_intent(&state);
        for (enum field field = 0; field < FIELD_COUNT; field++) {
            struct intent without = intent;
            char x[INTENT_FINGERPRINT_SIZE + 1], y[INTENT_FINGERPRINT_SIZE + 1];
            if (!(intent.present & FIELD_BIT(field)) || field == FIELD_op)
                continue;
            without.present &= ~FIELD_BIT(field);
            if (field == FIELD_steps)
                without.step_count = 0;
            bool restates = intent.op == OP_refund || intent.op == OP_capture || intent.op == OP_release;
            bool counts = field != FIELD_v && field != FIELD_at && field != FIELD_of_at && field != FIELD_note &&
                          !(restates && (field == FIELD_to || field == FIELD_currency));
            cr_assert((strcmp(fingerprint(&intent, x), fingerprint(&without, y)) != 0) == counts, "%s %s", op_word(intent.op),
                      field_name(field));
        }
    }
}

/* Everything at its largest, which no operation takes together. */
Test(fingerprint, the_largest_intents_fit) {
    static const uint8_t inner[INTENT_SIZE_MAX];
    static struct intent intent = {.at_ms = 1, .amount_minor = INTENT_AMOUNT_MAX, .of_at_ms = 1, .op = OP_group, .kind = KIND_merchant,
                                   .status = STATUS_active, .present = FIELD_BIT(FIELD_COUNT) - 1, .currency = "CNY",
                                   .expires_ms = INTENT_AMOUNT_MAX, .not_before_ms = INTENT_AMOUNT_MAX, .inner = inner,
                                   .inner_size = sizeof inner, .line_count = INTENT_LINES_MAX, .step_count = INTENT_STEPS_MAX,
                                   .quantity = -INTENT_AMOUNT_MAX, .gross_minor = INTENT_AMOUNT_MAX,
                                   .refunds_minor = INTENT_AMOUNT_MAX, .month = "9999-12"};
    char x[INTENT_FINGERPRINT_SIZE + 1];
    memset(intent.source, 'x', sizeof intent.source - 1);
    memset(intent.key, 'x', INTENT_KEY_MAX);
    memset(intent.account, 'x', sizeof intent.account - 1);
    memset(intent.to, 'x', sizeof intent.to - 1);
    memset(intent.of, 'x', sizeof intent.of - 1);
    memset(intent.token, 'x', sizeof intent.token - 1);
    memset(intent.origin, 'x', sizeof intent.origin - 1);
    memset(intent.entry, 'x', sizeof intent.entry - 1);
    memset(intent.sku, 'x', sizeof intent.sku - 1);
    memset(intent.order, 'x', sizeof intent.order - 1);
    for (unsigned n = 0; n < INTENT_LINES_MAX; n++) {
        memset(intent.lines[n].sku, 'x', INTENT_NAME_MAX);
        intent.lines[n].quantity = INTENT_AMOUNT_MAX;
    }
    intent.settings.present = (1u << SETTING_COUNT) - 1;
    for (unsigned n = 0; n < SETTING_COUNT; n++)
        intent.settings.value[n] = INTENT_AMOUNT_MAX;
    intent.guard = (struct intent_guard){true, true, true, INTENT_AMOUNT_MAX, INTENT_AMOUNT_MAX, INTENT_AMOUNT_MAX};
    for (unsigned n = 0; n < INTENT_STEPS_MAX; n++) {
        struct intent_step *step = &intent.steps[n];
        *step = (struct intent_step){.present = field_bits_of_step(), .op = OP_transfer, .amount_minor = INTENT_AMOUNT_MAX,
                                     .of_at_ms = INTENT_AMOUNT_MAX, .expires_ms = INTENT_AMOUNT_MAX, .currency = "CNY"};
        memset(step->key, 'k', sizeof step->key - 1);
        memset(step->to, 'k', sizeof step->to - 1);
        memset(step->of, 'k', sizeof step->of - 1);
        memset(step->note, 'k', sizeof step->note - 1);
    }
    cr_assert(strlen(fingerprint(&intent, x)) == INTENT_FINGERPRINT_SIZE);
    uint8_t bytes[INTENT_SIZE_MAX];
    size_t size;
    intent.present &= ~(FIELD_BIT(FIELD_inner) | FIELD_BIT(FIELD_lines));
    cr_assert(intent_encode(&intent, bytes, sizeof bytes, &size), "INTENT_SIZE_MAX suffices for all but an intent within, and lines");
    intent.present = (FIELD_BIT(FIELD_COUNT) - 1) & ~(FIELD_BIT(FIELD_inner) | FIELD_BIT(FIELD_steps));
    cr_assert(intent_encode(&intent, bytes, sizeof bytes, &size), "and for lines: no operation takes both");
}
