/* The rows of one bucket in memory, in chains of those with the same name. */
#ifndef CLI_RECONCILE_POOL_H
#define CLI_RECONCILE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/cli/reconcile_spool.h"

enum { POOL_NONE = UINT32_MAX };

struct pool_entry {
    size_t at;     /* of the row, among the bytes */
    uint32_t next; /* in the chain, POOL_NONE at its end */
    bool dropped;
};

struct pool {
    bool by_key; /* what a name is: the key alone, or account and key */
    char *bytes;
    size_t size, capacity;
    struct pool_entry *entries;
    size_t count, entry_capacity;
    uint32_t *slots; /* the heads of chains */
    size_t slot_count, chain_count;
};

void pool_init(struct pool *p, bool by_key);
void pool_clear(struct pool *p);
void pool_empty(struct pool *p); /* keeps the memory for the next bucket */

uint32_t pool_hash(const struct spool_row *row, bool by_key);
/* The head of the chain of this row's name, POOL_NONE: there is none. Heads stay heads. */
uint32_t pool_find(const struct pool *p, const struct spool_row *row);
/* Adds the row to its chain. Running out of memory aborts. */
void pool_add(struct pool *p, const struct spool_row *row);
/* Valid until something is added. */
struct spool_row *pool_row(const struct pool *p, uint32_t entry);
/* The heads of chains, one after the other from *slot = 0. POOL_NONE behind the last. */
uint32_t pool_chain(const struct pool *p, size_t *slot);

#endif
