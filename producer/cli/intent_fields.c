/* From texts to the fields of an intent. */
#include "producer/cli/intent_fields.h"

#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/when.h"
#include "producer/till.h"

static bool has(const struct intent *intent, enum field field) { return intent->present & FIELD_BIT(field); }

static const char *set_number(struct intent *intent, enum field field, const char *text) {
    uint64_t number;
    if (args_parse_number(text, &number)) return intent_set_number(intent, field, number);
    if (field == FIELD_at || field == FIELD_of_at) {
        if (when_parse(text, &number)) return intent_set_number(intent, field, number);
        return "must be a time: " WHEN_FORMS;
    }
    if (field == FIELD_amount) return "must be a whole number of minor units: 1999 for 19.99";
    return "must be a whole number";
}

const char *intent_fields_set(struct intent *intent, enum field field, const char *text) {
    if (field_is_number(field)) return set_number(intent, field, text);
    if (field_is_bool(field)) return intent_set_number(intent, field, strcmp(text, "false") != 0);
    return intent_fields_set_text(intent, field, text, strlen(text));
}

const char *intent_fields_set_text(struct intent *intent, enum field field, const char *text, size_t size) {
    if (field == FIELD_source && size == strlen(INTENT_SOURCE_TILL) && memcmp(text, INTENT_SOURCE_TILL, size) == 0)
        return "must not be till, which is for workers";
    return intent_set_text(intent, field, text, size);
}

void intent_fields_complete(struct intent *intent, const char *source) {
    const char *wrong = NULL;
    if (!has(intent, FIELD_v)) wrong = intent_set_number(intent, FIELD_v, 1);
    if (!wrong && !has(intent, FIELD_at)) wrong = intent_set_number(intent, FIELD_at, when_now_ms());
    if (!wrong && !has(intent, FIELD_source)) wrong = intent_set_text(intent, FIELD_source, source, strlen(source));
    if (!wrong && !has(intent, FIELD_key)) {
        char key[TILL_UUID_SIZE];
        till_key(key);
        wrong = intent_set_text(intent, FIELD_key, key, strlen(key));
    }
    (void)wrong; /* the values are right by themselves; intent_check would say otherwise */
}
