/* JSON for programs. */
#include "producer/cli/json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_out(json_t *value) {
    if (json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) == 0) putchar('\n');
    json_decref(value);
}

static json_t *made(json_t *value) {
    if (!value) abort();
    return value;
}

json_t *json_out_object(void) { return made(json_object()); }

json_t *json_out_array(void) { return made(json_array()); }

json_t *json_out_string(const char *text, size_t size) {
    json_t *value = json_stringn(text, size);
    if (value) return value;
    char *copy = malloc(size + 1);
    if (!copy) abort();
    for (size_t n = 0; n < size; n++) copy[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
    value = made(json_stringn(copy, size));
    free(copy);
    return value;
}

void json_out_value(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new(object, name, made(value)) != 0) abort();
}

void json_out_append(json_t *array, json_t *value) {
    if (json_array_append_new(array, made(value)) != 0) abort();
}

void json_out_text(json_t *object, const char *name, const char *text) {
    json_out_value(object, name, json_out_string(text, strlen(text)));
}

void json_out_number(json_t *object, const char *name, int64_t number) { json_out_value(object, name, json_integer(number)); }

void json_out_optional(json_t *object, const char *name, bool present, int64_t number) {
    json_out_value(object, name, present ? json_integer(number) : json_null());
}

void json_out_bool(json_t *object, const char *name, bool value) { json_out_value(object, name, json_boolean(value)); }
