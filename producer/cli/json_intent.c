/* JSON lines into intents. */
#include "producer/cli/json_intent.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "producer/cli/intent_fields.h"
#include "producer/cli/intent_lines.h"
#include "schema/trace.h"

static void name_field(struct intent_fault *fault, const char *field) {
    snprintf(fault->field, sizeof fault->field, "%s", field);
    for (char *at = fault->field; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7E) *at = '?';
}

static bool fail(struct intent_fault *fault, const char *field, const char *text) {
    name_field(fault, field);
    snprintf(fault->text, sizeof fault->text, "%.64s%s%.120s", fault->field, *fault->field ? " " : "", text);
    return false;
}

/* What is wrong with a member of `field`; a step's member has its number too. */
static bool fail_within(struct intent_fault *fault, const char *field, const char *member, const char *text) {
    name_field(fault, member);
    char shown[sizeof fault->field];
    memcpy(shown, fault->field, sizeof shown);
    name_field(fault, field);
    snprintf(fault->text, sizeof fault->text, "%s: %.40s %.130s", field, shown, text);
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

/* An integer from JSON. NULL, or what is wrong. */
static const char *read_number(const json_t *value, bool is_amount, uint64_t *number) {
    if (json_is_real(value))
        return is_amount ? "must be an integer of minor units: 1999 for 19.99" : "must be an integer, without fraction or exponent";
    if (!json_is_integer(value))
        return is_amount ? "must be a number without quotes, in minor units: 1999 for 19.99" : "must be a number without quotes";
    if (json_integer_value(value) < 0) return "must not be negative";
    *number = (uint64_t)json_integer_value(value);
    return NULL;
}

static const char *set_bytes(struct intent *intent, enum field field, const json_t *value) {
    uint8_t bytes[INTENT_CREDENTIAL_SIZE];
    size_t size;
    const char *hex = json_string_value(value);
    if (field != FIELD_credential) return "is for workers only";
    if (!hex || sodium_hex2bin(bytes, sizeof bytes, hex, json_string_length(value), NULL, &size, NULL) != 0 || size != sizeof bytes)
        return "must be 64 hex digits in quotes";
    return intent_set_bytes(intent, field, bytes, size);
}

/* A whole number that may be below 0. */
static const char *set_integer(struct intent *intent, enum field field, const json_t *value) {
    if (json_is_real(value)) return "must be an integer, without fraction or exponent";
    if (!json_is_integer(value)) return "must be a number without quotes";
    return intent_set_integer(intent, field, json_integer_value(value));
}

/* A field that is neither map nor array. */
static const char *set_plain(struct intent *intent, enum field field, const json_t *value) {
    uint64_t number;
    const char *wrong;
    if (field_is_number(field))
        return (wrong = read_number(value, field == FIELD_amount, &number)) ? wrong : intent_set_number(intent, field, number);
    if (field_is_bool(field)) {
        if (!json_is_boolean(value)) return "must be true or false, without quotes";
        return intent_set_number(intent, field, json_is_true(value));
    }
    if (field_shape(field) == SHAPE_INTEGER) return set_integer(intent, field, value);
    if (field_shape(field) == SHAPE_BYTES) return set_bytes(intent, field, value);
    if (!json_is_string(value)) return "must be a text in quotes";
    return intent_fields_set_text(intent, field, json_string_value(value), json_string_length(value));
}

static const char *set_member(struct intent *intent, enum field field, const char *name, uint64_t number) {
    if (field == FIELD_guard) return intent_set_guard(intent, name, strlen(name), number);
    enum setting setting = setting_of_name(name, strlen(name));
    return setting == SETTING_COUNT ? "is no setting" : intent_set_setting(intent, setting, number);
}

/* guard and settings: numbers by name. */
static bool set_map(struct intent *intent, enum field field, json_t *object, struct intent_fault *fault) {
    const char *name, *wrong;
    json_t *value;
    uint64_t number;
    if (!json_is_object(object)) return fail(fault, field_name(field), "must be an object of names and numbers");
    json_object_foreach(object, name, value) {
        wrong = read_number(value, false, &number);
        if (!wrong) wrong = set_member(intent, field, name, number);
        if (wrong) return fail_within(fault, field_name(field), name, wrong);
    }
    return json_object_size(object) > 0 || fail(fault, field_name(field), "must name at least one");
}

/* A step stands as a small intent until it is added. False with fault naming the field within the step. */
static bool set_step(struct intent *step, json_t *object, const char *currency, struct intent_fault *fault) {
    const char *name, *wrong;
    json_t *value;
    intent_clear(step);
    if (!json_is_object(object)) return fail(fault, "", "must be an object like {\"op\": ...}");
    json_object_foreach(object, name, value) {
        enum field field = field_of_name(name, strlen(name));
        if (field == FIELD_COUNT) return fail_unknown(fault, name);
        if (!(field_bits_of_step() & FIELD_BIT(field))) return fail(fault, name, "is not taken by a step");
        if ((wrong = set_plain(step, field, value))) return fail(fault, name, wrong);
    }
    intent_fields_currency(step, currency);
    return true;
}

bool json_intent_steps(struct intent *group, json_t *array, const char *currency, struct intent_fault *fault) {
    struct intent step;
    size_t n;
    json_t *object;
    if (!json_is_array(array)) return fail(fault, "steps", "must be an array of 2 to 16 objects");
    json_array_foreach(array, n, object) {
        char place[32], text[sizeof fault->text];
        snprintf(place, sizeof place, "step %zu:", n + 1);
        if (!set_step(&step, object, currency, fault)) {
            memcpy(text, fault->text, sizeof text);
            return fail_within(fault, "steps", place, text);
        }
        if (intent_add_step(group, &step, fault)) return false;
    }
    return true;
}

static bool set_field(struct intent *intent, enum field field, json_t *value, struct intent_fault *fault) {
    if (field_shape(field) == SHAPE_MAP) return set_map(intent, field, value, fault);
    if (field_shape(field) == SHAPE_STEPS) return json_intent_steps(intent, value, NULL, fault);
    if (field_shape(field) == SHAPE_LINES) return intent_lines_read(intent, value, fault);
    const char *wrong = set_plain(intent, field, value);
    return !wrong || fail(fault, field_name(field), wrong);
}

static bool set_fields(json_t *object, struct intent *intent, struct intent_fault *fault) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        enum field field = field_of_name(name, strlen(name));
        if (field == FIELD_COUNT) return fail_unknown(fault, name);
        if (!set_field(intent, field, value, fault)) return false;
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

/* It is no field of an intent but goes beside it. One that is none refuses nothing. */
static void take_trace(json_t *object, char *trace) {
    const json_t *value = json_object_get(object, "traceparent");
    if (json_is_string(value)) trace_read(json_string_value(value), json_string_length(value), trace);
    if (value) json_object_del(object, "traceparent");
}

json_t *json_intent_load(const char *line, size_t size, struct intent_fault *fault) {
    json_error_t error;
    memset(fault, 0, sizeof *fault);
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!object) fail_json(fault, &error);
    if (!object || json_is_object(object)) return object;
    fail(fault, "", "no JSON object: an intent is {\"op\": ..., ...}");
    json_decref(object);
    return NULL;
}

bool json_intent_read(json_t *object, const char *source, struct intent *intent, char *trace, struct intent_fault *fault) {
    intent_clear(intent);
    memset(fault, 0, sizeof *fault);
    if (trace) {
        trace[0] = '\0';
        take_trace(object, trace);
    }
    if (!set_fields(object, intent, fault)) return false;
    intent_fields_complete(intent, source);
    return intent_check(intent, fault) == NULL;
}

bool json_intent_parse(const char *line, size_t size, const char *source, struct intent *intent, char *trace, struct intent_fault *fault) {
    json_t *object = json_intent_load(line, size, fault);
    bool ok = object && json_intent_read(object, source, intent, trace, fault);
    json_decref(object);
    return ok;
}
