/* Connecting: unix or TCP, within a time, with a socket that notices a dead peer in seconds. Begun without blocking, since hiredis' own
 * wait shows its socket to nobody who could end it, and fails on any signal. */
#include "producer/redis.h"

#include <hiredis/hiredis.h>

#include "producer/redis_dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* A peer that has vanished is found out after 9 s at the latest, whatever redis.timeout is: 3 s of silence, then a probe every 2 s; the
 * first that falls due with UNACKNOWLEDGED_MAX_MS of silence behind it ends the connection, as do so many of unacknowledged data. */
enum { KEEPALIVE_IDLE_S = 3, KEEPALIVE_INTERVAL_S = 2, KEEPALIVE_COUNT = 3, UNACKNOWLEDGED_MAX_MS = 8000 };

static int64_t dial_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct redisContext *redis_dial_start(const struct redis_options *options, const struct redis_node *at) {
    const struct redis_url *url = &options->url;
    redisContext *context = url->kind == REDIS_URL_UNIX ? redisConnectUnixNonBlock(url->path) : redisConnectNonBlock(at->host, at->port);
    if (!context) abort();
    return context;
}

/* 0, or the errno of why not. Signals do not end the wait. */
static int dial_wait(int fd, int timeout_ms) {
    int64_t left_ms = timeout_ms, deadline_ms = dial_now_ms() + left_ms;
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    while (poll(&waiting, 1, (int)left_ms) <= 0) {
        left_ms = deadline_ms - dial_now_ms();
        if (left_ms <= 0) return ETIMEDOUT;
    }
    int why = 0;
    socklen_t size = sizeof why;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) == 0 ? why : errno;
}

/* Best effort: where the system has no such option the reply's timeout still finds a dead peer. */
static void dial_set(int fd, int level, int option, int value) {
    int ignored = setsockopt(fd, level, option, &value, sizeof value);
    (void)ignored;
}

static void dial_tune_tcp(int fd) {
    dial_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* hiredis 1.x does it only for a wait of its own */
    dial_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    dial_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS);
}

void redis_dial_timeout(struct redisContext *context, int timeout_ms) {
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    int left_in_context = redisSetTimeout(context, timeout);
    (void)left_in_context;
}

static void dial_make_blocking(redisContext *context) {
    fcntl(context->fd, F_SETFL, fcntl(context->fd, F_GETFL) & ~O_NONBLOCK);
    context->flags |= REDIS_BLOCK;
}

int redis_dial_finish(struct redisContext *context, const struct redis_options *options, int timeout_ms) {
    int why = dial_wait(context->fd, timeout_ms);
    if (why) return why;
    fcntl(context->fd, F_SETFD, FD_CLOEXEC); /* an embedded server we start must not hold our connections */
    if (options->url.kind != REDIS_URL_UNIX) dial_tune_tcp(context->fd);
    dial_make_blocking(context);
    redis_dial_timeout(context, timeout_ms);
    return 0;
}
