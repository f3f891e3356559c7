/* Looks things up for requests, one after the other: a thread with connections of its own, so that a slow look-up holds up neither HTTP nor
 * payments. Opened when first needed, and again when lost. */
#ifndef GATEWAY_DESK_H
#define GATEWAY_DESK_H

#include <pthread.h>
#include <stdbool.h>

#include "config/config.h"
#include "producer/cli/connect.h"

struct desk;

/* What is to be done; `run` is called by the desk's thread and takes care of the job. */
struct desk_job {
    struct desk_job *next;
    void (*run)(struct desk_job *job, struct desk *desk);
};

struct desk {
    struct cli cli;
    struct config config;
    char said[400];         /* what the last failure said */
    struct till *till;      /* see desk_till */
    struct connection connection; /* see desk_connection */
    bool connected;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct desk_job *first, **last;
    bool stopping;
};

struct desk *desk_start(const struct cli *cli, const struct config *config); /* NULL: no thread */
void desk_take(struct desk *d, struct desk_job *job);
/* For jobs: a handle, a connection. NULL: Redis cannot be reached, and d->said says why. */
struct till *desk_till(struct desk *d);
struct connection *desk_connection(struct desk *d);
/* The connection is not to be trusted any more. */
void desk_drop_connection(struct desk *d);
void desk_stop(struct desk *d);
void desk_join(struct desk *d); /* NULL is fine. What was not begun is left */

#endif
