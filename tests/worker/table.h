/* Table rows of operations: a setup, an intent, the answer that must come. */
#ifndef TESTS_WORKER_TABLE_H
#define TESTS_WORKER_TABLE_H

#include "tests/worker/fold.h"

/* What every row may build on: merchant m, user a with 1000, both CNY; the topup's key is t0 and its bill 0-1. */
#define TABLE_BASE "open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000 key=t0; "

struct table_row {
    const char *name;
    const char *setup;  /* lines for fold_add */
    const char *intent; /* the last line; "raw ..." too */
    /* The answer: "code=3 balance=5". Not named means empty for amount, balance, held, bill, detail; CNY for currency; for the others what
     * the intent says and the code's reason. '~' stands for a space. */
    const char *answer;
};

/* Runs every row in a book of so many partitions: step by step, and once more with everything in one batch. In both the intent comes twice,
 * as two entries: a decided code is replayed, a refusal that is not stored is given again, and neither changes any key. Reports by row
 * name. */
void table_run(const struct table_row *rows, size_t count, unsigned partitions);

/* Adds the lines, runs, and looks at the answer to the last of them, which must be the last in its stream. `entry`: the one that it names
 * (that of the first copy, when it is a replay); NULL for its own. */
void table_step(const char *name, struct fold *fold, const char *lines, const char *wanted, const char *entry);

/* "code=0 balance=5" against an answer, as above; `line` is the intent's line. False, with a message under this name, when they differ. */
bool table_expect(const char *name, const struct fold *fold, const char *line, const char *entry, const char *wanted,
                  const struct fold_answer *answer);

#endif
