/* Taking over a partition: whatever is pending comes first, in order. Also the way back from every failure. */
#ifndef WORKER_LANE_TAKEOVER_H
#define WORKER_LANE_TAKEOVER_H

#include "worker/lane.h"

/* Renews the lease, makes sure of the group, looks for lost data (and waits there until it is accepted), claims and applies everything
 * pending, deletes emptied consumers. REDIS_OK also when told to stop meanwhile. */
enum redis_err lane_take_over(struct lane *lane) __attribute__((warn_unused_result));

/* When nothing came and the lease is due: renews it, deletes emptied consumers, and takes over again if more is pending than is held. It
 * was read by a worker that was replaced meanwhile, or over a connection that is gone. */
enum redis_err lane_rest(struct lane *lane) __attribute__((warn_unused_result));

#endif
