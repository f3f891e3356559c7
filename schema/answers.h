/* The answers in an entry of a response stream: one in a plain entry; in a bulk entry, which has the field `answers`, 1 to 64, a line each.
 * Both read alike:
 *
 *     answers_begin(&a);
 *     for each field of the entry: answers_field(&a, name, name_size, value, value_size);
 *     while (answers_next(&a)) use a.value[RESPONSE_KEY], ...
 *     if (a.fault) the entry is malformed: it says why
 *
 * Pure, no allocation; one thread per struct. */
#ifndef SCHEMA_ANSWERS_H
#define SCHEMA_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schema/response.h"

enum { ANSWERS_MAX = 64, ANSWERS_PLAIN_AND_MORE = RESPONSE_FIELD_COUNT + 3 };

/* Borrows the entry's bytes. Without a NUL behind it where it comes from a line. Nothing: "", 0. */
struct answers_text { const char *text; size_t size; };

struct answers {
    struct answers_text value[RESPONSE_FIELD_COUNT]; /* of the answer that answers_next came to */
    struct answers_text trace;                       /* its traceparent, as it stands there */
    struct answers_text line;                        /* of a bulk entry: the line it stands in */
    bool bulk;                                       /* the entry has `answers` */
    bool again;                                      /* sent again by an operator: counts in no digest */
    unsigned count;                                  /* answers so far */
    const char *fault;                               /* NULL, or why the entry cannot be read further: a static sentence */
    struct answers_text of_entry[ANSWERS_PLAIN_AND_MORE]; /* the fields below are private */
    unsigned place;
    const char *next, *end;
};

void answers_begin(struct answers *a);

/* Fields may come in any order; of one that comes twice the first counts, unknown ones do not matter. Those of a plain entry have a fixed
 * order, so that the one expected nearly always is the one. */
void answers_field_elsewhere(struct answers *a, const char *name, size_t name_size, const char *value, size_t size);
static inline void answers_field(struct answers *a, const char *name, size_t name_size, const char *value, size_t size) {
    unsigned place = a->place;
    if (place < RESPONSE_FIELD_COUNT && a->of_entry[place].text == NULL && response_field_size[place] == name_size &&
        memcmp(response_field_name[place], name, name_size) == 0) {
        a->of_entry[place] = (struct answers_text){value, size};
        a->place = place + 1;
    } else
        answers_field_elsewhere(a, name, name_size, value, size);
}

/* The next answer of the entry, whose fields have all been given. False: there is none, or a fault. */
bool answers_next(struct answers *a) __attribute__((warn_unused_result));

/* Whether there is nothing behind the answer that answers_next came to. */
static inline bool answers_is_last(const struct answers *a) { return a->next == NULL; }

#endif
