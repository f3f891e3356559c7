/* Puts a merchant's shards together. */
#include "producer/cli/repartition_month.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/month.h"
#include "schema/intent.h"

/* Of an old shard and month: it earned something, which its home must count; the home does. */
enum { OWED = 1, COME = 2 };

struct merged_month {
    int month;
    unsigned settled;           /* in so many old shards */
    struct earning_sums *sums;  /* per new partition */
    uint8_t *way;               /* per old partition */
    bool has_fee;
    int64_t basis_points, fee_gross, fee;
};

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) abort();
    return memory;
}

static void drop_months(struct merged *m) {
    for (size_t n = 0; n < m->month_count; n++) {
        free(m->months[n].sums);
        free(m->months[n].way);
    }
    m->month_count = 0;
}

void merged_begin(struct merged *m, unsigned old_partitions, unsigned partitions, unsigned old_home, unsigned home) {
    drop_months(m);
    m->old_partitions = old_partitions;
    m->partitions = partitions;
    m->old_home = old_home;
    m->home = home;
    m->now = 0;
    if (!m->shards) m->shards = allocate(partitions, sizeof *m->shards);
    memset(m->shards, 0, partitions * sizeof *m->shards);
}

void merged_clear(struct merged *m) {
    drop_months(m);
    free(m->months);
    free(m->shards);
    *m = (struct merged){0};
}

unsigned merged_target(const struct merged *m, unsigned partition) {
    unsigned target = partition % m->partitions;
    if (partition == m->old_home) return m->home;
    return target == m->home ? (target + 1) % m->partitions : target;
}

static const char *fault(struct merged *m, const char *text, int month) {
    char name[MONTH_TEXT_SIZE] = "";
    if (month) month_text(month, name);
    snprintf(m->fault, sizeof m->fault, "%s%s%s", name, month ? " " : "", text);
    return m->fault;
}

static bool countable(int64_t amount) { return amount >= -INTENT_AMOUNT_MAX && amount <= INTENT_AMOUNT_MAX; }

const char *merged_add(struct merged *m, unsigned partition, int64_t balance, int64_t held, uint64_t seq) {
    struct merged_shard *shard = &m->shards[merged_target(m, partition)];
    bool fits = earning_add(&shard->balance, balance) && earning_add(&shard->held, held);
    shard->seq += seq;
    shard->used = true;
    return fits && countable(shard->balance) && countable(shard->held) ? NULL
                                                                       : fault(m, "its shards together hold more than can be counted", 0);
}

static struct merged_month *month_of(struct merged *m, int month) {
    for (size_t n = 0; n < m->month_count; n++)
        if (m->months[n].month == month) return &m->months[n];
    if (m->month_count == m->month_capacity) {
        m->month_capacity = m->month_capacity ? 2 * m->month_capacity : 16;
        m->months = realloc(m->months, m->month_capacity * sizeof *m->months);
        if (!m->months) abort();
    }
    struct merged_month *new = &m->months[m->month_count++];
    *new = (struct merged_month){.month = month};
    new->sums = allocate(m->partitions, sizeof *new->sums);
    new->way = allocate(m->old_partitions, sizeof *new->way);
    return new;
}

static const char *take_sums(struct merged *m, unsigned partition, const struct earning_field *f) {
    struct merged_month *month = month_of(m, f->month);
    struct earning_sums *sums = &month->sums[merged_target(m, partition)];
    bool fits = earning_add_sums(sums, &f->sums);
    month->settled += f->settled;
    if (f->settled && (f->sums.gross || f->sums.refunds)) month->way[partition] |= OWED;
    return fits && countable(sums->gross) && countable(sums->refunds) && countable(sums->other)
               ? NULL
               : fault(m, "moved more in its shards together than can be counted", f->month);
}

static const char *take_fee(struct merged *m, const struct earning_field *f) {
    struct merged_month *month = month_of(m, f->month);
    const char *list = f->partitions;
    unsigned partition;
    month->has_fee = true;
    month->basis_points = f->basis_points;
    month->fee_gross = f->fee_gross;
    month->fee = f->fee;
    while (earning_next_partition(&list, m->old_partitions, &partition)) {
        if (partition == UINT32_MAX) return fault(m, "has a fee that is malformed", f->month);
        month->way[partition] |= COME;
    }
    return NULL;
}

bool merged_is_field(const char *name) {
    return strcmp(name, "earning") == 0 || strncmp(name, "month:", 6) == 0 || strncmp(name, "fee:", 4) == 0;
}

const char *merged_field(struct merged *m, unsigned partition, const char *name, const char *text) {
    struct earning_field f;
    if (!earning_read(name, text, &f)) return fault(m, "its months are malformed", 0);
    if (f.kind == EARNING_FEE) return take_fee(m, &f);
    if (f.kind != EARNING_SUMS) return NULL;
    if (strcmp(name, "earning") == 0 && f.month > m->now) m->now = f.month;
    return take_sums(m, partition, &f);
}

static const char *check(struct merged *m, const struct merged_month *month) {
    if (month->settled == 0) return month->has_fee ? fault(m, "has a fee, but is not settled", month->month) : NULL;
    if (month->settled < m->old_partitions) return fault(m, "is settled in some partitions only", month->month);
    for (unsigned p = 0; p < m->old_partitions; p++)
        if (month->way[p] == OWED) return fault(m, "is settled, but has not come home yet", month->month);
    return month->has_fee ? NULL : fault(m, "is settled, but has no fee", month->month);
}

static int by_month(const void *a, const void *b) {
    const struct merged_month *x = a, *y = b;
    return (x->month > y->month) - (x->month < y->month);
}

const char *merged_finish(struct merged *m) {
    const char *wrong = NULL;
    if (m->month_count) qsort(m->months, m->month_count, sizeof *m->months, by_month);
    for (size_t n = 0; n < m->month_count && !wrong; n++) wrong = check(m, &m->months[n]);
    return wrong;
}

/* The month that runs lies in `earning`, those before only where there is something to say. */
static bool write_sums(const struct merged *m, const struct merged_month *month, unsigned partition, struct merged_text *out) {
    const struct earning_sums *sums = &month->sums[partition];
    char name[MONTH_TEXT_SIZE];
    bool now = month->month == m->now && !month->settled;
    month_text(month->month, name);
    if (!now && !month->settled && !sums->gross && !sums->refunds && !sums->other) return false;
    snprintf(out->name, sizeof out->name, "%s%s", now ? "earning" : "month:", now ? "" : name);
    snprintf(out->text, sizeof out->text, "%s%s%lld %lld %lld%s", now ? name : "", now ? " " : "", (long long)sums->gross,
             (long long)sums->refunds, (long long)sums->other, month->settled ? " settled" : "");
    out->list = false;
    return true;
}

static bool write_fee(const struct merged *m, const struct merged_month *month, unsigned partition, struct merged_text *out) {
    if (!month->has_fee || partition != m->home) return false;
    memcpy(out->name, "fee:", 5);
    month_text(month->month, out->name + 4);
    snprintf(out->text, sizeof out->text, "%lld %lld %lld ", (long long)month->basis_points, (long long)month->fee_gross,
             (long long)month->fee);
    out->list = true;
    return true;
}

bool merged_text_at(const struct merged *m, unsigned partition, size_t n, struct merged_text *out) {
    for (size_t at = 0; at < m->month_count; at++) {
        if (write_sums(m, &m->months[at], partition, out) && n-- == 0) return true;
        if (write_fee(m, &m->months[at], partition, out) && n-- == 0) return true;
    }
    return false;
}
