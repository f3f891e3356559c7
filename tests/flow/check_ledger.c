/* The checker: the ledger's rows against the answers, the accounts against the rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/check.h"

/* The bill that the rows at hand belong to; afterwards, the sum of the accounts. */
struct open_bill {
    char text[33];
    uint64_t number;
    int64_t sum_minor;
    struct entry_id entry;
};

static struct open_bill at_hand;

static void close_bill(struct check *check) {
    if (at_hand.sum_minor != 0) check_fault(check, "rows of bill %s sum to %" PRId64, at_hand.text, at_hand.sum_minor);
    at_hand.sum_minor = 0;
}

/* The entry at whose place in the stream a row was booked; NULL: later than that. Steps are booked with their group. */
static const struct entry_id *place_of(const struct ledger_row *row, const struct check_identity *identity) {
    bool later = strcmp(row->op, "expire") == 0 || strcmp(row->op, "bounce") == 0 || strcmp(row->op, "settled") == 0;
    if (!identity || later) return NULL;
    if (identity->group) identity = identity->group;
    return identity->put_off || !identity->bill[0] ? NULL : &identity->bill_entry;
}

/* Bill numbers have no gaps, and bills come in the order of their entries. */
static void open_bill(struct check *check, const struct ledger_row *row, const struct check_identity *identity) {
    char expected[33];
    close_bill(check);
    snprintf(expected, sizeof expected, "%u-%" PRIu64, check->partition, ++at_hand.number);
    if (strcmp(row->bill, expected) != 0) check_fault(check, "bill %s where %s was expected", row->bill, expected);
    snprintf(at_hand.text, sizeof at_hand.text, "%s", row->bill);
    const struct entry_id *entry = place_of(row, identity);
    if (!entry) return;
    int order = entry_id_compare(*entry, at_hand.entry);
    if (order < 0 || (order == 0 && !identity->group && !identity->shared)) check_fault(check, "bill %s was made out of order", row->bill);
    at_hand.entry = *entry;
}

static void check_row(struct check *check, const struct ledger_row *row) {
    struct check_identity *identity;
    HASH_FIND_STR(check->identities, row->identity, identity);
    if (strcmp(row->bill, at_hand.text) != 0) open_bill(check, row, identity);
    at_hand.sum_minor += row->amount_minor;
    check_effect(check, row, identity);
    struct check_chain *chain = check_chain_of(check, row->account);
    if (row->seq != chain->seq + 1) check_fault(check, "%s: seq %" PRIu64 " after %" PRIu64, row->account, row->seq, chain->seq);
    if (row->balance_minor != chain->balance_minor + row->amount_minor)
        check_fault(check, "%s: balance %" PRId64 " at seq %" PRIu64 " after %" PRId64, row->account, row->balance_minor, row->seq,
                    chain->balance_minor);
    if (row->held_minor != chain->held_minor + row->hold_minor)
        check_fault(check, "%s: held %" PRId64 " at seq %" PRIu64 " after %" PRId64, row->account, row->held_minor, row->seq,
                    chain->held_minor);
    if (row->held_minor < 0 || (row->account[0] == 'u' && row->held_minor > row->balance_minor))
        check_fault(check, "%s: held %" PRId64 " of %" PRId64, row->account, row->held_minor, row->balance_minor);
    if (row->balance_minor < 0 && row->account[0] == 'u') check_fault(check, "%s: balance %" PRId64, row->account, row->balance_minor);
    check_month_row(check, chain, row);
    chain->seq = row->seq;
    chain->balance_minor = row->balance_minor;
    chain->held_minor = row->held_minor;
}

static void visit_rows(struct check *check, const char *id, struct reply fields) {
    struct pack_tree *tree = pack_tree_new();
    struct pack_value rows;
    struct ledger_row row;
    uint32_t count;
    size_t size;
    const char *bytes = check_field(fields, "rows", &size);
    const char *wrong = ledger_decode(tree, bytes, size, &rows, &count);
    if (wrong) check_fault(check, "ledger entry %s %s", id, wrong);
    for (uint32_t n = 0; n < count; n++) {
        wrong = ledger_row_at(&rows, n, &row);
        if (wrong) check_fault(check, "ledger entry %s, row %u: %s", id, n, wrong);
        else check_row(check, &row);
    }
    pack_tree_free(tree);
}

void check_ledger(struct check *check) {
    struct reply bill;
    memset(&at_hand, 0, sizeof at_hand);
    check_stream(check, flow_key(check->flow, keys_ledger, check->partition), visit_rows);
    close_bill(check);
    check_effects(check);
    if (!flow_call(check->flow, &bill, "HGET", flow_key(check->flow, keys_meta, check->partition), "bill", NULL) &&
        (uint64_t)reply_integer(bill) != at_hand.number)
        check_fault(check, "meta.bill is %" PRId64 ", the ledger ends with %" PRIu64, reply_integer(bill), at_hand.number);
}

/* The account as it is, against its last row. */
static void check_account(struct check *check, const char *key, const char *name) {
    struct reply h;
    struct check_chain *chain = check_chain_of(check, name);
    if (chain->exists) return; /* SCAN gave it twice */
    chain->exists = true;
    if (flow_call(check->flow, &h, "HMGET", key, "balance", "held", "seq", NULL)) {
        check_fault(check, "%s: %s", key, redis_error(check->flow->redis));
        return;
    }
    int64_t balance = reply_integer(reply_at(h, 0)), held = reply_integer(reply_at(h, 1)), seq = reply_integer(reply_at(h, 2));
    if (balance != chain->balance_minor || held != chain->held_minor || (uint64_t)seq != chain->seq)
        check_fault(check, "%s has balance %" PRId64 " held %" PRId64 " seq %" PRId64 ", its rows end with %" PRId64 " %" PRId64
                    " %" PRIu64, name, balance, held, seq, chain->balance_minor, chain->held_minor, chain->seq);
    at_hand.sum_minor += balance;
    check_months(check, chain, key);
}

void check_accounts(struct check *check) {
    struct check_chain *chain, *next;
    at_hand.sum_minor = 0;
    check_each_key(check, "account", check_account);
    HASH_ITER(hh, check->chains, chain, next) {
        if (chain->seq > 0 && !chain->exists) check_fault(check, "%s has rows but does not exist", chain->account);
    }
    if (at_hand.sum_minor != 0) check_fault(check, "all accounts sum to %" PRId64, at_hand.sum_minor);
}
