/* Reads the rows of a ledger entry. */
#include "schema/ledger.h"

#include <assert.h>
#include <string.h>

enum ledger_column {
    LEDGER_BILL, LEDGER_IDENTITY, LEDGER_OP, LEDGER_ACCOUNT, LEDGER_AMOUNT, LEDGER_HOLD, LEDGER_BALANCE, LEDGER_HELD, LEDGER_SEQ,
    LEDGER_AT, LEDGER_NOTE, LEDGER_COLUMN_COUNT
};

const char *ledger_decode(struct pack_tree *tree, const void *bytes, size_t size, struct pack_value *rows, uint32_t *count) {
    *count = 0;
    if (!pack_decode(tree, bytes, size, rows))
        return "is not msgpack";
    if (rows->type != PACK_ARRAY)
        return "is not an array of rows";
    *count = rows->count;
    return NULL;
}

static bool ledger_text(const struct pack_value *row, enum ledger_column column, char *out, size_t capacity) {
    struct pack_value v = pack_at(row, column);
    if (v.type != PACK_TEXT || v.count >= capacity || (v.count > 0 && memchr(v.bytes, '\0', v.count) != NULL))
        return false;
    memcpy(out, v.bytes, v.count);
    out[v.count] = '\0';
    return true;
}

static bool ledger_number(const struct pack_value *row, enum ledger_column column, int64_t *out) {
    struct pack_value v = pack_at(row, column);
    if (v.type == PACK_UINT && v.number <= INT64_MAX)
        *out = (int64_t)v.number;
    else if (v.type == PACK_NEGATIVE)
        *out = v.negative;
    else
        return false;
    return true;
}

static bool ledger_count(const struct pack_value *row, enum ledger_column column, uint64_t *out) {
    struct pack_value v = pack_at(row, column);
    *out = v.number;
    return v.type == PACK_UINT;
}

const char *ledger_row_at(const struct pack_value *rows, uint32_t index, struct ledger_row *row) {
    struct pack_value v = pack_at(rows, index);
    *row = (struct ledger_row){0};
    if (v.type != PACK_ARRAY || v.count != LEDGER_COLUMN_COUNT)
        return "is not a row of eleven columns";
    if (!ledger_text(&v, LEDGER_BILL, row->bill, sizeof row->bill))
        return "bill is not text that fits";
    if (!ledger_text(&v, LEDGER_IDENTITY, row->identity, sizeof row->identity))
        return "identity is not text that fits";
    if (!ledger_text(&v, LEDGER_OP, row->op, sizeof row->op))
        return "op is not text that fits";
    if (!ledger_text(&v, LEDGER_ACCOUNT, row->account, sizeof row->account))
        return "account is not text that fits";
    if (!ledger_number(&v, LEDGER_AMOUNT, &row->amount_minor))
        return "amount is not an integer";
    if (!ledger_number(&v, LEDGER_HOLD, &row->hold_minor))
        return "hold is not an integer";
    if (!ledger_number(&v, LEDGER_BALANCE, &row->balance_minor))
        return "balance is not an integer";
    if (!ledger_number(&v, LEDGER_HELD, &row->held_minor))
        return "held is not an integer";
    if (!ledger_count(&v, LEDGER_SEQ, &row->seq))
        return "seq is not a count";
    if (!ledger_count(&v, LEDGER_AT, &row->at_ms))
        return "at is not a time";
    if (!ledger_text(&v, LEDGER_NOTE, row->note, sizeof row->note))
        return "note is not text that fits";
    return NULL;
}
