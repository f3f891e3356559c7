/* Within the seam: a connection to a Redis Cluster, which is a connection to each node that is needed, and who has which slot.
 *
 *     commands, in their order      ->  tickets, in the same order  ->  each goes to the node of its slot, pipelined there
 *     replies, in the same order    <-  the oldest ticket's         <-  each node answers in the order it was asked
 *
 * MOVED: the node has not executed it: whom it names has the slot now, the rest is asked for, and the ticket goes there. ASK: it goes once
 * to whom it names, behind ASKING. Whoever has a home (redis_home) is not led elsewhere by MOVED: it must begin anew there, since what it
 * wrote before was written to another server. */
#ifndef PRODUCER_REDIS_CLUSTER_H
#define PRODUCER_REDIS_CLUSTER_H

#include "producer/redis_inside.h"
#include "producer/redis_slot.h"

enum { CLUSTER_NODES_MAX = 1024, CLUSTER_NODE_NONE = 0xffff, CLUSTER_WHY_MAX = 127 };

struct cluster_node {
    struct redis_node at;
    struct redis *link;       /* NULL: never tried; replaced never, so that its old connection can be ended at the server */
    uint64_t sent, received;  /* tickets, over the link as it is now */
    unsigned slots;           /* it has by the topology */
    bool written;             /* since WAIT was asked last */
    int64_t retry_at_ms;      /* it was not reachable: not tried again before that */
    enum redis_err err;       /* and why */
    char why[CLUSTER_WHY_MAX + 1];
};

/* A command on its way. */
struct cluster_ticket {
    size_t at, size;          /* its bytes, in `bytes` */
    unsigned slot, node;
    bool fixed;               /* stays where it was sent, whatever is said */
    bool asking;              /* behind ASKING */
    bool writes;
    bool waits;               /* it asks about what was written; not to be believed when that was led elsewhere meanwhile: */
    bool astray;
    bool joins;               /* the next ticket: one question to several nodes, of whose replies the smallest counts */
    uint64_t order;           /* its number over its node's link */
    enum redis_err err;       /* not REDIS_OK: it was never sent, and why */
    struct reply reply;       /* when it came before its turn */
    bool answered;
    enum redis_err said;      /* the reply's class */
    unsigned hops;
    int64_t deadline_ms;      /* of following it */
};

struct cluster {
    struct cluster_node *nodes; /* the seeds first; only ever more. Under the lock where they move, for redis_interrupt */
    unsigned count;
    unsigned ask;             /* the node to ask next about the topology */
    uint16_t owner[REDIS_SLOTS];
    int64_t refreshed_ms;
    bool open;                /* there is a topology, and no connection was lost since */
    unsigned home, home_node; /* slot and node; REDIS_SLOT_NONE, CLUSTER_NODE_NONE: none */
    unsigned last;            /* the node of the reply given out last */
    bool moving;              /* something was led elsewhere while more was under way */
    bool waited;              /* WAIT was asked: the next write begins another account of what is written */
    struct reply least;       /* of the replies so far to a question to several nodes */
    bool demoted;             /* given up once the replies under way are read */

    struct cluster_ticket *tickets; /* a ring */
    size_t head, waiting, capacity;
    char *bytes;              /* of the tickets, as they go over the wire */
    size_t bytes_used, bytes_capacity;
};

/* --- redis_topology.c --- */

struct cluster *cluster_new(const struct redis_url *url);
/* The place of a node in the table, where it is put if it is not there; CLUSTER_NODE_NONE when there are too many. */
unsigned cluster_node_at(struct redis *redis, const struct redis_node *at);
/* Asks one node after the other which slots are whose, until one says so, for at most connect_timeout_ms. */
enum redis_err cluster_refresh(struct redis *redis);
/* The same, but not again within 200 ms. */
void cluster_refresh_soon(struct redis *redis);
/* Asks this one, over a connection of its own, for at most timeout_ms to connect and as much to answer. */
enum redis_err cluster_ask(struct redis *redis, unsigned node, int timeout_ms);
/* "MOVED 3999 10.0.0.1:6379" (or ASK; no host: that of `from`) -> slot and address. False: it is neither. */
bool cluster_parse_moved(const char *text, const struct redis_node *from, unsigned *slot, struct redis_node *to);
int64_t cluster_now_ms(void);

/* --- redis_link.c --- */

/* Makes sure that there is a connection to the node: REDIS_OK, REDIS_AWAY or REDIS_REFUSED with `why` in the node; REDIS_LOST when
 * interrupted. One that was just found unreachable is tried again only if the caller is patient. */
enum redis_err cluster_link(struct redis *redis, unsigned node, bool patient);
void cluster_drop(struct redis *redis);  /* all of them, and the tickets */
void cluster_close(struct redis *redis);
/* After a failure of a node's link that leaves open what became of its commands. */
enum redis_err cluster_lose(struct redis *redis, unsigned node, enum redis_err err);
/* Of the home; NULL when there is none, or no connection to it. */
struct redis *cluster_home(const struct redis *redis);
void cluster_interrupt(struct redis *redis); /* under the lock */
void cluster_set_timeout(struct redis *redis, int timeout_ms);
enum redis_err cluster_verify(struct redis *redis);
void cluster_review(struct redis *redis);
bool cluster_answers(struct redis *redis, unsigned slot, int timeout_ms);
enum redis_err cluster_reach_home(struct redis *redis);
/* The topology, and the home where there is one. */
enum redis_err cluster_connect(struct redis *redis);
/* What redis_where tells of. */
const struct redis_node *cluster_at(const struct cluster *c);

/* --- redis_route.c: the commands --- */

void cluster_append(struct redis *redis, struct command *c, unsigned slot);
void cluster_append_fixed(struct redis *redis, struct command *c, unsigned node);
enum redis_err cluster_flush(struct redis *redis);
enum redis_err cluster_next(struct redis *redis, struct reply *reply);
void cluster_forget_tickets(struct cluster *c);

#endif
