/* What an answer's code and detail mean, where the operation says it better than the code alone. Pure. */
#ifndef CLI_ANSWER_WORDS_H
#define CLI_ANSWER_WORDS_H

#include <stdint.h>

#include "producer/till.h"

/* The sentence for people. */
const char *answer_sentence(const char *op, int code, const char *detail);
/* What the detail is: "detail", "deadline" (then *ms is it) or "stock". */
const char *answer_detail_name(const char *op, int code, const char *detail, uint64_t *ms);

#endif
