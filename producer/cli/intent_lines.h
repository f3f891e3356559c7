/* The lines of an order, as they are typed, "tea=2", and as JSON, [["tea",2],...]. */
#ifndef CLI_INTENT_LINES_H
#define CLI_INTENT_LINES_H

#include <jansson.h>

#include "schema/intent.h"

/* Adds one. NULL, or what is wrong with it. */
const char *intent_lines_add(struct intent *order, const char *text);
/* Adds those of an array. False: fault says by its number which line is wrong. */
bool intent_lines_read(struct intent *order, const json_t *array, struct intent_fault *fault);
/* The lines as they are read. The caller's to release. */
json_t *intent_lines_show(const struct intent *order);

#endif
