/* Follow-ups on their way to other partitions, over a lane's side connection. */
#ifndef WORKER_FOLLOW_UPS_H
#define WORKER_FOLLOW_UPS_H

#include "worker/outbox.h"

enum { FOLLOW_UPS_SIZE_MAX = INTENT_FOLLOW_UP_SIZE_MAX + SIGN_SIZE };

/* The bytes of a follow-up, and behind them its signature when the book has a secret. Returns the size of both. */
size_t follow_ups_encode(const struct door *door, const struct intent *intent, uint8_t out[FOLLOW_UPS_SIZE_MAX], size_t *intent_size);

/* Adds one that belongs to no trace to a call of enqueue.lua, begun with the target's stream as its key. */
void follow_ups_add(const struct door *door, struct command *c, const struct intent *intent);

/* All that the first `count` items of the outbox owe, one call per partition, all of which have succeeded when this returns REDIS_OK,
 * but for what is held: those items stay. */
enum redis_err follow_ups_send(struct lane *lane, uint32_t count) __attribute__((warn_unused_result));

/* In a cluster a node may be away while others are there: what goes to its partitions stays pending, and so does all that would go there
 * after it. True when one of them can be reached again: the lane goes back to what is pending, and everything is sent in its order. */
bool follow_ups_may_go_on(struct lane *lane);
/* Nothing is held any more. */
void follow_ups_release(struct lane *lane);

#endif
