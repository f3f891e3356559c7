/* Counters, and how Prometheus wants them. */
#include "worker/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "schema/code.h"
#include "worker/durable.h"
#include "worker/lane_apply.h"
#include "worker/spans.h"

#define RELAXED memory_order_relaxed

const uint32_t metrics_bound_us[METRICS_BOUNDS] = {100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                                   50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void metrics_init(struct metrics *m, unsigned partitions, const struct gate *gate, const struct durable *durable,
                  const struct spans *spans) {
    *m = (struct metrics){gate, durable, spans, partitions, calloc(partitions, sizeof *m->lanes)};
    assert(m->lanes && "out of memory");
}

void metrics_clear(struct metrics *m) {
    free(m->lanes);
    m->lanes = NULL;
}

/* --- counting --- */

static void add(_Atomic uint64_t *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, RELAXED); }

void metrics_observe(struct metrics_histogram *h, uint64_t us) {
    unsigned n = 0;
    while (n < METRICS_BOUNDS && us > metrics_bound_us[n]) n++;
    add(&h->count[n], 1);
    add(&h->sum_us, us);
}

void metrics_note_batch(struct metrics_lane *lane, const struct entry *entries, uint32_t count, uint64_t took_us) {
    if (!lane) return;
    uint64_t now_us = lane_wall_us();
    metrics_observe(&lane->apply, took_us);
    add(&lane->applied, count);
    for (uint32_t n = 0; n < count; n++) {
        uint64_t since_us = entries[n].id.ms * 1000;
        metrics_observe(&lane->waiting, now_us > since_us ? now_us - since_us : 0);
        if (entries[n].door == CODE_dead) add(&lane->dead, 1);
    }
}

void metrics_note_answers(struct metrics_lane *lane, struct reply told) {
    if (!lane || reply_count(told) == 0) return;
    add(&lane->answered_again, (uint64_t)reply_integer(reply_at(told, 0)));
    for (size_t n = 1; n + 1 < reply_count(told); n += 2) {
        size_t code = (size_t)reply_integer(reply_at(told, n));
        if (code < METRICS_CODES) add(&lane->answered[code], (uint64_t)reply_integer(reply_at(told, n + 1)));
    }
}

void metrics_note_served(struct metrics_lane *lane, bool loss) {
    if (!lane) return;
    atomic_store_explicit(&lane->owned, true, RELAXED);
    atomic_store_explicit(&lane->loss, loss, RELAXED);
}

void metrics_note_take_over(struct metrics_lane *lane, uint64_t recovered) {
    if (!lane) return;
    add(&lane->takeovers, 1);
    add(&lane->recovered, recovered);
}

void metrics_note_end(struct metrics_lane *lane, bool fenced) {
    if (!lane) return;
    atomic_store_explicit(&lane->owned, false, RELAXED);
    atomic_store_explicit(&lane->loss, false, RELAXED);
    add(&lane->fenced, fenced);
}

/* --- telling --- */

void metrics_print_head(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_counter(const struct metrics *m, FILE *out, const char *name, const char *help, size_t offset) {
    metrics_print_head(out, name, "counter", help);
    for (unsigned p = 0; p < m->partitions; p++) {
        const _Atomic uint64_t *counter = (const _Atomic uint64_t *)(const void *)((const char *)&m->lanes[p] + offset);
        fprintf(out, "%s{partition=\"%u\"} %" PRIu64 "\n", name, p, atomic_load_explicit(counter, RELAXED));
    }
}

static void print_flag(const struct metrics *m, FILE *out, const char *name, const char *help, size_t offset) {
    metrics_print_head(out, name, "gauge", help);
    for (unsigned p = 0; p < m->partitions; p++) {
        const atomic_bool *flag = (const atomic_bool *)(const void *)((const char *)&m->lanes[p] + offset);
        fprintf(out, "%s{partition=\"%u\"} %d\n", name, p, atomic_load_explicit(flag, RELAXED));
    }
}

void metrics_print_histogram(FILE *out, const char *name, const char *help, const struct metrics_histogram *first, unsigned count,
                             size_t stride) {
    uint64_t total = 0, sum_us = 0;
    metrics_print_head(out, name, "histogram", help);
    for (unsigned n = 0; n <= METRICS_BOUNDS; n++) {
        for (unsigned i = 0; i < count; i++) {
            const struct metrics_histogram *h = (const void *)((const char *)first + i * stride);
            total += atomic_load_explicit(&h->count[n], RELAXED);
            if (n == 0) sum_us += atomic_load_explicit(&h->sum_us, RELAXED);
        }
        if (n < METRICS_BOUNDS) fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, metrics_bound_us[n] / 1e6, total);
    }
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %" PRIu64 "\n", name, total, name, (double)sum_us / 1e6, name,
            total);
}

static void print_errors(const struct metrics *m, FILE *out) {
    static const char name[] = "till_redis_errors_total";
    metrics_print_head(out, name, "counter", "Failures of Redis, by what they mean for what to do next.");
    for (int err = REDIS_OK + 1; err < REDIS_ERR_COUNT; err++)
        fprintf(out, "%s{class=\"%s\"} %" PRIu64 "\n", name, redis_err_word((enum redis_err)err),
                atomic_load_explicit(&m->gate->failures[err], RELAXED));
}

static void print_answers(const struct metrics *m, FILE *out) {
    static const int codes[] = {
#define X(number, word, class, sentence) (number),
#include "schema/code.def"
#undef X
    };
    static const char name[] = "till_answers_total";
    metrics_print_head(out, name, "counter", "Answers given, by what became of the intent.");
    for (size_t n = 0; n < sizeof codes / sizeof *codes; n++) {
        uint64_t total = 0;
        if (codes[n] < 0 || codes[n] >= METRICS_CODES) continue; /* a producer's own, which nobody is answered with */
        for (unsigned p = 0; p < m->partitions; p++) total += atomic_load_explicit(&m->lanes[p].answered[codes[n]], RELAXED);
        fprintf(out, "%s{code=\"%s\"} %" PRIu64 "\n", name, code_word(codes[n]), total);
    }
}

/* Of all partitions together: who wants to know of one looks at its age. */
static void print_histogram(const struct metrics *m, FILE *out, const char *name, const char *help, size_t offset) {
    const struct metrics_histogram *first = (const void *)((const char *)m->lanes + offset);
    metrics_print_histogram(out, name, help, first, m->partitions, sizeof *m->lanes);
}

#define FIELD(member) offsetof(struct metrics_lane, member)

void metrics_print(const struct metrics *m, FILE *out) {
    print_flag(m, out, "till_partition_served", "1 when this worker serves the partition.", FIELD(owned));
    print_flag(m, out, "till_loss_suspected", "1 when the partition is halted because Redis came back with less.", FIELD(loss));
    print_counter(m, out, "till_intents_applied_total", "Entries applied.", FIELD(applied));
    print_counter(m, out, "till_takeovers_total", "Partitions taken, and taken again after trouble.", FIELD(takeovers));
    print_counter(m, out, "till_recovered_total", "Entries found pending when a partition was taken.", FIELD(recovered));
    print_counter(m, out, "till_fenced_total", "Partitions lost to another worker.", FIELD(fenced));
    print_counter(m, out, "till_dead_total", "Entries given up.", FIELD(dead));
    print_answers(m, out);
    print_counter(m, out, "till_answers_replayed_total", "Answers that repeat an earlier one.", FIELD(answered_again));
    print_histogram(m, out, "till_apply_seconds", "Script calls, from sending to reply.", FIELD(apply));
    print_histogram(m, out, "till_intent_seconds", "Intents, from being enqueued to being applied.", FIELD(waiting));
    print_errors(m, out);
    durable_print(m->durable, out);
    spans_print(m->spans, out);
}
