/* Enqueues what requests bring, as many together as have come while the last ones were on their way. One thread. */
#ifndef GATEWAY_SENDER_H
#define GATEWAY_SENDER_H

#include <pthread.h>
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
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct outgoing *first, **last;
    bool stopping;
    struct outgoing *batch[SENDER_BATCH];
    struct till_intent out[SENDER_BATCH];
    struct client_nested nested[SENDER_BATCH];
    struct till_result results[SENDER_BATCH];
};

/* `till` is the sender's from now on. NULL: no thread. */
struct sender *sender_start(struct till *till, struct waiting *waiting, struct sources *sources);
/* Takes it: its waiter's `done` is called when it is answered, or its code is not TILL_OK, or its time is over. */
void sender_take(struct sender *s, struct outgoing *outgoing);
/* What is under way is finished. */
void sender_stop(struct sender *s);
void sender_join(struct sender *s); /* NULL is fine */

#endif
