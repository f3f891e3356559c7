/* `till chaos`, piece by piece: a book of its own on the user's Redis, workers of its own, traffic, and the faults that a client can make.
 *
 *     refuse a book that is there -> start workers -> open accounts -> { send, read answers, break something }
 *       -> mend everything -> wait until all is answered -> audit -> verdict -> stop the workers, delete the book
 *
 * Only keys of that book and connections of those workers are touched; SCRIPT FLUSH alone is felt by others, who load theirs again. */
#ifndef CLI_CHAOS_H
#define CLI_CHAOS_H

#include "producer/cli/own_book.h"

/* FAULT(name, what was done, for the verdict) */
#define CHAOS_FAULTS(FAULT) \
    FAULT(KILL, "workers killed (SIGKILL)") \
    FAULT(FREEZE, "workers frozen past their lease") \
    FAULT(END, "workers ended (SIGTERM)") \
    FAULT(CUT, "times the workers' connections killed") \
    FAULT(FLUSH, "times the scripts flushed") \
    FAULT(REPEAT, "bursts of intents sent again") \
    FAULT(PAUSE, "pauses of the sender")
#define CHAOS_ENUM(name, text) CHAOS_##name,
enum chaos_fault { CHAOS_FAULTS(CHAOS_ENUM) CHAOS_FAULT_COUNT };

enum { CHAOS_WORKERS_MAX = OWN_BOOK_WORKERS_MAX, CHAOS_PARTITIONS = 8, CHAOS_LEASE_MS = 1000, CHAOS_NAME_MAX = 24 };

struct chaos_worker {
    pid_t pid;           /* 0: not there */
    bool frozen, ending; /* SIGSTOPped; told to end */
    int64_t back_ms;     /* when it is started again, or goes on; 0: nothing is to be done */
};

/* An intent, and what is known of it. Its key is its place. */
struct chaos_sent {
    const char *op;
    char account[CHAOS_NAME_MAX], to[CHAOS_NAME_MAX];
    int64_t amount_minor;
    size_t of; /* place of the intent it refers to; 0: none */
    uint64_t expires_ms, at_ms;
    int64_t sent_ms;
    unsigned answers, decided; /* answers in all; those at first hand that decided it */
};

struct chaos {
    const struct cli *cli;
    struct connection c;
    struct till *till;
    struct till_reader *reader;
    uint64_t random;
    struct chaos_worker workers[CHAOS_WORKERS_MAX];
    unsigned worker_count;
    const char *log;     /* the workers' stderr; NULL: nowhere */
    bool may_flush;
    struct chaos_sent *sent; /* the first is none */
    size_t count, capacity, open; /* open: without an answer */
    uint64_t faults[CHAOS_FAULT_COUNT], repeated, unexpected; /* unexpected: workers that ended by themselves, or badly */
    int64_t slowest_ms, pause_until_ms;
};

uint64_t chaos_random(struct chaos *x, uint64_t below);

/* chaos_worker.c: the processes. */
int chaos_worker_start(struct chaos *x, unsigned n) __attribute__((warn_unused_result));
/* Starts again who is due, lets go on who is frozen, notices who has ended. */
int chaos_workers_turn(struct chaos *x, int64_t now_ms) __attribute__((warn_unused_result));
/* Everybody is there and runs. */
int chaos_workers_mend(struct chaos *x) __attribute__((warn_unused_result));
void chaos_workers_stop(struct chaos *x);

/* chaos_fault.c: one at random. CLI_OK or an exit code. */
int chaos_break(struct chaos *x, int64_t now_ms) __attribute__((warn_unused_result));
/* Sends x->c.command over a connection that is there again if it can be. False: Redis does not do it now. */
bool chaos_ask(struct chaos *x, struct reply *reply) __attribute__((warn_unused_result));

/* chaos_play.c: the traffic. Opens the accounts; sends so many intents; some of the last once more; reads the answers that are there. */
int chaos_open_accounts(struct chaos *x) __attribute__((warn_unused_result));
int chaos_send(struct chaos *x, unsigned count) __attribute__((warn_unused_result));
int chaos_repeat(struct chaos *x) __attribute__((warn_unused_result));
int chaos_read(struct chaos *x, int timeout_ms) __attribute__((warn_unused_result));
/* Intents that were decided more than once. */
size_t chaos_doubled(const struct chaos *x);

#endif
