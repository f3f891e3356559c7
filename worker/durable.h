/* How durable what a batch did must be before anybody hears of it: on so many replicas, in the log on the master's disk. The lane asks on
 * its side connection, behind a renewal of its lease: that is a write, so what is asked covers everything that was applied before it,
 * whichever connection did it and whoever owned the partition then. And it says at once when somebody else owns it now.
 *
 * As long as it is not reached nothing is answered, no follow-up leaves, and nothing is applied behind it; the lane holds its lease and
 * asks again. Answers and entries wait in Redis (`unanswered`, the pending list), so a crash or a takeover meanwhile is like any other. */
#ifndef WORKER_DURABLE_H
#define WORKER_DURABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer/command.h"
#include "producer/redis_durable.h"
#include "worker/metrics.h"

struct lane;

/* Of a worker, for all its lanes. All zeros at first; counters since the start. */
struct durable {
    atomic_uint behind;              /* lanes that have waited longer than durability.timeout just now */
    _Atomic uint64_t behind_since_ms; /* the first of them */
    struct metrics_histogram waited; /* of a batch */
    _Atomic uint64_t longest_us;
    _Atomic uint64_t missed;         /* batches that waited longer than durability.timeout */
};

/* Does anything have to be waited for, by the settings of now? */
bool durable_wanted(const struct lane *lane);

/* Waits for as long as it takes; `text` says what was reached: memory, replica(n), disk. REDIS_HELD: told to stop meanwhile. */
enum redis_err durable_wait(struct lane *lane, struct command *c, char text[REDIS_DURABLE_TEXT_SIZE]) __attribute__((warn_unused_result));

/* In a cluster: the same for what went to these nodes over the side connection, which others' replicas have; until it is there nothing may
 * be acknowledged that it follows from. */
enum redis_err durable_wait_at(struct lane *lane, struct command *c, const unsigned *nodes, unsigned count)
    __attribute__((warn_unused_result));

/* In the text format of Prometheus. */
void durable_print(const struct durable *durable, FILE *out);

/* The lane ends: it waits no more. */
void durable_forget(struct lane *lane);

#endif
