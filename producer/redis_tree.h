/* Within the seam: has hiredis' reader make replies our way. What it gives out is the root's node. */
#ifndef PRODUCER_REDIS_TREE_H
#define PRODUCER_REDIS_TREE_H

#include "producer/redis_reply.h"

struct redisContext;
struct reply_tree;

/* `growing` is where the reader keeps the reply it is at, for as long as the context is there. */
void redis_tree_use(struct redisContext *context, struct reply_tree **growing);

void redis_tree_free(const struct reply_node *root); /* NULL is fine */

#endif
