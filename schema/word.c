/* The words of fields, operations, settings, kinds and statuses, and which fields an operation takes: the tables of field.def, op.def and
 * setting.def. */
#include <assert.h>
#include <string.h>

#include "schema/intent.h"

struct word {
    const char *text;
    size_t size;
};
#define WORD(text) {text, sizeof text - 1}

/* What a type is, seen by callers. */
#define SHAPE_OF_UINT SHAPE_NUMBER
#define SHAPE_OF_INT SHAPE_INTEGER
#define SHAPE_OF_BOOL SHAPE_BOOL
#define SHAPE_OF_TEXT SHAPE_TEXT
#define SHAPE_OF_WORD SHAPE_TEXT
#define SHAPE_OF_SOURCE SHAPE_TEXT
#define SHAPE_OF_KEY SHAPE_TEXT
#define SHAPE_OF_NAME SHAPE_TEXT
#define SHAPE_OF_MONTH SHAPE_TEXT
#define SHAPE_OF_ACCOUNT SHAPE_TEXT
#define SHAPE_OF_CURRENCY SHAPE_TEXT
#define SHAPE_OF_ENTRY SHAPE_TEXT
#define SHAPE_OF_ORIGIN SHAPE_TEXT
#define SHAPE_OF_BYTES SHAPE_BYTES
#define SHAPE_OF_INNER SHAPE_BYTES
#define SHAPE_OF_GUARD SHAPE_MAP
#define SHAPE_OF_SETTINGS SHAPE_MAP
#define SHAPE_OF_STEPS SHAPE_STEPS
#define SHAPE_OF_LINES SHAPE_LINES

static const struct word field_words[FIELD_COUNT] = {
#define X(name, type, member, min, max, in_step) WORD(#name),
#include "schema/field.def"
#undef X
};
static const enum field_shape field_shapes[FIELD_COUNT] = {
#define X(name, type, member, min, max, in_step) SHAPE_OF_##type,
#include "schema/field.def"
#undef X
};
static const struct word setting_words[SETTING_COUNT] = {
#define X(word, min, max) WORD(#word),
#include "schema/setting.def"
#undef X
};
static const struct word op_words[OP_COUNT] = {
    [OP_NONE] = WORD(""),
#define X(word, sender, bulk, needs, may) [OP_##word] = WORD(#word),
#include "schema/op.def"
#undef X
};
static const struct word kind_words[] = {
    [KIND_NONE] = WORD(""), [KIND_user] = WORD("user"), [KIND_merchant] = WORD("merchant"), [KIND_app] = WORD("app"),
};
static const struct word status_words[] = {
    [STATUS_NONE] = WORD(""),
    [STATUS_active] = WORD("active"),
    [STATUS_frozen] = WORD("frozen"),
    [STATUS_closed] = WORD("closed"),
};
enum { KIND_COUNT = sizeof kind_words / sizeof kind_words[0], STATUS_COUNT = sizeof status_words / sizeof status_words[0] };

enum sender { SENDER_CLIENT, SENDER_STEP, SENDER_FOLLOW_UP, SENDER_OWN };
enum { BULK_ALONE, BULK_BULK };
struct op_row {
    enum sender sender;
    bool bulk;
    uint64_t needs, may;
};
#define F(name) FIELD_BIT(FIELD_##name)
static const struct op_row op_rows[OP_COUNT] = {
#define X(word, sender, bulk, needs, may) [OP_##word] = {SENDER_##sender, BULK_##bulk, needs, may},
#include "schema/op.def"
#undef X
};
static const uint64_t needed_always = F(v) | F(op) | F(source) | F(key) | F(at) | F(account);
static const uint64_t allowed_always = F(note);

enum { IN_WHOLE, IN_STEP };
static const uint64_t step_fields = 0
#define X(name, type, member, min, max, in_step) | (IN_##in_step == IN_STEP ? F(name) : 0)
#include "schema/field.def"
#undef X
    ;

/* The place of a word in a table from `first` on, or `none`. */
static unsigned word_find(const struct word *words, unsigned first, unsigned count, unsigned none, const char *text, size_t size) {
    for (unsigned i = first; i < count && size > 0; i++) /* most are told apart by size and first letter */
        if (words[i].size == size && words[i].text[0] == text[0] && memcmp(words[i].text, text, size) == 0)
            return i;
    return none;
}

const char *field_name(enum field field) {
    assert(field < FIELD_COUNT);
    return field_words[field].text;
}

enum field field_of_name(const char *name, size_t size) {
    return word_find(field_words, 0, FIELD_COUNT, FIELD_COUNT, name, size);
}

enum field_shape field_shape(enum field field) {
    assert(field < FIELD_COUNT);
    return field_shapes[field];
}

bool field_is_number(enum field field) {
    return field_shape(field) == SHAPE_NUMBER;
}

bool field_is_bool(enum field field) {
    return field_shape(field) == SHAPE_BOOL;
}

uint64_t field_bits_of_step(void) {
    return step_fields;
}

const char *setting_name(enum setting setting) {
    assert(setting < SETTING_COUNT);
    return setting_words[setting].text;
}

enum setting setting_of_name(const char *name, size_t size) {
    return word_find(setting_words, 0, SETTING_COUNT, SETTING_COUNT, name, size);
}

const char *op_word(enum op op) {
    return op < OP_COUNT ? op_words[op].text : "";
}

enum op op_of_word(const char *word, size_t size) {
    return word_find(op_words, OP_NONE + 1, OP_COUNT, OP_NONE, word, size);
}

bool op_is_follow_up(enum op op) {
    assert(op < OP_COUNT);
    return op_rows[op].sender >= SENDER_FOLLOW_UP;
}

bool op_is_own(enum op op) {
    assert(op < OP_COUNT);
    return op_rows[op].sender == SENDER_OWN;
}

bool op_is_step(enum op op) {
    assert(op < OP_COUNT);
    return op_rows[op].sender == SENDER_STEP;
}

bool op_is_bulk(enum op op) {
    assert(op < OP_COUNT);
    return op_rows[op].bulk;
}

uint64_t op_fields_needed(enum op op) {
    assert(op < OP_COUNT);
    return needed_always | op_rows[op].needs;
}

uint64_t op_fields_allowed(enum op op) {
    assert(op < OP_COUNT);
    return needed_always | allowed_always | op_rows[op].needs | op_rows[op].may;
}

const char *kind_word(enum kind kind) {
    return (unsigned)kind < KIND_COUNT ? kind_words[kind].text : "";
}

enum kind kind_of_word(const char *word, size_t size) {
    return word_find(kind_words, KIND_NONE + 1, KIND_COUNT, KIND_NONE, word, size);
}

const char *status_word(enum status status) {
    return (unsigned)status < STATUS_COUNT ? status_words[status].text : "";
}

enum status status_of_word(const char *word, size_t size) {
    return word_find(status_words, STATUS_NONE + 1, STATUS_COUNT, STATUS_NONE, word, size);
}
