/* The checker: the payment of an order that lies elsewhere. One row reserves the money; then either two move it, or one gives it back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

static void check_bill(struct check *check, const struct ledger_row *row, const struct check_identity *identity) {
    if (strcmp(identity->bill, row->bill) != 0)
        check_fault(check, "%s: bill %s in the ledger, %s in the answer", row->identity, row->bill, identity->bill);
}

static void check_settled_row(struct check *check, const struct ledger_row *row, struct check_identity *identity) {
    identity->road.settled++;
    check_bill(check, row, identity);
    if (llabs(row->amount_minor) != identity->bill_minor || (row->hold_minor != 0 && row->hold_minor != row->amount_minor))
        check_fault(check, "%s: %" PRId64 " in the ledger, %" PRId64 " in the answer", row->identity, (int64_t)llabs(row->amount_minor),
                    identity->bill_minor);
}

void check_road(struct check *check, const struct ledger_row *row, struct check_identity *identity) {
    struct check_road *road = &identity->road;
    identity->left_minor += row->hold_minor;
    if (strcmp(row->op, "settled") == 0) {
        check_settled_row(check, row, identity);
        return;
    }
    if (row->amount_minor != 0) check_fault(check, "bill %s: %s moves %" PRId64, row->bill, row->op, row->amount_minor);
    if (strcmp(row->op, "bounce") == 0) {
        road->bounces++;
    } else if (strcmp(row->op, "pay") == 0 && row->hold_minor > 0) {
        road->reserves++;
        if (identity->code != CODE_ok) check_bill(check, row, identity);
    } else {
        check_fault(check, "bill %s: %s of %s, the payment of an order", row->bill, row->op, row->identity);
    }
}

void check_road_end(struct check *check, const struct check_identity *identity) {
    const struct check_road *road = &identity->road;
    if (!road->away || (!identity->bill[0] && !road->reserves && !road->settled && !road->bounces)) return;
    bool paid = identity->code == CODE_ok && road->settled == 2 && road->bounces == 0;
    bool came_back = identity->code > CODE_ok && road->settled == 0 && road->bounces == 1;
    if (road->reserves != 1 || !(paid || came_back))
        check_fault(check, "%s: reserved %u times, settled in %u rows, came back %u times, answered with %d", identity->text,
                    road->reserves, road->settled, road->bounces, identity->code);
    if (identity->left_minor != 0) check_fault(check, "%s: %" PRId64 " is still reserved", identity->text, identity->left_minor);
}
