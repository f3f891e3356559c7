/* The ledger's rows: bills in order and summing to zero, every row given to its account and its identity. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "schema/ledger.h"

enum { PAGE = 100 };

static void close_bill(struct audit *a) {
    if (!a->part.rows.open) return;
    audit_rows_close(a);
    audit_booking_add(a, a->part.bill_last);
}

void audit_ledger_number(struct audit *a, uint64_t bill) {
    struct audit_part *p = &a->part;
    if (bill <= p->bill_last)
        audit_find(a, "bill %u-%llu: comes again after %u-%llu", p->partition, (unsigned long long)bill, p->partition,
                   (unsigned long long)p->bill_last);
    else if (bill == p->bill_last + 2) audit_find(a, "bill %u-%llu: is missing", p->partition, (unsigned long long)bill - 1);
    else if (bill > p->bill_last + 1)
        audit_find(a, "bills %u-%llu to %u-%llu: are missing", p->partition, (unsigned long long)p->bill_last + 1, p->partition,
                   (unsigned long long)bill - 1);
    p->bill_last = bill;
}

static int open_bill(struct audit *a, const struct ledger_row *row, uint64_t bill) {
    close_bill(a);
    int code = bill > a->part.bill_last + 1 ? audit_trim_look(a, bill) : CLI_OK;
    audit_ledger_number(a, bill);
    a->part.rows.open = true;
    a->bills++;
    audit_bill_row(a, row, bill);
    return code;
}

static int check_row(struct audit *a, const struct ledger_row *row) {
    struct audit_part *p = &a->part;
    uint64_t bill;
    int code = CLI_OK;
    a->rows++;
    if (!audit_bill_number(a, row->bill, &bill)) return CLI_OK;
    if (bill != p->bill_last || !p->rows.open) code = open_bill(a, row, bill);
    if (code) return code;
    struct audit_account *account = audit_account_of(a, row->account, &code);
    if (code) return code;
    audit_carried_row(a, row);
    audit_rows_add(a, row, audit_account_currency(account));
    audit_account_row(a, account, row);
    if (row->hold_minor != 0) audit_hold_row(a, account, row, bill);
    audit_transfer_row(a, row);
    return CLI_OK;
}

/* The value of the field `rows` of a ledger entry. */
static struct reply rows_field(struct reply entry) {
    struct reply fields = reply_at(entry, 1);
    for (size_t n = 0; n + 1 < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), "rows")) return reply_at(fields, n + 1);
    return (struct reply){0};
}

static int visit_entry(struct audit *a, struct pack_tree *tree, struct reply entry, audit_row_visitor *visit) {
    struct pack_value rows;
    struct ledger_row row;
    uint32_t count = 0;
    size_t size;
    const char *bytes = reply_text(rows_field(entry), &size), *id = reply_text(reply_at(entry, 0), NULL);
    const char *wrong = ledger_decode(tree, bytes, size, &rows, &count);
    if (wrong) audit_find(a, "ledger entry %s: %s", id, wrong);
    for (uint32_t n = 0; !wrong && n < count; n++) {
        wrong = ledger_row_at(&rows, n, &row);
        int code = wrong ? CLI_OK : visit(a, &row);
        if (wrong) audit_find(a, "ledger entry %s, row %u: %s", id, n, wrong);
        if (code) return code;
    }
    return CLI_OK;
}

int audit_ledger_rows(struct audit *a, unsigned partition, struct entry_id *last, audit_row_visitor *visit) {
    struct pages pages;
    struct reply entries;
    keys_buffer key;
    bool more = true;
    int code;
    struct pack_tree *tree = pack_tree_new();
    if (!tree) abort();
    keys_ledger(key, &a->c->book, partition);
    pages_stream(&pages, a->c, "reading the ledger", key, *last, "+", PAGE);
    while (!(code = pages_next(&pages, &entries, &more)) && more) {
        for (size_t n = 0; !code && n < reply_count(entries); n++) code = visit_entry(a, tree, reply_at(entries, n), visit);
        if (code) break;
        progress_add(&a->progress, reply_count(entries));
    }
    *last = pages.last;
    pages_end(&pages);
    pack_tree_free(tree);
    return code;
}

int audit_ledger(struct audit *a) { return audit_ledger_rows(a, a->part.partition, &a->part.ledger_last, check_row); }

void audit_ledger_finish(struct audit *a) { close_bill(a); }
