/* How durable what a batch did must be before anybody hears of it: on so many replicas, in the log on the master's disk. The lane asks on
 * a connection of its own, behind a renewal of its lease: that is a write, so what is asked covers everything that was applied before it,
 * whichever connection did it and whoever owned the partition then. And it says at once when somebody else owns it now.
 *
 * As long as it is not reached nothing of it is answered, and no follow-up of it leaves; the lane holds its lease, asks again, and applies
 * what comes behind it until the outbox is full. Answers and entries wait in Redis (`unanswered`, the pending list), so a crash or a
 * takeover meanwhile is like any other. */
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
    struct metrics_histogram waited; /* of what a question was about: since the first of it was applied */
    _Atomic uint64_t longest_us;
    _Atomic uint64_t missed;         /* times that something waited longer than durability.timeout */
};

/* Does anything have to be waited for, by the settings of now? */
bool durable_wanted(const struct lane *lane);

/* What is being asked. */
struct durable_question {
    struct redis_durable want, have;
    unsigned waits, left;   /* replies to WAIT and WAITAOF, and how many of all are to be read yet */
    uint64_t renewed_at_ms; /* when the renewal in front of them was sent */
    enum redis_err err;     /* the first of them that failed */
};

/* Before something is applied that will be asked about: opens the connection for it. One that was lost since speaks of a server that may
 * not be what it was: REDIS_LOST while something waits, and when it is not the server that the lane applies at. */
enum redis_err durable_connect(struct lane *lane) __attribute__((warn_unused_result));
/* Asks about everything applied so far, and returns. To be followed by durable_hear. */
enum redis_err durable_ask(struct lane *lane) __attribute__((warn_unused_result));
/* Does durable_hear not have to wait any more? */
bool durable_may_hear(struct lane *lane);
/* Waits for what was asked, a slice of a second at most. Is it `reached`, then `text` says what was: memory, replica(n), disk. What waits
 * has done so since `since_us` (lane_now_us clock). */
enum redis_err durable_hear(struct lane *lane, uint64_t since_us, bool *reached, char text[REDIS_DURABLE_TEXT_SIZE])
    __attribute__((warn_unused_result));
/* Whatever was asked, nobody wants to hear of it. */
void durable_drop(struct lane *lane);

/* In a cluster: a node that something went to over the side connection. Until its replicas have that too, nothing may be acknowledged that
 * it follows from. */
struct durable_place {
    unsigned node;
    bool reached;
};
/* Waits for these, but not longer than this, nor when told to stop: not all may be `reached`. 0: one look. */
enum redis_err durable_wait_at(struct lane *lane, struct command *c, struct durable_place *places, unsigned count, unsigned patience_ms)
    __attribute__((warn_unused_result));
unsigned durable_timeout_ms(const struct lane *lane); /* durability.timeout */

/* In the text format of Prometheus. */
void durable_print(const struct durable *durable, FILE *out);

/* The lane ends: it waits no more. */
void durable_forget(struct lane *lane);

#endif
