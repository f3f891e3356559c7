/* The highest place of a partition that this worker has seen acknowledged. A Redis that comes back with less has lost data. */
#ifndef WORKER_MARK_H
#define WORKER_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/entry.h"

struct mark {
    struct entry_id applied;
    uint64_t bill;
    bool told;      /* that some of it is missing */
    uint64_t epoch; /* in which it was seen; 0: not seen, but there was more than nothing */
};

/* Says in words what is missing of `mark` at (applied, bill); false when nothing is. */
bool mark_missing(const struct mark *mark, struct entry_id applied, uint64_t bill, char *out, size_t capacity);

#endif
