/* Starts and ends the servers of a test on a Redis Cluster. */
#include "tests/flow/nodes.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/node.h"
#include "tests/support/process.h"

enum { START_MS = 60000 };

void nodes_start(struct nodes *nodes, const char *replicas) {
    char port[8], environment[32];
    process_make_dir("till-rc", nodes->dir, sizeof nodes->dir);
    nodes->first_port = node_free_ports(NODE_CLUSTER);
    snprintf(port, sizeof port, "%u", nodes->first_port);
    snprintf(nodes->scene.log, sizeof nodes->scene.log, "%s/scene.log", nodes->dir);
    snprintf(environment, sizeof environment, "REPLICAS=%s", replicas);
    nodes->scene.pid = process_start((const char *[]){TILL_SOURCE_DIR "/config/cluster-local", nodes->dir, port, NULL},
                                     (const char *[]){"NODE_TIMEOUT_MS=2000", environment, NULL}, nodes->scene.log);
    cr_assert(WAIT_UNTIL(worker_log_has(&nodes->scene, "cluster://"), START_MS), "the servers do not start");
    snprintf(nodes->url, sizeof nodes->url, "cluster://127.0.0.1:%u,127.0.0.1:%u", nodes->first_port + 1, nodes->first_port + 2);
}

void nodes_attach(struct nodes *nodes, struct flow *flow, unsigned partitions) {
    char socket[96];
    snprintf(socket, sizeof socket, "%s/%u.sock", nodes->dir, nodes->first_port);
    flow_attach(flow, partitions, socket, nodes->url);
}

void nodes_stop(struct nodes *nodes) {
    if (nodes->scene.pid) process_signal(nodes->scene.pid, SIGTERM);
    if (nodes->scene.pid && !process_wait(&nodes->scene.pid, 10000, NULL)) process_kill(&nodes->scene.pid);
    if (getenv("TILL_KEEP") == NULL && nodes->dir[0]) process_remove_tree(nodes->dir);
}

pid_t nodes_start_again(const struct nodes *nodes, unsigned port) {
    char conf[96];
    snprintf(conf, sizeof conf, "%s/%u.conf", nodes->dir, port);
    return process_start((const char *[]){"redis-server", conf, NULL}, NULL, nodes->scene.log);
}

struct server nodes_one(const struct nodes *nodes, unsigned port) {
    struct server node = {.pid = 0};
    snprintf(node.socket, sizeof node.socket, "%s/%u.sock", nodes->dir, port);
    return node;
}

unsigned nodes_masters(const struct nodes *nodes, unsigned port) {
    struct server node = nodes_one(nodes, port);
    unsigned count = 0;
    char *list = strdup(server_text(&node, "CLUSTER", "NODES", NULL)), *rest = list;
    for (char *line; (line = strsep(&rest, "\n"));) count += strstr(line, "master") && !strstr(line, "fail");
    free(list);
    server_stop(&node);
    return count;
}

unsigned nodes_port_of(struct flow *flow, unsigned partition) {
    const char *key = flow_key(flow, keys_meta, partition);
    const char *where = redis_node_where(flow->redis, redis_node_of(flow->redis, key, strlen(key)));
    return (unsigned)strtoul(strrchr(where, ':') + 1, NULL, 10);
}
