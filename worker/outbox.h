/* The outbox: what an applied batch still owes. Follow-ups go to the other partitions first, then the answer is given and the entry
 * acknowledged. It is never stored: the pending list is the outbox, and after a crash it is derived again from there. */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "producer/redis.h"
#include "worker/door.h"

struct lane;

struct outbox_item {
    const struct entry *entry; /* of the page being worked on */
    int code;
    bool merchant;
};

struct outbox {
    struct outbox_item *items;
    uint32_t count, capacity;
};

/* Takes over apply.lua's reply: the last bill number, then three numbers for each entry still to be answered. */
enum redis_err outbox_take(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count)
    __attribute__((warn_unused_result));

/* Sends and answers everything taken, strictly in entry order, over the lane's side connection. */
enum redis_err outbox_send(struct lane *lane) __attribute__((warn_unused_result));

#endif
