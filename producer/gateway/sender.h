/* Enqueues what requests bring, as many together as have come while the last ones were on their way, by two lanes of a thread each. What
 * does not go at the first try goes over to the slow lane, which tries again until its time is over, and so does all that comes for its
 * partition, until one of that has gone there: a master of a Redis Cluster that is away holds up nobody else. */
#ifndef GATEWAY_SENDER_H
#define GATEWAY_SENDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "producer/client_intent.h"
#include "producer/gateway/waiting.h"
#include "schema/intent.h"
#include "schema/trace.h"

struct sources;

struct outgoing {
    struct outgoing *next;
    struct intent intent;
    char trace[TRACE_SIZE + 1]; /* W3C trace context, "" none */
    struct waiter waiter;
    int64_t send_until_ms;
    bool is_twin;           /* begins a batch */
    int code;               /* of sending; not TILL_OK: it was not enqueued, or that is not known, and `text` says why */
    char text[160], field[65];
    void *owner;            /* for `done` */
};

enum { SENDER_BATCH = 256 };

struct sender {
    struct till *till;
    struct waiting *waiting;
    struct sources *sources;
    struct sender *slow;  /* of the other lane; NULL: this is it */
    atomic_bool *is_slow; /* partitions whose intents go there; both lanes' */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct outgoing *first, **last;
    bool stopping;        /* nothing is tried again */
    bool closed;          /* nothing more comes */
    struct outgoing *batch[SENDER_BATCH];
    struct till_intent out[SENDER_BATCH];
    struct client_nested nested[SENDER_BATCH];
    struct till_result results[SENDER_BATCH];
};

/* `till` and `slow` are the sender's from now on, each for a lane. NULL: no thread. */
struct sender *sender_start(struct till *till, struct till *slow, struct waiting *waiting, struct sources *sources);
/* Takes it: its waiter's `done` is called when it is answered, or its code is not TILL_OK, or its time is over. */
void sender_take(struct sender *s, struct outgoing *outgoing);
/* What is under way is finished. */
void sender_stop(struct sender *s);
void sender_join(struct sender *s); /* NULL is fine */

#endif
