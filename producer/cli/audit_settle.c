/* Settled months on their way home, over all partitions, merchant by merchant.
 *
 *     shard p                              the home's shard
 *     month:M  "... settled"               fee:M  BP GROSS FEE PARTITIONS: p is among them once its month came home
 *     row settle, net to @transit          row swept, net from @transit
 *
 * A month is settled before the home hears of it, and never changes afterwards. So with the shards read first and the home last, what
 * the home counts is settled wherever it is looked at again; what it does not count is on its way: in the pending list of p, or in the
 * home's stream. What came home by the rows is what the months that it counts moved. */
#define uthash_fatal(message) abort()
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "producer/cli/audit.h"
#include "producer/cli/earning.h"
#include "producer/cli/month.h"
#include "schema/ledger.h"

enum { ASKED_AT_ONCE = 1024 };

struct sweep {
    UT_hash_handle hh;
    char name[70];
    unsigned home;
    int64_t moved, wanted;   /* to the home: by rows up to `seq`; by the months it counts, when it was at `home_seq` */
    uint64_t seq, home_seq;
};

/* A settled month of a shard. */
struct part {
    int month;
    unsigned partition;
    int64_t gross, refunds;
    bool counted; /* by the home */
};

/* One that is on its way. */
struct way {
    const struct sweep *sweep;
    int month;
    unsigned partition, currency;
    int64_t gross, refunds;
};

struct audit_sweeps {
    struct sweep *merchants; /* by name */
    struct part *parts;      /* of the merchant at hand, in order */
    size_t part_count, part_capacity;
    struct way *ways;
    size_t way_count, way_capacity;
    char transit_bill[33]; /* of the last row of @transit */
};

static struct audit_sweeps *sweeps_of(struct audit *a) {
    if (!a->sweeps) a->sweeps = calloc(1, sizeof *a->sweeps);
    if (!a->sweeps) abort();
    return a->sweeps;
}

void audit_settle_note(struct audit *a, const char *merchant, int64_t moved, uint64_t seq) {
    struct audit_sweeps *s = sweeps_of(a);
    struct sweep *w;
    HASH_FIND_STR(s->merchants, merchant, w);
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w) abort();
        snprintf(w->name, sizeof w->name, "%s", merchant);
        w->home = keys_partition(&a->c->book, merchant, strlen(merchant));
        HASH_ADD_STR(s->merchants, name, w);
    }
    if (w->home != a->part.partition) return;
    w->moved = moved;
    w->seq = seq;
}

static void take_shard(struct audit_sweeps *s, unsigned partition, struct reply hash) {
    struct earning_field f;
    for (size_t n = 0; n + 1 < reply_count(hash); n += 2) {
        const char *field = reply_text(reply_at(hash, n), NULL), *text = reply_text(reply_at(hash, n + 1), NULL);
        if (!earning_read(field, text, &f) || f.kind != EARNING_SUMS || !f.settled) continue; /* a malformed one was found before */
        s->parts = audit_grow(s->parts, s->part_count, &s->part_capacity, sizeof *s->parts);
        s->parts[s->part_count++] = (struct part){f.month, partition, f.sums.gross, f.sums.refunds, false};
    }
}

static int by_month(const void *a, const void *b) {
    const struct part *x = a, *y = b;
    if (x->month != y->month) return x->month < y->month ? -1 : 1;
    return (x->partition > y->partition) - (x->partition < y->partition);
}

static struct part *find_part(struct audit_sweeps *s, int month, unsigned partition) {
    struct part wanted = {.month = month, .partition = partition};
    return s->part_count ? bsearch(&wanted, s->parts, s->part_count, sizeof *s->parts, by_month) : NULL;
}

/* A month that was not settled when its shard was read: it is now, or the home counts what is not. */
static int ask_again(struct audit *a, const struct sweep *w, int month, unsigned partition, struct part *part) {
    struct reply reply;
    struct earning_field f;
    char field[16] = "month:";
    month_text(month, field + 6);
    command_begin(&a->side.command, "HGET");
    audit_key(&a->side, partition, "account:", w->name);
    command_word(&a->side.command, field);
    int code = connect_call(&a->side, "reading a month again", &reply);
    if (code) return code;
    bool settled = earning_read(field, reply_text(reply, NULL), &f) && f.settled;
    *part = (struct part){month, partition, settled ? f.sums.gross : 0, settled ? f.sums.refunds : 0, true};
    if (!settled)
        audit_find(a, "account %s: the fee of %s counts partition %u, where that month is not settled", w->name, field + 6, partition);
    return CLI_OK;
}

/* One month's fee: what it counts. */
static int take_fee(struct audit *a, struct sweep *w, const struct earning_field *f) {
    const char *list = f->partitions;
    char month[MONTH_TEXT_SIZE];
    unsigned partition;
    int64_t gross = 0;
    month_text(f->month, month);
    while (earning_next_partition(&list, a->c->book.partitions, &partition)) {
        struct part late, *part = partition == UINT32_MAX ? NULL : find_part(a->sweeps, f->month, partition);
        int code = CLI_OK;
        if (partition == UINT32_MAX)
            audit_find(a, "account %s: the fee of %s counts '%.80s', which are no partitions", w->name, month, f->partitions);
        else if (part && part->counted) audit_find(a, "account %s: the fee of %s counts partition %u twice", w->name, month, partition);
        else if (!part) code = ask_again(a, w, f->month, partition, part = &late);
        if (code || partition == UINT32_MAX) return code;
        part->counted = true;
        earning_add(&gross, part->gross);
        if (partition != w->home) earning_add(&w->wanted, part->gross - part->refunds);
    }
    if (gross != f->fee_gross)
        audit_find(a, "account %s: the fee of %s is on %lld, but the months that it counts earned %lld", w->name, month,
                   (long long)f->fee_gross, (long long)gross);
    return CLI_OK;
}

/* What the home does not count, though it is settled. */
static void note_ways(struct audit *a, const struct sweep *w, unsigned currency) {
    struct audit_sweeps *s = a->sweeps;
    for (size_t n = 0; n < s->part_count; n++) {
        const struct part *part = &s->parts[n];
        char month[MONTH_TEXT_SIZE];
        month_text(part->month, month);
        if (part->counted || (!part->gross && !part->refunds)) continue;
        if (part->partition == w->home) {
            audit_find(a, "account %s: %s is settled, but its home took no fee on it", w->name, month);
            continue;
        }
        a->sweeping++;
        a->flying[currency] += part->gross - part->refunds;
        s->ways = audit_grow(s->ways, s->way_count, &s->way_capacity, sizeof *s->ways);
        s->ways[s->way_count++] = (struct way){w, part->month, part->partition, currency, part->gross, part->refunds};
    }
}

static int take_home(struct audit *a, struct sweep *w, struct reply hash) {
    struct audit_sweeps *s = a->sweeps;
    struct earning_field f;
    int code = CLI_OK;
    a->part.partition = w->home;
    if (s->part_count) qsort(s->parts, s->part_count, sizeof *s->parts, by_month);
    w->home_seq = (uint64_t)reply_integer(audit_group_field(hash, "seq"));
    for (size_t n = 0; !code && n + 1 < reply_count(hash); n += 2)
        if (earning_read(reply_text(reply_at(hash, n), NULL), reply_text(reply_at(hash, n + 1), NULL), &f) && f.kind == EARNING_FEE)
            code = take_fee(a, w, &f);
    note_ways(a, w, audit_currency(a, reply_text(audit_group_field(hash, "currency"), NULL)));
    s->part_count = 0;
    return code;
}

static bool in_range(const struct audit *a, const struct sweep *w) { return w->home >= a->first && w->home <= a->last; }

/* Everything of one merchant: all shards, then the home once more. */
static int read_merchant(struct audit *a, struct sweep *w) {
    unsigned partitions = a->c->book.partitions, asked = 0;
    for (unsigned n = 0; n <= partitions; n++) {
        struct reply hash;
        for (; asked <= partitions && asked - n < ASKED_AT_ONCE; asked++) {
            command_begin(&a->c->command, "HGETALL");
            audit_key(a->c, asked < partitions ? asked : w->home, "account:", w->name);
            redis_append(a->c->redis, &a->c->command);
        }
        int code = connect_next(a->c, "reading the merchants", &hash);
        if (!code && n < partitions) take_shard(a->sweeps, n, hash);
        else if (!code) code = take_home(a, w, hash);
        if (code) return code;
    }
    return CLI_OK;
}

/* A row that came since: of @transit first, then that of the shard. */
static int take_tail_row(struct audit *a, const struct ledger_row *row) {
    struct audit_sweeps *s = a->sweeps;
    struct sweep *w;
    if (strcmp(row->op, "swept") != 0) return CLI_OK;
    if (strncmp(row->account, "@transit:", 9) == 0) snprintf(s->transit_bill, sizeof s->transit_bill, "%s", row->bill);
    HASH_FIND_STR(s->merchants, row->account, w);
    if (!w || strcmp(s->transit_bill, row->bill) != 0 || row->seq <= w->seq || row->seq > w->home_seq) return CLI_OK;
    earning_add(&w->moved, row->amount_minor);
    return CLI_OK;
}

static int read_tails(struct audit *a) {
    int code = CLI_OK;
    for (unsigned p = a->first; !code && p <= a->last; p++) {
        struct entry_id last = a->begin[p].ledger_last;
        a->part.partition = p;
        code = audit_ledger_rows(a, p, &last, take_tail_row);
    }
    return code;
}

static void compare(struct audit *a, const struct sweep *w) {
    if (w->moved == w->wanted || audit_is_trimmed(a, w->home)) return;
    a->part.partition = w->home;
    audit_find(a, "account %s: the settled months that its home counts moved %lld, but its ledger rows of swept %lld", w->name,
               (long long)w->wanted, (long long)w->moved);
}

/* Does the home count it by now? */
static int has_come(struct audit *a, const struct way *way, bool *come) {
    struct reply reply;
    struct earning_field f;
    char field[16] = "fee:";
    unsigned partition;
    month_text(way->month, field + 4);
    command_begin(&a->c->command, "HGET");
    audit_key(a->c, way->sweep->home, "account:", way->sweep->name);
    command_word(&a->c->command, field);
    int code = connect_call(a->c, "reading a fee again", &reply);
    *come = false;
    if (code || reply_type(reply) != REPLY_TEXT || !earning_read(field, reply_text(reply, NULL), &f)) return code;
    while (earning_next_partition(&f.partitions, a->c->book.partitions, &partition)) *come = *come || partition == way->partition;
    return CLI_OK;
}

/* It moves from the sender's pending list to the home's stream: when both are seen without anything waiting, and it has not come, it is
 * lost. */
static int find_lost(struct audit *a, const struct way *way) {
    bool idle = false, come = false;
    char month[MONTH_TEXT_SIZE];
    int code = audit_is_idle(a, way->partition, &idle);
    if (!code && idle) code = audit_is_idle(a, way->sweep->home, &idle);
    if (code || !idle) return code;
    code = has_come(a, way, &come);
    if (code || come) return code;
    month_text(way->month, month);
    a->part.partition = way->partition;
    audit_find(a, "account %s: %s is settled, but has not come home, and nothing waits at either end; is what would bring it dead?",
               way->sweep->name, month);
    return CLI_OK;
}

bool audit_settle_way(const struct audit *a, size_t n, struct audit_way *out) {
    const struct audit_sweeps *s = a->sweeps;
    if (!s || n >= s->way_count) return false;
    const struct way *way = &s->ways[n];
    *out = (struct audit_way){.merchant = way->sweep->name, .currency = a->currency[way->currency], .home = way->sweep->home,
                              .partition = way->partition, .gross_minor = way->gross, .refunds_minor = way->refunds};
    month_text(way->month, out->month);
    return true;
}

int audit_settle_has_come(struct audit *a, size_t n, bool *come) { return has_come(a, &a->sweeps->ways[n], come); }

int audit_settle_finish(struct audit *a) {
    struct audit_sweeps *s = sweeps_of(a);
    int code = CLI_OK;
    for (struct sweep *w = s->merchants; !code && w; w = w->hh.next)
        if (in_range(a, w)) code = read_merchant(a, w);
    if (!code && s->merchants) code = read_tails(a);
    for (const struct sweep *w = s->merchants; !code && w; w = w->hh.next)
        if (in_range(a, w)) compare(a, w);
    for (size_t n = 0; !code && n < s->way_count; n++) code = find_lost(a, &s->ways[n]);
    return code;
}

void audit_settle_clear(struct audit *a) {
    if (!a->sweeps) return;
    struct sweep *w = a->sweeps->merchants, *next;
    if (w) HASH_CLEAR(hh, a->sweeps->merchants);
    for (; w; w = next) {
        next = w->hh.next;
        free(w);
    }
    free(a->sweeps->parts);
    free(a->sweeps->ways);
    free(a->sweeps);
    a->sweeps = NULL;
}
