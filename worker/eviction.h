/* Is Redis set to throw keys away when it is full? Then it would throw away money, and nothing is applied. Asked of every node, and
 * again every few seconds, since an operator may change it at any time. */
#ifndef WORKER_EVICTION_H
#define WORKER_EVICTION_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"

struct eviction { /* all zeros: not asked yet, and not so as far as one knows */
    uint64_t look_at_ms;
    bool evicts;
};

/* Asks when it is time to; says so when it has changed. A server that cannot be asked is as it was. */
bool eviction_look(struct eviction *e, struct redis *redis);

#endif
