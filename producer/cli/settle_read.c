/* What the records of a merchant's shards say: every month's gross, refunds and other, and the fee at its home. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/pages.h"
#include "producer/cli/settle.h"

enum { PAGE = 1000, ASKED_AT_ONCE = 1024 };

/* A month of a merchant, over its shards. */
struct month {
    int number;
    struct earning_sums sums;
    bool has_fee; /* below: what the home says */
    int64_t basis_points, fee_gross, fee;
};

/* The merchant at hand. */
struct shards {
    struct settle *s;
    struct statement *t;
    struct month *months; /* in order */
    size_t count, capacity;
    unsigned home;
    bool *known;  /* by partition: there is a shard */
    bool *tells;  /* it is settled, and has something to tell its home */
    bool *listed; /* the home has heard of it */
};

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void index_names(struct settle *s, size_t size) {
    size_t count = 0;
    free(s->names);
    s->count = 0;
    for (size_t at = 0; at < size; at += strlen(s->text + at) + 1) count++;
    s->names = malloc((count + 1) * sizeof *s->names);
    if (!s->names) abort();
    count = 0;
    for (size_t at = 0; at < size; at += strlen(s->text + at) + 1) s->names[count++] = s->text + at;
    qsort(s->names, count, sizeof *s->names, by_text);
    for (size_t n = 0; n < count; n++) /* SSCAN may give a member more than once */
        if (n == 0 || strcmp(s->names[n], s->names[n - 1]) != 0) s->names[s->count++] = s->names[n];
}

static void add_name(struct settle *s, const char *name, size_t *size, size_t *capacity) {
    size_t more = strlen(name) + 1;
    if (intent_set_text(&s->scratch, FIELD_account, name, more - 1)) {
        settle_fault(s, "'%.80s' is among the merchants, but no account has such a name", name);
        return;
    }
    while (*size + more > *capacity) {
        *capacity = *capacity ? 2 * *capacity : 4096;
        s->text = realloc(s->text, *capacity);
        if (!s->text) abort();
    }
    memcpy(s->text + *size, name, more);
    *size += more;
}

/* Adds the names of one page that are not known yet. */
static void take_names(struct settle *s, struct reply names, size_t *size, size_t *capacity) {
    size_t count = reply_count(names), before = *size;
    bool *known = calloc(count + 1, sizeof *known);
    if (!known) abort();
    for (size_t n = 0; n < count; n++) known[n] = settle_find(s, reply_text(reply_at(names, n), NULL)) < s->count;
    for (size_t n = 0; n < count; n++)
        if (!known[n]) add_name(s, reply_text(reply_at(names, n), NULL), size, capacity);
    if (s->names && *size > before) index_names(s, *size);
    free(known);
}

/* All that any partition knows: one that was opened while a partition was not served is not known there yet. */
int settle_names(struct settle *s, const char *only) {
    size_t size = 0, capacity = 0;
    int code = CLI_OK;
    if (only) add_name(s, only, &size, &capacity);
    for (unsigned p = 0; !only && !code && p < s->c->book.partitions; p++) {
        struct pages pages;
        struct reply names;
        keys_buffer key;
        bool more = true;
        keys_merchants(key, &s->c->book, p);
        pages_members(&pages, s->c, "listing the merchants", key, PAGE);
        while (!(code = pages_next(&pages, &names, &more)) && more) take_names(s, names, &size, &capacity);
        pages_end(&pages);
        if (!code && !s->names) index_names(s, size);
    }
    if (!code && !s->names) index_names(s, size);
    return code;
}

size_t settle_find(const struct settle *s, const char *name) {
    char **found = s->count ? bsearch(&name, s->names, s->count, sizeof *s->names, by_text) : NULL;
    return found ? (size_t)(found - s->names) : s->count;
}

int settle_policies(struct settle *s) {
    unsigned count = s->c->book.partitions;
    s->partitions = calloc(count, sizeof *s->partitions);
    if (!s->partitions) abort();
    for (unsigned p = 0; p < count; p++) {
        keys_buffer key;
        command_begin(&s->c->command, "HMGET");
        command_copy(&s->c->command, key, keys_meta(key, &s->c->book, p));
        command_word(&s->c->command, "policy:settlement_offset");
        command_word(&s->c->command, "policy:fee");
        redis_append(s->c->redis, &s->c->command);
    }
    for (unsigned p = 0; p < count; p++) {
        struct reply meta;
        struct settle_partition *rules = &s->partitions[p];
        int code = connect_next(s->c, "reading the book's rules", &meta);
        if (code) return code;
        rules->offset = (unsigned)reply_integer(reply_at(meta, 0)) % 1440;
        rules->fee = (unsigned)reply_integer(reply_at(meta, 1));
        rules->begin_ms = month_begins(s->month, rules->offset);
        rules->end_ms = month_begins(s->month + 1, rules->offset);
    }
    return CLI_OK;
}

/* The month's place in the list, which it gets if it has none. */
static struct month *month_of(struct shards *m, int number) {
    size_t n = m->count;
    while (n > 0 && m->months[n - 1].number > number) n--;
    if (n > 0 && m->months[n - 1].number == number) return &m->months[n - 1];
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 64;
        m->months = realloc(m->months, m->capacity * sizeof *m->months);
        if (!m->months) abort();
    }
    memmove(&m->months[n + 1], &m->months[n], (m->count++ - n) * sizeof *m->months);
    m->months[n] = (struct month){.number = number};
    return &m->months[n];
}

/* A month's sums: false when they cannot be counted. */
static bool take_sums(struct shards *m, unsigned partition, const struct earning_field *f) {
    bool empty = !f->sums.gross && !f->sums.refunds && !f->sums.other;
    if (!f->settled && !empty && f->month < m->s->month && (!m->t->earlier || f->month < m->t->earlier)) m->t->earlier = f->month;
    if (f->settled && f->month == m->s->month) {
        m->t->settled++;
        m->tells[partition] = f->sums.gross || f->sums.refunds;
    }
    return earning_add_sums(&month_of(m, f->month)->sums, &f->sums);
}

static bool take_fee(struct shards *m, const struct earning_field *f) {
    struct month *month = month_of(m, f->month);
    const char *list = f->partitions;
    unsigned partition;
    month->has_fee = true;
    month->basis_points = f->basis_points;
    month->fee_gross = f->fee_gross;
    month->fee = f->fee;
    while (earning_next_partition(&list, m->s->c->book.partitions, &partition)) {
        if (partition == UINT32_MAX) return false;
        if (f->month == m->s->month) m->listed[partition] = true;
    }
    return true;
}

static bool take_field(struct shards *m, unsigned partition, const char *name, const char *text) {
    struct earning_field f;
    if (!earning_read(name, text, &f)) return false;
    if (f.kind == EARNING_NONE || f.month > m->s->month) return true;
    return f.kind == EARNING_SUMS ? take_sums(m, partition, &f) : partition != m->home || take_fee(m, &f);
}

static bool *open_of(struct shards *m, unsigned partition) {
    return &m->s->open[(size_t)(m->t - m->s->batch) * m->s->c->book.partitions + partition];
}

static void take_shard(struct shards *m, unsigned partition, struct reply hash) {
    struct statement *t = m->t;
    const char *currency = "", *kind = "";
    for (size_t n = 0; n + 1 < reply_count(hash); n += 2) {
        if (reply_is(reply_at(hash, n), "kind")) kind = reply_text(reply_at(hash, n + 1), NULL);
        if (reply_is(reply_at(hash, n), "currency")) currency = reply_text(reply_at(hash, n + 1), NULL);
    }
    if (strcmp(kind, "merchant") != 0) return;
    if (intent_set_text(&m->s->scratch, FIELD_currency, currency, strlen(currency))) {
        settle_fault(m->s, "%s: partition %u: its currency is '%.20s'", t->name, partition, currency);
        return;
    }
    unsigned settled = t->settled;
    t->shards++;
    snprintf(t->currency, sizeof t->currency, "%s", currency);
    for (size_t n = 0; n + 1 < reply_count(hash); n += 2) {
        const char *field = reply_text(reply_at(hash, n), NULL), *text = reply_text(reply_at(hash, n + 1), NULL);
        if (!take_field(m, partition, field, text))
            settle_fault(m->s, "%s: partition %u: %s '%.80s' is malformed; `till audit` says more", t->name, partition, field, text);
    }
    m->known[partition] = true;
    *open_of(m, partition) = t->settled == settled;
}

/* The fee of a month: as its home took it, or will take it on all that is known. */
static int64_t fee_of(const struct shards *m, const struct month *month) {
    unsigned basis_points = month->has_fee ? (unsigned)month->basis_points : m->s->partitions[m->home].fee;
    if (month->has_fee && month->fee_gross == month->sums.gross) return month->fee;
    return earning_fee_on(month->sums.gross, basis_points);
}

/* Opening is what all months before left. */
static void sum_up(struct shards *m) {
    struct statement *t = m->t;
    bool fits = true;
    for (size_t n = 0; n < m->count; n++) {
        const struct month *month = &m->months[n];
        int64_t fee = fee_of(m, month), net = month->sums.gross - month->sums.refunds - fee;
        if (month->number < m->s->month) {
            fits = fits && earning_add(&t->opening, net) && earning_add(&t->opening, month->sums.other);
            continue;
        }
        t->sums = month->sums;
        t->fee = fee;
        t->net = net;
    }
    t->closing = t->opening;
    fits = fits && earning_add(&t->closing, t->net) && earning_add(&t->closing, t->sums.other);
    if (!fits) settle_fault(m->s, "%s: its months together pass what can be counted", t->name);
    for (unsigned p = 0; p < m->s->c->book.partitions; p++) {
        t->awaited += m->tells[p] && !m->listed[p];
        if (t->shards && !m->known[p]) *open_of(m, p) = true; /* it will be known there before it is settled */
    }
}

static void begin(struct shards *m, const char *name, struct statement *t) {
    const struct book *book = &m->s->c->book;
    *t = (struct statement){.name = name};
    m->t = t;
    m->count = 0;
    m->home = keys_partition(book, name, strlen(name));
    memset(m->listed, 0, book->partitions * sizeof *m->listed);
    memset(m->tells, 0, book->partitions * sizeof *m->tells);
    memset(m->known, 0, book->partitions * sizeof *m->known);
    memset(&m->s->open[(size_t)(t - m->s->batch) * book->partitions], 0, book->partitions * sizeof *m->s->open);
}

static void ask(struct settle *s, const char *name, unsigned partition) {
    keys_buffer key;
    command_begin(&s->c->command, "HGETALL");
    command_copy(&s->c->command, key, keys_account(key, &s->c->book, partition, name));
    redis_append(s->c->redis, &s->c->command);
}

int settle_read(struct settle *s, size_t first, size_t count) {
    unsigned partitions = s->c->book.partitions;
    struct shards m = {.s = s, .listed = calloc(partitions, sizeof *m.listed), .tells = calloc(partitions, sizeof *m.tells)};
    m.known = calloc(partitions, sizeof *m.known);
    size_t all = count * partitions, asked = 0;
    int code = CLI_OK;
    if (!m.listed || !m.tells || !m.known) abort();
    for (size_t n = 0; !code && n < all; n++) {
        struct reply hash;
        unsigned partition = (unsigned)(n % partitions);
        for (size_t last = n == asked ? n + ASKED_AT_ONCE : 0; asked < last && asked < all; asked++)
            ask(s, s->names[first + asked / partitions], (unsigned)(asked % partitions));
        if (partition == 0) begin(&m, s->names[first + n / partitions], &s->batch[n / partitions]);
        if ((code = connect_next(s->c, "reading the merchants", &hash))) break;
        take_shard(&m, partition, hash);
        if (partition + 1 == partitions) sum_up(&m);
    }
    free(m.months);
    free(m.listed);
    free(m.tells);
    free(m.known);
    return code;
}
