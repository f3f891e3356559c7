/* Who waits for which answer. Answers come by the reader of their source, for all requests of that source together; they are told apart by
 * identity (account, source, key) and by the entry they answer.
 *
 *     waiting_add -> waiting_sent (its entry is known) -> done: by waiting_take (an answer), or waiting_expire (its time is over)
 *                 \-> waiting_drop (it was not enqueued)
 *
 * What is still to be answered when its time is over is remembered for a while, and so is its answer: not all are kept as bills. All
 * functions are thread-safe; `done` is called with a lock held and must only pass the news on. */
#ifndef GATEWAY_WAITING_H
#define GATEWAY_WAITING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer/till.h"

struct waiting_identity;

struct waiter {
    struct waiter *prev, *next;         /* of the same identity */
    struct waiter *prev_all, *next_all; /* of those that were sent */
    struct waiting_identity *identity;
    const char *op;                     /* static */
    int64_t amount_minor;               /* 0: not given */
    char entry[TILL_ENTRY_SIZE];        /* "" until it was sent */
    int64_t deadline_ms;                /* of client_now_ms */
    bool awaits_other;                  /* told that another copy is in progress: that one's answer is ours */
    bool answered;                      /* then `answer` is it */
    struct till_answer answer;
    void (*done)(struct waiter *waiter);
};

struct waiting {
    pthread_mutex_t lock;
    struct waiting_identity *all;
    struct waiter *sent;
    struct waiting_identity *kept; /* nobody waits for them, the longest kept first */
    unsigned kept_count;
};

void waiting_init(struct waiting *w);
void waiting_clear(struct waiting *w); /* nobody waits any more */

/* Whether another one of this identity is on its way into the stream: the two must not share an entry, by which they are told apart. */
bool waiting_add(struct waiting *w, struct waiter *waiter, const char *account, const char *source, const char *key);
/* It was enqueued as this entry; its answer may be there already. */
void waiting_sent(struct waiting *w, struct waiter *waiter, const char *entry);
/* It was not. `done` is not called. */
void waiting_drop(struct waiting *w, struct waiter *waiter);
void waiting_take(struct waiting *w, const struct till_answer *answer);
/* Ends the waiting of those whose time is over at `now_ms`. */
void waiting_expire(struct waiting *w, int64_t now_ms);

enum waiting_known { WAITING_UNKNOWN, WAITING_OPEN, WAITING_ANSWERED };
/* What is remembered of it. */
enum waiting_known waiting_look(struct waiting *w, const char *account, const char *source, const char *key, struct till_answer *answer);

#endif
