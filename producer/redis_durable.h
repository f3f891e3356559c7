/* How far what a connection wrote is saved: on how many replicas, in the append-only file on the master's disk. Asked by WAIT and WAITAOF,
 * which speak of everything that was written by this connection before, and so of everything that others had written by then. */
#ifndef PRODUCER_REDIS_DURABLE_H
#define PRODUCER_REDIS_DURABLE_H

#include "producer/redis.h"

enum { REDIS_DURABLE_TEXT_SIZE = 24 };

struct redis_durable {
    unsigned replicas;
    bool aof;
};

/* True when nothing is asked. */
bool redis_durable_is_none(const struct redis_durable *want);
/* Queues the question; each of its replies takes up to timeout_ms (above 0). Returns how many replies there will be. */
unsigned redis_durable_append(struct redis *redis, struct command *c, const struct redis_durable *want, unsigned timeout_ms);
/* The same to this very node, about what went there. */
unsigned redis_durable_append_to(struct redis *redis, struct command *c, const struct redis_durable *want, unsigned timeout_ms,
                                 unsigned node);
/* Takes the n-th of them, from 0, into `have`, which begins as zeros. */
void redis_durable_take(const struct redis_durable *want, unsigned n, struct reply reply, struct redis_durable *have);
/* Whether it is enough; then `text` is what an answer says of it: memory, replica(n), disk. */
bool redis_durable_reached(const struct redis_durable *want, const struct redis_durable *have, char text[REDIS_DURABLE_TEXT_SIZE]);
/* In words: "on 0 of 1 replicas, not on disk". */
void redis_durable_describe(const struct redis_durable *want, const struct redis_durable *have, char *out, size_t capacity);

/* Can this server, or each master of the cluster that is not away, do what is asked? REDIS_OK, or the class, and in `out` why not and what
 * would help. */
enum redis_err redis_durable_probe(struct redis *redis, const struct redis_durable *want, char *out, size_t capacity)
    __attribute__((warn_unused_result));

#endif
