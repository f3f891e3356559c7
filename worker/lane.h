/* A lane: the thread that owns one partition, with its own connection, as one straight blocking loop.
 *
 *     lane_start (the lease is taken already)
 *         |
 *     TAKE OVER  claim everything pending, in ID order, apply and answer it; delete emptied consumers     <--+
 *         |                                                                                                  | back off,
 *        |       (while an operator has paused the partition it waits in front of claiming, and comes back here from serving)
 *     SERVE      read a batch, apply it with the next read right behind it, send follow-ups, answer       ---+ reconnect
 *         |
 *     RELEASE    finish the batch, give the lease back            FENCED: another worker took over; just end
 *
 * Batches are applied strictly in the order they were delivered: after any failure nothing read later is applied first, because the lane
 * goes back to what is pending. It never resends a script blindly: the watermark decides what was applied.
 */
#ifndef WORKER_LANE_H
#define WORKER_LANE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "producer/redis.h"
#include "worker/batch.h"
#include "worker/credentials.h"
#include "worker/door.h"
#include "worker/durable.h"
#include "worker/gate.h"
#include "worker/gather.h"
#include "worker/mark.h"
#include "worker/metrics.h"
#include "worker/outbox.h"
#include "worker/overdue.h"
#include "worker/replaying.h"
#include "worker/settings.h"
#include "worker/settler.h"
#include "worker/sources.h"
#include "worker/spans.h"

/* What all lanes of a worker share; must outlive them. */
struct lane_shared {
    struct redis_options redis;
    struct settings *settings;
    const char *worker; /* name: the consumer and the lease holder */
    unsigned lease_ttl_ms;
    struct gate *gate;    /* all threads' view of whether Redis is there; lanes without a thread need none */
    struct sources *sources; /* one per partition; NULL: nobody wants to know */
    struct metrics *metrics; /* NULL: nobody counts */
    struct durable *durable; /* NULL: nobody wants to know */
    struct spans *spans;  /* NULL: nobody traces */
    atomic_int *applies_by; /* what the log says of how batches are applied; NULL: nobody wants to know */
};

struct lane {
    const struct lane_shared *shared;
    struct door door;
    struct mark mark;           /* read back by the owner after the lane ended */
    struct entry_id taken_at;   /* meta.applied when the lease was taken */
    uint64_t epoch, loss_accepted;
    char epoch_text[24];
    char loss[160];             /* what Redis lost, "" when nothing: halted until accepted */
    bool halted;                /* and meta says so */
    pthread_t thread;
    atomic_bool stop;           /* finish the batch and release */
    atomic_bool ended;
    _Atomic int64_t client_id;  /* of the blocking connection, for CLIENT UNBLOCK */

    /* the lane's own, touched by its thread only */
    _Atomic(struct redis *) redis; /* reads and applies; atomic for lane_abandon's sake, which may only interrupt it */
    _Atomic(struct redis *) side;  /* follow-ups and answers, while a read is waiting on the first; opened when needed */
    _Atomic(struct redis *) durable; /* asks how durable what was applied is; opened when needed */
    struct durable_question question;
    bool function;              /* apply.lua is called as a function, by `redis` */
    struct batch batch;
    struct entry *entries;      /* of the page being worked on, as many as make a batch */
    struct arena texts;         /* what they keep of their intents */
    struct referral *referrals; /* of the batch being applied */
    struct credentials credentials;
    struct metrics_lane *metrics; /* of its partition; NULL: nobody counts */
    struct batch_keep keep;     /* how long bills are kept */
    bool policy_changed;        /* and that may be another now */
    uint32_t entry_count, entry_capacity;
    struct entry *lone;         /* a suspect, with room for as many as there may be in one; when it is needed */
    struct reply page;          /* owns what `entries` borrow */
    struct reply page_entries, page_deliveries;
    uint32_t per_entry;         /* intents in an entry, as it was last; 0: none was read yet */
    uint32_t page_next;         /* those of it that are in `entries`, or were: bulk entries may be more than a batch */
    struct outbox outbox;
    struct overdue overdue;
    struct settler settler;
    struct replaying replaying;
    struct entry_id suspect;    /* the entry that broke a batch: from now on alone, and counted */
    char suspect_reason[DOOR_REASON_MAX];
    bool suspect_responses;     /* what broke is the stream its answer belongs on: it cannot even be told */
    struct entry_id counted;    /* the entry whose lone attempt was counted last */
    uint64_t excused;           /* of its counted attempts: those that Redis refused or that were lost, which are not its fault */
    uint64_t recovered;         /* entries found pending at takeover */
    uint64_t renewed_at_ms;
    bool paused;                /* an operator said so, as the last renewal was told: nothing is applied */
    bool renewed;               /* since it was cleared last: Redis takes writes from us */
    bool reading;               /* an XREADGROUP is under way on `redis` */
    struct gather gather;
    uint64_t took_us;           /* the last call of apply.lua, from sending to reply */
    uint64_t read_at_us, applied_at_us; /* for spans, by the wall clock: when the page came, and the end of that call */
    bool idle;                  /* the last read brought nothing */
    bool behind;                /* what was applied last is not as durable as it must be, and shared->durable counts that */
};

/* Tells shared->sources who sent the entries at hand, and the partition of those it has not heard of yet: before they are answered, so that
 * the stream of their answers is known to whoever trims it, whatever becomes of this worker. */
enum redis_err lane_note_sources(struct lane *lane) __attribute__((warn_unused_result));

/* A partition this worker has just taken: what `lease take` answered. */
struct lane_lease {
    uint64_t epoch, bill, loss_accepted;
    struct entry_id applied;
};

/* A lane without its thread, driven by lane_catch_up on the caller's: for tests and tools that want to see every step. `mark` is the
 * highest this worker has seen of the partition before. Freed by lane_free. */
struct lane *lane_new(const struct lane_shared *shared, const struct door *door, const struct lane_lease *lease, const struct mark *mark);
/* Connects, takes over and serves until a read brings nothing (settings' block_ms is how long that takes). The first failure ends it;
 * calling it again takes over again, as the thread does after backing off. */
enum redis_err lane_catch_up(struct lane *lane) __attribute__((warn_unused_result));
void lane_free(struct lane *lane); /* NULL is fine */

/* Starts the thread. */
struct lane *lane_start(const struct lane_shared *shared, const struct door *door, const struct lane_lease *lease, const struct mark *mark);
/* Asks it to finish and release; returns at once. The owner also unblocks its read by CLIENT UNBLOCK client_id. */
void lane_stop(struct lane *lane);
/* Drops its connections; it opens them again, wherever the master is now. */
void lane_disconnect(struct lane *lane);
/* Both: for when Redis does not answer and time is up. */
void lane_abandon(struct lane *lane);
bool lane_ended(const struct lane *lane);
/* Waits for the thread, gives back its mark, frees it. */
void lane_join(struct lane *lane, struct mark *mark);

#endif
