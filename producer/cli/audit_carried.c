/* What a book that was repartitioned has of the one before: bills, answers and intents put off, with the numbers and entry IDs they had
 * there, and the rows that its ledger begins with, of op `carry`: what each account had, at the seq that it had, against @world. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/ledger.h"

void audit_carried_note(struct audit_beginning *begin, const char *text) {
    char *end;
    unsigned long long bill = strtoull(text, &end, 10);
    struct entry_id id;
    if (end == text || *end != ' ' || !entry_id_parse(end + 1, strlen(end + 1), &id)) return;
    begin->carried_bill = bill;
    begin->carried = id;
}

bool audit_is_carried(const struct audit *a, const char *entry, size_t size) {
    struct entry_id id, carried = a->begin[a->part.partition].carried;
    return carried.ms > 0 && entry_id_parse(entry, size, &id) && entry_id_compare(id, carried) <= 0;
}

bool audit_is_carry(const struct ledger_row *row) { return strcmp(row->op, "carry") == 0; }

/* They come before all others, and only @world has more than one. */
void audit_carried_row(struct audit *a, const struct ledger_row *row) {
    bool world = strncmp(row->account, "@world:", 7) == 0;
    if (!audit_is_carry(row)) {
        a->part.begun = true;
        return;
    }
    if (a->begin[a->part.partition].carried.ms == 0 || a->part.begun)
        audit_find(a, "bill %s: carries %s over, in a ledger that goes on already", row->bill, row->account);
    else if (!world && (row->amount_minor != row->balance_minor || row->hold_minor != row->held_minor))
        audit_find(a, "bill %s: carries %lld, held %lld of %s over, which then has %lld, held %lld", row->bill,
                   (long long)row->amount_minor, (long long)row->hold_minor, row->account, (long long)row->balance_minor,
                   (long long)row->held_minor);
}
