/* Within the seam: what a connection is, and what its files call of each other. */
#ifndef PRODUCER_REDIS_INSIDE_H
#define PRODUCER_REDIS_INSIDE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "producer/redis.h"
#include "producer/redis_tree.h"

enum { REDIS_ERROR_MAX = 1023, REDIS_CLIENT_NAME_MAX = 127, REDIS_ADDRESS_MAX = 127, REDIS_WHERE_MAX = 264 };

struct cluster;

struct redis {
    struct cluster *cluster;      /* NULL: it is one server's. Else what follows is unused up to `seen_as` but `last` */
    struct redisContext *context; /* NULL: lost */
    const struct reply_node *last; /* the reply given out last */
    struct reply_tree *growing;    /* the reply being read */
    size_t unanswered;
    bool unsent;           /* something is queued that was not written yet */
    bool useless;          /* a reply said that this is no master, or does not know us: given up once the replies under way are read */
    int waits_ms;          /* the timeout set on the socket */
    int64_t client_id;
    char seen_as[REDIS_ADDRESS_MAX + 1]; /* our address, as the server sees it; "" when unknown */
    struct redis_options options;
    char where[REDIS_WHERE_MAX + 1];
    struct redis_node at;  /* what options.url comes to: where we are connected to, or tried to */
    unsigned seed;         /* the one to ask first */
    char client_name[REDIS_CLIENT_NAME_MAX + 1];
    char error[REDIS_ERROR_MAX + 1];

    pthread_mutex_t lock;    /* of fd and asking: that they are not closed while redis_interrupt uses them */
    int fd;                  /* -1: none */
    struct redis *asking;    /* the connection to a sentinel, while we ask it; NULL: none */
    atomic_bool interrupted; /* not yet told to the owner */
};

/* A command as it goes over the wire. There must be a connection. */
void redis_append_bytes(struct redis *redis, const char *bytes, size_t size);
/* A connection that was not tried yet. */
struct redis *redis_new(const struct redis_options *options);
const char *redis_where_of(struct redis *redis, const struct redis_node *at);
void redis_say(struct redis *redis, const char *text, size_t size);
void redis_drop(struct redis *redis);
/* An interrupt is told once: by the call it ended, or by the next one. True: it was, and the connection is dropped. */
bool redis_take_interrupt(struct redis *redis);
/* After any failure of hiredis: what comes next on this connection could be the answer to anything. */
enum redis_err redis_lose(struct redis *redis);
/* So long may each wait for the socket take from now on. */
void redis_wait(struct redis *redis, int timeout_ms);
/* Around whatever writes to a socket without MSG_NOSIGNAL: whoever embeds us may leave SIGPIPE deadly. `came`: there was EPIPE. */
void redis_hold_pipe(sigset_t *before);
void redis_let_pipe(const sigset_t *before, bool came);
void redis_publish_fd(struct redis *redis, int fd);
void redis_publish_asking(struct redis *redis, struct redis *asking);

/* Connects and greets, by way of the sentinels where the url says so (redis_greet.c). */
enum redis_err redis_connect(struct redis *redis);
/* Connects to redis->at and greets; connecting, and each reply, may take so long. */
enum redis_err redis_connect_at(struct redis *redis, int timeout_ms);

/* Finds the master by the url's sentinels and connects to it (redis_sentinel.c). */
enum redis_err redis_connect_by_sentinel(struct redis *redis);

#endif
