/* An answer as the commands show it. */
#ifndef CLI_ANSWER_OUT_H
#define CLI_ANSWER_OUT_H

#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/till.h"

/* The wire's fields; empty numbers are null. Codes that the library gave itself have an empty `entry` or bill. */
json_t *answer_json(const struct till_answer *answer);
/* A few lines for people, for one answer. */
void answer_print(const struct till_answer *answer);
/* A row of a table of answers. */
extern const struct table_column answer_columns[];
void answer_row(struct table *table, const struct till_answer *answer);

#endif
