/* Sets and reads the fields of an intent one by one, each checked against its type and bounds in field.def. */
#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "schema/entry.h"
#include "schema/followup.h"
#include "schema/intent.h"

enum type {
    TYPE_UINT, TYPE_INT, TYPE_BOOL,
    TYPE_TEXT, TYPE_WORD, TYPE_SOURCE, TYPE_KEY, TYPE_NAME, TYPE_ACCOUNT, TYPE_CURRENCY, TYPE_MONTH, TYPE_ENTRY, TYPE_ORIGIN, /* text */
    TYPE_BYTES, TYPE_INNER, TYPE_GUARD, TYPE_SETTINGS, TYPE_LINES, TYPE_STEPS,
};

/* What would be right, by type. */
#define SENTENCE_UINT(min, max) "must be an integer from " #min " to " #max
#define SENTENCE_INT(min, max) "must be an integer from " #min " to " #max ", not 0"
#define SENTENCE_BOOL(min, max) "must be true or false"
#define SENTENCE_TEXT(min, max) "must be UTF-8 text of " #min ".." #max " bytes without NUL"
#define SENTENCE_WORD(min, max) "must be one of its words"
#define SENTENCE_SOURCE(min, max) "must be " #min ".." #max " characters of a-z 0-9 . _ -"
#define SENTENCE_KEY(min, max) "must be " #min ".." #max " printable ASCII characters without space, / { }"
#define SENTENCE_NAME(min, max) SENTENCE_KEY(min, max)
#define SENTENCE_ACCOUNT(min, max) "must be " #min ".." #max " characters of A-Z a-z 0-9 . _ : @ - not starting with @"
#define SENTENCE_CURRENCY(min, max) "must be three upper-case letters (ISO 4217)"
#define SENTENCE_MONTH(min, max) "must be a month from 1970-01 to 9999-12, YYYY-MM"
#define SENTENCE_ENTRY(min, max) "must be a stream entry ID, MS-SEQ"
#define SENTENCE_ORIGIN(min, max) "must be a partition and a stream entry ID, p:MS-SEQ"
#define SENTENCE_BYTES(min, max) "must be " #max " bytes"
#define SENTENCE_INNER(min, max) "must be " #min ".." #max " bytes"
#define SENTENCE_GUARD(min, max) "must be a map of seq balance_min refunded"
#define SENTENCE_SETTINGS(min, max) "must be a map of settings"
#define SENTENCE_LINES(min, max) "must be an array of " #min ".." #max " lines, each [sku, quantity]"
#define SENTENCE_STEPS(min, max) "must be an array of " #min ".." #max " steps"

struct row {
    enum type type;
    bool is_text;
    size_t offset, size; /* of the member */
    int64_t min, max;
    const char *sentence;
};
static const struct row rows[FIELD_COUNT] = {
#define X(name, type, member, min, max, in_step)                                                                                 \
    {TYPE_##type, TYPE_##type >= TYPE_TEXT && TYPE_##type <= TYPE_ORIGIN, offsetof(struct intent, member),                        \
     sizeof ((struct intent *)0)->member, min, max, SENTENCE_##type(min, max)},
#include "schema/field.def"
#undef X
};

#define LISTED_CLIENT(word) " " word
#define LISTED_STEP(word) " " word
#define LISTED_FOLLOW_UP(word) ""
#define LISTED_OWN(word) ""
static const char *const op_sentence = "must be one of"
#define X(word, sender, bulk, needs, may) LISTED_##sender(#word)
#include "schema/op.def"
#undef X
    ;

/* One bit per restricted alphabet a byte is in. */
enum { IN_SOURCE = 1, IN_KEY = 2, IN_ACCOUNT = 4, IN_CURRENCY = 8, IN_FOLLOW_UP_KEY = 16 };

/* Looked up: every byte of every intent comes by here, at the door too. */
#define LOWER_OR_DIGIT(c) (((c) >= 'a' && (c) <= 'z') || ((c) >= '0' && (c) <= '9'))
#define UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define MARK(c) ((c) == '.' || (c) == '_' || (c) == '-')
#define PLAIN(c) ((c) > ' ' && (c) <= '~' && (c) != '{' && (c) != '}')
#define ALPHABETS(c) \
    ((LOWER_OR_DIGIT(c) || MARK(c) ? IN_SOURCE : 0) | \
     (LOWER_OR_DIGIT(c) || MARK(c) || UPPER(c) || (c) == ':' || (c) == '@' ? IN_ACCOUNT : 0) | \
     (UPPER(c) ? IN_CURRENCY : 0) | (PLAIN(c) ? IN_FOLLOW_UP_KEY : 0) | (PLAIN(c) && (c) != '/' ? IN_KEY : 0))
#define FOUR(c) ALPHABETS(c), ALPHABETS((c) + 1), ALPHABETS((c) + 2), ALPHABETS((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
static const uint8_t alphabets[UCHAR_MAX + 1] = {SIXTEEN(0),  SIXTEEN(16), SIXTEEN(32), SIXTEEN(48),
                                                 SIXTEEN(64), SIXTEEN(80), SIXTEEN(96), SIXTEEN(112)};

static bool all_in(const char *text, size_t size, unsigned alphabet) {
    for (size_t i = 0; i < size; i++)
        if (!(alphabets[(unsigned char)text[i]] & alphabet))
            return false;
    return true;
}

/* The size of the UTF-8 character at `s`, 0 when it is none: no overlong forms, no surrogates, nothing above U+10FFFF, no NUL. */
static size_t utf8_size(const unsigned char *s, size_t left) {
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    size_t size = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
    if (size == 0 || size > left)
        return 0;
    uint32_t c = size == 1 ? s[0] : s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : size;
}

static bool is_utf8(const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t step = utf8_size((const unsigned char *)text + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* YYYY-MM, from the epoch on. */
static bool is_month(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (i == 4 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    return size == 7 && memcmp(text, "1970", 4) >= 0 && memcmp(text + 5, "01", 2) >= 0 && memcmp(text + 5, "12", 2) <= 0;
}

/* As Till writes it, so that the same ID is always the same bytes. */
static bool is_entry(const char *text, size_t size) {
    struct entry_id id;
    return entry_id_parse_whole(text, size, &id);
}

static bool is_origin(const char *text, size_t size) {
    char copy[65], entry[INTENT_ENTRY_MAX + 1];
    unsigned partition;
    if (size >= sizeof copy || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return followup_origin(copy, &partition, entry);
}

static bool from_till(const struct intent *intent) {
    return (intent->present & FIELD_BIT(FIELD_source)) && strcmp(intent->source, INTENT_SOURCE_TILL) == 0;
}

static bool text_fits(const struct intent *intent, enum type type, const char *text, size_t size) {
    switch (type) {
    case TYPE_TEXT: return is_utf8(text, size);
    case TYPE_SOURCE: return all_in(text, size, IN_SOURCE);
    case TYPE_KEY: return all_in(text, size, from_till(intent) ? IN_FOLLOW_UP_KEY : IN_KEY);
    case TYPE_NAME: return all_in(text, size, IN_KEY);
    case TYPE_ACCOUNT: return text[0] != '@' && all_in(text, size, IN_ACCOUNT);
    case TYPE_CURRENCY: return all_in(text, size, IN_CURRENCY);
    case TYPE_MONTH: return is_month(text, size);
    case TYPE_ENTRY: return is_entry(text, size);
    case TYPE_ORIGIN: return is_origin(text, size);
    case TYPE_UINT:
    case TYPE_INT:
    case TYPE_BOOL:
    case TYPE_BYTES:
    case TYPE_INNER:
    case TYPE_GUARD:
    case TYPE_SETTINGS:
    case TYPE_LINES:
    case TYPE_STEPS:
    case TYPE_WORD: return false;
    }
    return false;
}

/* The one account with '@' that an intent may act on; of which op, is a matter between fields. */
static bool is_book(enum field field, const char *text, size_t size) {
    return field == FIELD_account && size == strlen(INTENT_ACCOUNT_BOOK) && memcmp(text, INTENT_ACCOUNT_BOOK, size) == 0;
}

static const char *set_op(struct intent *intent, const char *text, size_t size) {
    enum op op = op_of_word(text, size);
    if (op == OP_NONE)
        return op_sentence;
    if (op_is_follow_up(op) != from_till(intent))
        return op_is_follow_up(op) ? "is for workers only" : "is not one that workers send";
    intent->op = op;
    return NULL;
}

static const char *set_word(struct intent *intent, enum field field, const char *text, size_t size) {
    if (field == FIELD_op)
        return set_op(intent, text, size);
    if (field == FIELD_kind) {
        enum kind kind = kind_of_word(text, size);
        if (kind == KIND_NONE)
            return "must be one of user merchant app";
        intent->kind = kind;
        return NULL;
    }
    assert(field == FIELD_status);
    enum status status = status_of_word(text, size);
    if (status == STATUS_NONE)
        return "must be one of active frozen closed";
    intent->status = status;
    return NULL;
}

void intent_clear(struct intent *intent) {
    memset(intent, 0, offsetof(struct intent, lines));
}

const char *intent_set_text(struct intent *intent, enum field field, const char *text, size_t size) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    const char *why = NULL;
    if (row->type == TYPE_UINT || row->type == TYPE_INT)
        return "must be an integer";
    if (!row->is_text)
        return row->sentence;
    if (row->type == TYPE_WORD) {
        why = set_word(intent, field, text, size);
    } else {
        size_t min = (size_t)row->min, max = field == FIELD_key && from_till(intent) ? INTENT_FOLLOW_UP_KEY_MAX : (size_t)row->max;
        bool fits = is_book(field, text, size) || (size >= min && size <= max && text_fits(intent, row->type, text, size));
        if (!fits)
            return row->sentence;
        assert(size < row->size);
        char *member = (char *)intent + row->offset;
        memcpy(member, text, size);
        memset(member + size, 0, row->size - size);
    }
    if (why == NULL)
        intent->present |= FIELD_BIT(field);
    return why;
}

const char *intent_set_number(struct intent *intent, enum field field, uint64_t number) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    if (row->type == TYPE_INT)
        return intent_set_integer(intent, field, number <= INTENT_AMOUNT_MAX ? (int64_t)number : 0);
    if (row->type != TYPE_UINT && row->type != TYPE_BOOL)
        return row->is_text ? "must be text" : row->sentence;
    if (number < (uint64_t)row->min || number > (uint64_t)row->max)
        return row->sentence;
    if (row->type == TYPE_BOOL)
        *(bool *)((char *)intent + row->offset) = number == 1;
    else
        memcpy((char *)intent + row->offset, &number, sizeof number);
    intent->present |= FIELD_BIT(field);
    return NULL;
}

const char *intent_set_integer(struct intent *intent, enum field field, int64_t number) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    if (row->type != TYPE_INT)
        return intent_set_number(intent, field, number >= 0 ? (uint64_t)number : UINT64_MAX); /* which is out of every range */
    if (number == 0 || number < row->min || number > row->max)
        return row->sentence;
    memcpy((char *)intent + row->offset, &number, sizeof number);
    intent->present |= FIELD_BIT(field);
    return NULL;
}

const char *intent_set_bytes(struct intent *intent, enum field field, const void *bytes, size_t size) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    if (row->type != TYPE_BYTES && row->type != TYPE_INNER)
        return row->is_text ? "must be text" : row->sentence;
    if (size < (size_t)row->min || size > (size_t)row->max)
        return row->sentence;
    if (row->type == TYPE_INNER) {
        intent->inner = bytes;
        intent->inner_size = size;
    } else {
        assert(size == row->size);
        memcpy((char *)intent + row->offset, bytes, size);
    }
    intent->present |= FIELD_BIT(field);
    return NULL;
}

const char *intent_text(const struct intent *intent, enum field field, size_t *size) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    const char *text = (const char *)intent + row->offset;
    if (row->type == TYPE_WORD)
        text = field == FIELD_op ? op_word(intent->op) : field == FIELD_kind ? kind_word(intent->kind) : status_word(intent->status);
    else if (row->type == TYPE_BYTES)
        return *size = row->size, text;
    else if (row->type == TYPE_INNER)
        return *size = intent->inner_size, intent->inner != NULL ? intent->inner : "";
    else if (row->is_text)
        return *size = strnlen(text, row->size), text;
    else
        text = "";
    *size = strlen(text);
    return text;
}

uint64_t intent_number(const struct intent *intent, enum field field) {
    assert(field < FIELD_COUNT);
    const struct row *row = &rows[field];
    const char *member = (const char *)intent + row->offset;
    uint64_t number = 0;
    if (row->type == TYPE_BOOL)
        number = *(const bool *)member;
    else if (row->type == TYPE_UINT)
        memcpy(&number, member, sizeof number);
    return number;
}

int64_t intent_integer(const struct intent *intent, enum field field) {
    assert(field < FIELD_COUNT);
    int64_t number = 0;
    if (rows[field].type == TYPE_INT)
        memcpy(&number, (const char *)intent + rows[field].offset, sizeof number);
    return number;
}
