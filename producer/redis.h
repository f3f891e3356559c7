/* The seam to hiredis: one blocking connection, pipelined commands, replies read in place. Nothing of hiredis leaks through.
 * A connection belongs to one thread at a time; only redis_interrupt may be called from another.
 *
 *     redis_open -> { redis_append ... redis_append, redis_next ... redis_next }* -> redis_close
 *
 * First error wins: once a connection is lost (or was garbled) every call returns REDIS_LOST until redis_reopen. Error *replies* do not
 * harm the connection, but for two: that of a server that is no master any more (REDIS_DEMOTED), and NOAUTH. It is left then, once what is
 * under way is read. A broken connection never raises SIGPIPE in its user; signals do not end a wait.
 */
#ifndef PRODUCER_REDIS_H
#define PRODUCER_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/command.h"
#include "producer/redis_password.h"
#include "producer/redis_reply.h"
#include "producer/redis_tls.h"
#include "producer/redis_url.h"
#include "schema/script.h"

/* What a failure means for what to do next: REDIS_OK, then LOST, BUSY, AWAY, HELD, DEMOTED, MOVED, REFUSED, GARBLED, NOSCRIPT, NOGROUP,
 * FENCED, BROKEN, told in redis_error.def, where the one table from error replies to classes is too. */
enum redis_err {
    REDIS_OK = 0,
#define REDIS_CLASS(name, word, policy, first_ms, last_ms, advice) REDIS_##name,
#include "producer/redis_error.def"
#undef REDIS_CLASS
};
enum { REDIS_ERR_COUNT = REDIS_BROKEN + 1 }; /* REDIS_OK included: for counters */

/* What to do about a class: open the connection again, the same once more on it, ask where to connect and then open it, load the scripts,
 * create the group, let a person look (trying on, slowly), let go of the partition, apply the entry alone. */
enum redis_policy {
    REDIS_POLICY_NONE,
    REDIS_POLICY_RECONNECT,
    REDIS_POLICY_AGAIN,
    REDIS_POLICY_REROUTE,
    REDIS_POLICY_RELOAD,
    REDIS_POLICY_REBUILD,
    REDIS_POLICY_STOP,
    REDIS_POLICY_END,
    REDIS_POLICY_ALONE
};

struct redis_class {
    const char *word; /* "lost", "busy", ...: for logs, and the label of the counter */
    enum redis_policy policy;
    int first_ms, last_ms; /* the wait before the first try, and the longest */
    const char *advice;    /* what to do next, in a sentence for people; "" for REDIS_OK */
};
const struct redis_class *redis_err_class(enum redis_err err);
const char *redis_err_word(enum redis_err err);
const char *redis_err_advice(enum redis_err err);
/* Whether it may be over by itself after a while: RECONNECT, AGAIN, REROUTE. */
bool redis_err_heals(enum redis_err err);
/* How long to wait after so many failures in a row (1: the first): twice as long each time, within the class's bounds. Without jitter. */
int redis_err_wait_ms(enum redis_err err, unsigned failures);
/* The class of an error reply's text, e.g. "OOM command not allowed ...". Pure. */
enum redis_err redis_classify(const char *text, size_t size);

enum { REDIS_FAULT_MAX = 511 };

struct redis_options {
    struct redis_url url;
    int connect_timeout_ms;
    int timeout_ms; /* of a reply; must exceed any BLOCK */
    bool functions; /* scripts that are functions too may be called as such */
    char sentinel_user[64], sentinel_password[REDIS_PASSWORD_SIZE]; /* of the sentinels, "": none wanted; the url's are the master's */
    /* "": none. Else the password of the url, and the sentinels', is the file's first line as it is when a connection is made; one that
     * cannot be read leaves the password as it was. */
    char password_file[256], sentinel_password_file[256];
    struct redis_tls tls;    /* for an url that asks for it */
    const char *client_name; /* CLIENT SETNAME, at most 127 bytes; NULL: none. Borrowed during open */
    char fault[REDIS_FAULT_MAX + 1]; /* for redis_options_of_config only: where it says what is wrong */
};

struct redis;
/* Connects, authenticates, selects the db and sets keepalive. Always gives an object unless out of memory (abort), so that redis_error
 * tells why; without a connection it is lost, whatever the class. Each reply on the way may take connect_timeout_ms too. Fails within
 * twice that (+ what the resolver takes for a name).
 * With a sentinel:// url the sentinels are asked, one after the other, for the master, which is used only if it says itself that it is one
 * (else REDIS_DEMOTED). All of them stay known for ever; the one that helped last is asked first. */
enum redis_err redis_open(struct redis **redis, const struct redis_options *options) __attribute__((warn_unused_result));
/* Asks a sentinel whether the server is still the master: one that froze or was cut off goes on believing it for a while, and what it
 * confirms is lost. In a cluster another node is asked. REDIS_DEMOTED, and the connection is given up, when another is. REDIS_OK when not,
 * when nobody can be asked, and for other urls. Takes as long as it takes to be answered, 300 ms at most. */
enum redis_err redis_verify(struct redis *redis) __attribute__((warn_unused_result));
/* Drops the connection with all replies under way and connects again, as redis_open did: the sentinels are asked anew. What the server may
 * still hold of the connection before is killed there (TCP, if the user may CLIENT KILL), so that a read blocked on it takes nothing. */
enum redis_err redis_reopen(struct redis *redis) __attribute__((warn_unused_result));
void redis_close(struct redis *redis); /* NULL is fine */
bool redis_is_lost(const struct redis *redis);
/* The last failure in words ("OOM command not allowed...", "Connection refused"), valid until the next call; "" when none. */
const char *redis_error(const struct redis *redis);
/* Where the connection goes, or was tried last: "10.0.0.1:6379", or the path of the socket. Valid until the next call. */
const char *redis_where(struct redis *redis);
int64_t redis_client_id(const struct redis *redis); /* CLIENT ID, read at open; 0 when unknown */
/* From another thread, until redis_close begins: the call under way, or the next one (a redis_reopen too), returns REDIS_LOST at once with
 * the text "interrupted", and the connection is lost until redis_reopen. Only the resolver of names is not cut short. */
void redis_interrupt(struct redis *redis);
/* For the replies from now on, also after redis_reopen. Above 0. */
void redis_set_timeout(struct redis *redis, int timeout_ms);

/* --- Redis Cluster (cluster:// urls): one connection object, which connects to every node that something is sent to. ---
 *
 * Commands go to the node of their first key, replies come in the order of the commands, MOVED and ASK are followed within
 * connect_timeout_ms (what cannot be settled in that time is REDIS_BUSY, as TRYAGAIN and CLUSTERDOWN are). A node that cannot be connected
 * to is REDIS_AWAY for each command that would go there, which has not been sent; the other commands are served. A node whose connection
 * is lost loses the whole object (REDIS_LOST), as everywhere. A command has one key, or several of one slot.
 *
 * Commands without a key go to the home, else to any node: whoever means a certain one says so. WAIT and WAITAOF go home too, else to
 * every node that an XADD or a script went to since the last ones, and the smallest reply counts; REDIS_BUSY when what they are about was
 * led elsewhere meanwhile. Elsewhere than in a cluster all of this is about the one server. */

/* From now on, redis_reopen included, this is about the node that has `key`: redis_where, redis_client_id, redis_is_lost, redis_verify and
 * commands without a key. Connects there. Should the key move, that is REDIS_DEMOTED: begin anew. Cheap when nothing changes. */
enum redis_err redis_home(struct redis *redis, const char *key, size_t size) __attribute__((warn_unused_result));
/* redis_append of a command that names no key: to the node that has this one. */
void redis_append_for(struct redis *redis, struct command *c, const char *key, size_t size);
/* To this very node; MOVED and ASK are not followed. */
void redis_append_to(struct redis *redis, struct command *c, unsigned node);
/* The first master with slots from *node on (with a home: that one); false behind the last. for (unsigned n = 0; redis_node_next(r, &n);
 * n++). Numbers stay as they are, and mean nothing to another connection. */
bool redis_node_next(const struct redis *redis, unsigned *node);
unsigned redis_node_last(const struct redis *redis); /* which gave the last reply */
unsigned redis_node_of(const struct redis *redis, const char *key, size_t size); /* which has a key, by what is known */
const char *redis_node_where(struct redis *redis, unsigned node); /* as redis_where; "" when nobody has it */
/* Asks the home anew who has what, for redis_node_of: a master that froze, and was replaced meanwhile, confirms for a moment what is lost
 * with it. Nothing may be under way. Takes as long as redis_verify. */
void redis_node_review(struct redis *redis);
/* Does the node that has `key` answer? Asked over a connection of its own, so that it costs what is under way elsewhere nothing. False:
 * not within timeout_ms to connect and as much to answer, or it did not a moment ago. */
bool redis_node_answers(struct redis *redis, const char *key, size_t size, int timeout_ms);
/* Waits until one of these has something to be read, at its home. NULL and lost ones are passed over. */
bool redis_wait_any(struct redis *const *list, size_t count, int timeout_ms);
bool redis_is_readable(const struct redis *redis); /* without waiting; a lost one is */

/* Queues a command; sent with the next redis_next (or redis_flush). The command may be used again at once. Dropped when lost. */
void redis_append(struct redis *redis, struct command *c);
enum redis_err redis_flush(struct redis *redis) __attribute__((warn_unused_result));
/* Sends what is queued, then waits for the reply to the oldest unanswered command (there must be one). An error reply gives its class, the
 * text in redis_error (its first 1023 bytes) and the reply itself. */
enum redis_err redis_next(struct redis *redis, struct reply *reply) __attribute__((warn_unused_result));
/* Keeps the last reply alive beyond the next redis_next: hands it to the caller, to be given back with reply_release. Nil when there is
 * none. */
struct reply redis_detach(struct redis *redis);
void reply_release(struct reply r); /* only what redis_detach gave, never a part of it; nil is fine */
size_t redis_unanswered(const struct redis *redis); /* commands sent or queued without their reply read; 0 once lost */

/* Append and next, for when nothing else is under way. */
enum redis_err redis_call(struct redis *redis, struct command *c, struct reply *reply) __attribute__((warn_unused_result));
/* Scripts that are a function as well (script->function), for servers that have functions and let us use them (7.0 and later): what a
 * script makes before it begins is made once per server then. Finds out whether this connection may call it at the node that has `key`,
 * and loads it when it is missing. `*why` is REDIS_OK when it is there, else what keeps us from it (redis_error says more), and EVALSHA
 * does the same. Returns an error only when nothing can be asked. A later call may be REDIS_NOSCRIPT, as with EVALSHA: nothing ran; find
 * again. */
enum redis_err redis_function_find(struct redis *redis, const struct script *script, const char *key, size_t size, enum redis_err *why)
    __attribute__((warn_unused_result));
/* Starts "FCALL name nkeys". */
void redis_function_begin(struct command *c, const struct script *script, unsigned keys);
/* Starts "EVALSHA sha nkeys" in `c`; the caller adds keys and arguments. */
void redis_script_begin(struct command *c, const struct script *script, unsigned keys);
/* redis_call that answers NOSCRIPT by SCRIPT LOAD (at the node that said so) and tries again, a few times at most. */
enum redis_err redis_script_call(struct redis *redis, const struct script *script, struct command *c, struct reply *reply)
    __attribute__((warn_unused_result));
/* At the home; without one at every master that is not away. */
enum redis_err redis_script_load(struct redis *redis, const struct script *script) __attribute__((warn_unused_result));

#endif
