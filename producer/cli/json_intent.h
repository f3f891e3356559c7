/* An intent from a line of JSON: one object, the wire's field names. Pure but for the scratch it allocates within a call. */
#ifndef CLI_JSON_INTENT_H
#define CLI_JSON_INTENT_H

#include <jansson.h>
#include <stddef.h>

#include "schema/intent.h"

/* Fills `intent`, with v, at, key and source where they are missing (`source` for the last), and `trace`, unless NULL, with the line's
 * `traceparent`, "" when it has none. False: fault says which field, what is wrong,
 * what would be right. The line need not end with NUL or newline. Fractions, numbers in quotes, unknown and repeated fields are wrong. */
bool json_intent_parse(const char *line, size_t size, const char *source, struct intent *intent, char *trace, struct intent_fault *fault);

/* The same in two steps, for whoever has something to say about the object in between, which is the caller's to release. NULL when it is
 * none, with fault saying why. */
json_t *json_intent_load(const char *line, size_t size, struct intent_fault *fault);
bool json_intent_read(json_t *object, const char *source, struct intent *intent, char *trace, struct intent_fault *fault);

/* Adds the steps in a JSON array to a group; `currency`, unless NULL, is that of those that need one and do not say theirs. */
bool json_intent_steps(struct intent *group, json_t *array, const char *currency, struct intent_fault *fault);

/* An intent as JSON, for people and programs that look at one: of a credential only that it is there. The caller's to release. */
json_t *json_intent_show(const struct intent *intent);

#endif
