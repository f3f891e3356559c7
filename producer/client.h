/* Inside libtill: what a handle is, its connection and its deadlines. Not installed; the commands of producer/cli use it too.
 * Same thread rule as till.h. */
#ifndef PRODUCER_CLIENT_H
#define PRODUCER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/client_question.h"
#include "producer/redis.h"
#include "producer/redis_durable.h"
#include "producer/till.h"
#include "schema/entry.h"
#include "schema/intent.h"
#include "schema/keys.h"
#include "schema/sign.h"
#include "schema/trace.h"

enum { CLIENT_ERROR_SIZE = 320 };

/* What is known of one partition's backlog, and until when it is believed. */
struct client_backlog {
    uint64_t waiting; /* as Redis said */
    uint64_t sent;    /* by us since then */
    unsigned memory_percent; /* in a cluster: of the node that has the partition */
    struct client_belief belief, memory;
    bool asked_ahead; /* the question under way */
};

/* Those under way, in their order. */
struct client_questions {
    struct client_question *list;
    size_t first, count, capacity;
};

struct till {
    struct redis *redis;         /* NULL: not connected */
    struct redis_options redis_options; /* its client_name is ours below */
    char client_name[64];
    struct book book;            /* partitions 0 until it was read */
    unsigned partitions_wanted;  /* 0: as the book says */
    int connect_timeout_ms, timeout_ms;
    uint64_t backlog_max;
    unsigned memory_high_water_percent;
    struct redis_durable durable; /* what is sent must be that safe */
    int durable_timeout_ms;
    unsigned durable_replies;    /* to the question under way */
    struct client_backlog *backlog; /* one per partition, allocated once the book is known */
    struct client_questions questions;
    uint64_t replies;            /* read so far */
    struct client_sources *sources; /* what each source has in them; NULL until one is asked for */
    struct client_belief memory;
    unsigned memory_percent;     /* share of maxmemory in use */
    bool ask_ahead;              /* something asked for in front of the send under way will not be believed for much longer */
    bool blind_memory, blind_backlog; /* Redis does not let us ask: nothing is refused for what we cannot know */
    int64_t verified_ms;         /* when the connection was known last to lead to the master */
    unsigned failures;           /* in a row, since the last that went well */
    int socket_timeout_ms;       /* as last set on the connection */
    struct command command;
    struct intent intent, step;  /* scratch of encoding */
    const uint8_t *sign_with;    /* of `intent`, borrowed; NULL: it is not signed */
    uint8_t sig[SIGN_SIZE];
    char trace[TRACE_SIZE + 1];  /* of `intent`; "": none */
    uint8_t bytes[INTENT_SIZE_MAX];
    bool bulk_wanted, bulk;      /* several intents may share an entry: by the options; and by the book */
    bool bulk_answers;           /* those that do are answered together */
    struct client_belief bulk_belief;
    struct send_bulk *send_bulk; /* for that; NULL until it is used */
    char error[CLIENT_ERROR_SIZE];
};

/* A monotonic clock for deadlines, the wall clock for `at`, and a pause that does not pass the deadline. */
int64_t client_now_ms(void);
uint64_t client_wall_ms(void);
void client_pause(int64_t pause_ms, int64_t deadline_ms);
void client_pause_us(int64_t pause_us, int64_t deadline_ms);
/* How long an XREAD may block so that its reply is there before the deadline and the socket's timeout, though Redis looks at its
 * clock only ten times a second. 0: do not block, look and pause instead. */
int client_block_ms(const struct till *till, int64_t deadline_ms);
/* Whether there is time for another look. Otherwise waits what is left: a reply that comes late would cost the connection. */
bool client_may_look(int64_t deadline_ms);

bool client_book_name_ok(const char *name);

/* Copies a text, cut to what fits. */
void client_copy(char *out, size_t capacity, const char *text);

/* A failure in words, kept for till_error. */
void client_fail(struct till *till, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes sure that there is a connection and that the book is still the one we know. TILL_OK, TILL_READ_FAILED, TILL_NOT_PERMITTED,
 * TILL_INVALID (other number of partitions), TILL_NOT_FOUND (no such book), before the deadline, with till->error set. */
int client_connect(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
/* client_connect again and again with pauses while it is TILL_READ_FAILED, until the deadline has come. */
int client_reconnect(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
/* Closes the connection, so that nothing late can be taken for the reply to something else. Keeps till->error. */
void client_drop(struct till *till);

/* Whether Redis said that it cannot do it now, and has not done it. */
bool client_is_busy(enum redis_err err);
/* After a failure: waits before the next try, longer each time until till->failures is 0 again. False: there is no time for another. */
bool client_back_off(struct till *till, enum redis_err err, int64_t deadline_ms);

/* redis_next, redis_flush and redis_call (of till->command) that give up at the deadline. A lost or garbled connection is dropped;
 * till->error says why. A server that is no master any more is a lost connection too: the next one goes to the master. The answers to
 * questions of the guard (client_question.h) that come first are taken on the way, unless by client_take_next, which reads those. */
enum redis_err client_take_next(struct till *till, int64_t deadline_ms, struct reply *reply) __attribute__((warn_unused_result));
enum redis_err client_next(struct till *till, int64_t deadline_ms, struct reply *reply) __attribute__((warn_unused_result));
enum redis_err client_flush(struct till *till, int64_t deadline_ms) __attribute__((warn_unused_result));
enum redis_err client_call(struct till *till, int64_t deadline_ms, struct reply *reply) __attribute__((warn_unused_result));

/* Runs `read` on a connection, again on a new one when it was lost and after a pause when Redis is busy, until the deadline. TILL_OK, or
 * why not: TILL_READ_FAILED, or what client_connect says. `read` must leave no reply unread unless the connection is lost. */
typedef enum redis_err client_read(struct till *till, int64_t deadline_ms, void *context);
int client_retry(struct till *till, int64_t deadline_ms, client_read *read, void *context) __attribute__((warn_unused_result));

/* Queues XREVRANGE of the last entry, and reads its ID (0-0 for an empty stream). */
void client_last_append(struct till *till, const char *key, size_t size);
enum redis_err client_last_next(struct till *till, int64_t deadline_ms, struct entry_id *last) __attribute__((warn_unused_result));

#endif
