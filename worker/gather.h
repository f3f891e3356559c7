/* How long a busy lane lets entries gather before its next read. Every script call has a fixed price, so under load small batches
 * waste Redis; without load waiting would only cost latency. Decides how fast, never what. Pure. */
#ifndef WORKER_GATHER_H
#define WORKER_GATHER_H

#include <stdint.h>

struct gather {
    uint32_t pause_us; /* 0: read ahead, do not wait */
};

/* After a read that gave `count` of at most `max` entries and was answered after `waited_us`: the pause before the next one. 0 means to
 * send it right behind the apply. Entries that were waiting already show a busy lane; it then pauses twice as long as its last
 * call took (`took_us`): little while Redis is quick, more when Redis has a queue, where waiting costs nothing. The pause ends when
 * hardly anything gathers in it, and is not needed while batches are large. */
uint32_t gather_next(struct gather *gather, uint32_t count, uint32_t max, uint64_t waited_us, uint64_t took_us);

#endif
