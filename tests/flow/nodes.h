/* The servers of a test on a Redis Cluster: config/cluster-local on free ports, three masters at the first three, each followed by the one
 * three further on. */
#ifndef TESTS_FLOW_NODES_H
#define TESTS_FLOW_NODES_H

#include "tests/flow/flow.h"

struct nodes {
    struct worker scene; /* the script */
    char dir[64], url[112];
    unsigned first_port;
};

/* Starts them and waits until every slot is served. `replicas`: "1", or "0": none. */
void nodes_start(struct nodes *nodes, const char *replicas);
/* flow_attach to them. */
void nodes_attach(struct nodes *nodes, struct flow *flow, unsigned partitions);
void nodes_stop(struct nodes *nodes); /* all zeros is fine */
/* One that was killed comes back with what it had. To be ended by process_kill. */
pid_t nodes_start_again(const struct nodes *nodes, unsigned port);
/* One of them, spoken to directly; server_stop ends only that. */
struct server nodes_one(const struct nodes *nodes, unsigned port);
/* How many masters this one knows that have not failed. */
unsigned nodes_masters(const struct nodes *nodes, unsigned port);
/* The port of the master of a partition. */
unsigned nodes_port_of(struct flow *flow, unsigned partition);

#endif
