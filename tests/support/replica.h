/* A replica of a test's server. */
#ifndef TESTS_SUPPORT_REPLICA_H
#define TESTS_SUPPORT_REPLICA_H

#include "tests/support/server.h"

/* Lets the master listen on a port of loopback and starts a replica of it; waits until that has everything. Both end as servers do. */
void replica_start(struct server *replica, struct server *master);
/* Stops the replica, and waits until the master does not hear of it any more: it may take a moment. server_resume brings it back. */
void replica_freeze(struct server *replica, struct server *master);

#endif
