/* The admin endpoint: /metrics, /healthz and /readyz over HTTP, by a thread of its own with a connection of its own. Lanes never wait for
 * it, whoever talks to it and however slowly.
 *
 *     GET /metrics   what Prometheus reads; with admin.token_file only with `Authorization: Bearer TOKEN`
 *     GET /healthz   200 while the process lives
 *     GET /readyz    200 when Redis takes a write, else 503 and why */
#ifndef WORKER_ADMIN_H
#define WORKER_ADMIN_H

#include "producer/redis.h"
#include "schema/keys.h"
#include "worker/metrics.h"
#include "worker/settings.h"

enum { ADMIN_TOKEN_MAX = 255 };

struct admin_options {
    const char *listen; /* HOST:PORT; port 0: any that is free, the log says which */
    const char *token;  /* "" none */
    const char *worker;
    struct redis_options redis;
    struct book book;
    const struct metrics *metrics;
    const struct settings *settings;
};

/* What is wrong with `listen` ("" is fine: no endpoint), or that it can be reached from elsewhere and there is no token. NULL: nothing. */
const char *admin_check(const char *listen, const char *token);

struct admin;
/* `options` are copied, what they point to must outlive it. NULL and *wrong says why: it cannot listen there. */
struct admin *admin_start(const struct admin_options *options, const char **wrong);
void admin_stop(struct admin *admin); /* NULL is fine */

#endif
