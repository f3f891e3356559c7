/* A payment intent: what an upstream asks for, as a msgpack map on the wire (schema/README.md) and as a plain struct here.
 * Values live in the caller, no pointers inside, nothing allocated outlives a call. All functions are pure and thread-safe.
 *
 *     bytes --intent_decode--> struct intent --intent_place--> may it be decided here, now?
 *     struct intent --intent_encode--> bytes
 */
#ifndef SCHEMA_INTENT_H
#define SCHEMA_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INTENT_SOURCE_MAX = 32,
    INTENT_KEY_MAX = 128,          /* a producer's key */
    INTENT_FOLLOW_UP_KEY_MAX = 256, /* ACCOUNT/SOURCE/KEY>step, workers only */
    INTENT_ACCOUNT_MAX = 64,
    INTENT_NOTE_MAX = 256,
    INTENT_IDENTITY_MAX = INTENT_ACCOUNT_MAX + 1 + INTENT_SOURCE_MAX + 1 + INTENT_FOLLOW_UP_KEY_MAX,
    INTENT_ENTRY_MAX = 41,         /* "18446744073709551615-18446744073709551615" */
    INTENT_SIZE_MAX = 16384,       /* of an encoded entry */
    INTENT_FINGERPRINT_SIZE = 16,  /* hex digits */
};
#define INTENT_AMOUNT_MAX 9007199254740991 /* 2^53 - 1 */
#define INTENT_STALE_MS (23 * 3600 * 1000LL)
#define INTENT_AHEAD_MS (5 * 60 * 1000LL)
#define INTENT_SOURCE_TILL "till" /* the source of follow-up intents; no producer's */

enum op {
    OP_NONE,
#define X(word, sender, needs, may) OP_##word,
#include "schema/op.def"
#undef X
    OP_COUNT
};

enum field {
#define X(name, type, member, min, max) FIELD_##name,
#include "schema/field.def"
#undef X
    FIELD_COUNT
};

/* One bit per field, for `present` and for the op table. */
#define FIELD_BIT(f) (UINT32_C(1) << (f))

enum kind { KIND_NONE, KIND_user, KIND_merchant, KIND_app };
enum status { STATUS_NONE, STATUS_active, STATUS_frozen, STATUS_closed };

struct intent {
    uint32_t present; /* FIELD_BITs of the fields that were given */
    enum op op;
    enum kind kind;
    enum status status;
    bool allow_duplicate;
    uint64_t v, at_ms, of_at_ms, amount_minor;
    char source[INTENT_SOURCE_MAX + 1];
    char key[INTENT_FOLLOW_UP_KEY_MAX + 1];
    char account[INTENT_ACCOUNT_MAX + 1];
    char to[INTENT_ACCOUNT_MAX + 1];
    char of[INTENT_KEY_MAX + 1];
    char currency[4];
    char note[INTENT_NOTE_MAX + 1]; /* may hold any UTF-8 but NUL */
    char origin[65];                /* follow-ups: "PARTITION:ENTRY-ID" of the entry that caused it */
    char entry[INTENT_ENTRY_MAX + 1]; /* follow-ups: entry ID of the original intent */
};

/* How far an entry could be read. */
enum intent_err {
    INTENT_OK,
    INTENT_INVALID,    /* a fault the sender can be told of: source and, if it was readable, key, account and op are set */
    INTENT_UNREADABLE, /* not msgpack, no usable source, or a faulty one of source `till`: nobody to answer; to the dead stream */
};

/* What is wrong: the wire name of the field at fault ("" when it is the bytes) and a sentence for people. */
struct intent_fault {
    char field[65]; /* also an unknown field's name, cut and with unprintable bytes as '?'; "intent" for the whole being too large */
    char text[160];
};

/* Decodes and checks everything that can be told from the bytes alone: fields known, needed ones present, none that the
 * operation does not take, none twice, types, ranges, alphabets, UTF-8; `to` is not `account`, `of` is not `key`; `source` is `till`
 * exactly for follow-ups. `bytes` are only read during the call and may be hostile: any size, depth or count. `intent` is
 * always left fully initialised; a field that was unusable is left empty. The fault reported is the first in this order: the
 * size; unknown, repeated or ill-valued fields as they stand in the map; missing fields; fields not taken; relations. */
enum intent_err intent_decode(const void *bytes, size_t size, struct intent *intent, struct intent_fault *fault)
    __attribute__((warn_unused_result));

/* The same checks on a struct filled by hand (producers), ill-valued fields in field order. NULL, or the sentence of the first
 * fault, which is fault->text. */
const char *intent_check(const struct intent *intent, struct intent_fault *fault);

/* Only those between fields, each of which is known to be right by itself: missing, not taken, relations. */
const char *intent_check_rules(const struct intent *intent, struct intent_fault *fault);

/* Does it belong here and now? `partition` of `partitions` is where the entry lay, `entry_ms` its clock. CODE_ok (0), CODE_invalid with
 * fault->field "account" (routed to the wrong partition) or "at" (more than 5 min ahead of its entry), or CODE_stale. Follow-ups are
 * exempt. */
int intent_place(const struct intent *intent, unsigned partition, unsigned partitions, uint64_t entry_ms, struct intent_fault *fault);

/* Encodes the fields in `present`, in field order. False when `capacity` is too small (INTENT_SIZE_MAX always suffices). */
bool intent_encode(const struct intent *intent, void *bytes, size_t capacity, size_t *size) __attribute__((warn_unused_result));

/* Sets one field from text or number, as JSON lines, the CLI and the decoder do; sets its bit in `present`. A follow-up's `key` and
 * `op` are only taken after `source` was set to `till`. NULL, or, with nothing changed, a static sentence saying what is wrong
 * and what would be right ("must be 1..128 printable ASCII characters without space, / { }"). TEXT-like and WORD fields take text, UINT
 * takes number, BOOL takes number 0 or 1. A field of the other type gets e.g. "must be an integer". */
const char *intent_set_text(struct intent *intent, enum field field, const char *text, size_t size);
const char *intent_set_number(struct intent *intent, enum field field, uint64_t number);

/* A field's value whether present or not: text (of a WORD its word, not NUL-terminated if filled by hand without one), or number. The
 * text lives as long as `intent`. Of a field of the other type: "" and 0. */
const char *intent_text(const struct intent *intent, enum field field, size_t *size);
uint64_t intent_number(const struct intent *intent, enum field field);

/* Names and their values; `*_of_word` return the NONE value (FIELD_COUNT for fields) when there is no such word. */
const char *field_name(enum field field);
enum field field_of_name(const char *name, size_t size);
bool field_is_number(enum field field); /* UINT */
bool field_is_bool(enum field field);
const char *op_word(enum op op);
enum op op_of_word(const char *word, size_t size);
bool op_is_follow_up(enum op op);
uint32_t op_fields_needed(enum op op);  /* FIELD_BITs, those needed always included */
uint32_t op_fields_allowed(enum op op); /* needed ones included */
const char *kind_word(enum kind kind);
enum kind kind_of_word(const char *word, size_t size);
const char *status_word(enum status status);
enum status status_of_word(const char *word, size_t size);

/* "ACCOUNT/SOURCE/KEY": the identity of an intent, or of the one it refers to by `of`. Returns the length. */
size_t intent_identity(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]);
size_t intent_identity_of(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]);

/* What the client meant, as 16 hex digits and NUL: the first 8 bytes of the 16-byte BLAKE2b of a msgpack map of the present fields but
 * `v at of_at note`, keys in byte order, shortest encodings. `refund` leaves out `to` and `currency` too: restating them
 * correctly means the same as leaving them out, and a wrong restatement is told from the bill. An optional field given with
 * its default value is present all the same. */
void intent_fingerprint(const struct intent *intent, char out[INTENT_FINGERPRINT_SIZE + 1]);

#endif
