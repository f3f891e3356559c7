/* The Lua that runs inside Redis, flattened from schema/lua/ and embedded by the build, with the SHA1 that EVALSHA wants. */
#ifndef SCHEMA_SCRIPT_H
#define SCHEMA_SCRIPT_H

#include <stddef.h>

enum { SCRIPT_UNPACK_MAX = 4000 }; /* Lua cannot pass on many more values than this in one call */

struct script {
    const char *name;
    const char *body;
    size_t size;
    const char *sha1; /* 40 hex digits */
    /* The same once more as a function of Redis: its name, also that of its library, and the library's text. NULL: it is none. */
    const char *function;
    const char *library;
    size_t library_size;
};

extern const struct script script_apply;     /* a batch of intents, in order: the money moves here and nowhere else */
extern const struct script script_answer;    /* gives the answers that apply kept in `unanswered`, and acknowledges */
extern const struct script script_enqueue;   /* follow-ups into another partition's stream, all or none */
extern const struct script script_overdue;   /* what has fallen due */
extern const struct script script_claim;     /* takes over pending entries, one page in ID order; reports lost ones */
extern const struct script script_suspect;   /* counts the lone attempts at one entry */
extern const struct script script_sweep;     /* deletes consumers that have nothing pending */
extern const struct script script_lease;     /* take, renew, release a partition */
extern const struct script script_heartbeat; /* a worker is alive; who else is */
extern const struct script script_book;      /* creates the book, or says how it was created */
extern const struct script script_requeue;   /* dead entry back into the stream */
extern const struct script script_discard;   /* dead entry put aside with a reason */
extern const struct script script_trim;      /* takes what is old off a stream, never what is still needed */
extern const struct script script_aside;     /* while a book is rebuilt: acknowledges what still owes follow-ups */
extern const struct script script_recall;    /* while a book is rebuilt: pending again what was applied, but not answered */
extern const struct script script_rebuild;   /* begins and ends the rebuilding of a partition */
extern const struct script script_feed;      /* archived intents back into their stream */
extern const struct script script_close;     /* takes a partition out of use, or opens it again */
extern const struct script script_own;       /* which run of till repartition works on a book */
extern const struct script script_move;      /* gives keys their final names */

/* All of them, NULL at the end. */
extern const struct script *const script_all[];

#endif
