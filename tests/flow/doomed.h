/* A worker that will die at a point of the road, alone or with others beside it, and where the accounts lie that are to meet it. */
#ifndef TESTS_FLOW_DOOMED_H
#define TESTS_FLOW_DOOMED_H

#include "tests/flow/flow.h"

/* A lease of half a second; it keeps what is old. `point`: "" for one that lives on. */
void doomed_worker(struct flow *flow, unsigned n, const char *point);
/* Starts w1, which will die, and so many beside it (w2 ..), and waits until they have shared out the partitions evenly. */
void doomed_share(struct flow *flow, const char *point, unsigned beside);
/* The first partition that is (or is not) w1's, but not `without`; as many as there are when there is none. */
unsigned doomed_partition(struct flow *flow, bool doomed, unsigned without);
/* Waits until w1 died by SIGKILL. */
void doomed_expect_killed(struct flow *flow, const char *name);

#endif
