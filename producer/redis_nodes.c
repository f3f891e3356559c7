/* What only a Redis Cluster has: homes and nodes. Elsewhere there is one node, and everything is at home there. */
#include "producer/redis_cluster.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum redis_err redis_home(struct redis *redis, const char *key, size_t size) {
    struct cluster *c = redis->cluster;
    if (!c) return redis_is_lost(redis) ? REDIS_LOST : REDIS_OK;
    unsigned home = c->home;
    c->home = redis_slot(key, size);
    if (!c->open) return REDIS_LOST;
    if (c->home == home && cluster_home(redis)) return REDIS_OK;
    return cluster_reach_home(redis);
}

void redis_append_for(struct redis *redis, struct command *c, const char *key, size_t size) {
    if (redis->cluster) cluster_append(redis, c, redis_slot(key, size));
    else redis_append(redis, c);
}

bool redis_node_next(const struct redis *redis, unsigned *node) {
    const struct cluster *c = redis->cluster;
    if (!c) return *node == 0;
    if (c->home_node != CLUSTER_NODE_NONE) return *node <= c->home_node && ((*node = c->home_node), true);
    while (*node < c->count && c->nodes[*node].slots == 0) (*node)++;
    return *node < c->count;
}

unsigned redis_node_last(const struct redis *redis) { return redis->cluster ? redis->cluster->last : 0; }

unsigned redis_node_of(const struct redis *redis, const char *key, size_t size) {
    return redis->cluster ? redis->cluster->owner[redis_slot(key, size)] : 0;
}

const char *redis_node_where(struct redis *redis, unsigned node) {
    if (!redis->cluster) return redis_where(redis);
    return node < redis->cluster->count ? redis_where_of(redis, &redis->cluster->nodes[node].at) : "";
}

void redis_node_review(struct redis *redis) {
    if (redis->cluster) cluster_review(redis);
}

bool redis_node_answers(struct redis *redis, const char *key, size_t size, int timeout_ms) {
    return redis->cluster ? cluster_answers(redis, redis_slot(key, size), timeout_ms) : !redis_is_lost(redis);
}

void redis_append_to(struct redis *redis, struct command *c, unsigned node) {
    if (redis->cluster) cluster_append_fixed(redis, c, node);
    else redis_append(redis, c);
}

static const struct redis *link_of(const struct redis *redis) { return redis && redis->cluster ? cluster_home(redis) : redis; }

static int descriptor(const struct redis *redis) {
    const struct redis *link = link_of(redis);
    return link && link->context ? link->fd : -1;
}

/* Was more read from the socket than has been asked for? */
static bool has_read(const struct redis *redis) {
    const struct redis *link = link_of(redis);
    return link && link->context && link->context->reader->pos < link->context->reader->len;
}

bool redis_wait_any(struct redis *const *list, size_t count, int timeout_ms) {
    struct pollfd *waiting = calloc(count, sizeof *waiting);
    if (!waiting) abort();
    for (size_t n = 0; n < count; n++) waiting[n] = (struct pollfd){.fd = descriptor(list[n]), .events = POLLIN};
    int ready = poll(waiting, count, timeout_ms);
    free(waiting);
    return ready > 0;
}

bool redis_is_readable(const struct redis *redis) {
    struct pollfd waiting = {.fd = descriptor(redis), .events = POLLIN};
    return waiting.fd < 0 || has_read(redis) || poll(&waiting, 1, 0) > 0;
}
