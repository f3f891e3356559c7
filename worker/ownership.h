/* Which partitions this worker serves: it heartbeats, takes its fair share of what is free, hands back what is over. One thread (main's),
 * one control connection. Decides where work is done, never what. */
#ifndef WORKER_OWNERSHIP_H
#define WORKER_OWNERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"
#include "worker/archiver.h"
#include "worker/lane.h"

struct ownership {
    const struct lane_shared *shared;
    struct door door;           /* copied into each lane, with its partition */
    struct redis_options control; /* as the lanes', but impatient */
    struct redis *redis;        /* control connection */
    struct archiver *archiver;  /* told of what is taken and given back; NULL: there is none */
    struct lane **lanes;        /* one place per partition, NULL: not ours */
    struct mark *marks;         /* highest seen acknowledged, kept between ownerships */
    unsigned first;             /* where this worker starts looking, so that workers do not race for the same partitions */
    unsigned live_workers, rank; /* this worker's place among them, by name */
    int64_t created_ms;         /* when the book was created: tells it from another of the same name */
    uint64_t verified_at_ms;
    bool no_pttl;               /* Redis does not let us ask how long a lease lasts: the rights of earlier releases */
    bool doubtful;              /* Redis may have come back with less: what was seen of the partitions of others is to be looked for */
    uint64_t connected_at_ms;
    char where[300];            /* where the control connection went last */
    struct ownership_place { char where[64]; } *places; /* per partition: likewise, in a cluster */
    uint64_t beat_at_ms, looked_at_ms;
    uint64_t retry_at_ms, away_at_ms, failures_before; /* while Redis is away */
    unsigned tries;
    bool away;                  /* Redis did not answer last time */
    enum redis_err away_as;     /* and that is what the log says why */
    bool quiet;                 /* holds nothing and takes nothing, but beats */
    bool refused;               /* the book has another number of partitions than it had, or is being given one */
};

void ownership_init(struct ownership *o, const struct lane_shared *shared, const struct door *door);
/* Connects and creates the book, or checks that it was created with as many partitions. NULL, or why it cannot be; *err tells the class. */
const char *ownership_open_book(struct ownership *o, enum redis_err *err);
/* One turn, to be called a few times a second: joins ended lanes, heartbeats, takes, hands back. Never fails; Redis being away is reported
 * once. */
void ownership_turn(struct ownership *o);
/* Quiet: what it holds is handed back once the batch at hand is done, nothing is taken, and the others share all partitions among them; it
 * goes on beating. Or not any more. Takes effect with the next turn. */
void ownership_quiet(struct ownership *o, bool quiet);
/* Says goodbye, stops all lanes, waits for them until `deadline_ms` (lane_now_ms clock; only a moment when Redis does not answer), then
 * drops their connections and waits a moment more. Frees everything. False when a lane is still stuck in a connect: nothing is freed then,
 * and the process should just end. */
bool ownership_close(struct ownership *o, uint64_t deadline_ms);
/* A lease of a wrong type concerns its partition only, and so does a node of a cluster that is not there or has no slot just now. */
bool ownership_concerns_one(const struct ownership *o, enum redis_err err);

#endif
