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

enum stage { STAGE_OPEN, STAGE_RUSH, STAGE_STEADY, STAGE_END };

struct play {
    struct plan *plan;
    const char *url;
    uint32_t rush, steady;   /* how many of the day at full speed; and after them, at `rate` a second */
    unsigned rate, window;   /* window: most unanswered ones at full speed */
    int victim;              /* process to be killed in the middle of the day; 0: none */
    struct measure_pids redis, workers;
    double (*redis_cpu_us)(void *context); /* so far; NULL: that of the processes in `redis` */
    void *context;
    struct till *till, *reads; /* the sender's handle and the reader's; NULL: opened at `url`. `till` is closed by the caller */
    /* progress, read by the screen */
    _Atomic enum stage stage;
    atomic_uint sent, answered;
    atomic_uint strange;     /* answers that belong to no intent, or to one that has its answer */
    atomic_bool stopping;
    _Atomic int64_t last_answer_ns;
    /* results */
    int64_t rush_began_ns, rush_ended_ns, steady_began_ns, steady_ended_ns, killed_ns;
    double rush_redis_us, rush_workers_us, rush_own_us; /* CPU of the rush */
    double rush_till_us;     /* of rush_own_us: what libtill took. The rest is making intents up and judging answers */
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
