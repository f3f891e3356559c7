/* From texts to the fields of an intent. */
#include "producer/cli/intent_fields.h"

#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/intent_lines.h"
#include "producer/cli/when.h"
#include "producer/till.h"

enum { DAY_MS = 86400000 };

static bool has(const struct intent *intent, enum field field) { return intent->present & FIELD_BIT(field); }

/* What is typed with a unit or as a date. */
static const char *parse_time(enum field field, const char *text, uint64_t *number) {
    if (field == FIELD_at || field == FIELD_of_at) return when_parse(text, number) ? NULL : "must be a time: " WHEN_FORMS;
    if (field == FIELD_not_before) return when_parse_ahead(text, number) ? NULL : "must be a time: " WHEN_AHEAD_FORMS;
    if (field == FIELD_expires || field == FIELD_per)
        return when_parse_length(text, number) ? NULL : "must be a length of time: " WHEN_LENGTH_FORMS;
    if (field == FIELD_amount) return "must be a whole number of minor units: 1999 for 19.99";
    return "must be a whole number";
}

static const char *set_number(struct intent *intent, enum field field, const char *text) {
    uint64_t number;
    const char *wrong = args_parse_number(text, &number) ? NULL : parse_time(field, text, &number);
    return wrong ? wrong : intent_set_number(intent, field, number);
}

/* +5 or -5: what is to change says in which direction. */
static const char *set_integer(struct intent *intent, enum field field, const char *text) {
    uint64_t number;
    if (*text != '+' && *text != '-') return "must say whether it is more or less: +5 or -5";
    if (!args_parse_number(text + 1, &number) || number > INTENT_AMOUNT_MAX)
        return "must be a whole number up to 9007199254740991, with + or -";
    return intent_set_integer(intent, field, *text == '-' ? -(int64_t)number : (int64_t)number);
}

/* "" is a flag's. */
static const char *set_bool(struct intent *intent, enum field field, const char *text) {
    static const char *const words[] = {"no", "false", "", "yes", "true"};
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++)
        if (strcmp(text, words[n]) == 0) return intent_set_number(intent, field, n >= 2);
    return "must be yes or no";
}

/* One of "seq=3,balance_min=100". */
static const char *set_condition(struct intent *intent, const char *text, size_t size) {
    char number_text[24];
    uint64_t number;
    const char *equals = memchr(text, '=', size);
    if (!equals) return "must be conditions like seq=3,balance_min=100";
    size_t left = size - (size_t)(equals + 1 - text);
    if (left >= sizeof number_text) return "must compare with whole numbers up to 9007199254740991";
    memcpy(number_text, equals + 1, left);
    number_text[left] = '\0';
    if (!args_parse_number(number_text, &number)) return "must compare with whole numbers: seq=3,balance_min=100";
    return intent_set_guard(intent, text, (size_t)(equals - text), number);
}

static const char *set_guard(struct intent *intent, const char *text) {
    for (;;) {
        size_t size = strcspn(text, ",");
        const char *wrong = set_condition(intent, text, size);
        if (wrong || !text[size]) return wrong;
        text += size + 1;
    }
}

const char *intent_fields_set(struct intent *intent, enum field field, const char *text) {
    switch (field_shape(field)) {
    case SHAPE_NUMBER: return set_number(intent, field, text);
    case SHAPE_BOOL: return set_bool(intent, field, text);
    case SHAPE_TEXT: return intent_fields_set_text(intent, field, text, strlen(text));
    case SHAPE_MAP: return field == FIELD_guard ? set_guard(intent, text) : "is given as SETTING=VALUE";
    case SHAPE_BYTES: return "is not given as text";
    case SHAPE_STEPS: return "are given one by one";
    case SHAPE_INTEGER: return set_integer(intent, field, text);
    case SHAPE_LINES: return intent_lines_add(intent, text);
    }
    return NULL;
}

const char *intent_fields_setting(struct intent *intent, const char *text) {
    size_t size = strcspn(text, "=");
    uint64_t number;
    enum setting setting = setting_of_name(text, size);
    if (!text[size]) return "must be SETTING=VALUE";
    if (setting == SETTING_COUNT) return "is no setting: duplicate_window fee settlement_offset balance_cap bills_keep";
    bool is_length = setting == SETTING_duplicate_window || setting == SETTING_bills_keep;
    bool plain = args_parse_number(text + size + 1, &number);
    if (!plain && (!is_length || !when_parse_length(text + size + 1, &number)))
        return is_length ? "must be a length of time: 30s, 90d" : "must be a whole number";
    if (!plain && setting == SETTING_bills_keep) {
        if (number % DAY_MS != 0) return "must be whole days: 90d";
        number /= DAY_MS;
    }
    if (intent->settings.present >> setting & 1) return "is given twice";
    return intent_set_setting(intent, setting, number);
}

const char *intent_fields_set_text(struct intent *intent, enum field field, const char *text, size_t size) {
    if (field == FIELD_source && size == strlen(INTENT_SOURCE_TILL) && memcmp(text, INTENT_SOURCE_TILL, size) == 0)
        return "must not be till, which is for workers";
    return intent_set_text(intent, field, text, size);
}

void intent_fields_currency(struct intent *intent, const char *currency) {
    if (!currency || has(intent, FIELD_currency) || !(op_fields_needed(intent->op) & FIELD_BIT(FIELD_currency))) return;
    const char *wrong = intent_set_text(intent, FIELD_currency, currency, strlen(currency));
    (void)wrong; /* then it is missing, and that is said */
}

void intent_fields_complete(struct intent *intent, const char *source) {
    const char *wrong = NULL;
    if (!has(intent, FIELD_v)) wrong = intent_set_number(intent, FIELD_v, 1);
    if (!wrong && !has(intent, FIELD_at)) wrong = intent_set_number(intent, FIELD_at, when_now_ms());
    if (!wrong && !has(intent, FIELD_source)) wrong = intent_set_text(intent, FIELD_source, source, strlen(source));
    if (!wrong && !has(intent, FIELD_account) && intent->op == OP_policy)
        wrong = intent_set_text(intent, FIELD_account, INTENT_ACCOUNT_BOOK, strlen(INTENT_ACCOUNT_BOOK));
    if (!wrong && !has(intent, FIELD_key)) {
        char key[TILL_UUID_SIZE];
        till_key(key);
        wrong = intent_set_text(intent, FIELD_key, key, strlen(key));
    }
    (void)wrong; /* the values are right by themselves; intent_check would say otherwise */
}
