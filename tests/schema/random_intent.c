/* Makes random intents. */
#include "tests/schema/random_intent.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint64_t random_seed(const char *test) {
    const char *given = getenv("TILL_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec;
    seed += seed == 0;
    fprintf(stderr, "%s: TILL_TEST_SEED=%" PRIu64 "\n", test, seed);
    return seed;
}

/* Text of the alphabet's characters, of min..max bytes. */
static size_t random_text(uint64_t *state, const char *alphabet, size_t min, size_t max, char *out) {
    size_t size = min + random_next(state) % (max - min + 1), letters = strlen(alphabet);
    for (size_t i = 0; i < size; i++)
        out[i] = alphabet[random_next(state) % letters];
    return size;
}

/* Small numbers as often as large ones. */
static uint64_t random_number(uint64_t *state) {
    uint64_t number = (random_next(state) & INTENT_AMOUNT_MAX) >> random_next(state) % 53;
    return number > 0 ? number : 1;
}

static size_t random_note(uint64_t *state, char *out) {
    static const char *const pieces[] = {"a", " ", "\n", "\xc3\xa9", "\xe5\x92\x96", "\xf0\x9f\x98\x80", "|", "\x7f"};
    size_t size = 0, wanted = random_next(state) % 253;
    while (size < wanted) {
        const char *piece = pieces[random_next(state) % 8];
        memcpy(out + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return size;
}

static size_t random_entry(uint64_t *state, char *out) {
    return (size_t)snprintf(out, INTENT_ENTRY_MAX + 1, "%" PRIu64 "-%" PRIu64, random_next(state), random_next(state) % 100);
}

static const char *const lower = "abcdefghijklmnopqrstuvwxyz0123456789._-";
static const char *const key_letters = "abcXYZ0189!#$%&()*+,-.:;<=>?@[]^_`|~\"'\\";
static const char *const account_letters = "abcxyzABCXYZ0189._-:";

/* Of an article or an order: never that of a number before. */
static size_t random_name(uint64_t *state, unsigned number, char *out) {
    size_t size = (size_t)snprintf(out, 300, "%u:", number);
    return size + random_text(state, key_letters, 0, INTENT_NAME_MAX - size, out + size);
}

static const char *random_lines(uint64_t *state, struct intent *intent) {
    unsigned count = 1 + (unsigned)(random_next(state) % (random_next(state) % 4 ? 3 : INTENT_LINES_MAX));
    const char *why = NULL;
    while (intent->line_count < count && why == NULL) {
        char sku[300];
        size_t size = random_name(state, intent->line_count, sku);
        why = intent_add_line(intent, sku, size, random_number(state));
    }
    return why;
}

static size_t random_value(uint64_t *state, enum field field, enum op op, char *out) {
    static const char *const kinds[] = {"user", "merchant", "app"}, *const statuses[] = {"active", "frozen", "closed"};
    if (field == FIELD_op)
        return (size_t)snprintf(out, 300, "%s", op_word(op));
    if (field == FIELD_kind)
        return (size_t)snprintf(out, 300, "%s", kinds[random_next(state) % 3]);
    if (field == FIELD_status)
        return (size_t)snprintf(out, 300, "%s", statuses[random_next(state) % 3]);
    if (field == FIELD_source)
        return op_is_follow_up(op) ? (size_t)snprintf(out, 300, "till") : 1 + random_text(state, lower, 0, 31, (out[0] = 'x', out + 1));
    if (field == FIELD_currency)
        return random_text(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3, 3, out);
    if (field == FIELD_note)
        return random_note(state, out);
    if (field == FIELD_token)
        return 1 + random_text(state, key_letters, 0, 127, (out[0] = '/', out + 1));
    if (field == FIELD_entry)
        return random_entry(state, out);
    if (field == FIELD_origin) {
        size_t size = (size_t)snprintf(out, 300, "%" PRIu64 ":", random_next(state) % 1024);
        return size + random_entry(state, out + size);
    }
    if (field == FIELD_sku || field == FIELD_order)
        return random_name(state, 0, out);
    if (field == FIELD_month)
        return (size_t)snprintf(out, 300, "%u-%02u", 1970 + (unsigned)(random_next(state) % 8030), 1 + (unsigned)(random_next(state) % 12));
    if (field == FIELD_account && op == OP_policy)
        return (size_t)snprintf(out, 300, "@book");
    if (field == FIELD_account)
        return random_text(state, account_letters, 1, 63, out);
    if (field == FIELD_to) { /* the account never starts so */
        out[0] = '_', out[1] = '_', out[2] = 'T';
        return 3 + random_text(state, account_letters, 0, 61, out + 3);
    }
    if (field == FIELD_of) { /* nor does the key */
        memcpy(out, "~~O~", 4);
        return 4 + random_text(state, key_letters, 0, 124, out + 4);
    }
    return op_is_follow_up(op) ? random_text(state, "abc/>", 1, 256, out) : random_text(state, key_letters, 1, 128, out);
}

static uint64_t random_of_field(uint64_t *state, enum field field) {
    switch ((int)field) {
    case FIELD_v: return 1;
    case FIELD_payments: return 1 + random_next(state) % 1000000;
    case FIELD_per: return 1 + random_next(state) % 2678400000;
    case FIELD_code: return random_next(state) % 100;
    case FIELD_expires: return random_next(state) % 4 == 0 ? 0 : random_number(state);
    default: return random_number(state);
    }
}

static int64_t random_integer(uint64_t *state) {
    int64_t number = (int64_t)random_number(state);
    return random_next(state) & 1 ? number : -number;
}

static const char *random_bytes(uint64_t *state, enum field field, struct intent *intent) {
    static uint8_t bytes[INTENT_SIZE_MAX]; /* what `inner` borrows until the next call */
    size_t size = field == FIELD_credential ? INTENT_CREDENTIAL_SIZE : 1 + random_next(state) % (random_next(state) % 8 ? 99 : 16384);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next(state);
    return intent_set_bytes(intent, field, bytes, size);
}

static const char *random_guard(uint64_t *state, struct intent *intent) {
    bool refers = intent->present & FIELD_BIT(FIELD_of);
    uint64_t which = 1 + random_next(state) % (refers ? 7 : 3);
    const char *why = which & 1 ? intent_set_guard(intent, "seq", 3, random_next(state) % 3) : NULL;
    if (why == NULL && which & 2)
        why = intent_set_guard(intent, "balance_min", 11, random_number(state));
    return why == NULL && which & 4 ? intent_set_guard(intent, "refunded", 8, random_number(state) - 1) : why;
}

static const char *random_settings(uint64_t *state, struct intent *intent) {
    static const uint64_t max[SETTING_COUNT] = {
#define X(word, min, max) max,
#include "schema/setting.def"
#undef X
    };
    uint64_t which = 1 + random_next(state) % ((1u << SETTING_COUNT) - 1);
    const char *why = NULL;
    for (enum setting setting = 0; setting < SETTING_COUNT && why == NULL; setting++)
        if (which >> setting & 1)
            why = intent_set_setting(intent, setting, 1 + random_next(state) % max[setting]);
    return why;
}

static void random_fields(uint64_t *state, enum op op, uint64_t fields, struct intent *intent);

static const char *random_steps(uint64_t *state, struct intent *intent) {
    unsigned count = INTENT_STEPS_MIN + (unsigned)(random_next(state) % (INTENT_STEPS_MAX - INTENT_STEPS_MIN + 1));
    const uint64_t key = FIELD_BIT(FIELD_key);
    while (intent->step_count < count) {
        struct intent step;
        struct intent_fault fault;
        enum op op = OP_NONE + 1 + (enum op)(random_next(state) % (OP_COUNT - 1));
        if (!op_is_step(op))
            continue;
        uint64_t needed = op_fields_needed(op) & field_bits_of_step() & ~key, allowed = op_fields_allowed(op) & field_bits_of_step();
        intent_clear(&step);
        random_fields(state, op, needed | (allowed & (random_next(state) | (strlen(intent->key) > 125 ? key : 0))), &step);
        if (step.present & key) { /* keys must differ */
            char text[INTENT_FOLLOW_UP_KEY_MAX + 1];
            int size = snprintf(text, sizeof text, "%u:%.120s", intent->step_count, step.key);
            cr_assert_null(intent_set_text(&step, FIELD_key, text, (size_t)size));
        }
        cr_assert_null(intent_add_step(intent, &step, &fault), "%s", fault.text);
    }
    return NULL;
}

static void random_set(uint64_t *state, enum op op, enum field field, struct intent *intent) {
    char text[320];
    const char *why = "cannot be made";
    switch (field_shape(field)) {
    case SHAPE_TEXT: why = intent_set_text(intent, field, text, random_value(state, field, op, text)); break;
    case SHAPE_NUMBER: why = intent_set_number(intent, field, random_of_field(state, field)); break;
    case SHAPE_INTEGER: why = intent_set_integer(intent, field, random_integer(state)); break;
    case SHAPE_BOOL: why = intent_set_number(intent, field, random_next(state) & 1); break;
    case SHAPE_BYTES: why = random_bytes(state, field, intent); break;
    case SHAPE_MAP: why = field == FIELD_guard ? random_guard(state, intent) : random_settings(state, intent); break;
    case SHAPE_LINES: why = random_lines(state, intent); break;
    case SHAPE_STEPS: why = random_steps(state, intent); break;
    }
    cr_assert_null(why, "%s %s", field_name(field), why);
}

static void random_fields(uint64_t *state, enum op op, uint64_t fields, struct intent *intent) {
    for (int i = -1; i < FIELD_COUNT; i++) { /* the source first: the key depends on it */
        enum field field = i < 0 ? FIELD_source : (enum field)i;
        if ((fields & FIELD_BIT(field)) && (i < 0 || field != FIELD_source))
            random_set(state, op, field, intent);
    }
}

struct intent random_intent(uint64_t *state) {
    struct intent intent = {0};
    enum op op = OP_NONE + 1 + (enum op)(random_next(state) % (OP_COUNT - 1));
    uint64_t optional = op_fields_allowed(op) & ~op_fields_needed(op) & random_next(state);
    if (op == OP_open && optional & (FIELD_BIT(FIELD_payments) | FIELD_BIT(FIELD_per)))
        optional |= FIELD_BIT(FIELD_payments) | FIELD_BIT(FIELD_per);
    if (op == OP_order) { /* one of them, not both */
        enum field given = random_next(state) & 1 ? FIELD_lines : FIELD_amount;
        optional = (optional & ~(FIELD_BIT(FIELD_lines) | FIELD_BIT(FIELD_amount))) | FIELD_BIT(given);
    }
    random_fields(state, op, op_fields_needed(op) | optional, &intent);
    return intent;
}

/* As it is compared: what is borrowed is compared apart, names of steps are made, lines and steps that are none are blank. */
static struct intent plain(const struct intent *from) {
    struct intent intent = *from;
    intent.inner = NULL;
    intent_name_steps(&intent);
    memset(&intent.lines[intent.line_count], 0, (INTENT_LINES_MAX - intent.line_count) * sizeof intent.lines[0]);
    memset(&intent.steps[intent.step_count], 0, (INTENT_STEPS_MAX - intent.step_count) * sizeof intent.steps[0]);
    return intent;
}

bool intents_equal(const struct intent *a, const struct intent *b) {
    struct intent x = plain(a), y = plain(b);
    return a->inner_size == b->inner_size && (a->inner_size == 0 || memcmp(a->inner, b->inner, a->inner_size) == 0) &&
           memcmp(&x, &y, sizeof x) == 0;
}
