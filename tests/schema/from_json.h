/* Messages for tests, written as JSON text: its objects keep their order, and a name may be there twice when one ends in '+'. */
#ifndef TESTS_SCHEMA_FROM_JSON_H
#define TESTS_SCHEMA_FROM_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { FROM_JSON_MAX = 32768 };

struct message {
    uint8_t bytes[FROM_JSON_MAX];
    size_t size;
};

/* Packs JSON: integers as shortest integers, reals as float 64, and "hex:..." text as bytes. Fails the test when the text is no JSON. */
void message_from_text(struct message *m, const char *text);
void message_from_json(struct message *m, json_t *value);
void message_from_hex(struct message *m, const char *hex);

/* tests/vectors/NAME, parsed. */
json_t *vectors_load(const char *name);

#endif
