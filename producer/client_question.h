/* Questions that are under way on a handle's connection: asked in front of a send that needs their answers, or ahead, behind one that does
 * not. Those answers are read when something else is read that comes behind them, so that nobody waits for them. */
#ifndef PRODUCER_CLIENT_QUESTION_H
#define PRODUCER_CLIENT_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/redis.h"

struct till;
struct source;

/* For how long an answer is believed, and from when on the next one is worth asking for ahead. All zeros: nothing is known. */
struct client_belief {
    int64_t ahead_ms, until_ms;
    bool asked; /* a question is under way */
};

/* Whether to ask: in front, what is believed no more; or ahead, what will not be for much longer. */
bool client_belief_wanted(const struct client_belief *belief, int64_t now_ms, bool ahead);
void client_belief_hold(struct client_belief *belief, int64_t asked_ms, int64_t believed_ms);

struct client_question {
    /* Reads the replies by client_take_next; all of them, unless the connection is lost. */
    enum redis_err (*hear)(struct till *till, const struct client_question *q, int64_t deadline_ms);
    struct client_belief *belief; /* about what; NULL: it only tells something */
    int64_t asked_ms;
    uint64_t place;               /* of its first reply among all of the connection */
    unsigned partition;
    struct source *source;
    uint64_t sent;                /* by us, when it was asked */
    int64_t told;
    bool mended, memory;          /* what came along */
};

/* Notes a question; its commands are appended next, and nothing may be waiting for durability then. Filled in by the caller, at once: it
 * stays where it is until the next one. */
struct client_question *client_question_add(struct till *till, struct client_belief *belief, int64_t now_ms);
/* Reads the answers to all, or (due) only those whose turn it is in front of the next reply. REDIS_OK, or the first thing that went wrong:
 * what was not answered is not believed. */
enum redis_err client_question_hear(struct till *till, int64_t deadline_ms, bool due) __attribute__((warn_unused_result));
/* The connection is gone: nothing is under way. */
void client_question_forget(struct till *till);

#endif
