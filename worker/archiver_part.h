/* The archive of one partition while this worker serves it: goes on from what is on the disk, reads what is new in rounds, and is tried
 * again after whatever went wrong. Nobody waits for it: payments go on, and only trimming waits.
 *
 *     closed -> open (lock, check, cut a torn tail) -> { ask, then pages until all that was asked about is read, sync }* -> closed
 *       ^                                                     | disk full, lock lost, corrupt ...: told once, counted, later again
 *       +-----------------------------------------------------+
 *
 * Belongs to the archiver's thread. */
#ifndef WORKER_ARCHIVER_PART_H
#define WORKER_ARCHIVER_PART_H

#include "producer/archive.h"
#include "producer/archive_tail.h"
#include "worker/trim.h"

enum { ARCHIVER_STREAMS = 2, ARCHIVER_FAULT_MAX = 420 };

struct archiver_part {
    unsigned partition;
    uint64_t epoch;              /* in which it is served */
    struct archive archive;
    struct archive_tail tail[ARCHIVER_STREAMS];
    bool open;
    uint64_t ask_at_ms;          /* when to ask for what is new (lane_now_ms clock) */
    struct archive_mark intents, ledger; /* on the disk, as far as is known */
    enum archive_err failing;    /* what went wrong last, and is not over */
    uint64_t failures, failing_since_ms, retry_at_ms, retry_ms;
    bool told;                   /* of that */
    char fault[ARCHIVER_FAULT_MAX + 1]; /* and in words; "" nothing */
    struct trim trim;
};

/* What all parts have in common; borrowed. */
struct archiver_common {
    struct redis *redis;
    struct command command;
    const struct book *book;
    const char *dir;
    const struct archive_options *options;
    uint64_t pause_ms; /* between two rounds of a partition */
};

/* Parts hold what must be aligned: made and freed here. */
struct archiver_part *archiver_part_new(unsigned partition, uint64_t epoch);
/* Opens, asks, reads some, syncs, whatever is due. *more: there is more to read at once. What is wrong with the archive is dealt with here;
 * what is given is what is wrong with Redis. */
enum redis_err archiver_part_turn(struct archiver_part *part, struct archiver_common *common, bool *more)
    __attribute__((warn_unused_result));
/* Reads once more until `until_ms` (0: nothing), syncs if there is time, gives the lock back. */
void archiver_part_free(struct archiver_part *part, struct archiver_common *common, uint64_t until_ms);

#endif
