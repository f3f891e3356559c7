/* Connections and how long they have kept us waiting. A connection is ended by shutting its socket down: libmicrohttpd sees that and
 * closes it. */
#include "producer/gateway/guard.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "producer/client.h"

enum { PATIENCE_MS = 20000, SPARE = 8, SPARE_AFTER_MS = 500 };

void guard_init(struct guard *g, unsigned most) {
    *g = (struct guard){.most = most};
    pthread_mutex_init(&g->lock, NULL);
}

void guard_clear(struct guard *g) { pthread_mutex_destroy(&g->lock); }

static void end(struct guard_link *link) {
    if (!link->ended) shutdown(link->fd, SHUT_RDWR);
    link->ended = true;
}

/* The first of the list has kept us waiting longest: links go to its end whenever their turn begins. */
static void make_room(struct guard *g, int64_t now_ms) {
    struct guard_link *link;
    DL_FOREACH(g->links, link) {
        if (!link->since_ms || link->ended) continue;
        if (now_ms - link->since_ms > SPARE_AFTER_MS) end(link);
        return;
    }
}

struct guard_link *guard_open(struct guard *g, int fd) {
    struct guard_link *link = calloc(1, sizeof *link);
    if (!link) abort();
    pthread_mutex_lock(&g->lock);
    *link = (struct guard_link){.fd = fd, .since_ms = client_now_ms()};
    DL_APPEND(g->links, link);
    if (++g->count + SPARE > g->most) make_room(g, link->since_ms);
    pthread_mutex_unlock(&g->lock);
    return link;
}

void guard_close(struct guard *g, struct guard_link *link) {
    pthread_mutex_lock(&g->lock);
    DL_DELETE(g->links, link);
    g->count--;
    pthread_mutex_unlock(&g->lock);
    free(link);
}

void guard_ours(struct guard *g, struct guard_link *link) {
    pthread_mutex_lock(&g->lock);
    link->since_ms = 0;
    pthread_mutex_unlock(&g->lock);
}

void guard_theirs(struct guard *g, struct guard_link *link) {
    pthread_mutex_lock(&g->lock);
    link->since_ms = client_now_ms();
    DL_DELETE(g->links, link);
    DL_APPEND(g->links, link);
    pthread_mutex_unlock(&g->lock);
}

void guard_sweep(struct guard *g, int64_t now_ms) {
    struct guard_link *link;
    pthread_mutex_lock(&g->lock);
    DL_FOREACH(g->links, link)
        if (link->since_ms && now_ms - link->since_ms > PATIENCE_MS) end(link);
    if (g->count + SPARE > g->most) make_room(g, now_ms);
    pthread_mutex_unlock(&g->lock);
}
