/* The reference model: what operations.md and wire.md say, in plain structs without Redis, as slow and as simple as can be. It was written
 * from those pages, not from the scripts: where the two disagree, one of them is wrong. It is fed a partition's stream, entry by entry. */
#ifndef TESTS_WORKER_MODEL_H
#define TESTS_WORKER_MODEL_H

#include <stdio.h>

#include "schema/entry.h"
#include "schema/intent.h"

struct model;

/* An entry of the stream that decoded well; follow-ups too. */
struct model_entry {
    struct entry_id id;
    const struct intent *intent;
    const void *bytes; /* of the intent */
    size_t size;
    const void *sig;   /* NULL: unsigned */
    size_t sig_size;
};

/* A consequence in another partition, or back. */
struct model_follow_up {
    unsigned from, to_partition;
    enum op op;
    char account[70], key[INTENT_FOLLOW_UP_KEY_MAX + 1], origin[65], entry[INTENT_ENTRY_MAX + 1];
    char status[10], currency[4];        /* of a mark; of an arrive, paid or adopt */
    char to[70], order[65], month[8];    /* of a settled that brings an order's payment; of a paid; of a swept */
    int64_t amount, gross, refunds;      /* of an arrive or paid; of a swept */
    int code;                            /* of a bounce */
};

struct model *model_new(unsigned partitions);
void model_free(struct model *model);

/* The next entry of a partition. */
void model_apply(struct model *model, unsigned partition, const struct model_entry *entry);
/* An entry that nobody can read moves the watermark. */
void model_bury(struct model *model, unsigned partition, struct entry_id id);

/* Everything that must be in the partition, in the lines of fold_dump, in any order, but for what is private to the scripts: of an account
 * `rules`, `recent` and `limit_tat`. */
void model_dump(const struct model *model, unsigned partition, FILE *out);
/* The answers of the partition to a source in the order they are given, in those lines, but for those of operations that may wait for
 * follow-ups. */
void model_dump_prompt(const struct model *model, unsigned partition, const char *source, FILE *out);
/* Does an operation's answer wait for follow-ups, at times? */
bool model_may_wait(enum op op);
/* The follow-ups that partition `from` must have sent to `to`, a line each, in order; and such a line. */
void model_dump_follow_ups(const struct model *model, unsigned from, unsigned to, FILE *out);
void model_print_follow_up(const struct model_follow_up *follow_up, FILE *out);
/* The n-th follow-up of all; NULL when there are not so many. */
const struct model_follow_up *model_follow_up_at(const struct model *model, size_t n);

/* What is due in the partition by then, the earliest first: the follow-up that the owner would send for the n-th, but for the bytes of what
 * waited, which are the model's own; false when there is none. */
bool model_due_at(const struct model *model, unsigned partition, uint64_t ms, size_t n, struct model_follow_up *own);
/* NULL, or what is wrong with the model itself in that partition: money is not conserved, or what is held is not what its holds hold.
 * Valid until the next call. */
const char *model_unsound(const struct model *model, unsigned partition);
/* The same of merchants over all partitions, when nothing is under way: what they own is what they earned less their fees. */
const char *model_unsettled(const struct model *model);

#endif
