/* Who has which slot of a Redis Cluster: asked of any node that answers, the seeds of the url among them for ever. */
#include "producer/redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AGAIN_MS = 200, STEP_LEAST_MS = 20, RETRY_MS = 1000 };

int64_t cluster_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned add_node(struct cluster *c, const struct redis_node *at) {
    if (c->count == CLUSTER_NODES_MAX) return CLUSTER_NODE_NONE;
    c->nodes = reallocarray(c->nodes, c->count + 1, sizeof *c->nodes);
    if (!c->nodes) abort();
    c->nodes[c->count] = (struct cluster_node){.at = *at};
    return c->count++;
}

struct cluster *cluster_new(const struct redis_url *url) {
    struct cluster *c = calloc(1, sizeof *c);
    struct redis_node seed;
    if (!c) abort();
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) c->owner[slot] = CLUSTER_NODE_NONE;
    for (unsigned n = 0; redis_url_seed(url, n, &seed); n++) add_node(c, &seed);
    c->home = REDIS_SLOT_NONE;
    c->home_node = CLUSTER_NODE_NONE;
    return c;
}

unsigned cluster_node_at(struct redis *redis, const struct redis_node *at) {
    struct cluster *c = redis->cluster;
    for (unsigned n = 0; n < c->count; n++)
        if (c->nodes[n].at.port == at->port && strcmp(c->nodes[n].at.host, at->host) == 0) return n;
    pthread_mutex_lock(&redis->lock);
    unsigned n = add_node(c, at);
    pthread_mutex_unlock(&redis->lock);
    return n;
}

/* [host, port, ...]; a node that does not know its own address leaves it to whom we asked. */
static bool read_address(struct reply of, const struct redis_node *asked, struct redis_node *node) {
    size_t size;
    const char *host = reply_text(reply_at(of, 0), &size);
    int64_t port = reply_integer(reply_at(of, 1));
    *node = *asked;
    node->port = (int)port;
    if (port < 1 || port > 65535 || size >= sizeof node->host || strlen(host) != size || strcmp(host, "?") == 0) return false;
    if (size > 0) memcpy(node->host, host, size + 1);
    return true;
}

/* [first, last, master, replica...]; false when it is nothing like that. */
static bool take_range(struct redis *redis, struct reply range, const struct redis_node *asked, uint16_t *owner) {
    int64_t first = reply_integer(reply_at(range, 0)), last = reply_integer(reply_at(range, 1));
    struct redis_node master;
    if (reply_count(range) < 3 || first < 0 || first > last || last >= REDIS_SLOTS) return false;
    if (!read_address(reply_at(range, 2), asked, &master)) return true; /* nobody knows where it is: nobody's */
    unsigned n = cluster_node_at(redis, &master);
    for (int64_t slot = first; slot <= last; slot++) owner[slot] = (uint16_t)n;
    return true;
}

static enum redis_err take_topology(struct redis *redis, struct reply reply, const struct redis_node *asked) {
    struct cluster *c = redis->cluster;
    uint16_t owner[REDIS_SLOTS];
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) owner[slot] = CLUSTER_NODE_NONE;
    for (size_t n = 0; n < reply_count(reply); n++)
        if (!take_range(redis, reply_at(reply, n), asked, owner)) return REDIS_GARBLED;
    if (reply_type(reply) != REPLY_ARRAY) return REDIS_GARBLED;
    if (reply_count(reply) == 0) return REDIS_BUSY;
    memcpy(c->owner, owner, sizeof owner);
    for (unsigned n = 0; n < c->count; n++) c->nodes[n].slots = 0;
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++)
        if (owner[slot] != CLUSTER_NODE_NONE) c->nodes[owner[slot]].slots++;
    c->refreshed_ms = cluster_now_ms();
    return REDIS_OK;
}

static enum redis_err call_slots(struct redis *redis, struct redis *asking) {
    struct command c;
    struct reply reply;
    enum redis_err err = redis_connect(asking);
    if (err) return err;
    command_init(&c);
    command_begin(&c, "CLUSTER");
    command_word(&c, "SLOTS");
    err = redis_call(asking, &c, &reply);
    command_clear(&c);
    if (!err) err = take_topology(redis, reply, &asking->at);
    if (err == REDIS_BUSY && !*asking->error) redis_say(asking, "no node has any slot", strlen("no node has any slot"));
    if (err == REDIS_GARBLED && !*asking->error) redis_say(asking, "CLUSTER SLOTS says nothing", strlen("CLUSTER SLOTS says nothing"));
    return err;
}

/* What is under way elsewhere must not be in front of it. */
enum redis_err cluster_ask(struct redis *redis, unsigned n, int timeout_ms) {
    struct redis_options options = redis->options;
    options.url.kind = REDIS_URL_TCP;
    options.connect_timeout_ms = options.timeout_ms = timeout_ms;
    memcpy(options.url.host, redis->cluster->nodes[n].at.host, sizeof options.url.host);
    options.url.port = redis->cluster->nodes[n].at.port;
    struct redis *asking = redis_new(&options);
    explicit_bzero(&options, sizeof options);
    redis_publish_asking(redis, asking);
    enum redis_err err = redis_take_interrupt(redis) ? REDIS_LOST : call_slots(redis, asking);
    redis_publish_asking(redis, NULL);
    bool interrupted = redis_take_interrupt(redis);
    if (err && !interrupted) snprintf(redis->error, sizeof redis->error, "%s: %.500s", redis_where(asking), redis_error(asking));
    redis_close(asking);
    return interrupted ? REDIS_LOST : err;
}

/* Asks the next of those that were (or were not) reachable a moment ago, and was not asked yet. CLUSTER_NODE_NONE: there is none left. */
static unsigned next_to_ask(const struct cluster *c, const bool *asked, bool reachable) {
    for (unsigned n = 0; n < c->count; n++) {
        unsigned index = (c->ask + n) % c->count;
        if (!asked[index] && (cluster_now_ms() >= c->nodes[index].retry_at_ms) == reachable) return index;
    }
    return CLUSTER_NODE_NONE;
}

/* The first that answers has the word. The time is shared out, so that a silent one leaves some for the others. */
enum redis_err cluster_refresh(struct redis *redis) {
    struct cluster *c = redis->cluster;
    int64_t deadline_ms = cluster_now_ms() + redis->options.connect_timeout_ms;
    bool asked[CLUSTER_NODES_MAX] = {false};
    enum redis_err worst = REDIS_LOST;
    for (unsigned left = c->count; left > 0; left--) {
        unsigned n = next_to_ask(c, asked, true);
        if (n == CLUSTER_NODE_NONE) n = next_to_ask(c, asked, false);
        int64_t step_ms = (deadline_ms - cluster_now_ms()) / left;
        if (n == CLUSTER_NODE_NONE || (step_ms <= 0 && left < c->count)) break;
        asked[n] = true;
        enum redis_err err = cluster_ask(redis, n, step_ms > STEP_LEAST_MS ? (int)step_ms : STEP_LEAST_MS);
        if (!err) redis->error[0] = '\0';
        if (!err || strcmp(redis->error, "interrupted") == 0) {
            c->ask = n;
            return err;
        }
        if (worst != REDIS_REFUSED) worst = err;
        c->nodes[n].retry_at_ms = cluster_now_ms() + RETRY_MS;
    }
    c->ask = (c->ask + 1) % c->count;
    return worst;
}

void cluster_refresh_soon(struct redis *redis) {
    if (cluster_now_ms() - redis->cluster->refreshed_ms < AGAIN_MS) return;
    redis->cluster->refreshed_ms = cluster_now_ms(); /* also when nobody answers */
    enum redis_err ignored = cluster_refresh(redis);
    (void)ignored;
}

bool cluster_parse_moved(const char *text, const struct redis_node *from, unsigned *slot, struct redis_node *to) {
    const char *number = strchr(text, ' '), *host = number ? strchr(number + 1, ' ') : NULL, *colon = host ? strrchr(host, ':') : NULL;
    if (!colon) return false;
    char *end;
    unsigned long n = strtoul(number + 1, &end, 10), port = strtoul(colon + 1, NULL, 10);
    size_t size = (size_t)(colon - host) - 1;
    if (end != host || n >= REDIS_SLOTS || port < 1 || port > 65535 || size >= sizeof to->host) return false;
    *slot = (unsigned)n;
    *to = *from;
    to->port = (int)port;
    if (size == 0 || (size == 1 && host[1] == '?')) return true;
    memcpy(to->host, host + 1, size);
    to->host[size] = '\0';
    return true;
}
