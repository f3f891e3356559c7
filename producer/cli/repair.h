/* The repair of what two partitions no longer agree on, because the Redis of one of them lost data: transfers, and payments of orders that
 * lie elsewhere.
 *
 *     1 found: by the audit's reading of the whole book                                                      repair_find.c
 *     2 what is in progress may only be slow: what stands before it in the streams is waited for, then it is looked at again
 *     3 a `recover` to the receiver's partition, which brings the money, or notes that it is there, and tells the sender's  repair_send.c
 *
 * It may run while workers go on, and as often as one likes: what was recovered once is noted there. */
#ifndef CLI_REPAIR_H
#define CLI_REPAIR_H

#include "producer/cli/audit_shard.h"
#include "producer/cli/audit_transfer.h"
#include "schema/intent.h"

enum repair_kind {
    REPAIR_LOST_THERE,   /* sent, and in progress or settled, but not there */
    REPAIR_UNSETTLED,    /* there, but in progress */
    REPAIR_LOST_HERE,    /* there, but its sender knows nothing of it */
    REPAIR_ORDER,        /* a payment of an order, in progress */
    REPAIR_MONTH,        /* of a merchant (`to`), settled by the sender and not come home */
    REPAIR_SHARD,        /* a merchant (`to`) who has none in the receiver's partition; the sender is the home */
    REPAIR_STATUS,       /* a merchant's shard there is of another status than the merchant */
};
enum repair_fate {
    REPAIR_CANDIDATE,    /* perhaps only slow */
    REPAIR_FOUND,
    REPAIR_SENT,         /* told once more */
    REPAIR_STANDS_STILL, /* one of its partitions applies nothing: nobody knows */
    REPAIR_NO_ORDER,     /* which order it was cannot be told: its intent was trimmed */
    REPAIR_NOTED,        /* by an earlier repair, and its sender has not sent it again since */
    REPAIR_TAKEN_BACK,   /* that, and so it went back */
    REPAIR_KEPT,         /* that, and it was to go back, but its receiver no longer has as much */
    REPAIR_IS_FINE,      /* it was only slow */
};
struct repair_item {
    enum repair_kind kind;
    enum repair_fate fate;
    char identity[360], to[70], currency[4], entry[ENTRY_TEXT_MAX + 1], order[70], month[16];
    unsigned sender, receiver; /* partitions */
    uint32_t day;              /* of its bill */
    int64_t amount_minor, refunds_minor; /* of a month: gross, refunds */
    size_t place;        /* in the audit's list of transfers, of months on their way, or of shards */
    bool settled;        /* by its sender's record */
    enum status status;  /* of a merchant */
};

static inline bool repair_is_merchants(const struct repair_item *item) { return item->kind >= REPAIR_MONTH; }

struct repair {
    struct connection *c;
    int64_t timeout_ms;   /* how long what stands before it is waited for */
    struct repair_item *items;
    size_t count, capacity;
    uint64_t again;       /* rows of money that moved twice, which only people can set right */
    uint64_t untold;      /* whose ledger rows may have been trimmed */
};

/* Reads the book. Then the items are REPAIR_FOUND, REPAIR_STANDS_STILL, REPAIR_NO_ORDER, REPAIR_NOTED or REPAIR_IS_FINE. repair_clear in
 * any case. CLI_OK or the exit code, said. */
int repair_find(struct repair *r) __attribute__((warn_unused_result));
/* Sends what was found, signed by the book's secret if that is not NULL; waits until it was applied, and looks what became of it.
 * `take_back`: what was noted before and has not been sent again goes back. */
int repair_send(struct repair *r, const uint8_t *secret, bool take_back) __attribute__((warn_unused_result));
void repair_clear(struct repair *r);

/* Waits until each of these partitions (an array of as many as the book has; then cleared) has applied and sent on all that its stream
 * had when this was called. What has not by the timeout remains set. */
int repair_pass(struct repair *r, bool *partitions) __attribute__((warn_unused_result));
/* Is it noted where it arrived, and not yet paid for? */
int repair_look_for_note(struct repair *r, const struct repair_item *item, bool *noted) __attribute__((warn_unused_result));
/* Is a merchant's shard otherwise than at home? */
int repair_look_at_shard(struct repair *r, const struct repair_item *item, bool *differs) __attribute__((warn_unused_result));
/* Is the item's bill still in progress, under the same entry? */
int repair_look(struct repair *r, const struct repair_item *item, bool *in_progress) __attribute__((warn_unused_result));

#endif
