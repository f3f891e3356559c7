/* Writes an intent as bytes, as its identity and as the fingerprint of its meaning. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "schema/intent.h"
#include "schema/pack.h"

enum { FINGERPRINT_BYTES = INTENT_FINGERPRINT_SIZE / 2 };

/* In the byte order of their names: the fingerprint's bytes must never depend on the order of field.def. */
static const enum field fingerprint_order[] = {
    FIELD_account, FIELD_allow_duplicate, FIELD_amount, FIELD_currency, FIELD_entry,  FIELD_key, FIELD_kind,
    FIELD_of,      FIELD_op,              FIELD_origin, FIELD_source,   FIELD_status, FIELD_to,
};
enum { FINGERPRINT_COUNT = sizeof fingerprint_order / sizeof fingerprint_order[0] };
_Static_assert(FINGERPRINT_COUNT == FIELD_COUNT - 4, "every field but v, at, of_at and note");

static const uint32_t all_fields = FIELD_BIT(FIELD_COUNT) - 1;

static void encode_field(struct pack_writer *w, const struct intent *intent, enum field field) {
    size_t size;
    pack_text(w, field_name(field), strlen(field_name(field)));
    if (field_is_number(field)) {
        pack_uint(w, intent_number(intent, field));
    } else if (field_is_bool(field)) {
        pack_bool(w, intent_number(intent, field) != 0);
    } else {
        const char *text = intent_text(intent, field, &size);
        pack_text(w, text, size);
    }
}

bool intent_encode(const struct intent *intent, void *bytes, size_t capacity, size_t *size) {
    struct pack_writer w;
    uint32_t present = intent->present & all_fields;
    pack_writer_init(&w, bytes, capacity);
    pack_map(&w, (uint32_t)__builtin_popcount(present));
    for (enum field field = 0; field < FIELD_COUNT; field++)
        if (present & FIELD_BIT(field))
            encode_field(&w, intent, field);
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

void intent_fingerprint(const struct intent *intent, char out[INTENT_FINGERPRINT_SIZE + 1]) {
    uint32_t meant = intent->present & all_fields;
    meant &= ~(FIELD_BIT(FIELD_v) | FIELD_BIT(FIELD_at) | FIELD_BIT(FIELD_of_at) | FIELD_BIT(FIELD_note));
    if (intent->op == OP_refund)
        meant &= ~(FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_currency));
    uint8_t bytes[1024]; /* the fields that count have 745 bytes at most, their names and headers 150 */
    struct pack_writer w;
    pack_writer_init(&w, bytes, sizeof bytes);
    pack_map(&w, (uint32_t)__builtin_popcount(meant));
    for (size_t i = 0; i < FINGERPRINT_COUNT; i++)
        if (meant & FIELD_BIT(fingerprint_order[i]))
            encode_field(&w, intent, fingerprint_order[i]);
    assert(!w.full);
    uint8_t hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof hash, bytes, w.size, NULL, 0);
    sodium_bin2hex(out, INTENT_FINGERPRINT_SIZE + 1, hash, FINGERPRINT_BYTES);
}
