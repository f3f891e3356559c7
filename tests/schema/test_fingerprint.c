/* Fingerprints: what changes the meaning of an intent, and what does not. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/intent.h"
#include "tests/schema/random_intent.h"

static struct intent of(enum op op, uint32_t more) {
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
    struct intent hidden = pay;
    hidden.kind = KIND_app, hidden.of_at_ms = 3;
    SAME("what is not present", pay, hidden);
}

Test(fingerprint, what_makes_it_another) {
    OTHER("op", of(OP_freeze, 0), of(OP_thaw, 0));
    OTHER("amount of a refund", of(OP_refund, 0), of(OP_refund, BIT(amount)));
    OTHER("currency of a withdrawal", of(OP_withdraw, 0), of(OP_withdraw, BIT(currency)));
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
            bool counts = field != FIELD_v && field != FIELD_at && field != FIELD_of_at && field != FIELD_note &&
                          !(intent.op == OP_refund && (field == FIELD_to || field == FIELD_currency));
            cr_assert((strcmp(fingerprint(&intent, x), fingerprint(&without, y)) != 0) == counts, "%s %s", op_word(intent.op),
                      field_name(field));
        }
    }
}

Test(fingerprint, the_largest_intents_fit) {
    struct intent intent = {.at_ms = 1, .amount_minor = INTENT_AMOUNT_MAX, .of_at_ms = 1, .op = OP_pay, .kind = KIND_merchant,
                            .status = STATUS_active, .present = FIELD_BIT(FIELD_COUNT) - 1, .currency = "CNY"};
    char x[INTENT_FINGERPRINT_SIZE + 1];
    memset(intent.source, 'x', sizeof intent.source - 1);
    memset(intent.key, 'x', sizeof intent.key - 1);
    memset(intent.account, 'x', sizeof intent.account - 1);
    memset(intent.to, 'x', sizeof intent.to - 1);
    memset(intent.of, 'x', sizeof intent.of - 1);
    memset(intent.origin, 'x', sizeof intent.origin - 1);
    memset(intent.entry, 'x', sizeof intent.entry - 1);
    cr_assert(strlen(fingerprint(&intent, x)) == INTENT_FINGERPRINT_SIZE);
}
