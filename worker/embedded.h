/* A redis-server of Till's own (redis.url embedded:DIR): started on DIR/redis.sock, watched, started again when it dies, ended with the
 * worker. One per DIR: a second worker with the same DIR finds the lock taken and just uses the server, until it is gone and the lock free.
 * One thread. */
#ifndef WORKER_EMBEDDED_H
#define WORKER_EMBEDDED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct redis_url;

struct embedded {
    const struct config *config;
    const struct redis_url *url;
    int lock;              /* of DIR/lock; -1: another process has it */
    pid_t pid;             /* 0: not running */
    uint64_t started_at_ms;
    uint64_t restart_ms;   /* wait before the next start */
};

/* Makes DIR, takes its lock and starts the server, or finds that another worker has done so. Waits until the socket is there, at most 5 s.
 * NULL, or what went wrong. Does nothing when the url is not embedded. */
const char *embedded_start(struct embedded *e, const struct config *config, const struct redis_url *url);
/* Starts it again if it has died. Called a few times a second. */
void embedded_turn(struct embedded *e);
/* Ends the server that was started here and waits for it, at most half a second: it was told, and ends by itself. */
void embedded_stop(struct embedded *e);

#endif
