/* Applying: from entries that were read to entries that are answered. Used by a lane's takeover and serving. */
#ifndef WORKER_LANE_APPLY_H
#define WORKER_LANE_APPLY_H

#include "worker/lane.h"

/* Takes the entries of an XRANGE-shaped array, as many as make a batch, into lane->entries and checks each at the door; keeps the last
 * reply of the connection alive for them until the next call. `deliveries` (array of numbers, or nil) is how often each was delivered. */
enum redis_err lane_take_entries(struct lane *lane, struct reply entries, struct reply deliveries) __attribute__((warn_unused_result));

/* Applies lane->entries, then the rest of the page, in order, in as many calls as days, limits and suspects ask for; sends follow-ups and
 * answers. With `read_ahead` the next XREADGROUP is sent right behind the last call, and lane->reading says so. */
enum redis_err lane_apply_entries(struct lane *lane, bool read_ahead) __attribute__((warn_unused_result));

/* Queues the next XREADGROUP. */
void lane_append_read(struct lane *lane);

/* Takes over what meta says about how long bills are kept: policy:bills_keep and lowered (nil: nothing). */
void lane_keep_days(struct lane *lane, struct reply days, struct reply lowered);

/* Keeping the lease: due at a third of its TTL; queued with other commands; its reply. */
bool lane_renewal_due(const struct lane *lane);
void lane_append_renewal(struct lane *lane, struct redis *redis, struct command *c);
enum redis_err lane_next_renewal(struct lane *lane, struct redis *redis) __attribute__((warn_unused_result));

/* Opens one of the lane's connections, or opens it again when it was lost. */
enum redis_err lane_connect(struct lane *lane, _Atomic(struct redis *) *place) __attribute__((warn_unused_result));
/* The same for one that speaks of what was applied over the first: REDIS_LOST when that went to another server. */
enum redis_err lane_connect_beside(struct lane *lane, _Atomic(struct redis *) *place) __attribute__((warn_unused_result));

/* Monotonic clock. Says how fast and when, never what. */
uint64_t lane_now_ms(void);
uint64_t lane_now_us(void);
uint64_t lane_wall_us(void); /* since the epoch */

#endif
