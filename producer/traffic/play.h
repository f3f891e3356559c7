/* Plays the plan: a sender and a reader, each a thread with a handle of its own, as checkouts do it.
 *
 * Latency counts from the moment an intent was due, not from when the sender got round to it, to the moment its answer was in our
 * hands, on one clock: what waits because something before it waited counts too. */
#ifndef PRODUCER_TRAFFIC_PLAY_H
#define PRODUCER_TRAFFIC_PLAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer/traffic/measure.h"
#include "producer/traffic/plan.h"

enum stage { STAGE_OPEN, STAGE_RUSH, STAGE_UNREAD, STAGE_STEADY, STAGE_END };

/* How what is sent at full speed is answered. */
enum play_way {
    PLAY_PLAIN,       /* one by one, and the answers are read as they come */
    PLAY_UNREAD,      /* they are read once they are all there, which does not count */
    PLAY_BULK,        /* those to intents that share an entry in one, and read as they come */
    PLAY_BULK_UNREAD,
    PLAY_WAYS
};

/* CPU and time of what was done at full speed. */
struct play_took {
    uint32_t count;
    double seconds;          /* from the first enqueue until the last answer was read; of those read late: was written */
    double redis_us, workers_us, own_us;
    double till_us;          /* of own_us: what libtill took. The rest is making intents up and judging answers */
};

struct play {
    struct plan *plan;
    const char *url;
    uint32_t rush, steady;   /* how many of the day at full speed, each way; and after them, at `rate` a second */
    unsigned ways, turns;    /* the first so many ways, in so many turns, so that all meet the same noise and a book of the same size */
    unsigned rate, window;   /* window: most unanswered ones at full speed */
    int victim;              /* process to be killed in the middle of the day; 0: none */
    struct measure_pids redis, workers;
    double (*redis_cpu_us)(void *context); /* so far; NULL: that of the processes in `redis` */
    uint64_t (*waiting)(struct play *play); /* how many entries have no answer; needed with more ways than one */
    void (*after_turn)(struct play *play, enum play_way way, const struct play_took *took); /* all is answered and read. NULL is fine */
    void *context;
    struct till *till, *reads; /* the sender's handle and the reader's; NULL: opened at `url`. `till` is closed by the caller */
    struct till *bulk, *sends; /* the sender's other handle, of the ways that want it; the one it uses just now */
    /* progress, read by the screen */
    _Atomic enum stage stage;
    atomic_uint sent, answered;
    atomic_uint strange;     /* answers that belong to no intent, or to one that has its answer */
    atomic_bool stopping;
    atomic_bool holding, held; /* the reader is not to read; and does not */
    _Atomic int64_t last_answer_ns;
    /* results */
    struct play_took took[PLAY_WAYS];
    int64_t steady_began_ns, steady_ended_ns, killed_ns;
    double sending_us;       /* CPU within till_send; the sender's */
    _Atomic double judging_us; /* CPU of the reader beside reading */
    uint32_t killed_at;      /* intents sent when the victim was killed */
    atomic_bool failed;      /* setting it, from a signal handler too, ends the play early */
    char error[400];         /* why it could not be played to the end; read it when both threads have ended */
    pthread_t reader;
};

/* Connects (waiting for the workers to create the book), plays, and returns when everything is answered, or no answer has come for a
 * minute. False: see error. */
bool play_all(struct play *play);

#endif
