/* A replica of a test's server. */
#include "tests/support/replica.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

enum { PORT_FIRST = 18000, PORTS = 2000, START_MS = 20000, WAIT_MS = 100 };

/* Somebody else may have it: the next one then. */
static void listen_somewhere(struct server *master, char port[8]) {
    for (unsigned n = 0; n < PORTS; n++) {
        snprintf(port, 8, "%u", PORT_FIRST + ((unsigned)getpid() * 7 + n) % PORTS);
        if (strcmp(server_text(master, "CONFIG", "SET", "port", port, NULL), "OK") == 0) return;
    }
    process_die(NULL, "no port is free for %s", master->dir);
}

static bool follows(struct server *master) {
    char timeout[8];
    snprintf(timeout, sizeof timeout, "%d", WAIT_MS);
    server_text(master, "SET", "replica", "wanted", NULL);
    return server_integer(master, "WAIT", "1", timeout, NULL) > 0;
}

void replica_freeze(struct server *replica, struct server *master) {
    server_pause(replica);
    if (!WAIT_UNTIL(!follows(master), START_MS)) process_die(NULL, "the replica in %s does not stop", replica->dir);
}

void replica_start(struct server *replica, struct server *master) {
    char port[8];
    struct server_options options = {.extra = {"--replicaof", "127.0.0.1", port}};
    server_text(master, "CONFIG", "SET", "repl-diskless-sync-delay", "0", NULL);
    listen_somewhere(master, port);
    server_start(replica, &options);
    memset(&replica->options, 0, sizeof replica->options); /* the port's text goes */
    if (!WAIT_UNTIL(follows(master), START_MS)) process_die(NULL, "the replica in %s does not follow", replica->dir);
}
