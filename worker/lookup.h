/* What a batch needs to know before the call to declare its keys: the merchant and currency of the bills that refunds, captures and the
 * like refer to, the currency of accounts whose money goes through a system account, and the articles of orders that are given up. Plain
 * reads; only this lane writes what they read. */
#ifndef WORKER_LOOKUP_H
#define WORKER_LOOKUP_H

#include "worker/batch.h"

/* Fills referrals[0..cell_count) for the cells of a batch of *count entries. `redis` must have nothing under way. *count becomes less, but
 * never 0, when the entry there refers to something that an entry in front of it may bring about: those in front are to be applied first,
 * whatever the batch's size, or the answer would depend on it; and when with it the orders given up have more than BATCH_ARTICLES_MAX
 * articles. Then the cells are to be taken anew and looked up again. `keep_days`: how far back bills are kept. Articles go on the shelf. */
enum redis_err lookup_referrals(struct redis *redis, const struct door *door, const struct cell *cells, uint32_t cell_count,
                                uint32_t keep_days, struct referral *referrals, struct shelf *shelf, uint32_t *count)
    __attribute__((warn_unused_result));

#endif
