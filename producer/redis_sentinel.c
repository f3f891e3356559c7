/* Finding the master: sentinels are asked in turn, until one names a server that says itself that it is the master. */
#include "producer/redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_LEAST_MS = 20, VERIFY_MS = 300 };

static int64_t sentinel_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A connection to the sentinel, not tried yet. */
static struct redis *sentinel_new(const struct redis *redis, const struct redis_node *seed, int timeout_ms) {
    struct redis_options options = {.connect_timeout_ms = timeout_ms, .timeout_ms = timeout_ms, .url.kind = REDIS_URL_TCP};
    memcpy(options.url.host, seed->host, sizeof options.url.host);
    options.url.port = seed->port;
    options.url.tls = redis->options.url.tls;
    options.tls = redis->options.tls;
    memcpy(options.url.user, redis->options.sentinel_user, sizeof options.url.user);
    memcpy(options.url.password, redis->options.sentinel_password, sizeof options.url.password);
    memcpy(options.password_file, redis->options.sentinel_password_file, sizeof options.password_file);
    struct redis *asking = redis_new(&options);
    explicit_bzero(&options, sizeof options);
    return asking;
}

static bool sentinel_read_master(struct reply reply, struct redis_node *master) {
    size_t size;
    const char *host = reply_text(reply_at(reply, 0), &size);
    int64_t port = reply_integer(reply_at(reply, 1));
    if (size == 0 || size >= sizeof master->host || strlen(host) != size || port < 1 || port > 65535) return false;
    *master = (struct redis_node){.port = (int)port};
    memcpy(master->host, host, size + 1);
    return true;
}

static enum redis_err sentinel_call(struct redis *asking, const char *name, struct redis_node *master) {
    struct command c;
    struct reply reply;
    enum redis_err err = redis_connect(asking);
    if (err) return err;
    command_init(&c);
    command_begin(&c, "SENTINEL");
    command_word(&c, "GET-MASTER-ADDR-BY-NAME");
    command_word(&c, name);
    err = redis_call(asking, &c, &reply);
    command_clear(&c);
    if (err || sentinel_read_master(reply, master)) return err;
    snprintf(asking->error, sizeof asking->error, "knows no master named %s", name);
    return REDIS_REFUSED;
}

/* Asks one. On failure redis_error says which, and why. */
static enum redis_err sentinel_ask(struct redis *redis, const struct redis_node *seed, int timeout_ms, struct redis_node *master) {
    struct redis *asking = sentinel_new(redis, seed, timeout_ms);
    redis_publish_asking(redis, asking);
    enum redis_err err = redis_take_interrupt(redis) ? REDIS_LOST : sentinel_call(asking, redis->options.url.name, master);
    redis_publish_asking(redis, NULL);
    bool interrupted = redis_take_interrupt(redis);
    if (err && !interrupted && redis->error[0] == '\0')
        snprintf(redis->error, sizeof redis->error, "sentinel %s: %.500s", redis_where(asking), redis_error(asking));
    redis_close(asking);
    return interrupted ? REDIS_LOST : err;
}

static unsigned sentinel_count(const struct redis_url *url) {
    struct redis_node seed;
    unsigned count = 0;
    while (redis_url_seed(url, count, &seed)) count++;
    return count;
}

/* The one after the one that was asked first: the next time it begins. */
static unsigned sentinel_next(const struct redis *redis) { return (redis->seed + 1) % sentinel_count(&redis->options.url); }

static bool sentinel_is_same(const struct redis_node *a, const struct redis_node *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static int sentinel_step_ms(int64_t left_ms, unsigned steps) {
    int64_t step_ms = left_ms / steps;
    return step_ms > STEP_LEAST_MS ? (int)step_ms : STEP_LEAST_MS;
}

/* The time is shared out: a sentinel that does not answer may use no more than its part, so that the others are asked as well. What a
 * master we reached says weighs more than a sentinel that is down. */
enum redis_err redis_connect_by_sentinel(struct redis *redis) {
    const struct redis_url *url = &redis->options.url;
    int64_t deadline_ms = sentinel_now_ms() + redis->options.connect_timeout_ms;
    struct redis_node seed, master, tried = {.port = 0};
    enum redis_err err = REDIS_LOST;
    unsigned count = sentinel_count(url);
    for (unsigned n = 0, first = redis->seed; n < count; n++) {
        unsigned steps = count - n + 1, index = (first + n) % count;
        redis_url_seed(url, index, &seed);
        enum redis_err asked = sentinel_ask(redis, &seed, sentinel_step_ms(deadline_ms - sentinel_now_ms(), steps), &master);
        if (strcmp(redis->error, "interrupted") == 0) return REDIS_LOST;
        if (asked && !tried.port) err = asked;
        if (asked || sentinel_is_same(&master, &tried)) continue;
        redis->at = tried = master;
        redis->error[0] = '\0';
        redis->seed = index;
        err = redis_connect_at(redis, sentinel_step_ms(deadline_ms - sentinel_now_ms(), 1));
        if (!err || err == REDIS_REFUSED || strcmp(redis->error, "interrupted") == 0) return err;
    }
    redis->seed = sentinel_next(redis);
    return err;
}

enum redis_err redis_verify(struct redis *redis) {
    struct redis_node seed, master;
    int timeout_ms = redis->options.connect_timeout_ms < VERIFY_MS ? redis->options.connect_timeout_ms : VERIFY_MS;
    if (redis->cluster) return cluster_verify(redis);
    if (!redis->context) return REDIS_LOST;
    if (redis->options.url.kind != REDIS_URL_SENTINEL || !redis_url_seed(&redis->options.url, redis->seed, &seed)) return REDIS_OK;
    redis->error[0] = '\0';
    enum redis_err err = sentinel_ask(redis, &seed, timeout_ms / 2, &master); /* to connect, and to answer */
    if (!redis->context) return REDIS_LOST; /* interrupted */
    redis->error[0] = '\0';
    if (err) redis->seed = sentinel_next(redis);
    if (err || sentinel_is_same(&master, &redis->at)) return REDIS_OK;
    snprintf(redis->error, sizeof redis->error, "%s is not the master any more", redis_where(redis));
    redis_drop(redis);
    return REDIS_DEMOTED;
}
