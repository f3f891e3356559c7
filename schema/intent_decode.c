/* Reads an intent from bytes that anybody may have written. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/intent.h"
#include "schema/pack.h"

enum { UNREAD_SIZE = 1024 * 1024 }; /* larger entries are not even looked at */

struct decoding {
    struct pack_value map;
    struct intent *intent;
    struct intent_fault *fault;
    uint64_t seen; /* FIELD_BITs of the fields met, well-valued or not */
    bool faulty;   /* the first fault is kept; what comes after is read all the same, so that the answer can say whose it is */
};

/* A name that anybody may have chosen, so that it can be shown. */
static void decode_name(char *out, size_t capacity, const char *name, size_t size) {
    size = size < capacity ? size : capacity - 1;
    for (size_t i = 0; i < size; i++)
        out[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
    out[size] = '\0';
}

static void decode_fault(struct decoding *d, const char *field, size_t field_size, const char *why) {
    if (d->faulty)
        return;
    d->faulty = true;
    decode_name(d->fault->field, sizeof d->fault->field, field, field_size);
    snprintf(d->fault->text, sizeof d->fault->text, "%s %s", field_size > 0 ? d->fault->field : "the intent", why);
}

/* A fault within a field: of a member, or of what a step has. `step` from 1, 0 for none. */
static void decode_fault_within(struct decoding *d, enum field field, unsigned step, struct pack_value name, const char *why) {
    char shown[33], place[32] = "";
    if (d->faulty)
        return;
    d->faulty = true;
    decode_name(shown, sizeof shown, name.type == PACK_TEXT ? name.bytes : "?", name.type == PACK_TEXT ? name.count : 1);
    if (step > 0)
        snprintf(place, sizeof place, "step %u: ", step);
    snprintf(d->fault->field, sizeof d->fault->field, "%s", field_name(field));
    snprintf(d->fault->text, sizeof d->fault->text, "%s: %s%s %s", d->fault->field, place, shown, why);
}

/* A fault of a line, named by its number from 1. */
static void decode_fault_at(struct decoding *d, enum field field, unsigned line, const char *why) {
    assert(!d->faulty);
    d->faulty = true;
    snprintf(d->fault->field, sizeof d->fault->field, "%s", field_name(field));
    snprintf(d->fault->text, sizeof d->fault->text, "%s: line %u %s", d->fault->field, line, why);
}

static const char *decode_value(struct intent *intent, enum field field, const struct pack_value *value) {
    switch (field_shape(field)) {
    case SHAPE_TEXT: return value->type == PACK_TEXT ? intent_set_text(intent, field, value->bytes, value->count) : "must be text";
    case SHAPE_BOOL: return value->type == PACK_BOOL ? intent_set_number(intent, field, value->number) : "must be true or false";
    case SHAPE_NUMBER:
        return value->type == PACK_UINT ? intent_set_number(intent, field, value->number) : "must be an integer that is not negative";
    case SHAPE_INTEGER:
        if (value->type == PACK_NEGATIVE)
            return intent_set_integer(intent, field, value->negative);
        return value->type == PACK_UINT ? intent_set_number(intent, field, value->number) : "must be an integer";
    case SHAPE_BYTES:
        return value->type == PACK_BYTES ? intent_set_bytes(intent, field, value->bytes, value->count) : "must be bytes (bin), not text";
    case SHAPE_LINES:
    case SHAPE_MAP:
    case SHAPE_STEPS: break;
    }
    return "cannot be here";
}

static const char *decode_member(struct intent *intent, enum field field, const struct pack_value *name, const struct pack_value *value) {
    if (name->type != PACK_TEXT)
        return "is no name: names are text";
    enum setting setting = setting_of_name(name->bytes, name->count);
    uint64_t number = value->type == PACK_UINT ? value->number : UINT64_MAX; /* out of every range */
    if (field == FIELD_guard)
        return intent_set_guard(intent, name->bytes, name->count, number);
    return setting == SETTING_COUNT ? "is unknown" : intent_set_setting(intent, setting, number);
}

static unsigned members_count(const struct intent *intent, enum field field) {
    const struct intent_guard *g = &intent->guard;
    return field == FIELD_guard ? (unsigned)g->has_seq + g->has_balance_min + g->has_refunded
                                : (unsigned)__builtin_popcount(intent->settings.present);
}

/* A field that is unusable is left empty, also when half of it was read. */
static void decode_forget(struct intent *intent, enum field field) {
    intent->present &= ~FIELD_BIT(field);
    if (field == FIELD_guard)
        intent->guard = (struct intent_guard){0};
    else if (field == FIELD_settings)
        intent->settings = (struct intent_settings){0};
    else if (field == FIELD_lines)
        intent->line_count = 0;
    else
        intent->step_count = 0;
}

/* guard or settings. */
static void decode_members(struct decoding *d, enum field field, const struct pack_value *map) {
    const char *name = field_name(field);
    if (map->type != PACK_MAP || map->count == 0) {
        decode_fault(d, name, strlen(name), "must be a map with something in it");
        return;
    }
    for (uint32_t i = 0; i < map->count && !d->faulty; i++) {
        struct pack_value member = pack_key_at(map, i), value = pack_value_at(map, i);
        const char *why = decode_member(d->intent, field, &member, &value);
        if (why == NULL && members_count(d->intent, field) != i + 1)
            why = "is there twice";
        if (why != NULL)
            decode_fault_within(d, field, 0, member, why);
    }
    if (d->faulty)
        decode_forget(d->intent, field);
}

static const char *decode_step_pair(struct intent *step, const struct pack_value *name, const struct pack_value *value) {
    if (name->type != PACK_TEXT || name->count == 0)
        return "is no name of a field: names are text";
    enum field field = field_of_name(name->bytes, name->count);
    if (field == FIELD_COUNT)
        return "is unknown";
    if (!(field_bits_of_step() & FIELD_BIT(field)))
        return "is not taken by steps";
    return step->present & FIELD_BIT(field) ? "is there twice" : decode_value(step, field, value);
}

static void decode_step(struct decoding *d, const struct pack_value *map) {
    struct intent step;
    unsigned number = d->intent->step_count + 1;
    struct pack_value it = {.type = PACK_TEXT, .bytes = "it", .count = 2};
    intent_clear(&step);
    if (map->type != PACK_MAP) {
        decode_fault_within(d, FIELD_steps, number, it, "must be a map");
        return;
    }
    for (uint32_t i = 0; i < map->count && !d->faulty; i++) {
        struct pack_value name = pack_key_at(map, i), value = pack_value_at(map, i);
        const char *why = decode_step_pair(&step, &name, &value);
        if (why != NULL)
            decode_fault_within(d, FIELD_steps, number, name, why);
    }
    if (!d->faulty)
        d->faulty = intent_add_step(d->intent, &step, d->fault) != NULL;
}

static void decode_steps(struct decoding *d, const struct pack_value *array) {
    if (array->type != PACK_ARRAY || array->count < INTENT_STEPS_MIN || array->count > INTENT_STEPS_MAX) {
        decode_fault(d, "steps", 5, "must be an array of 2..16 steps");
        return;
    }
    for (uint32_t i = 0; i < array->count && !d->faulty; i++) {
        struct pack_value step = pack_at(array, i);
        decode_step(d, &step);
    }
    if (d->faulty)
        decode_forget(d->intent, FIELD_steps);
}

static const char *decode_line(struct intent *order, const struct pack_value *line) {
    if (line->type != PACK_ARRAY || line->count != 2)
        return "must be [sku, quantity]";
    struct pack_value sku = pack_at(line, 0), quantity = pack_at(line, 1);
    if (sku.type != PACK_TEXT)
        return "has a sku that is not text";
    return intent_add_line(order, sku.bytes, sku.count, quantity.type == PACK_UINT ? quantity.number : 0); /* 0: out of range */
}

static void decode_lines(struct decoding *d, const struct pack_value *array) {
    if (array->type != PACK_ARRAY || array->count < 1 || array->count > INTENT_LINES_MAX) {
        decode_fault(d, "lines", 5, "must be an array of 1..64 lines, each [sku, quantity]");
        return;
    }
    for (uint32_t i = 0; i < array->count && !d->faulty; i++) {
        struct pack_value line = pack_at(array, i);
        const char *why = decode_line(d->intent, &line);
        if (why != NULL)
            decode_fault_at(d, FIELD_lines, i + 1, why);
    }
    if (d->faulty)
        decode_forget(d->intent, FIELD_lines);
}

static void decode_field(struct decoding *d, enum field field, const struct pack_value *value) {
    if (field == FIELD_lines)
        return decode_lines(d, value);
    if (field == FIELD_steps)
        return decode_steps(d, value);
    if (field == FIELD_guard || field == FIELD_settings)
        return decode_members(d, field, value);
    const char *why = decode_value(d->intent, field, value);
    if (why != NULL)
        decode_fault(d, field_name(field), strlen(field_name(field)), why);
}

static void decode_pair(struct decoding *d, uint32_t index) {
    struct pack_value name = pack_key_at(&d->map, index), value = pack_value_at(&d->map, index);
    if (name.type != PACK_TEXT || name.count == 0) {
        decode_fault(d, "?", 1, "is no name of a field: names are text");
        return;
    }
    enum field field = field_of_name(name.bytes, name.count);
    if (field == FIELD_COUNT)
        decode_fault(d, name.bytes, name.count, "is unknown");
    else if (d->seen & FIELD_BIT(field))
        decode_fault(d, name.bytes, name.count, "is there twice");
    else
        decode_field(d, field, &value);
    if (field != FIELD_COUNT)
        d->seen |= FIELD_BIT(field);
}

/* Who sent it comes first: that decides who is told, and what a key may look like. */
static bool decode_source(struct decoding *d) {
    for (uint32_t i = 0; i < d->map.count; i++) {
        struct pack_value name = pack_key_at(&d->map, i), value = pack_value_at(&d->map, i);
        if (name.type == PACK_TEXT && field_of_name(name.bytes, name.count) == FIELD_source)
            return value.type == PACK_TEXT && intent_set_text(d->intent, FIELD_source, value.bytes, value.count) == NULL;
    }
    return false;
}

static enum intent_err decode_map(struct decoding *d, size_t size) {
    if (d->map.type != PACK_MAP) {
        decode_fault(d, "", 0, "is not a map");
        return INTENT_UNREADABLE;
    }
    if (!decode_source(d)) {
        decode_fault(d, "source", 6, "is missing or unusable: there is nobody to answer");
        return INTENT_UNREADABLE;
    }
    bool till = strcmp(d->intent->source, INTENT_SOURCE_TILL) == 0;
    if (size > (till ? INTENT_FOLLOW_UP_SIZE_MAX : INTENT_SIZE_MAX))
        decode_fault(d, "intent", 6, "is larger than 16 KiB");
    for (uint32_t i = 0; i < d->map.count; i++)
        decode_pair(d, i);
    if (!d->faulty)
        d->faulty = intent_check_rules(d->intent, d->fault) != NULL;
    if (d->faulty)
        return till ? INTENT_UNREADABLE : INTENT_INVALID;
    intent_name_steps(d->intent);
    return INTENT_OK;
}

enum intent_err intent_decode(const void *bytes, size_t size, struct intent *intent, struct intent_fault *fault) {
    intent_clear(intent);
    *fault = (struct intent_fault){0};
    struct decoding d = {.intent = intent, .fault = fault};
    if (size > UNREAD_SIZE) {
        decode_fault(&d, "", 0, "is larger than 1 MiB");
        return INTENT_UNREADABLE;
    }
    struct pack_tree *tree = pack_tree_new();
    assert(tree != NULL); /* out of memory is no property of the entry: it stays pending */
    enum intent_err err = INTENT_UNREADABLE;
    if (pack_decode(tree, bytes, size, &d.map))
        err = decode_map(&d, size);
    else
        decode_fault(&d, "", 0, "is not msgpack");
    pack_tree_free(tree);
    return err;
}
