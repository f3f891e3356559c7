/* One fold for tests that play something out step by step, and what they look at afterwards. Every expectation reports under a name. */
#ifndef TESTS_WORKER_SCENE_H
#define TESTS_WORKER_SCENE_H

#include "tests/worker/fold.h"

extern struct fold scene;

void scene_start(unsigned partitions);
void scene_stop(void);
void scene_go(const char *lines);  /* adds and runs */
void scene_turn(unsigned p);       /* one turn of that lane, which must go well */
/* Sweeps what is due by now, and runs. */
void scene_sweep(void);

/* A field of a hash of the partition: "account:a", "order:m/o1"; "" when there is none. Valid until the next command. */
const char *scene_field(unsigned p, const char *key, const char *field);
/* The bill of an intent of source shop, of whatever day is kept. Valid until the next call. */
const char *scene_bill(unsigned p, const char *identity);
bool scene_has(unsigned p, const char *key);

void scene_expect(const char *name, unsigned p, const char *key, const char *field, const char *wanted);
/* "balance held" */
void scene_expect_account(const char *name, unsigned p, const char *account, const char *wanted);
/* The record has this in it. */
void scene_expect_bill(const char *name, unsigned p, const char *identity, const char *wanted);
/* The only answer to this entry that is not replayed is as a table row says it; `line` is the intent's. */
void scene_expect_answer(const char *name, unsigned p, const char *entry, const char *line, const char *wanted);
void scene_expect_sound(const char *name);
/* The dump of the partition has these lines, one after another somewhere, "|" between them. */
void scene_expect_rows(const char *name, unsigned p, const char *const *rows, size_t count);

/* Everything of all partitions but meta and answers; freed by the caller with scene_forget. */
struct scene_picture { char *digests[FOLD_PARTITIONS_MAX]; };
struct scene_picture scene_take(void);
/* Nothing has changed since. Forgets the picture. */
void scene_expect_unchanged(const char *name, struct scene_picture *before);

/* The lines leave the same in whatever batches they are applied: one by one, all at once, and by threes. */
void scene_expect_batches_alike(const char *name, unsigned partitions, const char *lines);

#endif
