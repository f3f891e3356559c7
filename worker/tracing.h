/* What a lane tells of the traced and sampled intents it works on, when spans are kept; nothing, at the price of a look, when they are not.
 * By the worker's clock, but for when an intent was enqueued, which its entry ID says. */
#ifndef WORKER_TRACING_H
#define WORKER_TRACING_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/door.h"

struct lane;

/* A page of entries came. */
void tracing_note_read(struct lane *lane);
/* These were just applied, and what they owe is in the outbox. `again`: they had been applied before, and only that is new. */
void tracing_note_applied(struct lane *lane, const struct entry *entries, uint32_t count, bool again);
/* The first `count` items in the outbox were sent and answered, but for those that stay. */
void tracing_note_sent(struct lane *lane, uint32_t count);

#endif
