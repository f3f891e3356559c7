/* Backpressure: whether Redis and the workers can take more intents. What was asked is believed for 250 ms, and asked again behind a send
 * that comes when half of them are over, so that of sends at a steady rate none waits for it but the first. */
#ifndef PRODUCER_CLIENT_GUARD_H
#define PRODUCER_CLIENT_GUARD_H

#include <stddef.h>

#include "producer/client.h"

/* Asks what is no longer believed, for the partitions of these intents' accounts, in one exchange. What Redis does not let us see is
 * not asked again and refuses nothing. REDIS_OK or what went wrong. */
enum redis_err client_guard_ask(struct till *till, const struct till_intent *intents, size_t count, int64_t deadline_ms)
    __attribute__((warn_unused_result));
/* Behind what was queued for these intents, which client_guard_ask let pass, and in front of waiting for durability: asks what will not be
 * believed for much longer. The answers are heard by a client_next to come. */
void client_guard_ask_ahead(struct till *till, const struct till_intent *intents, size_t count);
/* NULL: one more entry may be sent to this partition, with an intent of this source, both of which are counted; or the reason why not, in
 * `text`: of a partition that is full only those sources are refused that have as much in it themselves, or of which that is not known. */
const char *client_guard_refuses(struct till *till, unsigned partition, const char *source, char *text, size_t capacity);
/* Where it will go; a settle that names a wrong partition is refused later. */
unsigned client_guard_partition(const struct till *till, const struct till_intent *in);
/* Entries waiting, from the replies to XINFO GROUPS and XLEN: undelivered + pending, never too few. */
uint64_t client_guard_waiting(struct reply groups, uint64_t length);
/* Percent of maxmemory in use, from INFO memory; 0 without a limit. */
unsigned client_guard_memory(const char *info);

#endif
