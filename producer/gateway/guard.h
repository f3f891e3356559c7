/* Keeps connections from being held by those who say nothing: each has a time within which its next request must be there whole, and within
 * which what it is answered must be taken. When nearly all that are allowed are open, the one that has kept us waiting longest is ended to
 * make room. libmicrohttpd's own limit is for connections that are silent; one that says a byte now and then is caught here. Called by the
 * thread of HTTP, but for guard_sweep. */
#ifndef GATEWAY_GUARD_H
#define GATEWAY_GUARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct guard_link {
    struct guard_link *prev, *next;
    int fd;
    int64_t since_ms; /* we wait for it since then; 0: it waits for us */
    bool ended;
};

struct guard {
    pthread_mutex_t lock;
    struct guard_link *links;
    unsigned count, most;
};

void guard_init(struct guard *g, unsigned most);
void guard_clear(struct guard *g);
struct guard_link *guard_open(struct guard *g, int fd);
void guard_close(struct guard *g, struct guard_link *link);
/* Whose turn it is now. */
void guard_ours(struct guard *g, struct guard_link *link);
void guard_theirs(struct guard *g, struct guard_link *link);
/* Ends those whose time is over. */
void guard_sweep(struct guard *g, int64_t now_ms);

#endif
