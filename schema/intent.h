/* A payment intent: what an upstream asks for, as a msgpack map on the wire (schema/README.md) and as a plain struct here.
 * Values live in the caller, one borrowed pointer inside (`inner`), nothing allocated outlives a call. All functions are pure and
 * thread-safe.
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
    INTENT_TOKEN_MAX = 128,
    INTENT_CREDENTIAL_SIZE = 32,
    INTENT_STEPS_MIN = 2,
    INTENT_STEPS_MAX = 16,
    INTENT_NAME_MAX = 64, /* of an article or an order */
    INTENT_LINES_MAX = 64,
    INTENT_IDENTITY_MAX = INTENT_ACCOUNT_MAX + 1 + INTENT_SOURCE_MAX + 1 + INTENT_FOLLOW_UP_KEY_MAX,
    INTENT_ENTRY_MAX = 41,         /* "18446744073709551615-18446744073709551615" */
    INTENT_SIZE_MAX = 16384,       /* of an encoded intent */
    INTENT_FOLLOW_UP_SIZE_MAX = INTENT_SIZE_MAX + 1024, /* of an encoded follow-up, which may have an intent within */
    INTENT_FINGERPRINT_SIZE = 16,  /* hex digits */
};
#define INTENT_AMOUNT_MAX 9007199254740991 /* 2^53 - 1 */
#define INTENT_STALE_MS (23 * 3600 * 1000LL)
#define INTENT_AHEAD_MS (5 * 60 * 1000LL)
#define INTENT_NOT_BEFORE_MS (90 * 86400 * 1000LL)
#define INTENT_ACCOUNT_BOOK "@book" /* the account of a policy */
#define INTENT_SOURCE_TILL "till" /* the source of follow-up intents; no producer's */

enum op {
    OP_NONE,
#define X(word, sender, bulk, needs, may) OP_##word,
#include "schema/op.def"
#undef X
    OP_COUNT
};

enum field {
#define X(name, type, member, min, max, in_step) FIELD_##name,
#include "schema/field.def"
#undef X
    FIELD_COUNT
};

enum setting {
#define X(word, min, max) SETTING_##word,
#include "schema/setting.def"
#undef X
    SETTING_COUNT
};

/* One bit per field, for `present` and for the op table. */
#define FIELD_BIT(f) (UINT64_C(1) << (f))

enum kind { KIND_NONE, KIND_user, KIND_merchant, KIND_app };
enum status { STATUS_NONE, STATUS_active, STATUS_frozen, STATUS_closed };

/* Conditions on what the intent meets; at least one. */
struct intent_guard {
    bool has_seq, has_balance_min, has_refunded;
    uint64_t seq;         /* the account's sequence number */
    uint64_t balance_min; /* the account has at least this, minor units */
    uint64_t refunded;    /* of the bill referred to by `of`, so much was refunded, minor units */
};

struct intent_settings {
    uint32_t present; /* 1 << SETTING_... */
    uint64_t value[SETTING_COUNT];
};

/* A step of a group: the fields of an intent of the group's source and account. */
struct intent_step {
    uint64_t present; /* FIELD_BITs of the fields that were given */
    enum op op;
    bool keeps, allow_duplicate; /* keeps: `final` was given as false */
    uint64_t amount_minor, of_at_ms, expires_ms;
    char key[INTENT_KEY_MAX + 1]; /* the one given, else the one made by intent_name_steps */
    char to[INTENT_ACCOUNT_MAX + 1];
    char of[INTENT_KEY_MAX + 1];
    char currency[4];
    char note[INTENT_NOTE_MAX + 1];
};

/* A line of an order. */
struct intent_line {
    char sku[INTENT_NAME_MAX + 1];
    uint64_t quantity; /* 1..INTENT_AMOUNT_MAX */
};

struct intent {
    uint64_t present; /* FIELD_BITs of the fields that were given */
    enum op op;
    enum kind kind;
    enum status status;
    bool allow_duplicate, final;
    uint64_t v, at_ms, of_at_ms, amount_minor;
    uint64_t expires_ms, not_before_ms, payments, per_ms, code;
    char source[INTENT_SOURCE_MAX + 1];
    char key[INTENT_FOLLOW_UP_KEY_MAX + 1];
    char account[INTENT_ACCOUNT_MAX + 1];
    char to[INTENT_ACCOUNT_MAX + 1];
    char of[INTENT_KEY_MAX + 1];
    char currency[4];
    char token[INTENT_TOKEN_MAX + 1];
    uint8_t credential[INTENT_CREDENTIAL_SIZE];
    char note[INTENT_NOTE_MAX + 1]; /* may hold any UTF-8 but NUL */
    char origin[65];                /* follow-ups: "PARTITION:ENTRY-ID" of the entry that caused it */
    char entry[INTENT_ENTRY_MAX + 1]; /* follow-ups: entry ID of the original intent */
    char sku[INTENT_NAME_MAX + 1];
    char order[INTENT_NAME_MAX + 1];
    char month[8];                  /* "2026-11" */
    int64_t quantity;               /* signed, not 0 */
    uint64_t gross_minor, refunds_minor;
    const void *inner;              /* `due`: the encoded intent; borrowed from the bytes that were decoded, or from whoever set it */
    size_t inner_size;
    struct intent_guard guard;
    struct intent_settings settings;
    unsigned line_count, step_count;
    struct intent_line lines[INTENT_LINES_MAX]; /* as `steps` */
    struct intent_step steps[INTENT_STEPS_MAX]; /* those from step_count on are never read: 15 of 16 KiB that nobody need clear */
};

/* Empties it, leaving only `lines` and `steps` as they are. Always use this where it is done often. */
void intent_clear(struct intent *intent);

/* How far an entry could be read. */
enum intent_err {
    INTENT_OK,
    INTENT_INVALID,    /* a fault the sender can be told of: source and, if it was readable, key, account and op are set */
    INTENT_UNREADABLE, /* not msgpack, no usable source, or a faulty one of source `till`: nobody to answer; to the dead stream */
};

/* What is wrong: the wire name of the field at fault ("" when it is the bytes) and a sentence for people. */
struct intent_fault {
    char field[65]; /* also an unknown field's name, cut and with unprintable bytes as '?'; "intent" for the whole being too large */
    char text[200];
};

/* Faults within `guard`, `settings`, `lines` and `steps` are faults of that field; the text names the member, or the line or step by its
 * number from 1. */

/* Decodes and checks everything that can be told from the bytes alone: fields known, needed ones present, none that the
 * operation does not take, none twice, types, ranges, alphabets, UTF-8; `to` is not `account`, `of` is not `key`; `source` is `till`
 * exactly for follow-ups. `bytes` may be hostile: any size, depth or count; they are only read during the call, but `inner` points into
 * them. `intent` is always left fully initialised but for the lines and steps from line_count and step_count on; a field that was
 * unusable is left empty. What `inner` holds is not looked at. The fault reported is the first in this order: the size; unknown, repeated
 * or ill-valued fields as they stand in the map; missing fields; fields not taken; relations. */
enum intent_err intent_decode(const void *bytes, size_t size, struct intent *intent, struct intent_fault *fault)
    __attribute__((warn_unused_result));

/* The same checks on a struct filled by hand (producers), ill-valued fields in field order. NULL, or the sentence of the first
 * fault, which is fault->text. */
const char *intent_check(const struct intent *intent, struct intent_fault *fault);

/* Only those between fields, each of which is known to be right by itself: missing, not taken, relations. `@book` is the account of
 * `policy` and of nothing else; `guard.refunded` goes only with `of`; `payments` and `per` go together; an order has either `lines` or an
 * `amount` (without both, `lines` is missing; with both, `amount` is not taken); the steps of a group have keys that
 * differ from each other and from the group's, and are to the group's account and their own keys what an intent must be. */
const char *intent_check_rules(const struct intent *intent, struct intent_fault *fault);

/* Does it belong here and now? `partition` of `partitions` is where the entry lay, `entry_ms` its clock. CODE_ok (0), CODE_invalid with
 * fault->field "account" (routed to the wrong partition; a policy or a settle belongs everywhere), "at" (more than 5 min ahead of its
 * entry) or "not_before" (more than 90 days ahead of it), or CODE_stale. Follow-ups are exempt. */
int intent_place(const struct intent *intent, unsigned partition, unsigned partitions, uint64_t entry_ms, struct intent_fault *fault);

/* Encodes the fields in `present`, in field order. False when `capacity` is too small (INTENT_SIZE_MAX always suffices, for
 * what workers send INTENT_FOLLOW_UP_SIZE_MAX). */
bool intent_encode(const struct intent *intent, void *bytes, size_t capacity, size_t *size) __attribute__((warn_unused_result));

/* Sets one field from text or number, as JSON lines, the CLI and the decoder do; sets its bit in `present`. A follow-up's `key` and
 * `op` are only taken after `source` was set to `till`. NULL, or, with nothing changed, a static sentence saying what is wrong
 * and what would be right ("must be 1..128 printable ASCII characters without space, / { }"). TEXT-like and WORD fields take text, UINT
 * takes number, BOOL takes number 0 or 1. A field of the other type gets e.g. "must be an integer". `inner` is borrowed. */
const char *intent_set_text(struct intent *intent, enum field field, const char *text, size_t size);
const char *intent_set_number(struct intent *intent, enum field field, uint64_t number);
/* Of an INT field; what intent_set_number does for one is the same for 1..2^53 - 1. Of a UINT field the other way round. */
const char *intent_set_integer(struct intent *intent, enum field field, int64_t number);
const char *intent_set_bytes(struct intent *intent, enum field field, const void *bytes, size_t size);

/* One member of `guard` (by its name on the wire) or one setting. */
const char *intent_set_guard(struct intent *intent, const char *name, size_t size, uint64_t number);
const char *intent_set_setting(struct intent *intent, enum setting setting, uint64_t number);

/* Adds a line to an order. NULL, or, with nothing added, a static sentence of what is wrong, to be put behind "line N" ("has a sku that is
 * in the order already", "is one too many"). */
const char *intent_add_line(struct intent *order, const char *sku, size_t size, uint64_t quantity);

/* Adds a step, given as an intent in which the step's own fields are set: `op` and what it takes, perhaps `key`. NULL, or, with nothing
 * added, the sentence of what is wrong, which is fault->text. The values are taken as they are: set them by the functions above. */
const char *intent_add_step(struct intent *group, const struct intent *step, struct intent_fault *fault);

/* A step as the intent it would be if it stood alone: of the group's source, account and `at`, under its own key. */
void intent_step_alone(const struct intent *group, unsigned step, struct intent *alone);
/* Its key: the one given, else the group's key, ">" and its number from 1. Returns the length, which is more than a key may have when the
 * group's is too long: then the intent is not right. */
size_t intent_step_key(const struct intent *group, unsigned step, char out[INTENT_FOLLOW_UP_KEY_MAX + 4]);
size_t intent_step_identity(const struct intent *group, unsigned step, char out[INTENT_IDENTITY_MAX + 1]);
void intent_step_fingerprint(const struct intent *group, unsigned step, char out[INTENT_FINGERPRINT_SIZE + 1]);
/* Writes the keys of steps that were given none (intent_decode has done so). */
void intent_name_steps(struct intent *group);

/* A field's value whether present or not: text (of a WORD its word, not NUL-terminated if filled by hand without one), or number. The
 * text lives as long as `intent`. Bytes are text too. Of a field of the other type, of INT, of a map, of lines and of steps: "" and 0. */
const char *intent_text(const struct intent *intent, enum field field, size_t *size);
uint64_t intent_number(const struct intent *intent, enum field field);
int64_t intent_integer(const struct intent *intent, enum field field); /* of an INT field, 0 of others */

/* Names and their values; `*_of_word` return the NONE value (FIELD_COUNT for fields) when there is no such word. */
const char *field_name(enum field field);
enum field field_of_name(const char *name, size_t size);
enum field_shape { SHAPE_TEXT, SHAPE_NUMBER, SHAPE_BOOL, SHAPE_BYTES, SHAPE_MAP, SHAPE_STEPS, SHAPE_INTEGER, SHAPE_LINES };
enum field_shape field_shape(enum field field);
bool field_is_number(enum field field); /* UINT */
bool field_is_bool(enum field field);
uint64_t field_bits_of_step(void);      /* FIELD_BITs of the fields a step may have */
const char *setting_name(enum setting setting);
enum setting setting_of_name(const char *name, size_t size); /* SETTING_COUNT: none */
const char *op_word(enum op op);
enum op op_of_word(const char *word, size_t size);
bool op_is_follow_up(enum op op);       /* sent by workers only */
bool op_is_own(enum op op);             /* a follow-up of a partition to itself: it has no origin */
bool op_is_step(enum op op);            /* may be a step of a group */
bool op_is_bulk(enum op op);            /* may stand among others in one entry */
uint64_t op_fields_needed(enum op op);  /* FIELD_BITs, those needed always included */
uint64_t op_fields_allowed(enum op op); /* needed ones included */
const char *kind_word(enum kind kind);
enum kind kind_of_word(const char *word, size_t size);
const char *status_word(enum status status);
enum status status_of_word(const char *word, size_t size);

/* "ACCOUNT/SOURCE/KEY": the identity of an intent, or of the one it refers to by `of`. Returns the length. */
size_t intent_identity(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]);
size_t intent_identity_of(const struct intent *intent, char out[INTENT_IDENTITY_MAX + 1]);

/* What the client meant, as 16 hex digits and NUL: the first 8 bytes of the 16-byte BLAKE2b of a msgpack map of the present fields but
 * `v at of_at note`, keys in byte order, shortest encodings. `refund`, `capture` and `release` leave out `to` and `currency` too: restating
 * them correctly means the same as leaving them out, and a wrong restatement is told from the bill. The same holds for the maps within;
 * lines count in the order given.
 * An optional field given with its default value is present all the same. */
void intent_fingerprint(const struct intent *intent, char out[INTENT_FINGERPRINT_SIZE + 1]);

#endif
