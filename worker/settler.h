/* settlement.auto: once a month is over, the owner of a partition puts on its stream what `till settle` would: one settle for every
 * merchant known there, with keys that are the same whoever sends them, so that sending them twice changes nothing. A few at a time,
 * between batches of payments. Says when, never what: which month is over is decided by the settle's own entry. All merchants are looked
 * through again, soon at first and in the end once a day: one may have been in the backlog of an outage, or its settle was refused. */
#ifndef WORKER_SETTLER_H
#define WORKER_SETTLER_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"

struct lane;

struct settler {
    uint64_t look_at_ms; /* when to go on (lane_now_ms clock); 0: at once */
    uint64_t cursor;     /* of the scan through the merchants */
    uint64_t again_at_ms, again_ms; /* when the next one begins, and how long after one the next */
    bool scanning, refused;
    char month[8];       /* that is being settled, or was */
};

/* Goes on if it is time to, over the lane's side connection. What cannot be read is told of once and tried again; payments go on. */
enum redis_err settler_turn(struct lane *lane) __attribute__((warn_unused_result));

#endif
