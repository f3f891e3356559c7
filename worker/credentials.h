/* The lane's copy of accounts' credentials, to check signatures at the door. Only this lane changes the accounts of its partition, so a
 * copy is right until the lane itself applies an intent that may change it. Allocated with the first signed intent; one per lane. */
#ifndef WORKER_CREDENTIALS_H
#define WORKER_CREDENTIALS_H

#include "producer/redis.h"
#include "worker/door.h"

enum { CREDENTIALS_SLOTS = 4096 };

struct credentials {
    struct credentials_slot *slots;
};

void credentials_clear(struct credentials *c); /* forgets all; frees */

/* Checks the signatures of entries[0..*count) under their accounts' credentials and sets proven of those that are right. Reads what
 * it has no copy of in one pipeline; `redis` must have nothing under way. *count becomes less, but never 0, when an entry in front of a
 * signed one may change the account's credential. */
enum redis_err credentials_check(struct credentials *c, struct redis *redis, const struct door *door, struct entry *entries,
                                 uint32_t *count) __attribute__((warn_unused_result));

/* To be told of the entries that were applied. */
void credentials_note(struct credentials *c, const struct entry *entries, uint32_t count);

#endif
