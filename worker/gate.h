/* Whether Redis is there, for all threads of a worker. While it is away they try it one at a time and less and less often, so that a worker
 * with a thousand partitions knocks no harder than one with a single one; once one of them has written something, all go on at once.
 * Counts what went wrong, by class. Thread-safe. */
#ifndef WORKER_GATE_H
#define WORKER_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"

struct gate { /* all zeros: open */
    atomic_bool shut;
    _Atomic uint64_t next_ms; /* when the next may try, on lane_now_ms's clock */
    _Atomic uint32_t pace_ms; /* and how long after it the one after that */
    _Atomic uint64_t failures[REDIS_ERR_COUNT]; /* since the start: till_redis_errors_total{class="lost"} and so on */
};

void gate_count(struct gate *gate, enum redis_err err);
/* Redis cannot be reached or takes nothing from anybody. */
void gate_shut(struct gate *gate, uint64_t now_ms);
/* Something was written. */
void gate_open(struct gate *gate);
bool gate_is_shut(const struct gate *gate);
/* Whether the caller may try now. While it is shut true means that it is the one who does. */
bool gate_enter(struct gate *gate, uint64_t now_ms);
/* All failures so far. */
uint64_t gate_failures(const struct gate *gate);

#endif
