/* Response entries as Redis gives them, read into the library's answers. */
#ifndef PRODUCER_CLIENT_ANSWER_H
#define PRODUCER_CLIENT_ANSWER_H

#include <stdbool.h>

#include "producer/redis.h"
#include "producer/till.h"
#include "schema/trace.h"

/* False when the stream entry `[id, [field, value, ...]]` is not a response. */
bool client_answer_parse(struct reply entry, unsigned partition, struct till_answer *answer);
/* Its traceparent, "" when it has none. */
void client_answer_trace(struct reply entry, char out[TRACE_SIZE + 1]);

#endif
