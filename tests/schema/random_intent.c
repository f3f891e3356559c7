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
    if (field == FIELD_entry)
        return random_entry(state, out);
    if (field == FIELD_origin) {
        size_t size = (size_t)snprintf(out, 300, "%" PRIu64 ":", random_next(state) % 1024);
        return size + random_entry(state, out + size);
    }
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

static void random_set(uint64_t *state, enum op op, enum field field, struct intent *intent) {
    char text[320];
    const char *why;
    if (field_is_bool(field))
        why = intent_set_number(intent, field, random_next(state) & 1);
    else if (field_is_number(field))
        why = intent_set_number(intent, field, field == FIELD_v ? 1 : random_number(state));
    else
        why = intent_set_text(intent, field, text, random_value(state, field, op, text));
    cr_assert_null(why, "%s %s", field_name(field), why);
}

struct intent random_intent(uint64_t *state) {
    struct intent intent = {0};
    enum op op = OP_NONE + 1 + (enum op)(random_next(state) % (OP_COUNT - 1));
    uint32_t optional = op_fields_allowed(op) & ~op_fields_needed(op) & (uint32_t)random_next(state);
    uint32_t fields = op_fields_needed(op) | optional;
    for (int i = -1; i < FIELD_COUNT; i++) { /* the source first: the key depends on it */
        enum field field = i < 0 ? FIELD_source : (enum field)i;
        if ((fields & FIELD_BIT(field)) && (i < 0 || field != FIELD_source))
            random_set(state, op, field, &intent);
    }
    return intent;
}
