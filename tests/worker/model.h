/* The reference model: what operations.md and wire.md say, in plain structs without Redis, as slow and as simple as can be. It was written
 * from those pages, not from the scripts: where the two disagree, one of them is wrong. It is fed a partition's stream, entry by entry. */
#ifndef TESTS_WORKER_MODEL_H
#define TESTS_WORKER_MODEL_H

#include <stdio.h>

#include "schema/entry.h"
#include "schema/intent.h"

struct model;

struct model *model_new(unsigned partitions);
void model_free(struct model *model);

/* The next entry of a partition. `intent` decoded well; follow-ups too. */
void model_apply(struct model *model, unsigned partition, struct entry_id id, const struct intent *intent);
/* An entry that nobody can read moves the watermark. */
void model_bury(struct model *model, unsigned partition, struct entry_id id);

/* Everything that must be in the partition, in the lines of fold_dump, in any order. */
void model_dump(const struct model *model, unsigned partition, FILE *out);
/* The answers of the partition to a source in entry order, in those lines, but for those of operations that may wait for follow-ups. */
void model_dump_prompt(const struct model *model, unsigned partition, const char *source, FILE *out);
/* The follow-ups that partition `from` must have sent to `to`: "op account status origin" a line, in order. */
void model_dump_follow_ups(const struct model *model, unsigned from, unsigned to, FILE *out);

#endif
