/* Ports for servers, and the servers that config/cluster-local or config/sentinel-local started in a directory (PORT.pid, PORT.sock): these
 * are not children of the test. Failures of the machine abort with a message. */
#ifndef TESTS_SUPPORT_NODE_H
#define TESTS_SUPPORT_NODE_H

#include <sys/types.h>

/* A port of 127.0.0.1 that nobody has. */
unsigned node_free_port(void);

/* Of each kind of set-up its own range, apart from those of tests/cli/ports.sh (20000 to 22399) and of replicas (18000 to 19999), since
 * what is free when it is looked for may be taken before it is used. A cluster's nodes have another port each, 10000 above, which must stay
 * below what the system gives to connections, 32768. */
enum node_setup { NODE_CLUSTER, NODE_SENTINEL };
enum { NODE_PORTS = 6 };
/* The first of NODE_PORTS in a row that nobody has. */
unsigned node_free_ports(enum node_setup setup);

pid_t node_pid(const char *dir, unsigned port);
void node_signal(const char *dir, unsigned port, int signal);

#endif
