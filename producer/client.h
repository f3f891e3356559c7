/* Inside libtill: what a handle is, its connection and its deadlines. Not installed; the commands of producer/cli use it too.
 * Same thread rule as till.h. */
#ifndef PRODUCER_CLIENT_H
#define PRODUCER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"
#include "producer/till.h"
#include "schema/intent.h"
#include "schema/keys.h"

enum { CLIENT_ERROR_SIZE = 320 };

/* What is known of one partition's backlog, and until when it is believed. */
struct client_backlog {
    uint64_t waiting;
    int64_t until_ms;
};

struct till {
    struct redis *redis;         /* NULL: not connected */
    struct redis_options redis_options;
    char client_name[64];
    struct book book;
    unsigned partitions_wanted;  /* 0: as the book says */
    int connect_timeout_ms, timeout_ms;
    uint64_t backlog_max;
    unsigned memory_high_water_percent;
    struct client_backlog *backlog; /* one per partition, allocated once the book is known */
    int64_t memory_until_ms;
    unsigned memory_percent;     /* share of maxmemory in use */
    bool blind_memory, blind_backlog; /* Redis does not let us ask: do not refuse for what we cannot know */
    int socket_timeout_ms;       /* as last set on the connection */
    int64_t socket_set_ms;       /* when */
    struct command command;
    struct intent intent;        /* scratch of encoding */
    uint8_t bytes[INTENT_SIZE_MAX];
    char error[CLIENT_ERROR_SIZE];
};

/* The connection of a handle, or NULL when there is none at the moment; valid until the next call with the handle. */
struct redis *client_redis(struct till *till);
const struct book *client_book(const struct till *till);

/* A monotonic clock for deadlines, and the wall clock for `at`. */
int64_t client_now_ms(void);
uint64_t client_wall_ms(void);

/* Makes sure that there is a connection and that the book is still the one we know. TILL_OK, TILL_READ_FAILED, TILL_INVALID (other
 * number of partitions), TILL_NOT_FOUND (no such book), before the deadline, with till->error set. */
int client_connect(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
/* client_connect again and again with pauses, until it works or the deadline has come; gives up at once on what waiting does not heal. */
int client_reconnect(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
/* Closes the connection, so that nothing late can be taken for the reply to something else. Keeps till->error. */
void client_drop(struct till *till);

/* redis_next, redis_call (of till->command) and redis_flush that give up at the deadline. A lost or garbled connection is dropped; till->error says why. */
enum redis_err client_next(struct till *till, int64_t deadline_ms, struct reply *reply) __attribute__((warn_unused_result));
enum redis_err client_call(struct till *till, int64_t deadline_ms, struct reply *reply) __attribute__((warn_unused_result));
enum redis_err client_flush(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));

/* A failure in words, kept for till_error. */
void client_fail(struct till *till, const char *text);

/* Shows a checked intent as the library's: texts are borrowed from `in`. */
void client_borrow_intent(const struct intent *in, struct till_intent *out);

#endif
