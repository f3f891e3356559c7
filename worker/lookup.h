/* What a batch needs to know before the call to declare its keys: the merchant and currency of the bills that refunds and rollbacks refer
 * to, and the currency of accounts that withdraw. Plain reads; only this lane writes what they read. */
#ifndef WORKER_LOOKUP_H
#define WORKER_LOOKUP_H

#include "worker/batch.h"

/* Fills referrals[0..*count). `redis` must have nothing under way. *count becomes less, but never 0, when the entry there refers to
 * something that an entry in front of it may bring about: those in front are to be applied first, whatever the batch's size, or the answer
 * would depend on it. */
enum redis_err lookup_referrals(struct redis *redis, const struct door *door, const struct entry *entries, struct referral *referrals,
                                uint32_t *count) __attribute__((warn_unused_result));

#endif
