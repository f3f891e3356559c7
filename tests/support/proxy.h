/* A proxy in front of a Redis that makes the faults of a network: a process of its own, told what to do at any time. It dies with the
 * thread that started it.
 *
 *     proxy_start -> { proxy_rule | proxy_at | proxy_trips ... }* -> proxy_stop
 *
 * A *round trip* begins when a connection sends while it waits for no reply: a pipeline is one. They are counted over all connections, so
 * "at the n-th round trip" means anything that a process says to Redis. From a shell: build-asan/tests/till-fault-proxy --help. */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* RULE(name, word, what happens to every connection while it stands) */
#define PROXY_RULES(RULE) \
    RULE(PASS, "pass", "bytes go through") \
    RULE(DROP, "drop", "bytes are taken and thrown away, both ways") \
    RULE(HALF_OPEN, "half-open", "nothing is taken or given; connections stay open, new ones are not served") \
    RULE(LOSE_REPLIES, "lose-replies", "requests go through, replies are thrown away") \
    RULE(REFUSE, "refuse", "connections are closed, new ones at once") \
    RULE(DELAY, "delay", "every piece waits `argument` ms, each way") \
    RULE(RESET, "reset", "every piece breaks its connection (RST) with a chance of `argument` in 1000") \
    RULE(CUT_REPLIES, "cut-replies", "a connection is closed after `argument` bytes of replies, counted from now") \
    RULE(CUT_REQUESTS, "cut-requests", "a connection is closed after `argument` bytes of requests, counted from now")

/* What to do, once, at a round trip. AFTER: the server has got the whole request, and the reply is never seen. */
#define PROXY_ACTS(ACT) \
    ACT(CUT_BEFORE, "cut-before", "the connection is closed, the request does not arrive") \
    ACT(CUT_AFTER, "cut-after", "the request arrives, the connection is closed instead of the reply") \
    ACT(KILL_BEFORE, "kill-before", "SIGKILL for the process, the request does not arrive") \
    ACT(KILL_AFTER, "kill-after", "the request arrives, SIGKILL for the process instead of the reply")

#define PROXY_ENUM(name, word, text) PROXY_##name,
enum proxy_rule { PROXY_RULES(PROXY_ENUM) };
enum proxy_act { PROXY_NOTHING, PROXY_ACTS(PROXY_ENUM) };

/* What the two processes share. Counters only grow. */
struct proxy_shared {
    int rule, act;
    uint64_t argument;
    uint64_t at_trip; /* of `act`; it happens when `trips` reaches it */
    pid_t victim;
    uint64_t since;   /* changes with every rule, so that CUT_* count from then */
    uint64_t trips, connections, broken, lost_bytes, acted;
};

struct proxy {
    char socket[108]; /* where it listens */
    char url[120];    /* unix:SOCKET */
    pid_t pid;
    int wake;         /* to its process */
    struct proxy_shared *shared;
};

/* Where it listens and where Redis is: a unix socket's path, or PORT (of 127.0.0.1). */
struct proxy_ends {
    const char *listen, *server;
};

/* Starts one before the server on this socket, itself on SOCKET.proxy; it listens when this returns. Failures of the machine abort. */
void proxy_start(struct proxy *proxy, const char *server_socket);
/* All zeros is fine. */
void proxy_stop(struct proxy *proxy);
/* Every other rule ends. `argument` is 0 for those that have none. */
void proxy_rule(struct proxy *proxy, enum proxy_rule rule, uint64_t argument);
/* At the n-th round trip from now (1: the next one). `victim`: of KILL_*. */
void proxy_at(struct proxy *proxy, enum proxy_act act, uint64_t trip, pid_t victim);
/* Whether the last proxy_at has happened. */
bool proxy_acted(const struct proxy *proxy);
uint64_t proxy_trips(const struct proxy *proxy);

/* --- the proxy itself --- */

/* Listens; the descriptor, or -1 with errno. */
int proxy_listen(const char *where);
/* Serves until it is killed or `wake`'s other end is closed. `listener` is of proxy_listen. */
void proxy_serve(struct proxy_shared *shared, int listener, const char *server, int wake);
/* The shared page of a proxy that is about to be started. */
struct proxy_shared *proxy_share(void);
/* These change it; proxy_rule and proxy_at use them, and then wake the process. */
void proxy_set_rule(struct proxy_shared *shared, enum proxy_rule rule, uint64_t argument);
void proxy_set_act(struct proxy_shared *shared, enum proxy_act act, uint64_t trip, pid_t victim);

#endif
