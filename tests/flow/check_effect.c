/* The checker: what each operation may do to the ledger, and that it did it once: payments, holds and what ends them, steps of groups,
 * transfers from one partition to another. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

static bool is(const char *text, const char *word) { return strcmp(text, word) == 0; }

static struct check_transfer *transfer_of(struct check *check, const char *text) {
    struct check_transfer *transfer;
    HASH_FIND_STR(check->transfers, text, transfer);
    if (transfer) return transfer;
    transfer = calloc(1, sizeof *transfer);
    if (!transfer) abort();
    snprintf(transfer->text, sizeof transfer->text, "%s", text);
    transfer->code = -1;
    HASH_ADD_STR(check->transfers, text, transfer);
    return transfer;
}

/* The end of a transfer, or of a settlement, that a row of @transit stands for. */
static void check_transit(struct check *check, const struct ledger_row *row, const struct check_identity *identity) {
    struct check_transfer *transfer = transfer_of(check, row->identity);
    if (is(row->op, "arrive") || is(row->op, "swept")) {
        transfer->in_minor -= row->amount_minor;
        transfer->arrivals++;
        transfer->arrived_in = check->partition;
    } else if (is(row->op, "bounce")) {
        transfer->back_minor -= row->amount_minor;
        transfer->returns++;
    } else {
        transfer->out_minor += row->amount_minor;
        transfer->from = check->partition;
        transfer->code = identity && identity->bill[0] ? identity->code : -1;
    }
}

static void take_from(struct check *check, const struct ledger_row *row, struct check_identity *hold, bool all) {
    if (!hold) {
        check_fault(check, "bill %s: %s of %s changes what is held, but of no hold", row->bill, row->op, row->identity);
        return;
    }
    hold->left_minor += row->hold_minor;
    if (hold->left_minor < 0 || (all && hold->left_minor != 0))
        check_fault(check, "bill %s: %s leaves %" PRId64 " of hold %s", row->bill, row->op, hold->left_minor, hold->text);
}

/* The changes of `held`: each belongs to one hold. */
static void check_held(struct check *check, const struct ledger_row *row, struct check_identity *identity) {
    bool lapses = is(row->op, "expire");
    if (row->hold_minor == 0) return;
    if (is(row->op, "hold") && row->hold_minor > 0 && row->amount_minor == 0) identity->left_minor += row->hold_minor;
    else if (row->hold_minor > 0 || !(lapses || is(row->op, "capture") || is(row->op, "release")))
        check_fault(check, "bill %s: %s changes what is held by %" PRId64, row->bill, row->op, row->hold_minor);
    else take_from(check, row, lapses ? identity : identity->of, !(is(row->op, "capture") && identity->keeps));
    if (lapses && ++identity->expiries > 1) check_fault(check, "bill %s: %s expired twice", row->bill, row->identity);
}

/* What a row moved: money, or where none does what is held. */
static int64_t moved_minor(const struct ledger_row *row) { return llabs(row->amount_minor != 0 ? row->amount_minor : row->hold_minor); }

static void check_step(struct check *check, const struct ledger_row *row, struct check_identity *step) {
    const struct check_identity *group = step->group;
    uint64_t number = check_bill_number(row->bill);
    if (step->bill_rows == 1) {
        snprintf(step->bill, sizeof step->bill, "%s", row->bill);
        step->group->steps_minor += moved_minor(row);
    }
    if (group->code != CODE_ok || !group->bill[0] || number < check_bill_number(group->bill) || number > group->last_step)
        check_fault(check, "bill %s: step %s of group %s, whose bills are %s to %" PRIu64, row->bill, step->text, group->text, group->bill,
                    group->last_step);
    if (strcmp(step->bill, row->bill) != 0) check_fault(check, "%s has two bills, %s and %s", step->text, step->bill, row->bill);
}

static void check_own(struct check *check, const struct ledger_row *row, const struct check_identity *identity) {
    unsigned home = keys_partition(&check->flow->book, identity->text, strcspn(identity->text, "/"));
    bool of_a_fee = is(row->op, "settle") && home == check->partition;
    bool came_back = is(row->op, "transfer") && identity->code != CODE_ok;
    if (strcmp(identity->bill, row->bill) != 0)
        check_fault(check, "%s: bill %s in the ledger, %s in the answer", row->identity, row->bill, identity->bill);
    if (!came_back && !of_a_fee && moved_minor(row) != identity->bill_minor)
        check_fault(check, "%s: %" PRId64 " in the ledger, %" PRId64 " in the answer", row->identity, moved_minor(row),
                    identity->bill_minor);
}

void check_effect(struct check *check, const struct ledger_row *row, struct check_identity *identity) {
    if (strncmp(row->account, "@transit:", 9) == 0) check_transit(check, row, identity);
    if (is(row->op, "arrive") || is(row->op, "swept")) return;
    if (!identity || !(identity->sent || identity->group)) {
        check_fault(check, "bill %s of %s, which was not sent", row->bill, row->identity);
        return;
    }
    if (identity->road.away) {
        check_road(check, row, identity);
        return;
    }
    check_held(check, row, identity);
    if (is(row->op, "expire") || is(row->op, "bounce")) return;
    identity->bill_rows++;
    if (!is(row->op, op_word(identity->op)))
        check_fault(check, "bill %s: %s of %s, a %s", row->bill, row->op, row->identity, op_word(identity->op));
    if (identity->group && !identity->sent) check_step(check, row, identity);
    else check_own(check, row, identity);
}

void check_effects(struct check *check) {
    struct check_identity *identity, *next;
    HASH_ITER(hh, check->identities, identity, next) {
        check_road_end(check, identity);
        if (identity->road.away) continue;
        unsigned rows = identity->op == OP_group ? 0 : identity->op == OP_hold || identity->op == OP_release ? 1 : 2;
        if (identity->bill[0] && identity->bill_rows != rows)
            check_fault(check, "%s: bill %s has %u rows", identity->text, identity->bill, identity->bill_rows);
        if (identity->op == OP_group && identity->bill[0] && identity->steps_minor != identity->bill_minor)
            check_fault(check, "%s: its steps moved %" PRId64 ", the answer says %" PRId64, identity->text, identity->steps_minor,
                        identity->bill_minor);
    }
}

/* Every transfer came to one end, and its answer says to which. */
void check_transfers(struct check *check) {
    struct check_transfer *t, *next;
    HASH_ITER(hh, check->transfers, t, next) {
        bool arrived = t->arrivals == 1 && t->returns == 0 && t->in_minor == t->out_minor && t->code == CODE_ok;
        bool came_back = t->arrivals == 0 && t->returns == 1 && t->back_minor == t->out_minor && t->code > CODE_ok;
        check->partition = t->from;
        if (!arrived && !came_back)
            check_fault(check, "transfer %s: sent %" PRId64 ", arrived %u times with %" PRId64 ", came back %u times with %" PRId64
                        ", answered with %d", t->text, t->out_minor, t->arrivals, t->in_minor, t->returns, t->back_minor, t->code);
        HASH_DEL(check->transfers, t);
        free(t);
    }
}
