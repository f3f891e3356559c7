/* Intents of `till send` on their way: collected, sent together, sent again with growing pauses while Redis or the backlog says busy. */
#ifndef CLI_SEND_BATCH_H
#define CLI_SEND_BATCH_H

#include "producer/cli/cli.h"
#include "producer/cli/send_wait.h"
#include "producer/client_intent.h"
#include "schema/intent.h"
#include "schema/trace.h"

enum { SEND_BATCH_MAX = 512 };

struct send_batch {
    const struct cli *cli;
    struct till *till;
    struct send_wait *wait; /* NULL: answers are not awaited */
    int timeout_ms;         /* of the tries together */
    unsigned count;
    struct intent intents[SEND_BATCH_MAX];
    struct till_intent out[SEND_BATCH_MAX];
    struct client_nested nested[SEND_BATCH_MAX]; /* what they point to */
    struct till_result results[SEND_BATCH_MAX];
    uint64_t lines[SEND_BATCH_MAX]; /* where each stood */
    char traces[SEND_BATCH_MAX][TRACE_SIZE + 1]; /* traceparents, "" none */
    const uint8_t *secret; /* the book's; NULL: it has none */
    uint64_t sent, bad, failed, busy_pauses;
    uint64_t scheduled; /* of those sent: their answers come when their time does, and are not awaited */
    int last_error; /* code of the last one that failed */
};

/* The place of the next intent, to be filled and then counted by send_batch_add, with its traceparent, which is copied. There is room until
 * count is SEND_BATCH_MAX. */
struct intent *send_batch_next(struct send_batch *b);
void send_batch_add(struct send_batch *b, uint64_t line, const char *trace);
/* Sends what was collected and empties it. False when it is no use to go on: Redis is not reachable. What failed is said by line, the first
 * few. */
bool send_batch_flush(struct send_batch *b);

#endif
