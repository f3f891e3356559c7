/* Ledger rows: the postings, a msgpack array of rows in the field `rows` of an entry of {B:p}:ledger. */
#ifndef SCHEMA_LEDGER_H
#define SCHEMA_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "schema/pack.h"

struct ledger_row {
    char bill[33];     /* "p-n" */
    char identity[360];
    char op[33];
    char account[70];  /* "@world:CNY" too */
    int64_t amount_minor, hold_minor; /* signed changes of balance and held */
    int64_t balance_minor, held_minor; /* after it */
    uint64_t seq;      /* of the account, after it */
    uint64_t at_ms;
    char note[257];
};

/* Decodes the rows of one ledger entry; NULL or what is wrong. `tree` is scratch. Read rows 0..*count-1 with ledger_row_at until the
 * next decode. */
const char *ledger_decode(struct pack_tree *tree, const void *bytes, size_t size, struct pack_value *rows, uint32_t *count);
/* NULL, or what is wrong with this row. */
const char *ledger_row_at(const struct pack_value *rows, uint32_t index, struct ledger_row *row);

#endif
