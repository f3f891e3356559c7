/* Partitions that nobody holds. Called by the control thread only. */
#ifndef WORKER_FREE_LEASE_H
#define WORKER_FREE_LEASE_H

#include "worker/ownership.h"

/* Marks those whose lease has ended and that are not ours, in an array of one place per partition. REDIS_OK, also when single ones could
 * not be looked up, or what went wrong. */
enum redis_err free_lease_find(struct ownership *o, bool *free_places) __attribute__((warn_unused_result));

#endif
