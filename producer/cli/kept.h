/* What Redis keeps of answers that are not given yet: the value of a field of {B:p}:unanswered, an answer or an array of answers, each an
 * array [place, the fields of the answer but for the reason, which the code tells, and for `durable`, and perhaps a mark, and behind it a
 * traceparent]. */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include "schema/pack.h"
#include "schema/response.h"

/* How many there are in it; 0: it is none of ours. `root` stays as long as the tree. */
uint32_t kept_open(struct pack_tree *tree, const char *bytes, size_t size, struct pack_value *root);
/* The n-th; false: an outcome that nobody is told. */
bool kept_at(const struct pack_value *root, uint32_t n, struct pack_value *answer);
/* A field of it (not `reason`, not `durable`). */
struct pack_value kept_field(const struct pack_value *answer, enum response_field field);

#endif
