/* JSON lines into intents. */
#include "producer/cli/json_intent.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "producer/cli/intent_fields.h"

static bool fail(struct intent_fault *fault, const char *field, const char *text) {
    snprintf(fault->field, sizeof fault->field, "%s", field);
    for (char *at = fault->field; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7E) *at = '?';
    snprintf(fault->text, sizeof fault->text, "%.64s%s%.90s", fault->field, *fault->field ? " " : "", text);
    return false;
}

static bool fail_unknown(struct intent_fault *fault, const char *name) {
    struct suggest suggest;
    char text[160];
    suggest_init(&suggest, name);
    for (int f = 0; f < FIELD_COUNT; f++) suggest_offer(&suggest, field_name((enum field)f));
    const char *near = suggest_best(&suggest);
    snprintf(text, sizeof text, near ? "is no field of an intent; did you mean %s?" : "is no field of an intent", near);
    return fail(fault, name, text);
}

static const char *set_number(struct intent *intent, enum field field, const json_t *value) {
    if (json_is_real(value))
        return field == FIELD_amount ? "must be an integer of minor units: 1999 for 19.99"
                                     : "must be an integer, without fraction or exponent";
    if (!json_is_integer(value))
        return field == FIELD_amount ? "must be a number without quotes, in minor units: 1999 for 19.99"
                                     : "must be a number without quotes";
    json_int_t number = json_integer_value(value);
    if (number < 0) return "must not be negative";
    return intent_set_number(intent, field, (uint64_t)number);
}

static const char *set_field(struct intent *intent, enum field field, const json_t *value) {
    if (field_is_number(field)) return set_number(intent, field, value);
    if (field_is_bool(field)) {
        if (!json_is_boolean(value)) return "must be true or false, without quotes";
        return intent_set_number(intent, field, json_is_true(value));
    }
    if (!json_is_string(value)) return "must be a text in quotes";
    return intent_fields_set_text(intent, field, json_string_value(value), json_string_length(value));
}

static bool set_fields(json_t *object, struct intent *intent, struct intent_fault *fault) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        enum field field = field_of_name(name, strlen(name));
        if (field == FIELD_COUNT) return fail_unknown(fault, name);
        const char *wrong = set_field(intent, field, value);
        if (wrong) return fail(fault, name, wrong);
    }
    return true;
}

/* Jansson's words, without its place: a line is one line, and the column is enough. */
static bool fail_json(struct intent_fault *fault, const json_error_t *error) {
    char text[100];
    if (json_error_code(error) == json_error_numeric_overflow)
        return fail(fault, "", "the line has a number that is too large; amounts go to 9007199254740991");
    snprintf(text, sizeof text, "no JSON object: %.60s at column %d", error->text, error->column);
    return fail(fault, "", text);
}

bool json_intent_parse(const char *line, size_t size, const char *source, struct intent *intent, struct intent_fault *fault) {
    json_error_t error;
    memset(intent, 0, sizeof *intent);
    memset(fault, 0, sizeof *fault);
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!object) return fail_json(fault, &error);
    bool ok = json_is_object(object) || fail(fault, "", "no JSON object: an intent is {\"op\": ..., ...}");
    ok = ok && set_fields(object, intent, fault);
    json_decref(object);
    if (!ok) return false;
    intent_fields_complete(intent, source);
    return intent_check(intent, fault) == NULL;
}
