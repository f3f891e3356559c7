/* What --json prints: one compact object a line on stdout. Running out of memory aborts. */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Prints the value with a newline and releases it. */
void json_out(json_t *value);

/* Members in the order they are added. Text that is not UTF-8 has its odd bytes shown as '?'. */
json_t *json_out_object(void);
json_t *json_out_array(void);
void json_out_text(json_t *object, const char *name, const char *text);
void json_out_number(json_t *object, const char *name, int64_t number);
/* null when it is not present. */
void json_out_optional(json_t *object, const char *name, bool present, int64_t number);
void json_out_bool(json_t *object, const char *name, bool value);
void json_out_value(json_t *object, const char *name, json_t *value); /* takes `value` over */
void json_out_append(json_t *array, json_t *value);                   /* likewise */
json_t *json_out_string(const char *text, size_t size);

#endif
