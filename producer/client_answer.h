/* Response entries as Redis gives them, read into the library's answers. */
#ifndef PRODUCER_CLIENT_ANSWER_H
#define PRODUCER_CLIENT_ANSWER_H

#include <stdbool.h>

#include "producer/redis.h"
#include "producer/till.h"
#include "schema/answers.h"

/* Begins the walk over the answers of a stream entry `[id, [field, value, ...]]`, one of a plain entry and up to 64 of a bulk one. They
 * borrow the reply. What everybody goes by who reads answers: libtill, the commands. */
void client_answers_begin(struct answers *walk, struct reply entry);
/* A field of the answer that the walk came to, as a number; 0: it is none. */
int64_t client_answers_number(const struct answers *walk, enum response_field field);
/* The answer that the walk of this entry came to. False: it is none, one of its values cannot be. */
bool client_answer_take(const struct answers *walk, struct reply entry, unsigned partition, struct till_answer *answer);

#endif
