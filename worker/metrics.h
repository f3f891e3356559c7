/* What a worker counts for its admin endpoint. Each partition has counters of its own, which only its lane changes, without locks or
 * memory; whoever asks sums them up. They outlive lanes, so that nothing starts again from 0 when a partition comes back. */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "worker/door.h"
#include "worker/gate.h"

enum { METRICS_BOUNDS = 16, METRICS_CODES = 32 };
extern const uint32_t metrics_bound_us[METRICS_BOUNDS];

struct metrics_histogram {
    _Atomic uint64_t count[METRICS_BOUNDS + 1]; /* up to each bound, and above all; not cumulative */
    _Atomic uint64_t sum_us;
};

struct metrics_lane {
    atomic_bool owned, loss; /* served by this worker; halted because something was lost */
    _Atomic uint64_t applied, takeovers, recovered, fenced, dead, answered_again;
    _Atomic uint64_t answered[METRICS_CODES]; /* by code */
    struct metrics_histogram apply;   /* of a script call */
    struct metrics_histogram waiting; /* of an intent: from when it was enqueued to when it was applied */
};

struct durable;
struct spans;

struct metrics {
    const struct gate *gate;
    const struct durable *durable;
    const struct spans *spans; /* NULL: none are kept */
    unsigned partitions;
    struct metrics_lane *lanes; /* owned */
};

void metrics_init(struct metrics *metrics, unsigned partitions, const struct gate *gate, const struct durable *durable,
                  const struct spans *spans);
void metrics_clear(struct metrics *metrics);

/* Of a lane; NULL: nobody counts. */
void metrics_note_batch(struct metrics_lane *lane, const struct entry *entries, uint32_t count, uint64_t took_us);
/* As apply.lua and answer.lua tell: how many repeat an earlier answer, then each code that was given and how often. */
void metrics_note_answers(struct metrics_lane *lane, struct reply told);
/* It is this worker's; does it wait because something was lost? */
void metrics_note_served(struct metrics_lane *lane, bool loss);
void metrics_note_take_over(struct metrics_lane *lane, uint64_t recovered);
void metrics_note_end(struct metrics_lane *lane, bool fenced);

/* In the text format of Prometheus: what was counted here. Thread-safe. */
void metrics_print(const struct metrics *metrics, FILE *out);
void metrics_observe(struct metrics_histogram *histogram, uint64_t us);
/* The sum of `count` histograms, the next of which lies `stride` bytes behind the one before. */
void metrics_print_histogram(FILE *out, const char *name, const char *help, const struct metrics_histogram *first, unsigned count,
                             size_t stride);
/* The two lines in front of a metric's samples. */
void metrics_print_head(FILE *out, const char *name, const char *type, const char *help);

#endif
