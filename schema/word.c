/* The words of fields, operations, kinds and statuses, and which fields an operation takes: the tables of field.def and op.def. */
#include <assert.h>
#include <string.h>

#include "schema/intent.h"

struct word {
    const char *text;
    size_t size;
};
#define WORD(text) {text, sizeof text - 1}

/* What a type is, seen by callers. */
enum word_shape { SHAPE_TEXT, SHAPE_NUMBER, SHAPE_BOOL };
#define SHAPE_UINT SHAPE_NUMBER
#define SHAPE_WORD SHAPE_TEXT
#define SHAPE_SOURCE SHAPE_TEXT
#define SHAPE_KEY SHAPE_TEXT
#define SHAPE_ACCOUNT SHAPE_TEXT
#define SHAPE_CURRENCY SHAPE_TEXT
#define SHAPE_ENTRY SHAPE_TEXT
#define SHAPE_ORIGIN SHAPE_TEXT

static const struct word field_words[FIELD_COUNT] = {
#define X(name, type, member, min, max) WORD(#name),
#include "schema/field.def"
#undef X
};
static const enum word_shape field_shapes[FIELD_COUNT] = {
#define X(name, type, member, min, max) SHAPE_##type,
#include "schema/field.def"
#undef X
};
static const struct word op_words[OP_COUNT] = {
    [OP_NONE] = WORD(""),
#define X(word, sender, needs, may) [OP_##word] = WORD(#word),
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

struct op_row {
    bool follow_up;
    uint32_t needs, may;
};
#define F(name) FIELD_BIT(FIELD_##name)
enum { SENDER_CLIENT, SENDER_FOLLOW_UP };
static const struct op_row op_rows[OP_COUNT] = {
#define X(word, sender, needs, may) [OP_##word] = {SENDER_##sender == SENDER_FOLLOW_UP, needs, may},
#include "schema/op.def"
#undef X
};
static const uint32_t needed_always = F(v) | F(op) | F(source) | F(key) | F(at) | F(account);
static const uint32_t allowed_always = F(note);

/* The place of a word in a table from `first` on, or `none`. */
static unsigned word_find(const struct word *words, unsigned first, unsigned count, unsigned none, const char *text, size_t size) {
    for (unsigned i = first; i < count; i++)
        if (words[i].size == size && memcmp(words[i].text, text, size) == 0)
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

bool field_is_number(enum field field) {
    assert(field < FIELD_COUNT);
    return field_shapes[field] == SHAPE_NUMBER;
}

bool field_is_bool(enum field field) {
    assert(field < FIELD_COUNT);
    return field_shapes[field] == SHAPE_BOOL;
}

const char *op_word(enum op op) {
    return op < OP_COUNT ? op_words[op].text : "";
}

enum op op_of_word(const char *word, size_t size) {
    return word_find(op_words, OP_NONE + 1, OP_COUNT, OP_NONE, word, size);
}

bool op_is_follow_up(enum op op) {
    assert(op < OP_COUNT);
    return op_rows[op].follow_up;
}

uint32_t op_fields_needed(enum op op) {
    assert(op < OP_COUNT);
    return needed_always | op_rows[op].needs;
}

uint32_t op_fields_allowed(enum op op) {
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
