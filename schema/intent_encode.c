/* Writes an intent as bytes, as its identity and as the fingerprint of its meaning. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "schema/intent.h"
#include "schema/pack.h"

enum { FINGERPRINT_BYTES = INTENT_FINGERPRINT_SIZE / 2 };

/* In the byte order of their names: the fingerprint's bytes must never depend on the order of field.def. */
static const enum field fingerprint_order[] = {
    FIELD_account,    FIELD_allow_duplicate, FIELD_amount, FIELD_code,    FIELD_credential, FIELD_currency, FIELD_entry,
    FIELD_expires,    FIELD_final,           FIELD_gross,  FIELD_guard,   FIELD_inner,      FIELD_key,      FIELD_kind,
    FIELD_lines,      FIELD_month,           FIELD_not_before, FIELD_of,  FIELD_op,         FIELD_order,    FIELD_origin,
    FIELD_payments,   FIELD_per,             FIELD_quantity, FIELD_refunds, FIELD_settings, FIELD_sku,      FIELD_source,
    FIELD_status,     FIELD_steps,           FIELD_to,     FIELD_token,
};
enum { FINGERPRINT_COUNT = sizeof fingerprint_order / sizeof fingerprint_order[0] };
_Static_assert(FINGERPRINT_COUNT == FIELD_COUNT - 4, "every field but v, at, of_at and note");
static const enum setting fingerprint_settings[] = {
    SETTING_balance_cap, SETTING_bills_keep, SETTING_duplicate_window, SETTING_fee, SETTING_settlement_offset,
};
_Static_assert(sizeof fingerprint_settings / sizeof fingerprint_settings[0] == SETTING_COUNT, "every setting");

static const uint64_t all_fields = FIELD_BIT(FIELD_COUNT) - 1;

/* How a map is written: with all its fields in field order, or with those that count for the fingerprint in byte order. */
enum purpose { TO_SEND, TO_FINGERPRINT };

static void encode_word(struct pack_writer *w, const char *word) {
    pack_text(w, word, strlen(word));
}

static void encode_member(struct pack_writer *w, const char *name, bool has, uint64_t number) {
    if (!has)
        return;
    encode_word(w, name);
    pack_uint(w, number);
}

static void encode_guard(struct pack_writer *w, const struct intent_guard *g, enum purpose purpose) {
    pack_map(w, (uint32_t)g->has_seq + g->has_balance_min + g->has_refunded);
    encode_member(w, "seq", g->has_seq && purpose == TO_SEND, g->seq);
    encode_member(w, "balance_min", g->has_balance_min, g->balance_min);
    encode_member(w, "refunded", g->has_refunded, g->refunded);
    encode_member(w, "seq", g->has_seq && purpose == TO_FINGERPRINT, g->seq);
}

static void encode_settings(struct pack_writer *w, const struct intent_settings *s, enum purpose purpose) {
    pack_map(w, (uint32_t)__builtin_popcount(s->present & ((1u << SETTING_COUNT) - 1)));
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        enum setting setting = purpose == TO_SEND ? (enum setting)i : fingerprint_settings[i];
        encode_member(w, setting_name(setting), s->present >> setting & 1, s->value[setting]);
    }
}

/* Which of these fields of an intent, or of a step of one, tell what the client meant. */
static uint64_t fields_meant(enum op op, uint64_t fields) {
    fields &= ~(FIELD_BIT(FIELD_v) | FIELD_BIT(FIELD_at) | FIELD_BIT(FIELD_of_at) | FIELD_BIT(FIELD_note));
    if (op == OP_refund || op == OP_capture || op == OP_release)
        fields &= ~(FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_currency));
    return fields & all_fields;
}

static void encode_fields(struct pack_writer *w, const struct intent *intent, uint64_t fields, enum purpose purpose);

static void encode_steps(struct pack_writer *w, const struct intent *group, enum purpose purpose) {
    struct intent step;
    assert(group->step_count <= INTENT_STEPS_MAX);
    pack_array(w, group->step_count);
    for (unsigned n = 0; n < group->step_count; n++) {
        uint64_t given = group->steps[n].present & field_bits_of_step();
        intent_step_alone(group, n, &step);
        encode_fields(w, &step, purpose == TO_SEND ? given : fields_meant(step.op, given), purpose);
    }
}

/* In the order given: it is the same in both. */
static void encode_lines(struct pack_writer *w, const struct intent *order) {
    assert(order->line_count <= INTENT_LINES_MAX);
    pack_array(w, order->line_count);
    for (unsigned n = 0; n < order->line_count; n++) {
        pack_array(w, 2);
        encode_word(w, order->lines[n].sku);
        pack_uint(w, order->lines[n].quantity);
    }
}

static void encode_map(struct pack_writer *w, const struct intent *intent, enum field field, enum purpose purpose) {
    if (field == FIELD_guard)
        encode_guard(w, &intent->guard, purpose);
    else if (field == FIELD_settings)
        encode_settings(w, &intent->settings, purpose);
    else
        assert(false);
}

static void encode_field(struct pack_writer *w, const struct intent *intent, enum field field, enum purpose purpose) {
    size_t size;
    const char *text = intent_text(intent, field, &size);
    encode_word(w, field_name(field));
    switch (field_shape(field)) {
    case SHAPE_TEXT: pack_text(w, text, size); break;
    case SHAPE_NUMBER: pack_uint(w, intent_number(intent, field)); break;
    case SHAPE_INTEGER: pack_int(w, intent_integer(intent, field)); break;
    case SHAPE_BOOL: pack_bool(w, intent_number(intent, field) != 0); break;
    case SHAPE_BYTES: pack_bytes(w, text, size); break;
    case SHAPE_MAP: encode_map(w, intent, field, purpose); break;
    case SHAPE_LINES: encode_lines(w, intent); break;
    case SHAPE_STEPS: encode_steps(w, intent, purpose); break;
    }
}

static void encode_fields(struct pack_writer *w, const struct intent *intent, uint64_t fields, enum purpose purpose) {
    unsigned count = purpose == TO_SEND ? FIELD_COUNT : FINGERPRINT_COUNT;
    pack_map(w, (uint32_t)__builtin_popcountll(fields));
    for (unsigned i = 0; i < count; i++) {
        enum field field = purpose == TO_SEND ? (enum field)i : fingerprint_order[i];
        if (fields & FIELD_BIT(field))
            encode_field(w, intent, field, purpose);
    }
}

bool intent_encode(const struct intent *intent, void *bytes, size_t capacity, size_t *size) {
    struct pack_writer w;
    pack_writer_init(&w, bytes, capacity);
    encode_fields(&w, intent, intent->present & all_fields, TO_SEND);
    *size = w.size;
    return !w.full;
}

static char *identity_add(char *at, const char *text) {
    size_t size = strlen(text);
    memcpy(at, text, size + 1);
    return at + size;
}

static size_t identity_write(const struct intent *intent, const char *key, char out[INTENT_IDENTITY_MAX + 1]) {
    char *at = identity_add(out, intent->account);
    at = identity_add(at, "/");
    at = identity_add(at, intent->source);
    at = identity_add(at, "/");
    at = identity_add(at, key);
    assert(at - out <= INTENT_IDENTITY_MAX);
    return (size_t)(at - out);
}

size_t intent_identity(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]) {
    return identity_write(intent, intent->key, out);
}

size_t intent_identity_of(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]) {
    return identity_write(intent, intent->of, out);
}

size_t intent_step_identity(const struct intent *group, unsigned step, char out[INTENT_IDENTITY_MAX + 1]) {
    char key[INTENT_FOLLOW_UP_KEY_MAX + 4];
    size_t size = intent_step_key(group, step, key);
    assert(size <= INTENT_FOLLOW_UP_KEY_MAX);
    return identity_write(group, key, out);
}

void intent_fingerprint(const struct intent *intent, char out[INTENT_FINGERPRINT_SIZE + 1]) {
    uint8_t bytes[2 * INTENT_SIZE_MAX]; /* an inner intent, or 16 steps of 700 bytes, or 64 lines of 80, with all the rest fit well */
    struct pack_writer w;
    pack_writer_init(&w, bytes, sizeof bytes);
    encode_fields(&w, intent, fields_meant(intent->op, intent->present), TO_FINGERPRINT);
    assert(!w.full);
    uint8_t hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof hash, bytes, w.size, NULL, 0);
    sodium_bin2hex(out, INTENT_FINGERPRINT_SIZE + 1, hash, FINGERPRINT_BYTES);
}

void intent_step_fingerprint(const struct intent *group, unsigned step, char out[INTENT_FINGERPRINT_SIZE + 1]) {
    struct intent alone;
    intent_step_alone(group, step, &alone);
    intent_fingerprint(&alone, out);
}
