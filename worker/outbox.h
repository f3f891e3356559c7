/* The outbox: what an applied batch still owes. Follow-ups go to the other partitions first, then the answers are given and the entries
 * acknowledged. It is never stored: the pending list is the outbox, and after a crash it is derived again from there. */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "producer/redis.h"
#include "worker/door.h"
#include "worker/keyset.h"

struct lane;

struct outbox_item {
    const struct entry *entry; /* of the page being worked on */
    int code;
    bool merchant;
    bool plain;      /* it has no follow-ups */
    char detail[64]; /* of its answer, where a follow-up needs it */
};

struct outbox {
    struct outbox_item *items;
    uint32_t count, capacity;
    struct keyset keys;      /* of the call that answers */
    struct command *targets; /* per partition: the call that enqueues there */
    bool *held;              /* per partition: it could not be reached, and nothing more goes there before what was to go is sent again */
    bool *told;              /* per partition: and the log says so */
    unsigned *nodes;         /* per partition: in a cluster, the node that took what was sent there last */
    bool holding;            /* any of these */
    uint64_t probe_at_ms, probe_ms;
    uint8_t *blob;
    size_t blob_capacity;
};

void outbox_init(struct outbox *box);
void outbox_clear(struct outbox *box, unsigned partitions); /* frees */

/* Takes over apply.lua's reply: the last bill number, then four values for each entry that may have consequences. With `durable` the
 * answers of all entries wait. */
enum redis_err outbox_take(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count, bool durable)
    __attribute__((warn_unused_result));

/* Waits until what was applied is as durable as is asked, sends everything taken and answers it, over the lane's side connection. */
enum redis_err outbox_send(struct lane *lane) __attribute__((warn_unused_result));

/* In a cluster a node may be away while others are there: what goes to its partitions stays pending, and so does all that would go there
 * after it. True when one of them can be reached again: the lane goes back to what is pending, and everything is sent in its order. */
bool outbox_may_go_on(struct lane *lane);
/* What is pending is gone through from the beginning: nothing is held any more. */
void outbox_release(struct lane *lane);

/* What an item sends to a partition; false: nothing. */
bool outbox_derive(const struct lane *lane, const struct outbox_item *item, unsigned target, struct intent *follow_up);

/* Adds one follow-up to a call of enqueue.lua (begun with the target's stream as its key), signed when the book has a secret. `trace` "":
 * it has none. */
void outbox_add_follow_up(const struct door *door, struct command *c, const struct intent *intent, const char *trace);

#endif
