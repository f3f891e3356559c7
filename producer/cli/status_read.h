/* How a book stands: its workers and its partitions, read in two round trips. */
#ifndef CLI_STATUS_READ_H
#define CLI_STATUS_READ_H

#include "producer/cli/connect.h"

enum { STATUS_OWNER_MAX = 100, STATUS_HALTED_MAX = 200, STATUS_PAUSED_MAX = 420, STATUS_AWAY_MAX = 160 };

struct status_partition {
    char away[STATUS_AWAY_MAX]; /* why its node of a cluster cannot be reached, so that nothing else is known; "" it can */
    char owner[STATUS_OWNER_MAX]; /* "" none */
    uint64_t epoch;
    bool knows_undelivered; /* Redis can tell (7.0 and later, and nothing was deleted) */
    uint64_t undelivered, pending, dead, added, read, bills, unanswered;
    uint64_t oldest_ms;             /* time of the oldest intent that waits, 0 none */
    char halted[STATUS_HALTED_MAX]; /* what was lost; "" not halted */
    bool replaying;                 /* `till replay` rebuilds it */
    uint64_t paused_ms;             /* since when an operator has paused it; 0 not */
    char paused[STATUS_PAUSED_MAX]; /* by whom, and why: "joe@host: the bank asked us to" */
    char last_delivered[44];
};

struct status_worker {
    char name[STATUS_OWNER_MAX];
    uint64_t seen_ms;
    unsigned partitions;
    bool quiet; /* takes none */
};

struct book_status {
    uint64_t now_ms; /* of the server */
    struct status_partition *partitions;
    unsigned partition_count;
    struct status_worker *workers;
    size_t worker_count;
    bool knows_workers;
    char server[40]; /* version */
    unsigned replicas;      /* that follow the master which has fewest */
    unsigned replica_lag_s; /* of the slowest of all */
};

/* Reads everything, or partly what can be reached; status_clear in any case. CLI_OK or the exit code, said. */
int status_read(struct connection *c, struct book_status *status) __attribute__((warn_unused_result));
void status_clear(struct book_status *status);

#endif
