/* The lines of `till top`: what the book does, its workers, its partitions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/json_out.h"
#include "producer/cli/table.h"
#include "producer/cli/top.h"
#include "producer/cli/when.h"

static const char *const sort_words[TOP_SORT_COUNT] = {"partition", "waiting", "oldest", "rate", "dead"};

const char *top_sort_word(enum top_sort sort) { return sort_words[sort]; }

/* A partition as a row: where it stands by what the rows are sorted by. */
struct row {
    unsigned partition;
    uint64_t weight;
};

/* Per second between the looks; false: there was one only. */
static bool rate(const struct top *t, uint64_t before, uint64_t now, uint64_t *per_s) {
    uint64_t spent_ms = t->now.now_ms - t->before.now_ms;
    if (!t->before.partitions || t->now.now_ms <= t->before.now_ms) return false;
    *per_s = now > before ? (now - before) * 1000 / spent_ms : 0;
    return true;
}

static uint64_t weigh(const struct top *t, unsigned partition) {
    const struct status_partition *p = &t->now.partitions[partition];
    uint64_t per_s = 0;
    switch (t->sort) {
    case TOP_BY_PARTITION: return 0;
    case TOP_BY_WAITING: return p->undelivered + p->pending;
    case TOP_BY_OLDEST: return p->oldest_ms ? status_age_ms(&t->now, p->oldest_ms) + 1 : 0;
    case TOP_BY_RATE: return rate(t, t->before.partitions ? t->before.partitions[partition].read : 0, p->read, &per_s) ? per_s : 0;
    case TOP_BY_DEAD: return p->dead;
    case TOP_SORT_COUNT: break;
    }
    return 0;
}

static int compare(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return x->partition < y->partition ? -1 : x->partition > y->partition;
}

static struct row *sorted(const struct top *t) {
    struct row *rows = calloc(t->now.partition_count + 1, sizeof *rows);
    if (!rows) abort();
    for (unsigned p = 0; p < t->now.partition_count; p++) rows[p] = (struct row){p, weigh(t, p)};
    qsort(rows, t->now.partition_count, sizeof *rows, compare);
    return rows;
}

static void add_rate(struct table *table, const struct top *t, uint64_t before, uint64_t now) {
    uint64_t per_s = 0;
    bool known = rate(t, before, now, &per_s);
    table_add_number(table, known, (int64_t)per_s);
}

static void add_partition(struct table *table, const struct top *t, unsigned n) {
    const struct status_partition none = {0}, *p = &t->now.partitions[n], *b = t->before.partitions ? &t->before.partitions[n] : &none;
    char oldest[WHEN_AGE_SIZE], state[STATUS_STATE_MAX];
    when_age(status_age_ms(&t->now, p->oldest_ms), oldest);
    status_partition_state(p, state);
    table_add_number(table, true, n);
    table_add(table, p->owner[0] ? p->owner : "-");
    add_rate(table, t, b->added, p->added);
    add_rate(table, t, b->read, p->read);
    if (p->knows_undelivered) table_add_number(table, true, (int64_t)p->undelivered);
    else table_add(table, "?");
    table_add_number(table, true, (int64_t)p->pending);
    table_add(table, p->oldest_ms ? oldest : "");
    table_add_number(table, true, (int64_t)p->unanswered);
    table_add_number(table, true, (int64_t)p->dead);
    table_add(table, state);
}

static void print_partitions(const struct top *t, FILE *out) {
    static const struct table_column columns[] = {{"PARTITION", true}, {"OWNER", false},     {"IN/S", true}, {"OUT/S", true},
                                                  {"WAITING", true},   {"PENDING", true},    {"OLDEST", true}, {"UNANSWERED", true},
                                                  {"DEAD", true},      {"STATE", false},     {NULL, false}};
    struct table table;
    struct row *rows = sorted(t);
    table_init(&table, columns);
    table.out = out;
    for (unsigned n = 0; n < t->now.partition_count; n++) add_partition(&table, t, rows[n].partition);
    table_flush(&table);
    table_clear(&table);
    free(rows);
}

static void add_worker(struct table *table, const struct top *t, const struct status_worker *w) {
    uint64_t before = 0, now = 0;
    char seen[WHEN_AGE_SIZE];
    for (unsigned p = 0; p < t->now.partition_count; p++) {
        if (strcmp(t->now.partitions[p].owner, w->name) != 0) continue;
        before += t->before.partitions ? t->before.partitions[p].read : 0;
        now += t->now.partitions[p].read;
    }
    when_age(status_age_ms(&t->now, w->seen_ms), seen);
    table_add(table, w->name);
    table_add(table, seen);
    table_add_number(table, true, w->partitions);
    add_rate(table, t, before, now);
    table_add(table, status_worker_state(&t->c, &t->now, w));
}

static void print_workers(const struct top *t, FILE *out) {
    static const struct table_column columns[] = {{"WORKER", false}, {"SEEN", true}, {"PARTITIONS", true}, {"OUT/S", true},
                                                  {"STATE", false},  {NULL, false}};
    struct table table;
    table_init(&table, columns);
    table.out = out;
    for (size_t n = 0; n < t->now.worker_count; n++) add_worker(&table, t, &t->now.workers[n]);
    table_flush(&table);
    table_clear(&table);
}

static void print_totals(const struct top *t, FILE *out) {
    struct status_totals totals = {0};
    char oldest[WHEN_AGE_SIZE], time[WHEN_TEXT_SIZE];
    status_sum(&t->c, &t->now, &totals);
    if (t->before.partitions) status_rate(&t->before, &t->now, &totals);
    when_age(status_age_ms(&t->now, totals.oldest_ms), oldest);
    when_format(t->now.now_ms, time);
    fprintf(out, "book %s, %u partitions, Redis %s at %s; %.19s%s\n", t->c.book.name, t->now.partition_count, t->now.server, t->c.shown,
            time, t->paused ? "; view stands still" : "");
    fprintf(out, "workers %u alive; partitions %u of %u served, %u paused, %u halted; dead %" PRIu64 "\n", totals.live, totals.owned,
            t->now.partition_count, totals.paused, totals.halted, totals.dead);
    fprintf(out, "in %" PRIu64 "/s, out %" PRIu64 "/s; waiting %s%" PRIu64 ", pending %" PRIu64 ", oldest %s; unanswered %" PRIu64 "\n",
            totals.added_per_s, totals.read_per_s, totals.knows_undelivered ? "" : ">=", totals.undelivered, totals.pending,
            totals.oldest_ms ? oldest : "-", totals.unanswered);
    if (t->latency.count)
        fprintf(out, "answered in %" PRIu64 " ms, 99 %% in %" PRIu64 " ms, longest %" PRIu64 " ms (of the last %" PRIu64 ")\n\n",
                t->latency.median_ms, t->latency.high_ms, t->latency.longest_ms, t->latency.count);
    else fputs("no answers just now\n\n", out);
}

void top_frame_print(const struct top *t, FILE *out) {
    print_totals(t, out);
    print_workers(t, out);
    fputc('\n', out);
    print_partitions(t, out);
}

void top_frame_json(const struct top *t) {
    struct status_totals totals = {0};
    json_t *object = json_out_object();
    status_sum(&t->c, &t->now, &totals);
    if (t->before.partitions) status_rate(&t->before, &t->now, &totals);
    json_out_text(object, "book", t->c.book.name);
    json_out_number(object, "at", (int64_t)t->now.now_ms);
    json_out_optional(object, "in_per_s", totals.rated, (int64_t)totals.added_per_s);
    json_out_optional(object, "out_per_s", totals.rated, (int64_t)totals.read_per_s);
    json_out_optional(object, "waiting", totals.knows_undelivered, (int64_t)totals.undelivered);
    json_out_number(object, "pending", (int64_t)totals.pending);
    json_out_optional(object, "oldest_ms", totals.oldest_ms != 0, (int64_t)status_age_ms(&t->now, totals.oldest_ms));
    json_out_number(object, "unanswered", (int64_t)totals.unanswered);
    json_out_number(object, "dead", (int64_t)totals.dead);
    json_out_number(object, "workers", totals.live);
    json_out_number(object, "served", totals.owned);
    json_out_number(object, "answers", (int64_t)t->latency.count);
    json_out_optional(object, "median_ms", t->latency.count != 0, (int64_t)t->latency.median_ms);
    json_out_optional(object, "high_ms", t->latency.count != 0, (int64_t)t->latency.high_ms);
    json_out_optional(object, "longest_ms", t->latency.count != 0, (int64_t)t->latency.longest_ms);
    json_out(object);
}
