/* Inside libtill: waiting for entries of many streams that lie in different slots of a Redis Cluster, where one XREAD cannot have them all.
 * Each has a connection of its own with a read that blocks there, so that waiting costs next to nothing and nothing comes late. A stream
 * whose node is away is left out until it is back. */
#ifndef PRODUCER_CLIENT_STREAMS_H
#define PRODUCER_CLIENT_STREAMS_H

#include "producer/client.h"

struct client_streams;

/* One stream per partition, whose keys stay the caller's. Nothing is opened yet. */
struct client_streams *client_streams_new(struct till *till, const keys_buffer *keys);
void client_streams_free(struct client_streams *s); /* NULL is fine */
/* Waits until the deadline for entries behind `last` (of each partition; looked at whenever a read is sent, at most `count` entries), of
 * any stream. A reply to XREAD, to be given back with reply_release, or nil: nothing came. REDIS_LOST, and till_error why, when no node
 * can be reached at all. */
enum redis_err client_streams_next(struct client_streams *s, const struct entry_id *last, unsigned count, int64_t deadline_ms,
                                   struct reply *page) __attribute__((warn_unused_result));

#endif
