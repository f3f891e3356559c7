/* Within the seam: has hiredis' reader make replies our way. What it gives out is the root's node. */
#ifndef PRODUCER_REDIS_TREE_H
#define PRODUCER_REDIS_TREE_H

#include "producer/redis_reply.h"

struct redisContext;
struct reply_tree;

/* `growing` is where the reader keeps the reply it is at, for as long as the context is there. */
void redis_tree_use(struct redisContext *context, struct reply_tree **growing);

/* One with room for so many nodes besides the root, and so many bytes behind them; NULL: there is no memory. */
struct reply_node *redis_tree_make(size_t nodes, size_t size, struct reply_node **first, char **bytes);

void redis_tree_free(const struct reply_node *root); /* NULL is fine */

#endif
