/* The seam to hiredis: one blocking connection, pipelined commands, replies read in place. Nothing of hiredis leaks through.
 * A connection belongs to one thread at a time; only redis_interrupt may be called from another.
 *
 *     redis_open -> { redis_append ... redis_append, redis_next ... redis_next }* -> redis_close
 *
 * First error wins: once a connection is lost every call returns REDIS_LOST until redis_reopen. Error *replies* do not harm the connection.
 */
#ifndef PRODUCER_REDIS_H
#define PRODUCER_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/command.h"
#include "producer/redis_url.h"
#include "schema/script.h"

/* What a failure means for what to do next. One table in redis_error.c, tested from canned RESP text. */
enum redis_err {
    REDIS_OK = 0,
    REDIS_LOST,     /* connection gone or timed out: back off, reconnect, read back what is pending; never resend blindly */
    REDIS_BUSY,     /* LOADING BUSY OOM READONLY TRYAGAIN CLUSTERDOWN MASTERDOWN MISCONF NOREPLICAS UNBLOCKED: back off, try again */
    REDIS_MOVED,    /* MOVED ASK: follow */
    REDIS_REFUSED,  /* NOPERM NOAUTH WRONGPASS WRONGTYPE and unknown ERR: stop, a person must look; never counts as an attempt */
    REDIS_GARBLED,  /* a reply of a shape that cannot be: stop */
    REDIS_NOSCRIPT, /* load the script and send once more: it did not run */
    REDIS_NOGROUP,  /* the stream or its group is gone */
    REDIS_FENCED,   /* our scripts: another worker owns the partition now */
    REDIS_BROKEN,   /* our scripts: one entry cannot be applied; nothing was written. Text "BROKEN INDEX KEY REASON" */
};
const char *redis_err_word(enum redis_err err); /* "lost", "busy", ... for logs and metrics */
/* The class of an error reply's text, e.g. "OOM command not allowed ...". Pure. */
enum redis_err redis_classify(const char *text, size_t size);

struct redis_options {
    struct redis_url url;
    int connect_timeout_ms;
    int timeout_ms; /* of a reply; must exceed any BLOCK */
    const char *client_name; /* CLIENT SETNAME; NULL: none. Borrowed during open */
};

struct redis;
/* Connects, authenticates, selects the db and sets keepalive. Always gives an object unless out of memory (abort), so that redis_error tells why. Fails
 * within connect_timeout_ms (+ timeout_ms for AUTH). */
enum redis_err redis_open(struct redis **redis, const struct redis_options *options) __attribute__((warn_unused_result));
/* Drops the connection with all replies under way and connects again, as redis_open did. */
enum redis_err redis_reopen(struct redis *redis) __attribute__((warn_unused_result));
void redis_close(struct redis *redis); /* NULL is fine */
bool redis_is_lost(const struct redis *redis);
/* The last failure in words ("OOM command not allowed...", "Connection refused"), valid until the next call; "" when none. */
const char *redis_error(const struct redis *redis);
int64_t redis_client_id(const struct redis *redis); /* CLIENT ID, read at open; 0 when unknown */
/* From another thread: the call under way and all later ones return REDIS_LOST at once. */
void redis_interrupt(struct redis *redis);
void redis_set_timeout(struct redis *redis, int timeout_ms);

/* A reply, or a part of one. Valid until the next redis_next/redis_call/redis_reopen/redis_close on its connection: the connection
 * owns the last reply it gave out. Shapes are checked: asking a reply for what it is not gives 0, "" or a nil reply, never a crash. */
struct reply { const void *node; };
enum reply_type { REPLY_NIL, REPLY_TEXT, REPLY_INTEGER, REPLY_ARRAY, REPLY_ERROR };
enum reply_type reply_type(struct reply r);
size_t reply_count(struct reply r); /* elements of an array */
struct reply reply_at(struct reply r, size_t index);
const char *reply_text(struct reply r, size_t *size); /* NUL-terminated; size may be NULL. Text, status and error */
bool reply_is(struct reply r, const char *text);
int64_t reply_integer(struct reply r); /* an integer, or text that is one */

/* Queues a command; sent with the next redis_next (or redis_flush). */
void redis_append(struct redis *redis, struct command *c);
enum redis_err redis_flush(struct redis *redis) __attribute__((warn_unused_result));
/* The reply to the oldest unanswered command. An error reply gives its class and the text in redis_error. */
enum redis_err redis_next(struct redis *redis, struct reply *reply) __attribute__((warn_unused_result));
/* Keeps the last reply alive beyond the next redis_next: hands it to the caller, to be given back with reply_release. */
struct reply redis_detach(struct redis *redis);
void reply_release(struct reply r);
/* Bytes queued or received but not yet read: true when redis_next would not wait. Used to poll. */
size_t redis_unanswered(const struct redis *redis); /* commands sent or queued without their reply read */

/* Append and next, for when nothing else is under way. */
enum redis_err redis_call(struct redis *redis, struct command *c, struct reply *reply) __attribute__((warn_unused_result));
/* Starts "EVALSHA sha nkeys" in `c`; the caller adds keys and arguments. */
void redis_script_begin(struct command *c, const struct script *script, unsigned keys);
/* redis_call that answers NOSCRIPT by SCRIPT LOAD and one more try. */
enum redis_err redis_script_call(struct redis *redis, const struct script *script, struct command *c, struct reply *reply) __attribute__((warn_unused_result));
enum redis_err redis_script_load(struct redis *redis, const struct script *script) __attribute__((warn_unused_result));

#endif
