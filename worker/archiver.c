/* The archiver's thread. */
#include "worker/archiver.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "worker/archiver_part.h"
#include "worker/lane_apply.h"

enum {
    ROUND_MS = 1000,     /* between two rounds of a partition, but */
    ROUND_MORE_MS = 4,   /* at least so much for each partition of the book */
    TURN_MS = 100,
    RETRY_MS = 500,
    NICE = 5,            /* where cores are short, lanes go first */
    DROP_MS = 300,       /* for the last round of a partition that is handed back */
    CLOSE_MS = 300,      /* when the worker ends, those of all of them are over so long before the deadline */
};

struct archiver {
    struct archiver_options options;
    _Atomic uint64_t *epochs; /* in which each partition is held; 0: it is not */
    struct sources *sources;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool woken; /* under the mutex */
    atomic_bool ending, stop, ended;
    _Atomic uint64_t until_ms; /* of the last rounds, once it is told to stop */
    _Atomic(struct redis *) redis; /* closed by archiver_close only */

    /* the thread's own */
    struct archiver_common common;
    struct archiver_part **parts;
    uint64_t retry_at_ms;
};

static void wake(struct archiver *a) {
    pthread_mutex_lock(&a->mutex);
    a->woken = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

static void wait_turn(struct archiver *a) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TURN_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&a->mutex);
    while (!a->woken && pthread_cond_timedwait(&a->changed, &a->mutex, &until) == 0) {}
    a->woken = false;
    pthread_mutex_unlock(&a->mutex);
}

static void note_failure(struct archiver *a, enum redis_err err) {
    gate_count(a->options.gate, err);
    a->retry_at_ms = lane_now_ms() + RETRY_MS;
}

/* That Redis is away is said by main. */
static bool connect_archiver(struct archiver *a) {
    struct redis *redis = atomic_load(&a->redis);
    if (redis && !redis_is_lost(redis)) return true;
    if (gate_is_shut(a->options.gate)) return false;
    enum redis_err err = redis ? redis_reopen(redis) : redis_open(&redis, &a->options.redis);
    atomic_store(&a->redis, redis);
    a->common.redis = redis;
    if (err) note_failure(a, err);
    return !err;
}

/* What changed hands since the last turn. */
static void take_over(struct archiver *a, unsigned p) {
    uint64_t epoch = atomic_load(&a->epochs[p]);
    struct archiver_part *part = a->parts[p];
    if (part ? part->epoch == epoch : epoch == 0) return;
    archiver_part_free(part, &a->common, lane_now_ms() + DROP_MS);
    a->parts[p] = epoch ? archiver_part_new(p, epoch) : NULL;
}

static enum redis_err trim_part(struct archiver *a, struct archiver_part *part, bool *more) {
    struct trim_view view = {
        .redis = a->common.redis,
        .command = &a->common.command,
        .book = &a->options.book,
        .settings = a->options.settings,
        .sources = &a->sources[part->partition],
        .epoch = part->epoch,
        .archiving = a->options.dir[0] != '\0',
        .intents = part->intents,
        .ledger = part->ledger,
        .archive_fault = part->told ? part->fault : "",
    };
    enum redis_err err = trim_turn(&part->trim, &view, more);
    return err == REDIS_FENCED ? REDIS_OK : err; /* main will hear of it from the lane */
}

/* Everything that is due; true: there is more to do at once. */
static bool turn(struct archiver *a) {
    bool more = false;
    for (unsigned p = 0; p < a->options.book.partitions; p++)
        if (!atomic_load(&a->ending)) take_over(a, p);
    if (lane_now_ms() < a->retry_at_ms || !connect_archiver(a)) return false;
    for (unsigned p = 0; p < a->options.book.partitions && !atomic_load(&a->stop); p++) {
        struct archiver_part *part = a->parts[p];
        if (!part) continue;
        enum redis_err err = a->options.dir[0] ? archiver_part_turn(part, &a->common, &more) : REDIS_OK;
        if (!err) err = trim_part(a, part, &more);
        if (err == REDIS_AWAY) gate_count(a->options.gate, err); /* a node of a cluster; the others are there */
        else if (err) {
            note_failure(a, err);
            return false;
        }
    }
    return more;
}

static void *run(void *argument) {
    struct archiver *a = argument;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone, on Linux */
    while (!atomic_load(&a->stop))
        if (!turn(a)) wait_turn(a);
    for (unsigned p = 0; p < a->options.book.partitions; p++) {
        archiver_part_free(a->parts[p], &a->common, atomic_load(&a->until_ms));
        a->parts[p] = NULL;
    }
    atomic_store(&a->ended, true);
    return NULL;
}

struct archiver *archiver_start(const struct archiver_options *options) {
    struct archiver *a = calloc(1, sizeof *a);
    pthread_condattr_t monotonic;
    assert(a && "out of memory");
    a->options = *options;
    a->epochs = calloc(options->book.partitions, sizeof *a->epochs);
    a->sources = calloc(options->book.partitions, sizeof *a->sources);
    a->parts = calloc(options->book.partitions, sizeof *a->parts);
    assert(a->epochs && a->sources && a->parts && "out of memory");
    uint64_t pause_ms = (uint64_t)ROUND_MORE_MS * options->book.partitions;
    a->common = (struct archiver_common){.book = &a->options.book, .dir = a->options.dir, .options = &a->options.archive,
                                         .pause_ms = pause_ms > ROUND_MS ? pause_ms : ROUND_MS};
    command_init(&a->common.command);
    pthread_mutex_init(&a->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&a->thread, NULL, run, a);
    assert(!failed);
    return a;
}

struct sources *archiver_sources(struct archiver *a) { return a->sources; }

void archiver_hold(struct archiver *a, unsigned partition, uint64_t epoch) {
    if (!a) return;
    atomic_store(&a->epochs[partition], epoch);
    wake(a);
}

void archiver_drop(struct archiver *a, unsigned partition) { archiver_hold(a, partition, 0); }

void archiver_disconnect(struct archiver *a) {
    struct redis *redis = a ? atomic_load(&a->redis) : NULL;
    if (redis) redis_interrupt(redis);
}

void archiver_end(struct archiver *a) {
    if (a) atomic_store(&a->ending, true);
}

static bool wait_for_end(struct archiver *a, uint64_t until_ms) {
    while (!atomic_load(&a->ended) && lane_now_ms() < until_ms) nanosleep(&(struct timespec){0, 2 * 1000000L}, NULL);
    return atomic_load(&a->ended);
}

bool archiver_close(struct archiver *a, uint64_t deadline_ms) {
    if (!a) return true;
    archiver_end(a);
    atomic_store(&a->until_ms, deadline_ms - CLOSE_MS);
    atomic_store(&a->stop, true);
    wake(a);
    struct redis *redis = atomic_load(&a->redis);
    if (!wait_for_end(a, atomic_load(&a->until_ms)) && redis) redis_interrupt(redis); /* it may hang there */
    if (!wait_for_end(a, deadline_ms)) return false;
    pthread_join(a->thread, NULL);
    redis_close(atomic_load(&a->redis));
    command_clear(&a->common.command);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    free(a->parts);
    free(a->sources);
    free(a->epochs);
    free(a);
    return true;
}
