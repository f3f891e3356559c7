/* Packs JSON text as msgpack, for tests. */
#include "tests/schema/from_json.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "schema/pack.h"

static void pack_real(struct pack_writer *w, double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    cr_assert(w->capacity - w->size >= 9);
    w->data[w->size++] = 0xcb;
    for (int shift = 56; shift >= 0; shift -= 8)
        w->data[w->size++] = (uint8_t)(bits >> shift);
}

static void pack_string(struct pack_writer *w, const char *text, size_t size) {
    uint8_t bytes[256];
    size_t bytes_size;
    if (strncmp(text, "hex:", 4) != 0)
        return pack_text(w, text, size);
    cr_assert(sodium_hex2bin(bytes, sizeof bytes, text + 4, size - 4, NULL, &bytes_size, NULL) == 0);
    pack_bytes(w, bytes, bytes_size);
}

static void pack_json(struct pack_writer *w, json_t *value);

static void pack_object(struct pack_writer *w, json_t *object) {
    const char *name;
    json_t *value;
    pack_map(w, (uint32_t)json_object_size(object));
    json_object_foreach(object, name, value) {
        size_t size = strlen(name);
        pack_text(w, name, size > 0 && name[size - 1] == '+' ? size - 1 : size);
        pack_json(w, value);
    }
}

static void pack_json(struct pack_writer *w, json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: pack_object(w, value); break;
    case JSON_ARRAY:
        pack_array(w, (uint32_t)json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            pack_json(w, json_array_get(value, i));
        break;
    case JSON_STRING: pack_string(w, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: pack_int(w, json_integer_value(value)); break;
    case JSON_REAL: pack_real(w, json_real_value(value)); break;
    case JSON_TRUE: pack_bool(w, true); break;
    case JSON_FALSE: pack_bool(w, false); break;
    case JSON_NULL: pack_nil(w); break;
    }
}

void message_from_json(struct message *m, json_t *value) {
    struct pack_writer w;
    pack_writer_init(&w, m->bytes, sizeof m->bytes);
    pack_json(&w, value);
    cr_assert_not(w.full);
    m->size = w.size;
}

void message_from_text(struct message *m, const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(value != NULL, "%s: %s", error.text, text);
    message_from_json(m, value);
    json_decref(value);
}

void message_from_hex(struct message *m, const char *hex) {
    cr_assert(sodium_hex2bin(m->bytes, sizeof m->bytes, hex, strlen(hex), NULL, &m->size, NULL) == 0, "%s", hex);
}

json_t *vectors_load(const char *name) {
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/vectors/%s", TILL_SOURCE_DIR, name);
    json_t *vectors = json_load_file(path, 0, &error);
    cr_assert(vectors != NULL, "%s:%d: %s", path, error.line, error.text);
    cr_assert(json_array_size(vectors) > 0, "%s is empty", path);
    return vectors;
}
