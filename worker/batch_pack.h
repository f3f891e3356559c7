/* Packs the cells of a batch as the columns that schema/batch.def lists. */
#ifndef WORKER_BATCH_PACK_H
#define WORKER_BATCH_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "worker/cell.h"
#include "worker/shelf.h"

struct batch_head {
    unsigned partition;
    uint32_t drops, entry_count, cell_count;
    uint32_t name_at; /* where the name begins in an account's key, from 1 */
    const struct shelf_line *lines; /* the articles that the cells name by number */
};

/* Bytes that surely suffice. */
size_t batch_pack_room(const struct cell *cells, const struct batch_head *head);
/* How many were written. */
size_t batch_pack(const struct cell *cells, const struct batch_head *head, void *out, size_t capacity);

#endif
