/* The connection: opened, lost, interrupted, opened again; commands queued and replies read in their order. */
#include "producer/redis.h"

/* hiredis makes REDIS_OK a macro of the same value: it must come after our enum. */
#include <hiredis/hiredis.h>

#include "producer/redis_cluster.h"
#include "producer/redis_dial.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WIRE_FEW = 4096 };

void redis_say(struct redis *redis, const char *text, size_t size) {
    if (size > REDIS_ERROR_MAX) size = REDIS_ERROR_MAX;
    memcpy(redis->error, text, size);
    redis->error[size] = '\0';
}

void redis_publish_fd(struct redis *redis, int fd) {
    pthread_mutex_lock(&redis->lock);
    redis->fd = fd;
    pthread_mutex_unlock(&redis->lock);
}

void redis_publish_asking(struct redis *redis, struct redis *asking) {
    pthread_mutex_lock(&redis->lock);
    redis->asking = asking;
    pthread_mutex_unlock(&redis->lock);
}

void redis_drop(struct redis *redis) {
    if (redis->cluster) cluster_drop(redis);
    redis_publish_fd(redis, -1);
    if (redis->context) redisFree(redis->context);
    redis->context = NULL;
    redis->unanswered = 0;
    redis->unsent = false;
    redis->useless = false;
}

static void redis_forget_last(struct redis *redis) {
    reply_release((struct reply){redis->last});
    redis->last = NULL;
}

/* Why hiredis gave up, at `why`, the errno of that moment. */
static enum redis_err redis_explain(struct redis *redis, int why) {
    const redisContext *context = redis->context;
    bool connected = context->flags & REDIS_CONNECTED; /* before that EAGAIN is the full backlog of a unix socket */
    if (connected && context->err == REDIS_ERR_IO && (why == EAGAIN || why == EWOULDBLOCK)) {
        snprintf(redis->error, sizeof redis->error, "timed out after %d ms", redis->waits_ms);
        return REDIS_LOST;
    }
    redis_say(redis, context->errstr, strnlen(context->errstr, sizeof context->errstr));
    if (redis->options.url.tls && redis_tls_parting(redis->error, sizeof redis->error)) return REDIS_LOST;
    /* A reply too large for our memory is one that cannot be: 0.14 takes the counts of arrays on trust. */
    return context->err == REDIS_ERR_PROTOCOL || context->err == REDIS_ERR_OOM ? REDIS_GARBLED : REDIS_LOST;
}

bool redis_take_interrupt(struct redis *redis) {
    if (!atomic_load(&redis->interrupted)) return false;
    atomic_store(&redis->interrupted, false);
    redis_say(redis, "interrupted", strlen("interrupted"));
    redis_drop(redis);
    return true;
}

enum redis_err redis_lose(struct redis *redis) {
    int why = errno;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    enum redis_err err = redis_explain(redis, why);
    redis_drop(redis);
    return err;
}

static bool redis_write(redisContext *context) {
    int done = 0;
    while (!done)
        if (redisBufferWrite(context, &done) != REDIS_OK) return false;
    return true;
}

void redis_hold_pipe(sigset_t *before) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, before);
}

void redis_let_pipe(const sigset_t *before, bool came) {
    sigset_t pipe;
    if (sigismember(before, SIGPIPE)) return;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (came) sigtimedwait(&pipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* hiredis writes without MSG_NOSIGNAL: SIGPIPE is held back here, and taken away if it came. */
static bool redis_write_quietly(redisContext *context) {
    sigset_t before;
    redis_hold_pipe(&before);
    bool written = redis_write(context);
    int why = errno;
    redis_let_pipe(&before, !written && why == EPIPE);
    errno = why;
    return written;
}

enum redis_err redis_flush(struct redis *redis) {
    if (redis->cluster) return cluster_flush(redis);
    if (!redis->context || redis_take_interrupt(redis)) return REDIS_LOST;
    if (!redis->unsent) return REDIS_OK;
    redis->unsent = false;
    return redis_write_quietly(redis->context) ? REDIS_OK : redis_lose(redis);
}

void redis_append_bytes(struct redis *redis, const char *bytes, size_t size) {
    if (redisAppendFormattedCommand(redis->context, bytes, size) != REDIS_OK) abort(); /* out of memory */
    redis->unanswered++;
    redis->unsent = true;
}

void redis_append(struct redis *redis, struct command *c) {
    char few[WIRE_FEW], *wire = few;
    assert(c->count > 0);
    if (redis->cluster) cluster_append(redis, c, redis_slot_of(c));
    if (!redis->context) return;
    size_t room = command_wire_room(c);
    if (room > sizeof few) wire = malloc(room);
    if (!wire) abort();
    redis_append_bytes(redis, wire, command_wire(c, wire));
    if (wire != few) free(wire);
}

/* Keeps the reply just read, and says what it means. */
static enum redis_err redis_take(struct redis *redis, void *node, struct reply *reply) {
    redis->last = node;
    redis->unanswered--;
    *reply = (struct reply){node};
    if (reply_type(*reply) == REPLY_ERROR) {
        redis_say(redis, redis->last->text, redis->last->size);
        enum redis_err err = redis_classify(redis->last->text, redis->last->size);
        redis->useless |= err == REDIS_DEMOTED || strncmp(redis->error, "NOAUTH", 6) == 0;
        return err;
    }
    if (reply_type(*reply) != REPLY_NIL || redis->last->size == 0) return REDIS_OK;
    redis_say(redis, "a reply of an unknown type", strlen("a reply of an unknown type"));
    redis_drop(redis);
    return REDIS_GARBLED;
}

enum redis_err redis_next(struct redis *redis, struct reply *reply) {
    *reply = (struct reply){NULL};
    redis_forget_last(redis);
    if (redis->cluster) return cluster_next(redis, reply);
    assert(!redis->context || redis->unanswered > 0);
    enum redis_err err = redis_flush(redis);
    if (err) return err;
    redis->error[0] = '\0';
    void *node = NULL;
    errno = 0; /* hiredis reads over TLS again for ever while it says EINTR from before */
    if (redisGetReply(redis->context, &node) != REDIS_OK) return redis_lose(redis);
    enum redis_err err_reply = redis_take(redis, node, reply);
    if (redis->useless && redis->unanswered == 0) redis_drop(redis); /* the commands behind it fared no better */
    return err_reply;
}

enum redis_err redis_call(struct redis *redis, struct command *c, struct reply *reply) {
    assert(redis_unanswered(redis) == 0);
    redis_append(redis, c);
    return redis_next(redis, reply);
}

struct reply redis_detach(struct redis *redis) {
    struct reply reply = {redis->last};
    redis->last = NULL;
    return reply;
}

struct redis *redis_new(const struct redis_options *options) {
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis) abort();
    redis->options = *options;
    if (options->client_name) {
        assert(strlen(options->client_name) <= REDIS_CLIENT_NAME_MAX);
        memcpy(redis->client_name, options->client_name, strlen(options->client_name));
    }
    redis->options.client_name = NULL;
    redis->fd = -1;
    if (options->url.kind == REDIS_URL_CLUSTER) redis->cluster = cluster_new(&options->url);
    pthread_mutex_init(&redis->lock, NULL);
    return redis;
}

enum redis_err redis_open(struct redis **out, const struct redis_options *options) {
    *out = redis_new(options);
    return redis_connect(*out);
}

enum redis_err redis_reopen(struct redis *redis) {
    redis_forget_last(redis);
    redis_drop(redis);
    redis->error[0] = '\0';
    return redis_connect(redis);
}

void redis_close(struct redis *redis) {
    if (!redis) return;
    redis_forget_last(redis);
    redis_drop(redis);
    if (redis->cluster) cluster_close(redis);
    pthread_mutex_destroy(&redis->lock);
    explicit_bzero(redis, sizeof *redis); /* the password */
    free(redis);
}

void redis_interrupt(struct redis *redis) {
    pthread_mutex_lock(&redis->lock);
    atomic_store(&redis->interrupted, true);
    if (redis->fd >= 0) shutdown(redis->fd, SHUT_RDWR);
    if (redis->asking) redis_interrupt(redis->asking);
    if (redis->cluster) cluster_interrupt(redis);
    pthread_mutex_unlock(&redis->lock);
}

void redis_wait(struct redis *redis, int timeout_ms) {
    redis->waits_ms = timeout_ms;
    if (redis->context) redis_dial_timeout(redis->context, timeout_ms);
}

void redis_set_timeout(struct redis *redis, int timeout_ms) {
    assert(timeout_ms > 0); /* 0 would be for ever */
    redis->options.timeout_ms = timeout_ms;
    if (redis->cluster) cluster_set_timeout(redis, timeout_ms);
    redis_wait(redis, timeout_ms);
}

const char *redis_error(const struct redis *redis) { return redis->error; }

bool redis_is_lost(const struct redis *redis) { return redis->cluster ? !redis->cluster->open : !redis->context; }
size_t redis_unanswered(const struct redis *redis) { return redis->cluster ? redis->cluster->waiting : redis->unanswered; }

int64_t redis_client_id(const struct redis *redis) {
    const struct redis *link = redis->cluster ? cluster_home(redis) : redis;
    return link ? link->client_id : 0;
}

const char *redis_where_of(struct redis *redis, const struct redis_node *at) {
    bool bracketed = strchr(at->host, ':') != NULL;
    snprintf(redis->where, sizeof redis->where, "%s%s%s:%d", bracketed ? "[" : "", at->host, bracketed ? "]" : "", at->port);
    return redis->where;
}

const char *redis_where(struct redis *redis) {
    if (redis->options.url.kind == REDIS_URL_UNIX) return redis->options.url.path;
    return redis_where_of(redis, redis->cluster ? cluster_at(redis->cluster) : &redis->at);
}
