/* Servers that a script started, by their ports. */
#include "tests/support/node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/process.h"

enum { BUS = 10000, STEP = 10 };

/* Binds it, 0: any, for a moment: which it was, 0 when somebody has it. */
static unsigned try(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) process_die(NULL, "no socket");
    bool got = bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    close(fd);
    return got ? ntohs(address.sin_port) : 0;
}

unsigned node_free_port(void) {
    unsigned port = try(0);
    if (port == 0) process_die(NULL, "no port is free");
    return port;
}

static bool are_free(unsigned port, bool bus) {
    for (unsigned n = port; n < port + NODE_PORTS; n++)
        if (!try(n) || (bus && !try(n + BUS))) return false;
    return true;
}

unsigned node_free_ports(enum node_setup setup) {
    static const struct { unsigned first, steps; } ranges[] = {[NODE_CLUSTER] = {12600, 530}, [NODE_SENTINEL] = {28000, 200}};
    for (unsigned n = 0; n < ranges[setup].steps; n++) {
        unsigned port = ranges[setup].first + ((unsigned)getpid() + n) % ranges[setup].steps * STEP;
        if (are_free(port, setup == NODE_CLUSTER)) return port;
    }
    process_die(NULL, "no %d ports in a row are free", NODE_PORTS);
}

pid_t node_pid(const char *dir, unsigned port) {
    char path[128], text[16] = "";
    snprintf(path, sizeof path, "%s/%u.pid", dir, port);
    FILE *file = fopen(path, "r");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    long pid = strtol(text, NULL, 10);
    if (pid <= 1) process_die(NULL, "no process for port %u: no number in %s", port, path);
    return (pid_t)pid;
}

void node_signal(const char *dir, unsigned port, int signal) {
    pid_t pid = node_pid(dir, port);
    if (kill(pid, signal)) process_die(NULL, "process %ld of port %u cannot be signalled", (long)pid, port);
}
