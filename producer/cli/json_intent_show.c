/* Intents as JSON. */
#include "producer/cli/json_intent.h"

#include <string.h>

#include "producer/cli/intent_lines.h"
#include "producer/cli/json_out.h"

static json_t *guard_json(const struct intent_guard *g) {
    json_t *object = json_out_object();
    if (g->has_seq) json_out_number(object, "seq", (int64_t)g->seq);
    if (g->has_balance_min) json_out_number(object, "balance_min", (int64_t)g->balance_min);
    if (g->has_refunded) json_out_number(object, "refunded", (int64_t)g->refunded);
    return object;
}

static json_t *settings_json(const struct intent_settings *s) {
    json_t *object = json_out_object();
    for (enum setting n = 0; n < SETTING_COUNT; n++)
        if (s->present >> n & 1) json_out_number(object, setting_name(n), (int64_t)s->value[n]);
    return object;
}

static json_t *plain_json(const struct intent *intent, enum field field) {
    size_t size;
    const char *text = intent_text(intent, field, &size);
    return json_out_string(text, size);
}

static void show_fields(json_t *object, const struct intent *intent, uint64_t fields);

static json_t *steps_json(const struct intent *group) {
    struct intent alone;
    json_t *array = json_out_array();
    for (unsigned n = 0; n < group->step_count; n++) {
        json_t *step = json_out_object();
        intent_step_alone(group, n, &alone);
        show_fields(step, &alone, group->steps[n].present);
        json_out_append(array, step);
    }
    return array;
}

static json_t *field_json(const struct intent *intent, enum field field) {
    switch (field_shape(field)) {
    case SHAPE_NUMBER: return json_integer((json_int_t)intent_number(intent, field));
    case SHAPE_BOOL: return json_boolean(intent_number(intent, field) != 0);
    case SHAPE_TEXT: return plain_json(intent, field);
    case SHAPE_BYTES: return json_out_string("(hidden)", strlen("(hidden)"));
    case SHAPE_MAP: return field == FIELD_guard ? guard_json(&intent->guard) : settings_json(&intent->settings);
    case SHAPE_STEPS: return steps_json(intent);
    case SHAPE_INTEGER: return json_integer((json_int_t)intent_integer(intent, field));
    case SHAPE_LINES: return intent_lines_show(intent);
    }
    return json_null();
}

static void show_fields(json_t *object, const struct intent *intent, uint64_t fields) {
    for (enum field field = 0; field < FIELD_COUNT; field++)
        if (fields & FIELD_BIT(field)) json_out_value(object, field_name(field), field_json(intent, field));
}

json_t *json_intent_show(const struct intent *intent) {
    json_t *object = json_out_object();
    show_fields(object, intent, intent->present);
    return object;
}
