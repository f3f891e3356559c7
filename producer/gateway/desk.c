/* The thread that looks things up. */
#include "producer/gateway/desk.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 500, REDIS_MS = 1500 };

static struct desk_job *next_job(struct desk *d) {
    struct desk_job *job = NULL;
    pthread_mutex_lock(&d->lock);
    while (!d->first && !d->stopping) pthread_cond_wait(&d->more, &d->lock);
    if (d->first) {
        job = d->first;
        d->first = job->next;
        if (!d->first) d->last = &d->first;
    }
    pthread_mutex_unlock(&d->lock);
    return job;
}

static void *run(void *context) {
    struct desk *d = context;
    struct desk_job *job;
    while ((job = next_job(d))) job->run(job, d);
    return NULL;
}

struct desk *desk_start(const struct cli *cli, const struct config *config) {
    struct desk *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->cli = *cli;
    d->cli.said = d->said;
    d->cli.said_size = sizeof d->said;
    d->config = *config;
    d->config.producer_timeout_ms = PATIENCE_MS;
    if (d->config.redis_timeout_ms > REDIS_MS) d->config.redis_timeout_ms = REDIS_MS;
    d->last = &d->first;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->more, NULL);
    if (pthread_create(&d->thread, NULL, run, d) == 0) return d;
    free(d);
    return NULL;
}

void desk_take(struct desk *d, struct desk_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&d->lock);
    *d->last = job;
    d->last = &job->next;
    pthread_cond_signal(&d->more);
    pthread_mutex_unlock(&d->lock);
}

struct till *desk_till(struct desk *d) {
    if (d->till) return d->till;
    if (connect_till_open(&d->cli, &d->config, &d->till) == CLI_OK) return d->till;
    till_close(d->till);
    d->till = NULL;
    return NULL;
}

struct connection *desk_connection(struct desk *d) {
    if (d->connected) return &d->connection;
    int code = connect_redis_now(&d->cli, &d->connection); /* the book was looked at when the gateway started */
    d->connection.config.producer_timeout_ms = PATIENCE_MS;
    d->connected = code == CLI_OK;
    if (!d->connected) connect_close(&d->connection);
    return d->connected ? &d->connection : NULL;
}

void desk_drop_connection(struct desk *d) {
    if (d->connected) connect_close(&d->connection);
    d->connected = false;
}

void desk_stop(struct desk *d) {
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->more);
    pthread_mutex_unlock(&d->lock);
}

void desk_join(struct desk *d) {
    if (!d) return;
    pthread_join(d->thread, NULL);
    desk_drop_connection(d);
    till_close(d->till);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->more);
    free(d);
}
