/* The rows of one bill together: they sum to zero, and there are as many, of the kind, that its operation makes. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/ledger.h"

/* The system accounts that have to do with few operations only. */
enum { OTHERS, TRANSIT, FEES };

/* What an operation books: one row that changes `held` by more or less than nothing, or two that move money. Some have two shapes: a
 * transfer between partitions, an order's payment from another partition (held, settled or bounced), and settlement, which sweeps and
 * takes a fee. */
static const struct shape {
    const char *op;
    unsigned rows;
    int hold; /* sign of the change of `held`: 0 none */
    int system;
} shapes[] = {
    {"pay", 2, 0, OTHERS},       {"pay", 1, 1, OTHERS},       {"topup", 2, 0, OTHERS},    {"withdraw", 2, 0, OTHERS},
    {"refund", 2, 0, OTHERS},    {"rollback", 2, 0, OTHERS},  {"transfer", 2, 0, OTHERS}, {"transfer", 2, 0, TRANSIT},
    {"capture", 2, -1, OTHERS},  {"hold", 1, 1, OTHERS},      {"release", 1, -1, OTHERS}, {"expire", 1, -1, OTHERS},
    {"arrive", 2, 0, TRANSIT},   {"bounce", 2, 0, TRANSIT},   {"bounce", 1, -1, OTHERS},  {"settled", 2, -1, OTHERS},
    {"recover", 2, 0, TRANSIT},
    {"settle", 2, 0, TRANSIT},   {"settle", 2, 0, FEES},      {"swept", 2, 0, TRANSIT},   {"swept", 2, 0, FEES},
};

/* Written out by hand: printf knows no 128-bit numbers. */
static const char *show_sum(__int128 sum, char out[48]) {
    unsigned __int128 rest = sum < 0 ? -(unsigned __int128)sum : (unsigned __int128)sum;
    char *at = out + 47;
    *at = '\0';
    do *--at = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) != 0);
    if (sum < 0) *--at = '-';
    return at;
}

static void add_sum(struct audit_rows *r, unsigned currency, int64_t amount) {
    unsigned n = 0;
    while (n < r->currency_count && r->currency[n] != currency) n++;
    if (n == r->currency_count) r->currency[r->currency_count++] = (unsigned char)currency;
    r->sum[currency] += amount;
}

void audit_rows_add(struct audit *a, const struct ledger_row *row, unsigned currency) {
    struct audit_rows *r = &a->part.rows;
    if (r->count++ == 0) {
        r->moved_minor = r->hold_minor = r->hold_count = 0;
        r->transit = r->fees = false;
        snprintf(r->op, sizeof r->op, "%s", row->op);
        snprintf(r->identity, sizeof r->identity, "%s", row->identity);
    } else if (strcmp(r->op, row->op) != 0 || strcmp(r->identity, row->identity) != 0) {
        audit_find(a, "bill %s: has rows of %s of %s and of %s of %s", row->bill, r->op, r->identity, row->op, row->identity);
    }
    add_sum(r, currency, row->amount_minor);
    if (row->amount_minor > 0) r->moved_minor = row->amount_minor;
    r->hold_count += row->hold_minor != 0;
    r->hold_minor = row->hold_minor != 0 ? row->hold_minor : r->hold_minor;
    r->transit = r->transit || strncmp(row->account, "@transit:", 9) == 0;
    r->fees = r->fees || strncmp(row->account, "@fees:", 6) == 0;
}

static const char *misfit(const struct audit_rows *r, const struct shape *s) {
    if (r->count != s->rows) return s->rows == 1 ? "which has one row" : "which has two rows";
    if (s->hold == 0 && r->hold_count > 0) return "which holds nothing";
    if (s->hold != 0 && (r->hold_count != 1 || (r->hold_minor > 0) != (s->hold > 0)))
        return s->hold > 0 ? "which holds more, once" : "which holds less, once";
    if ((s->rows == 1) != (r->moved_minor == 0)) return s->rows == 1 ? "which moves nothing" : "which moves money";
    if (s->system == TRANSIT && !r->transit) return "which moves money in transit";
    if (s->system == FEES && !r->fees) return "which moves money in transit or takes a fee";
    if (s->system != TRANSIT && r->transit) return "which has nothing to do with transit";
    return s->system != FEES && r->fees ? "which has nothing to do with fees" : NULL;
}

/* NULL when one of the operation's shapes fits; else what is wrong by the last one that has as many rows, or the first. */
static const char *shape_fault(const struct audit_rows *r) {
    const char *fault = NULL, *near = NULL;
    if (strcmp(r->op, "carry") == 0) return NULL; /* as many rows as there were accounts */
    for (size_t n = 0; n < sizeof shapes / sizeof shapes[0]; n++) {
        if (strcmp(shapes[n].op, r->op) != 0) continue;
        const char *wrong = misfit(r, &shapes[n]);
        if (!wrong) return NULL;
        fault = fault ? fault : wrong;
        if (r->count == shapes[n].rows) near = wrong;
    }
    return near ? near : fault ? fault : "which books nothing";
}

void audit_rows_close(struct audit *a) {
    struct audit_rows *r = &a->part.rows;
    unsigned long long bill = a->part.bill_last;
    char text[48];
    bool even = true;
    for (unsigned n = 0; n < r->currency_count; n++) {
        unsigned currency = r->currency[n];
        if (r->sum[currency] != 0)
            audit_find(a, "bill %u-%llu: rows sum to %s %s", a->part.partition, bill, show_sum(r->sum[currency], text),
                       a->currency[currency]);
        even = even && r->sum[currency] == 0;
        r->sum[currency] = 0;
    }
    const char *fault = even ? shape_fault(r) : NULL;
    if (fault)
        audit_find(a, "bill %u-%llu: %u rows that change what is held by %lld, of op %s, %s", a->part.partition, bill, r->count,
                   (long long)r->hold_minor, r->op, fault);
    r->currency_count = r->count = 0;
    r->open = false;
}
