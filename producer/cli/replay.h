/* Rebuilding a book from its archive, piece by piece; cmd_replay.c puts them together:
 *
 *     look at what is there -> survey the archive -> begin: lanes send nothing from here on
 *       -> { feed, wait until it is applied, compare digests } once or twice
 *       -> hold: nobody serves it -> compare and put back the ledger -> end: whoever comes serves it
 *
 * Everything may be killed anywhere and run again: what was fed and applied is found where it is, in Redis. Each step says on stderr what
 * is wrong, and gives CLI_OK or an exit code. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <sys/types.h>

#include "producer/cli/connect.h"
#include "producer/cli/digest_out.h"
#include "producer/cli/progress.h"
#include "producer/replay_survey.h"

enum { REPLAY_WORKERS_MAX = 64 };

/* Processes of till-worker that belong to the replay: they end with it. */
struct replay_pool {
    pid_t pids[REPLAY_WORKERS_MAX];
    unsigned count, deaths;
    char program[1024];
};

/* Of a partition, beside what the survey knows. */
struct replay_part {
    int lock;               /* of its archive */
    bool replaying;         /* it was before: a replay goes on that was broken off */
    char *marker;           /* what it was begun with then */
    struct entry_id stop;   /* feed up to here in this phase */
    struct entry_id fed;    /* the last entry of the stream */
    uint64_t ever;          /* entries it ever had, when it was looked at */
    uint64_t added;         /* fed by this run */
    bool done;              /* applied and answered, or put aside */
    uint64_t rows, beyond;  /* of the ledger: the same as archived; archived, but not rebuilt */
    bool ledger_differs, restored;
};

struct replay {
    struct cli *cli;
    struct connection c;
    struct replay_survey survey;
    struct replay_part *parts;
    struct replay_pool pool;
    struct digest_record expected;  /* partitions NULL: none */
    const char *expected_file;
    struct progress progress;
    uint64_t fed, left_out, pending_again, findings, answers_differ;
    unsigned compared, left_out_parts;
    bool begun;             /* all partitions say that they are being rebuilt */
    bool careful;           /* entries are handed out one to one, and counted: one of them may have killed a worker */
    int64_t rebuilding_ms, proving_ms; /* spent on it */
};

/* A finding: said, counted, the exit code is 1 in the end. */
void replay_find(struct replay *r, unsigned partition, const char *format, ...) __attribute__((format(printf, 3, 4)));
int replay_archive_failed(const struct replay *r, const struct archive_fault *fault);

/* replay_book.c: the book in Redis. */
int replay_look(struct replay *r) __attribute__((warn_unused_result));  /* before the survey: fills in applied, there, recorded */
int replay_check(struct replay *r) __attribute__((warn_unused_result)); /* after it: do both fit together? */
int replay_begin(struct replay *r) __attribute__((warn_unused_result)); /* again: from now on as `careful` says */
int replay_wait(struct replay *r) __attribute__((warn_unused_result));  /* until everything fed is applied */
int replay_hold(struct replay *r, unsigned partition) __attribute__((warn_unused_result));
int replay_end(struct replay *r, unsigned partition) __attribute__((warn_unused_result));

/* replay_feed.c: up to each partition's stop. */
int replay_feed(struct replay *r) __attribute__((warn_unused_result));

/* replay_ledger.c: the rows rebuilt against those archived; then the archived entries, with their IDs, in their place. */
int replay_ledger_compare(struct replay *r, unsigned partition) __attribute__((warn_unused_result));
int replay_ledger_restore(struct replay *r, unsigned partition) __attribute__((warn_unused_result));

/* replay_pool.c. start: `count` workers on the same configuration. turn: new ones for those that died; CLI_USAGE when none lives. */
int replay_pool_start(struct replay *r, unsigned count) __attribute__((warn_unused_result));
int replay_pool_turn(struct replay *r) __attribute__((warn_unused_result));
void replay_pool_stop(struct replay_pool *pool);

/* replay_again.c: the answers of a source to intents enqueued from `since` on. */
int replay_again(struct cli *cli, const char *source, struct entry_id since) __attribute__((warn_unused_result));

#endif
