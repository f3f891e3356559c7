/* What a merchant's shard says of its months, against its ledger rows.
 *
 *     earning and month:*, summed   = rows that others' intents made: credits (gross), debits (refunds); its own but settlement's (other)
 *     settled months, not at home   = rows of settle, to @transit
 *     fee:*, at home                = rows of settle and swept, into @fees
 *
 * Over all months together: where a month begins is not to be seen in the ledger. What of it reached the home: audit_settle.c. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/earning.h"
#include "producer/cli/month.h"
#include "schema/ledger.h"

struct audit_earning {
    struct earning_sums by_rows, told;
    int64_t moved, told_moved; /* to @transit or from there, by rows; away, by records */
    int64_t fees, told_fees;
    uint64_t seq;              /* of the last row */
    bool begins_late;          /* the ledger does not have all of its rows */
    bool settles;              /* it has settled months, or fees */
};

struct audit_earning *audit_earning_new(void) {
    struct audit_earning *e = calloc(1, sizeof *e);
    if (!e) abort();
    return e;
}

void audit_earning_free(struct audit_earning *e) { free(e); }

/* Of a settlement's bill the row of @transit stands before the shard's. Wrapping around is no matter: it does on both sides. */
void audit_earning_row(struct audit *a, struct audit_earning *e, const struct ledger_row *row) {
    size_t size = strlen(row->account);
    bool own = strncmp(row->identity, row->account, size) == 0 && row->identity[size] == '/';
    bool settles = strcmp(row->op, "settle") == 0 || strcmp(row->op, "swept") == 0;
    if (row->seq != e->seq + 1 || audit_is_carry(row)) e->begins_late = true;
    e->seq = row->seq;
    if (settles && a->part.rows.transit) earning_add(&e->moved, row->amount_minor);
    else if (settles) earning_add(&e->fees, -row->amount_minor);
    else if (own) earning_add(&e->by_rows.other, row->amount_minor);
    else if (row->amount_minor > 0) earning_add(&e->by_rows.gross, row->amount_minor);
    else earning_add(&e->by_rows.refunds, -row->amount_minor);
}

static bool is_home(const struct audit *a, const char *name) {
    return keys_partition(&a->c->book, name, strlen(name)) == a->part.partition;
}

static void take_fee(struct audit *a, struct audit_earning *e, const char *name, const struct earning_field *f) {
    char month[MONTH_TEXT_SIZE];
    int64_t right = earning_fee_on(f->fee_gross, (unsigned)f->basis_points);
    month_text(f->month, month);
    earning_add(&e->told_fees, f->fee);
    e->settles = true;
    if (f->fee != right)
        audit_find(a, "account %s: the fee of %s is %lld, but %lld basis points on %lld are %lld", name, month, (long long)f->fee,
                   (long long)f->basis_points, (long long)f->fee_gross, (long long)right);
    if (!is_home(a, name)) audit_find(a, "account %s: has a fee of %s, but this is not its home", name, month);
}

/* The first month that is not settled, and the last that is. */
struct months {
    int open, settled;
};

static void take_sums(struct audit *a, struct audit_earning *e, const char *name, const struct earning_field *f, struct months *o) {
    bool empty = !f->sums.gross && !f->sums.refunds && !f->sums.other;
    earning_add_sums(&e->told, &f->sums);
    if (!f->settled && !empty && (!o->open || f->month < o->open)) o->open = f->month;
    if (!f->settled) return;
    if (f->month > o->settled) o->settled = f->month;
    e->settles = e->settles || f->sums.gross || f->sums.refunds;
    if (!is_home(a, name)) earning_add(&e->told_moved, f->sums.refunds - f->sums.gross);
}

void audit_earning_read(struct audit *a, struct audit_earning *e, const char *name, struct reply hash) {
    struct earning_field f;
    struct months o = {0, 0};
    char open[MONTH_TEXT_SIZE], settled[MONTH_TEXT_SIZE];
    for (size_t n = 0; n + 1 < reply_count(hash); n += 2) {
        const char *field = reply_text(reply_at(hash, n), NULL), *text = reply_text(reply_at(hash, n + 1), NULL);
        if (!earning_read(field, text, &f)) audit_find(a, "account %s: %s '%.80s' is malformed", name, field, text);
        else if (f.kind == EARNING_FEE) take_fee(a, e, name, &f);
        else if (f.kind == EARNING_SUMS) take_sums(a, e, name, &f, &o);
    }
    month_text(o.open, open);
    month_text(o.settled, settled);
    if (o.open && o.open < o.settled) audit_find(a, "account %s: %s is settled, but %s is not", name, settled, open);
}

void audit_earning_check(struct audit *a, const struct audit_earning *e, const char *name) {
    const struct earning_sums *rows = &e->by_rows, *told = &e->told;
    bool home = is_home(a, name);
    if (e->begins_late) return;
    if (rows->gross != told->gross || rows->refunds != told->refunds || rows->other != told->other)
        audit_find(a, "account %s: its months say gross %lld, refunds %lld, other %lld, but its ledger rows %lld, %lld, %lld", name,
                   (long long)told->gross, (long long)told->refunds, (long long)told->other, (long long)rows->gross,
                   (long long)rows->refunds, (long long)rows->other);
    if (!home && e->moved != e->told_moved)
        audit_find(a, "account %s: its settled months moved %lld, but its ledger rows of settle %lld", name, (long long)e->told_moved,
                   (long long)e->moved);
    if (e->fees != e->told_fees)
        audit_find(a, "account %s: the fees of its months are %lld, but its ledger rows paid %lld", name, (long long)e->told_fees,
                   (long long)e->fees);
}

void audit_earning_finish(struct audit *a, const struct audit_earning *e, const char *name) {
    if (e->settles || (is_home(a, name) && e->moved != 0)) audit_settle_note(a, name, e->moved, e->seq);
}
