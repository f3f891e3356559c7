/* Inside libtill: what was sent counts as taken only when it is as durable as the options ask. */
#ifndef PRODUCER_CLIENT_DURABLE_H
#define PRODUCER_CLIENT_DURABLE_H

#include "producer/client.h"

/* Does anything have to be waited for? */
bool client_durable_wanted(const struct till *till);
/* Queues the question behind what was queued; it is answered before the deadline if there is time. */
void client_durable_append(struct till *till, int64_t deadline_ms);
/* Reads the replies. REDIS_OK: *reached says it, and when it is false till->error what is missing. */
enum redis_err client_durable_next(struct till *till, int64_t deadline_ms, bool *reached) __attribute__((warn_unused_result));
/* Whether the server can do it: TILL_OK, TILL_INVALID, TILL_NOT_PERMITTED, TILL_READ_FAILED, with till->error set. */
int client_durable_check(struct till *till) __attribute__((warn_unused_result));

#endif
