/* Connecting: unix or TCP, within a time, with a socket that notices a dead peer in seconds. */
#include "producer/redis.h"

#include <hiredis/hiredis.h>

#include "producer/redis_dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { KEEPALIVE_IDLE_S = 15, KEEPALIVE_INTERVAL_S = 5, KEEPALIVE_COUNT = 3, UNACKNOWLEDGED_MAX_MS = 10000 };

static int64_t dial_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timeval dial_timeval(int64_t ms) { return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}; }

static redisContext *dial_once(const struct redis_url *url, int64_t timeout_ms) {
    struct timeval timeout = dial_timeval(timeout_ms > 0 ? timeout_ms : 1); /* 0 would be for ever */
    redisContext *context = url->kind == REDIS_URL_UNIX ? redisConnectUnixWithTimeout(url->path, timeout)
                                                        : redisConnectWithTimeout(url->host, url->port, timeout);
    if (!context) abort();
    return context;
}

/* hiredis takes a signal while it waits for the connection as a failure. */
static redisContext *dial_through_signals(const struct redis_options *options) {
    int64_t left_ms = options->connect_timeout_ms, deadline_ms = dial_now_ms() + left_ms;
    redisContext *context = dial_once(&options->url, left_ms);
    while (context->err == REDIS_ERR_IO && errno == EINTR && (left_ms = deadline_ms - dial_now_ms()) > 0) {
        redisFree(context);
        context = dial_once(&options->url, left_ms);
    }
    return context;
}

/* Best effort: where the system has no such option the reply's timeout still finds a dead peer. */
static void dial_set(int fd, int level, int option, int value) {
    int ignored = setsockopt(fd, level, option, &value, sizeof value);
    (void)ignored;
}

static void dial_tune_tcp(int fd) {
    dial_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    dial_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS);
}

void redis_dial_timeout(struct redisContext *context, int timeout_ms) {
    int left_in_context = redisSetTimeout(context, dial_timeval(timeout_ms));
    (void)left_in_context;
}

struct redisContext *redis_dial(const struct redis_options *options) {
    redisContext *context = dial_through_signals(options);
    if (context->err) return context;
    fcntl(context->fd, F_SETFD, FD_CLOEXEC); /* an embedded server we start must not hold our connections */
    if (options->url.kind == REDIS_URL_TCP) dial_tune_tcp(context->fd);
    redis_dial_timeout(context, options->timeout_ms);
    return context;
}
