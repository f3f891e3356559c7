/* The workload of the sweep: every operation once or more, in a book of two partitions, made so that what comes of it does not depend on
 * when follow-ups arrive. So two runs can be compared, whatever happened to their workers. */
#ifndef TESTS_FLOW_SWEEP_H
#define TESTS_FLOW_SWEEP_H

#include "tests/flow/flow.h"

enum { SWEEP_PARTITIONS = 2 };

/* What is there before: merchants, articles, accounts with money, a month that is over. Ends with all of it applied and no worker left. */
void sweep_prepare(struct flow *flow);
/* Enqueues the workload. */
void sweep_enqueue(struct flow *flow);
/* What came of it: answers (without balances and bill numbers, which depend on the order), accounts, orders and stock; a line each, in
 * order. To be freed. */
char *sweep_outcome(struct flow *flow);

#endif
