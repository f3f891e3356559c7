/* The stage of a flow test: a Redis, worker processes, and a sender of intents.
 *
 *     flow_start -> flow_worker ... -> flow_open, flow_load, flow_pay ... -> flow_settle -> check_book -> flow_stop
 *
 * What was sent is read back from the intents streams by the checker, so nothing is kept here. Failures of the machine abort. */
#ifndef TESTS_FLOW_FLOW_H
#define TESTS_FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"
#include "schema/intent.h"
#include "schema/keys.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"
#include "tests/support/worker.h"

enum { FLOW_WORKERS_MAX = 12, FLOW_USERS = 24, FLOW_MERCHANTS = 3, FLOW_LEASE_MS = 800, FLOW_SETTLE_MS = 30000 };
#define FLOW_SOURCES {"shop", "app"}

struct flow {
    struct server server;
    struct worker workers[FLOW_WORKERS_MAX];
    struct book book;
    struct redis *redis; /* the sender's and the checker's connection */
    uint64_t random;     /* state; begins as the seed, which is printed */
    uint64_t next_key;
    uint64_t acknowledged; /* XADDs that Redis acknowledged */
    uint64_t unsure;       /* XADDs that were lost on the way, there or back */
    uint64_t unreadable;   /* of them, those that nobody can read: they end in the dead stream, unanswered */
};

/* `options` as for server_start. The seed is the time, or $TILL_SEED. */
void flow_start(struct flow *flow, unsigned partitions, const struct server_options *options);
/* The same with a server that somebody else runs on this socket; waits until it is there. */
void flow_attach(struct flow *flow, unsigned partitions, const char *socket);
void flow_stop(struct flow *flow);

/* Starts worker `n`, named wN; what `options` does not say (it may be NULL) is: this server, a lease of 800 ms, batches of 16. */
void flow_worker(struct flow *flow, unsigned n, const struct worker_options *options);
void flow_worker_crash(struct flow *flow, unsigned n, const char *crash_at);
/* Waits until every partition is held by somebody. */
bool flow_serving(struct flow *flow, int timeout_ms);
/* How many partitions the lease of which says worker n; and how many say nobody. */
unsigned flow_held(struct flow *flow, unsigned n);
unsigned flow_free(struct flow *flow);
/* The name in the lease of a partition, "" when it is free. Valid until the next call. */
const char *flow_owner(struct flow *flow, unsigned partition);
/* Stops all workers that run, and expects 0. */
void flow_stop_workers(struct flow *flow, unsigned count);

/* Sends one intent: `at` and `key` are filled in when they are missing. A lost connection is opened again, and the entry sent once more;
 * any other answer of Redis than an ID aborts. */
void flow_send(struct flow *flow, struct intent *intent);
/* The same, but Redis may refuse: false then. */
bool flow_try_send(struct flow *flow, struct intent *intent);
void flow_send_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size);
bool flow_try_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size);
/* An intent of source "shop" with these fields; texts may be NULL, amount 0: not given. */
struct intent flow_intent(enum op op, const char *account, const char *to, uint64_t amount_minor, const char *of);
/* Opens merchants m0.. and users u0.. (CNY) and gives each user 1000.00. */
void flow_open(struct flow *flow);
/* Sends a mixed load: payments, topups, refunds, repetitions, malformed and unreadable entries, openings of merchants with follow-ups. */
void flow_load(struct flow *flow, unsigned count);
void flow_pay(struct flow *flow, unsigned count);
uint64_t flow_random(struct flow *flow, uint64_t below);

/* Waits until every entry is delivered and acknowledged and nothing is kept to be answered. */
bool flow_settle(struct flow *flow, int timeout_ms);
/* Sums over all partitions: entries delivered but not acknowledged; entries never delivered; kept answers; dead entries; consumers. */
struct flow_backlog { uint64_t pending, lag, unanswered, dead, consumers; };
struct flow_backlog flow_backlog(struct flow *flow);

/* Text of a key, e.g. flow_key(flow, keys_meta, 3). Valid until the next but three calls. */
const char *flow_key(const struct flow *flow, size_t (*make)(keys_buffer, const struct book *, unsigned), unsigned partition);
/* Calls a command over the flow's connection, which is opened again if it was lost. The words end with NULL. */
enum redis_err flow_call(struct flow *flow, struct reply *reply, const char *first, ...) __attribute__((sentinel));
/* A number in meta of a partition. */
int64_t flow_meta(struct flow *flow, unsigned partition, const char *field);

#endif
