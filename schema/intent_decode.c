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
    uint32_t seen; /* FIELD_BITs of the fields met, well-valued or not */
    bool faulty;   /* the first fault is kept; what comes after is read all the same, so that the answer can say whose it is */
};

static void decode_fault(struct decoding *d, const char *field, size_t field_size, const char *why) {
    if (d->faulty)
        return;
    d->faulty = true;
    size_t size = field_size < sizeof d->fault->field ? field_size : sizeof d->fault->field - 1;
    for (size_t i = 0; i < size; i++)
        d->fault->field[i] = field[i] > ' ' && field[i] <= '~' ? field[i] : '?';
    d->fault->field[size] = '\0';
    snprintf(d->fault->text, sizeof d->fault->text, "%s %s", size > 0 ? d->fault->field : "the intent", why);
}

static const char *decode_value(struct intent *intent, enum field field, const struct pack_value *value) {
    if (value->type == PACK_TEXT)
        return intent_set_text(intent, field, value->bytes, value->count);
    if (field_is_bool(field))
        return value->type == PACK_BOOL ? intent_set_number(intent, field, value->number) : "must be true or false";
    if (field_is_number(field))
        return value->type == PACK_UINT ? intent_set_number(intent, field, value->number) : "must be a positive integer";
    return "must be text";
}

static void decode_pair(struct decoding *d, uint32_t index) {
    struct pack_value name = pack_key_at(&d->map, index), value = pack_value_at(&d->map, index);
    if (name.type != PACK_TEXT || name.count == 0) {
        decode_fault(d, "?", 1, "is no name of a field: names are text");
        return;
    }
    enum field field = field_of_name(name.bytes, name.count);
    if (field == FIELD_COUNT) {
        decode_fault(d, name.bytes, name.count, "is unknown");
        return;
    }
    const char *why = d->seen & FIELD_BIT(field) ? "is there twice" : decode_value(d->intent, field, &value);
    if (why != NULL)
        decode_fault(d, name.bytes, name.count, why);
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
    if (size > INTENT_SIZE_MAX)
        decode_fault(d, "intent", 6, "is larger than 16 KiB");
    for (uint32_t i = 0; i < d->map.count; i++)
        decode_pair(d, i);
    if (!d->faulty)
        d->faulty = intent_check_rules(d->intent, d->fault) != NULL;
    if (!d->faulty)
        return INTENT_OK;
    return strcmp(d->intent->source, INTENT_SOURCE_TILL) == 0 ? INTENT_UNREADABLE : INTENT_INVALID;
}

enum intent_err intent_decode(const void *bytes, size_t size, struct intent *intent, struct intent_fault *fault) {
    *intent = (struct intent){0};
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
