/* The connection: opened, lost, interrupted, opened again; commands queued and replies read in their order. */
#include "producer/redis.h"

/* hiredis makes REDIS_OK a macro of the same value: it must come after our enum. */
#include <hiredis/hiredis.h>

#include "producer/redis_dial.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ERROR_MAX = 1023, CLIENT_NAME_MAX = 127, IDLE_BUFFER_MAX = 1 << 20 };

struct redis {
    redisContext *context; /* NULL: lost */
    redisReply *last;      /* the reply given out last */
    size_t unanswered;
    bool unsent;           /* something is queued that was not written yet */
    int64_t client_id;
    struct redis_options options;
    char client_name[CLIENT_NAME_MAX + 1];
    char error[ERROR_MAX + 1];

    pthread_mutex_t lock;    /* of fd: so that it is not closed, and used by another, while redis_interrupt shuts it down */
    int fd;                  /* -1: none */
    atomic_bool interrupted; /* not yet told to the owner */
};

static void redis_say(struct redis *redis, const char *text, size_t size) {
    if (size > ERROR_MAX) size = ERROR_MAX;
    memcpy(redis->error, text, size);
    redis->error[size] = '\0';
}

static void redis_publish_fd(struct redis *redis, int fd) {
    pthread_mutex_lock(&redis->lock);
    redis->fd = fd;
    pthread_mutex_unlock(&redis->lock);
}

static void redis_drop(struct redis *redis) {
    redis_publish_fd(redis, -1);
    if (redis->context) redisFree(redis->context);
    redis->context = NULL;
    redis->unanswered = 0;
    redis->unsent = false;
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
        snprintf(redis->error, sizeof redis->error, "timed out after %d ms", redis->options.timeout_ms);
        return REDIS_LOST;
    }
    redis_say(redis, context->errstr, strnlen(context->errstr, sizeof context->errstr));
    /* A reply too large for our memory is one that cannot be: 0.14 takes the counts of arrays on trust. */
    return context->err == REDIS_ERR_PROTOCOL || context->err == REDIS_ERR_OOM ? REDIS_GARBLED : REDIS_LOST;
}

/* An interrupt is told once: by the call it ended, or by the next one. */
static bool redis_take_interrupt(struct redis *redis) {
    if (!atomic_load(&redis->interrupted)) return false;
    atomic_store(&redis->interrupted, false);
    redis_say(redis, "interrupted", strlen("interrupted"));
    redis_drop(redis);
    return true;
}

/* After any failure of hiredis: what comes next on this connection could be the answer to anything. */
static enum redis_err redis_lose(struct redis *redis) {
    int why = errno;
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    enum redis_err err = redis_explain(redis, why);
    redis_drop(redis);
    return err;
}

static enum redis_err redis_lose_dial(struct redis *redis, int why) {
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    if (why == ETIMEDOUT) snprintf(redis->error, sizeof redis->error, "no connection within %d ms", redis->options.connect_timeout_ms);
    else snprintf(redis->error, sizeof redis->error, "%s", strerror(why));
    redis_drop(redis);
    return REDIS_LOST;
}

static bool redis_write(redisContext *context) {
    int done = 0;
    while (!done)
        if (redisBufferWrite(context, &done) != REDIS_OK) return false;
    return true;
}

/* hiredis writes without MSG_NOSIGNAL, and whoever embeds us may leave SIGPIPE deadly: held back here, and taken away if it came. */
static bool redis_write_quietly(redisContext *context) {
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    bool written = redis_write(context);
    int why = errno;
    if (!sigismember(&before, SIGPIPE)) {
        if (!written && why == EPIPE) sigtimedwait(&pipe, NULL, &(struct timespec){0});
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    errno = why;
    return written;
}

enum redis_err redis_flush(struct redis *redis) {
    if (!redis->context || redis_take_interrupt(redis)) return REDIS_LOST;
    if (!redis->unsent) return REDIS_OK;
    redis->unsent = false;
    return redis_write_quietly(redis->context) ? REDIS_OK : redis_lose(redis);
}

void redis_append(struct redis *redis, struct command *c) {
    const char **argv;
    const size_t *sizes;
    int count = command_argv(c, &argv, &sizes);
    assert(count > 0);
    if (!redis->context) return;
    if (redisAppendCommandArgv(redis->context, count, argv, sizes) != REDIS_OK) abort(); /* out of memory */
    redis->unanswered++;
    redis->unsent = true;
}

/* Keeps the reply just read, and says what it means. */
static enum redis_err redis_take(struct redis *redis, void *node, struct reply *reply) {
    redis->last = node;
    redis->unanswered--;
    *reply = (struct reply){node};
    if (redis->last->type == REDIS_REPLY_ERROR) {
        redis_say(redis, redis->last->str, redis->last->len);
        return redis_classify(redis->last->str, redis->last->len);
    }
    if (reply_type(*reply) != REPLY_NIL || redis->last->type == REDIS_REPLY_NIL) return REDIS_OK;
    redis_say(redis, "a reply of an unknown type", strlen("a reply of an unknown type"));
    redis_drop(redis);
    return REDIS_GARBLED;
}

enum redis_err redis_next(struct redis *redis, struct reply *reply) {
    *reply = (struct reply){NULL};
    redis_forget_last(redis);
    assert(!redis->context || redis->unanswered > 0);
    enum redis_err err = redis_flush(redis);
    if (err) return err;
    redis->error[0] = '\0';
    void *node = NULL;
    if (redisGetReply(redis->context, &node) != REDIS_OK) return redis_lose(redis);
    return redis_take(redis, node, reply);
}

enum redis_err redis_call(struct redis *redis, struct command *c, struct reply *reply) {
    assert(redis->unanswered == 0);
    redis_append(redis, c);
    return redis_next(redis, reply);
}

struct reply redis_detach(struct redis *redis) {
    struct reply reply = {redis->last};
    redis->last = NULL;
    return reply;
}

/* Queues what a new connection begins with, all but the optional: AUTH and SELECT. */
static void redis_queue_greeting(struct redis *redis, struct command *c) {
    const struct redis_url *url = &redis->options.url;
    if (url->password[0]) {
        command_begin(c, "AUTH");
        if (url->user[0]) command_word(c, url->user);
        command_word(c, url->password);
        redis_append(redis, c);
    }
    if (url->db) {
        command_begin(c, "SELECT");
        command_uint(c, (uint64_t)url->db);
        redis_append(redis, c);
    }
}

/* CLIENT SETNAME and CLIENT ID are for people who look at the server: a user who may not, or a proxy that cannot, does without. */
static void redis_queue_courtesy(struct redis *redis, struct command *c) {
    if (redis->client_name[0]) {
        command_begin(c, "CLIENT");
        command_word(c, "SETNAME");
        command_word(c, redis->client_name);
        redis_append(redis, c);
    }
    command_begin(c, "CLIENT");
    command_word(c, "ID");
    redis_append(redis, c);
}

static bool redis_may_ignore(const struct redis *redis, enum redis_err err) {
    return err == REDIS_REFUSED && (strncmp(redis->error, "NOPERM", 6) == 0 || strncasecmp(redis->error, "ERR unknown ", 12) == 0);
}

static enum redis_err redis_greet(struct redis *redis) {
    struct command c;
    struct reply reply;
    enum redis_err err = REDIS_OK;
    command_init(&c);
    redis_queue_greeting(redis, &c);
    size_t needed = redis->unanswered;
    redis_queue_courtesy(redis, &c);
    command_clear(&c);
    for (; needed > 0 && !err; needed--) err = redis_next(redis, &reply);
    while (redis->unanswered > 0 && !err) {
        err = redis_next(redis, &reply);
        if (redis_may_ignore(redis, err)) err = REDIS_OK;
    }
    redis->client_id = err ? 0 : reply_integer(reply);
    return err;
}

static enum redis_err redis_connect(struct redis *redis) {
    if (redis_take_interrupt(redis)) return REDIS_LOST;
    redis->context = redis_dial_start(&redis->options.url);
    if (redis->context->err) return redis_lose(redis);
    redis_publish_fd(redis, redis->context->fd);
    if (redis_take_interrupt(redis)) return REDIS_LOST; /* it came before there was an fd to shut down */
    int why = redis_dial_finish(redis->context, &redis->options);
    if (why) return redis_lose_dial(redis, why);
    redis->context->reader->maxbuf = IDLE_BUFFER_MAX; /* hiredis would give the buffer back after every reply above 16 kB */
    enum redis_err err = redis_greet(redis);
    if (err) redis_drop(redis);
    return err;
}

enum redis_err redis_open(struct redis **out, const struct redis_options *options) {
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis) abort();
    redis->options = *options;
    if (options->client_name) {
        assert(strlen(options->client_name) <= CLIENT_NAME_MAX);
        memcpy(redis->client_name, options->client_name, strlen(options->client_name));
    }
    redis->options.client_name = NULL;
    redis->fd = -1;
    pthread_mutex_init(&redis->lock, NULL);
    *out = redis;
    return redis_connect(redis);
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
    pthread_mutex_destroy(&redis->lock);
    explicit_bzero(redis, sizeof *redis); /* the password */
    free(redis);
}

void redis_interrupt(struct redis *redis) {
    pthread_mutex_lock(&redis->lock);
    atomic_store(&redis->interrupted, true);
    if (redis->fd >= 0) shutdown(redis->fd, SHUT_RDWR);
    pthread_mutex_unlock(&redis->lock);
}

void redis_set_timeout(struct redis *redis, int timeout_ms) {
    assert(timeout_ms > 0); /* 0 would be for ever */
    redis->options.timeout_ms = timeout_ms;
    if (redis->context) redis_dial_timeout(redis->context, timeout_ms);
}

bool redis_is_lost(const struct redis *redis) { return !redis->context; }
const char *redis_error(const struct redis *redis) { return redis->error; }
int64_t redis_client_id(const struct redis *redis) { return redis->client_id; }
size_t redis_unanswered(const struct redis *redis) { return redis->unanswered; }
