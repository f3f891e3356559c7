/* Orders and articles as they lie in Redis: asked for, and read from the reply. Not installed; the commands of producer/cli use it too. */
#ifndef PRODUCER_CLIENT_SHOP_H
#define PRODUCER_CLIENT_SHOP_H

#include "producer/command.h"
#include "producer/redis.h"
#include "producer/till.h"
#include "schema/keys.h"

/* Fills the command with what asks for one, of a merchant whose home is `partition`; the names must be right. */
void client_shop_ask_order(struct command *command, const struct book *book, unsigned partition, const char *merchant, const char *order);
void client_shop_ask_article(struct command *command, const struct book *book, unsigned partition, const char *merchant, const char *sku);

/* The reply to that; the names and the partition stay as they are. *found: it is there. NULL, or why what is there cannot be read. */
const char *client_shop_take_order(struct reply reply, struct till_order *order, bool *found);
const char *client_shop_take_article(struct reply reply, struct till_article *article, bool *found);

#endif
