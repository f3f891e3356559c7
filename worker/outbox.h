/* The outbox: what applied batches still owe. Follow-ups go to the other partitions first, then the answers are given and the entries
 * acknowledged. It is never stored: the pending list is the outbox, and after a crash it is derived again from there.
 *
 * Under durability it is a queue, and the lane goes on applying meanwhile: a question (durable.h) is about all that is in the queue when it
 * is asked, and what comes behind it waits for the next one, which is asked when that one is answered. Whatever order the answers to
 * questions come in, things leave in the order they were applied. What fails anywhere empties the queue: everything in it is pending.
 *
 *     outbox_take        [ asked about | taken since ]      outbox_send: when the first part is durable, its follow-ups, its answers
 */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "producer/redis.h"
#include "worker/door.h"
#include "worker/keyset.h"
#include "worker/spans.h"

struct lane;

/* As many intents, or as many bytes of follow-ups, may wait; then the lane applies nothing more. A server that syncs its log once a second
 * lets a partition answer that many a second; and that many are answered again by the next owner when this one dies, which takes less than
 * that. In memory they are 0.4 MB and the follow-ups. */
enum { OUTBOX_ITEMS_MAX = 4096, OUTBOX_OWED_MAX = 1 << 20, OUTBOX_EVERYWHERE = KEYS_PARTITIONS_MAX };

/* An intent that was applied. Borrows nothing: the page it came in is gone when it leaves. */
struct outbox_item {
    struct entry_id id;
    uint32_t part;
    int code;
    uint32_t intent_size, owed_size; /* its follow-up in `owed`: the intent, the signature, the trace; 0: it has none */
    unsigned target;                 /* where that goes: a partition, or OUTBOX_EVERYWHERE but to its own */
    bool traced;                     /* there is one of `spans` for it */
    bool stays;                      /* pending, when the others are sent */
    char source[INTENT_SOURCE_MAX + 1]; /* on whose stream it is answered; "": nobody hears of it */
};

struct outbox {
    struct outbox_item *items; /* in the order they were applied */
    size_t capacity;
    uint32_t count;
    uint32_t asked;            /* the question under way is about so many of them; 0: none is */
    uint32_t taken;            /* where those taken last begin */
    uint64_t since_us, asked_at_us; /* when the first of them was taken, and when the last question was asked (lane_now_us clock) */
    uint8_t *owed;             /* follow-ups, and `spans`: in the order of their items */
    size_t owed_size, owed_capacity;
    struct span *spans;
    uint32_t span_count;
    size_t span_capacity;
    struct keyset keys;      /* of the call that answers */
    struct command *targets; /* per partition: the call that enqueues there */
    bool *held;              /* per partition: it could not be reached, and nothing more goes there before what was to go is sent again */
    bool *told;              /* per partition: and the log says so */
    unsigned *nodes;         /* per partition: in a cluster, the node that took what was sent there last */
    bool holding;            /* any of these */
    uint64_t staying;        /* entries that are pending because of that */
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
/* Keeps a span of an item taken last, in the order of the items: it is told when the item is sent. */
void outbox_keep_span(struct outbox *box, struct outbox_item *item, const struct span *span);
/* Does it owe this partition, which is not its own, a follow-up? */
bool outbox_goes_to(const struct outbox_item *item, unsigned target);
/* Of the first `count` items: where one of a bulk entry stays, all of that entry do. */
void outbox_stay_whole(struct outbox *box, uint32_t count);

/* Is anything kept until it is as durable as is asked? */
bool outbox_waits(const struct lane *lane);
/* Sends what is durable by now, and asks about the rest: without waiting, but for when too much waits. When nothing has to be durable
 * all of it is sent, over the lane's side connection. */
enum redis_err outbox_send(struct lane *lane) __attribute__((warn_unused_result));
/* Waits until all is sent. REDIS_HELD: told to stop, and it is not durable yet. */
enum redis_err outbox_finish(struct lane *lane) __attribute__((warn_unused_result));

/* What is pending is gone through from the beginning: nothing is held any more, and nothing waits. */
void outbox_release(struct lane *lane);

#endif
