/* A batch on its way to apply.lua: entries of one UTC day, the keys they touch, the msgpack blob that names them by place. One per lane,
 * reused; after it has grown to its working size nothing is allocated. */
#ifndef WORKER_BATCH_H
#define WORKER_BATCH_H

#include <stdint.h>

#include "producer/command.h"
#include "worker/door.h"
#include "worker/keyset.h"

enum { BATCH_BILLS_KEEP_DAYS = 180 };

/* What the lane had to look up for an entry before the call, by plain reads: only the owner writes there. */
struct referral {
    char to[INTENT_ACCOUNT_MAX + 1]; /* merchant of the bill referred to; "" unknown */
    char currency[4];                /* of that bill, or of the account for a withdraw; "" unknown */
    uint32_t day;                    /* under which the bill was found */
    bool dated;                      /* `day` is to be declared and looked at, instead of the entry's day and the day before */
};

struct batch {
    const struct door *door;
    struct keyset keys;
    struct command command;
    struct batch_place *places; /* of each entry: where its keys stand, its identities */
    uint32_t place_capacity;
    uint8_t *blob;
    size_t blob_capacity;
    char account_prefix[64]; /* "{B:p}:account:" */
    size_t account_prefix_size;
};

void batch_init(struct batch *batch, const struct door *door);
void batch_clear(struct batch *batch);

/* How many of the entries from `first` on can go into one batch: same day, at most `max`. At least 1. */
uint32_t batch_extent(const struct entry *entries, uint32_t count, uint32_t max);

/* Makes the whole EVALSHA in batch->command. `referrals[n]` belongs to entries[n]. `day_before` is the day of the last entry applied
 * (0: none): bills that the stream moves past are dropped in the same call. */
void batch_build(struct batch *batch, const struct entry *entries, const struct referral *referrals, uint32_t count, const char *epoch,
                 uint32_t day_before);

#endif
