/* The rows of one bill together: they sum to zero, and there are as many, of the kind, that its operation makes. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/ledger.h"

/* What an operation books: one row that changes `held` by more or less than nothing, or two that move money. */
static const struct shape {
    const char *op;
    unsigned rows;
    int hold; /* sign of the change of `held`: 0 none */
    bool transit;
} shapes[] = {
    {"pay", 2, 0, false},      {"topup", 2, 0, false},   {"withdraw", 2, 0, false}, {"refund", 2, 0, false}, {"rollback", 2, 0, false},
    {"transfer", 2, 0, false}, {"capture", 2, -1, false}, {"hold", 1, 1, false},     {"release", 1, -1, false}, {"expire", 1, -1, false},
    {"arrive", 2, 0, true},    {"bounce", 2, 0, true},
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
        r->transit = false;
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
}

static const char *shape_fault(const struct audit_rows *r) {
    size_t n = 0;
    while (n < sizeof shapes / sizeof shapes[0] && strcmp(shapes[n].op, r->op) != 0) n++;
    if (n == sizeof shapes / sizeof shapes[0]) return "which books nothing";
    const struct shape *s = &shapes[n];
    if (r->count != s->rows) return s->rows == 1 ? "which has one row" : "which has two rows";
    if (s->hold == 0 && r->hold_count > 0) return "which holds nothing";
    if (s->hold != 0 && (r->hold_count != 1 || (r->hold_minor > 0) != (s->hold > 0)))
        return s->hold > 0 ? "which holds more, once" : "which holds less, once";
    if ((s->rows == 1) != (r->moved_minor == 0)) return s->rows == 1 ? "which moves nothing" : "which moves money";
    if (s->transit && !r->transit) return "which moves money in transit";
    return r->transit && !s->transit && strcmp(r->op, "transfer") != 0 ? "which has nothing to do with transit" : NULL;
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
