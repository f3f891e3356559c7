/* The connections to the nodes of a Redis Cluster: made when something goes there, given up together. */
#include "producer/redis_cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { RETRY_MS = 1000, VERIFY_MS = 300 };

static struct redis *new_link(const struct redis *redis, const struct redis_node *at) {
    struct redis_options options = redis->options;
    options.url.kind = REDIS_URL_TCP;
    options.client_name = redis->client_name[0] ? redis->client_name : NULL;
    memcpy(options.url.host, at->host, sizeof options.url.host);
    options.url.port = at->port;
    struct redis *link = redis_new(&options);
    explicit_bzero(&options, sizeof options);
    return link;
}

/* Nothing is under way on it, and the other side has closed it: what is sent now would be lost for nothing. */
static bool was_closed(const struct redis *link) {
    char byte;
    if (link->unanswered > 0) return false;
    ssize_t got = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static enum redis_err note_away(struct redis *redis, struct cluster_node *node, enum redis_err err) {
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    node->err = err == REDIS_REFUSED ? REDIS_REFUSED : REDIS_AWAY;
    node->retry_at_ms = cluster_now_ms() + RETRY_MS;
    snprintf(node->why, sizeof node->why, "%.100s", redis_error(node->link));
    return node->err;
}

enum redis_err cluster_link(struct redis *redis, unsigned n, bool patient) {
    struct cluster_node *node = &redis->cluster->nodes[n];
    if (node->link && node->link->context && !was_closed(node->link)) return REDIS_OK;
    if (!patient && node->err && cluster_now_ms() < node->retry_at_ms) return node->err;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    if (!node->link) {
        struct redis *link = new_link(redis, &node->at);
        pthread_mutex_lock(&redis->lock);
        node->link = link;
        pthread_mutex_unlock(&redis->lock);
    }
    node->sent = node->received = 0;
    node->link->options.timeout_ms = redis->options.timeout_ms;
    enum redis_err err = redis_reopen(node->link);
    if (err) return note_away(redis, node, err);
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    node->err = REDIS_OK;
    node->retry_at_ms = 0;
    return REDIS_OK;
}

void cluster_drop(struct redis *redis) {
    struct cluster *c = redis->cluster;
    cluster_forget_tickets(c);
    pthread_mutex_lock(&redis->lock); /* an interrupt is told once, by us */
    for (unsigned n = 0; n < c->count; n++)
        if (c->nodes[n].link) atomic_store(&c->nodes[n].link->interrupted, false);
    pthread_mutex_unlock(&redis->lock);
    for (unsigned n = 0; n < c->count; n++) {
        if (c->nodes[n].link) redis_drop(c->nodes[n].link);
        c->nodes[n].sent = c->nodes[n].received = 0;
        c->nodes[n].written = false;
    }
    c->open = c->moving = c->demoted = false;
}

void cluster_close(struct redis *redis) {
    struct cluster *c = redis->cluster;
    for (unsigned n = 0; n < c->count; n++) redis_close(c->nodes[n].link);
    free(c->nodes);
    free(c->tickets);
    free(c->bytes);
    free(c);
}

enum redis_err cluster_lose(struct redis *redis, unsigned n, enum redis_err err) {
    struct redis *link = redis->cluster->nodes[n].link;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    snprintf(redis->error, sizeof redis->error, "%s: %.500s", redis_where(link), redis_error(link));
    redis_drop(redis);
    return err == REDIS_GARBLED ? REDIS_GARBLED : REDIS_LOST;
}

struct redis *cluster_home(const struct redis *redis) {
    const struct cluster *c = redis->cluster;
    struct redis *link = c->home_node == CLUSTER_NODE_NONE ? NULL : c->nodes[c->home_node].link;
    return link && link->context ? link : NULL;
}

enum redis_err cluster_reach_home(struct redis *redis) {
    struct cluster *c = redis->cluster;
    unsigned n = c->owner[c->home];
    enum redis_err err = n == CLUSTER_NODE_NONE ? REDIS_BUSY : cluster_link(redis, n, true);
    c->home_node = n;
    if (err == REDIS_LOST) return err; /* interrupted */
    if (err == REDIS_BUSY) snprintf(redis->error, sizeof redis->error, "no node has slot %u", c->home);
    else if (err) snprintf(redis->error, sizeof redis->error, "%s: %s", redis_where(c->nodes[n].link), c->nodes[n].why);
    c->open = !err;
    return err;
}

enum redis_err cluster_connect(struct redis *redis) {
    struct cluster *c = redis->cluster;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    enum redis_err err = cluster_refresh(redis);
    c->open = !err;
    return err || c->home == REDIS_SLOT_NONE ? err : cluster_reach_home(redis);
}

const struct redis_node *cluster_at(const struct cluster *c) {
    if (c->home_node != CLUSTER_NODE_NONE) return &c->nodes[c->home_node].at;
    return &c->nodes[c->open ? c->last : c->ask].at;
}

void cluster_interrupt(struct redis *redis) {
    for (unsigned n = 0; n < redis->cluster->count; n++)
        if (redis->cluster->nodes[n].link) redis_interrupt(redis->cluster->nodes[n].link);
}

void cluster_set_timeout(struct redis *redis, int timeout_ms) {
    for (unsigned n = 0; n < redis->cluster->count; n++)
        if (redis->cluster->nodes[n].link) redis_set_timeout(redis->cluster->nodes[n].link, timeout_ms);
}

/* Which node's connection leads to one that is nothing any more; CLUSTER_NODE_NONE: none does. */
static unsigned find_demoted(const struct cluster *c) {
    if (c->home_node != CLUSTER_NODE_NONE) return c->owner[c->home] == c->home_node ? CLUSTER_NODE_NONE : c->home_node;
    for (unsigned n = 0; n < c->count; n++)
        if (c->nodes[n].link && c->nodes[n].link->context && c->nodes[n].slots == 0) return n;
    return CLUSTER_NODE_NONE;
}

/* Asks c->ask, or whoever answers. */
static void look_again(struct redis *redis) {
    int connect_timeout_ms = redis->options.connect_timeout_ms;
    if (connect_timeout_ms > VERIFY_MS) redis->options.connect_timeout_ms = VERIFY_MS;
    enum redis_err ignored = cluster_refresh(redis);
    (void)ignored;
    redis->options.connect_timeout_ms = connect_timeout_ms;
}

void cluster_review(struct redis *redis) {
    struct cluster *c = redis->cluster;
    if (!c->open) return;
    if (c->home_node != CLUSTER_NODE_NONE) c->ask = c->home_node;
    look_again(redis);
}

bool cluster_answers(struct redis *redis, unsigned slot, int timeout_ms) {
    struct cluster *c = redis->cluster;
    unsigned n = c->owner[slot];
    struct cluster_node *node = n == CLUSTER_NODE_NONE ? NULL : &c->nodes[n];
    if (!c->open || (node && cluster_now_ms() < node->retry_at_ms)) return false;
    if (node && cluster_ask(redis, n, timeout_ms) == REDIS_OK) {
        cluster_review(redis); /* one that froze answers as if nothing had happened */
        return c->open && c->owner[slot] == n;
    }
    if (!c->open) return false; /* interrupted */
    if (node) c->nodes[n].retry_at_ms = cluster_now_ms() + RETRY_MS;
    cluster_refresh_soon(redis); /* another may have its place by now */
    return false;
}

/* Asks somebody else than those we talk to: one that froze believes for a while that everything is as it was. */
enum redis_err cluster_verify(struct redis *redis) {
    struct cluster *c = redis->cluster;
    unsigned first = c->ask;
    if (!c->open) return REDIS_LOST;
    do c->ask = (c->ask + 1) % c->count;
    while (c->ask != first && (c->ask == c->home_node || cluster_now_ms() < c->nodes[c->ask].retry_at_ms));
    look_again(redis);
    if (!c->open) return REDIS_LOST; /* interrupted */
    redis->error[0] = '\0';
    unsigned n = find_demoted(c);
    if (n == CLUSTER_NODE_NONE) return REDIS_OK;
    snprintf(redis->error, sizeof redis->error, "%s is not the master any more", redis_where(c->nodes[n].link));
    redis_drop(redis);
    return REDIS_DEMOTED;
}
