/* Server-sent events: what happens, told to all who follow. Each follower is a connection of the thread of HTTP that sleeps (is suspended)
 * while there is nothing new; one that is too slow is let go and comes back by itself. Publishing is thread-safe. */
#ifndef GATEWAY_HUB_H
#define GATEWAY_HUB_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "producer/till.h"

enum { HUB_EVENTS = 256, HUB_FOLLOWERS_MAX = 32, HUB_SAMPLES = 2048 };

struct hub_follower;

/* What the answers since the last look were like. */
struct hub_answers {
    uint64_t count, refused, shown;
    uint32_t took_ms[HUB_SAMPLES]; /* from enqueued to answered, of the first of them */
    unsigned sample_count;
};

struct hub {
    pthread_mutex_t lock;
    struct { char *text; size_t size; } ring[HUB_EVENTS];
    uint64_t next;
    struct hub_follower *followers;
    atomic_uint count;
    bool closed;
    struct hub_answers answers;
};

void hub_init(struct hub *h);
void hub_clear(struct hub *h); /* nobody follows any more */
/* Does anybody follow? */
bool hub_is_followed(struct hub *h);
/* `data` is released. */
void hub_publish(struct hub *h, const char *event, json_t *data);
/* For sources: counts the answer, and publishes it while they are few enough to be read. */
void hub_answer(void *hub, const struct till_answer *answer);
/* Takes what was counted, to begin anew. */
void hub_take_answers(struct hub *h, struct hub_answers *out);
/* The body of a follower's response; NULL: there are too many. */
struct MHD_Response *hub_follow(struct hub *h, struct MHD_Connection *connection);
/* Lets everybody go. */
void hub_close(struct hub *h);

#endif
