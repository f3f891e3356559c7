/* What is held: every change of `held` belongs to one hold, and what the rows leave of each is what its bill record says.
 *
 *     rows of op hold                 +X     make it, under its own bill number
 *     rows of op capture and release  -Y     their record names the hold's bill number in `detail`
 *     rows of op expire               -Y     have the hold's identity
 *
 * So what is held of an account is the sum over its open holds. Records are read between the ledger and its tail: what a record says must
 * lie between what the rows leave with and without the tail. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/code.h"
#include "schema/ledger.h"

struct hold {
    uint32_t bill;
    bool recorded;
    const struct audit_account *account;
    int64_t left_minor;     /* by all its rows */
    int64_t left_before;    /* by those that its record has seen for sure */
    int64_t recorded_minor; /* by its record */
};

/* A capture or release that waits for its record, which says of what. */
struct closing {
    uint32_t bill;
    bool linked;
    uint32_t day;   /* where its record lies; of one in the tail */
    char *identity; /* of one in the tail */
    const struct audit_account *account;
    int64_t change_minor;
};

struct audit_holds {
    struct hold *list; /* in the order of bill numbers, as the closings are */
    size_t count, capacity;
    size_t known; /* those before the tail */
    struct closing *closings;
    size_t closing_count, closing_capacity;
};

static struct audit_holds *holds_of(struct audit *a) {
    if (!a->part.holds) a->part.holds = calloc(1, sizeof *a->part.holds);
    if (!a->part.holds) abort();
    return a->part.holds;
}

static struct hold *find_hold(struct audit_holds *h, uint64_t bill) {
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->list[middle].bill < bill) low = middle + 1;
        else high = middle;
    }
    return low < h->count && h->list[low].bill == bill ? &h->list[low] : NULL;
}

static struct closing *find_closing(struct audit_holds *h, uint64_t bill) {
    size_t low = 0, high = h->closing_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->closings[middle].bill < bill) low = middle + 1;
        else high = middle;
    }
    return low < h->closing_count && h->closings[low].bill == bill ? &h->closings[low] : NULL;
}

static void change(struct audit *a, struct hold *hold, int64_t change_minor, bool in_tail) {
    hold->left_minor += change_minor;
    if (!in_tail) hold->left_before += change_minor;
    if (hold->left_minor < 0)
        audit_find(a, "bill %u-%u: %lld more than it held of %s was taken from it", a->part.partition, hold->bill,
                   (long long)-hold->left_minor, audit_account_name(hold->account));
}

static void add_hold(struct audit *a, struct audit_account *account, const struct ledger_row *row, uint64_t bill) {
    struct audit_holds *h = holds_of(a);
    if (h->count && h->list[h->count - 1].bill >= bill) return; /* found already */
    h->list = audit_grow(h->list, h->count, &h->capacity, sizeof *h->list);
    struct hold hold = {.bill = (uint32_t)bill, .account = account, .left_minor = row->hold_minor, .left_before = row->hold_minor};
    h->list[h->count++] = hold;
    if (!a->part.in_tail) h->known = h->count;
}

static void add_closing(struct audit *a, struct audit_account *account, const struct ledger_row *row, uint64_t bill) {
    struct audit_holds *h = holds_of(a);
    struct closing closing = {.bill = (uint32_t)bill, .day = keys_day(row->at_ms), .account = account, .change_minor = row->hold_minor};
    if (h->closing_count && h->closings[h->closing_count - 1].bill >= bill) return;
    if (a->part.in_tail && !(closing.identity = strdup(row->identity))) abort();
    h->closings = audit_grow(h->closings, h->closing_count, &h->closing_capacity, sizeof *h->closings);
    h->closings[h->closing_count++] = closing;
}

void audit_hold_row(struct audit *a, struct audit_account *account, const struct ledger_row *row, uint64_t bill) {
    if (strcmp(row->op, "hold") == 0) add_hold(a, account, row, bill);
    else if (strcmp(row->op, "capture") == 0 || strcmp(row->op, "release") == 0) add_closing(a, account, row, bill);
    else if (strcmp(row->op, "expire") == 0) {
        struct hold *hold = find_hold(holds_of(a), audit_bill_booked(a, row->identity));
        if (hold) change(a, hold, row->hold_minor, a->part.in_tail);
        else if (!audit_is_trimmed(a, a->part.partition))
            audit_find(a, "bill %s: %s expired, which is no hold", row->bill, row->identity);
    }
}

static void link_closing(struct audit *a, struct closing *closing, const char *identity, const struct bill *bill) {
    uint64_t number;
    if (closing->linked) return;
    closing->linked = true;
    if (!audit_bill_number(a, bill->detail, &number)) return;
    if (audit_was_trimmed(a, number)) return;
    struct hold *hold = find_hold(a->part.holds, number);
    if (!hold || hold->account != closing->account)
        audit_find(a, "bill record %s: names bill %s as its hold, which is none of %s", identity, bill->detail,
                   audit_account_name(closing->account));
    else change(a, hold, closing->change_minor, closing->identity != NULL);
}

void audit_hold_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number) {
    struct audit_holds *h = holds_of(a);
    if (!number || bill->code != CODE_ok) return;
    if (strcmp(bill->op, "capture") == 0 || strcmp(bill->op, "release") == 0) {
        struct closing *closing = find_closing(h, number);
        if (closing) link_closing(a, closing, identity, bill);
    } else if (strcmp(bill->op, "hold") == 0) {
        struct hold *hold = find_hold(h, number);
        bool open = strcmp(bill->state, "open") == 0;
        a->holds += open;
        if (!hold) return;
        hold->recorded = true;
        hold->recorded_minor = open ? bill->amount_minor - bill->captured_minor : 0;
    }
}

/* The records of captures and releases that came while the others were read. */
static int link_tail(struct audit *a, struct audit_holds *h, size_t first) {
    struct reply reply;
    struct bill bill;
    size_t last = first;
    for (; last < h->closing_count && last - first < AUDIT_AT_ONCE; last++)
        if (h->closings[last].identity) audit_append_bill(a->c, a->part.partition, h->closings[last].day, h->closings[last].identity);
    for (size_t n = first; n < last; n++) {
        struct closing *closing = &h->closings[n];
        size_t size;
        if (!closing->identity) continue;
        int code = connect_next(a->c, "reading the bills", &reply);
        if (code) return code;
        const char *record = reply_text(reply, &size);
        if (reply_type(reply) == REPLY_TEXT && !bill_parse(record, size, &bill)) link_closing(a, closing, closing->identity, &bill);
    }
    return CLI_OK;
}

static void check(struct audit *a, const struct hold *hold) {
    if (!hold->recorded || (hold->recorded_minor >= hold->left_minor && hold->recorded_minor <= hold->left_before)) return;
    audit_find(a, "bill %u-%u: its record leaves %lld of %s held, but the ledger's rows leave %lld", a->part.partition, hold->bill,
               (long long)hold->recorded_minor, audit_account_name(hold->account), (long long)hold->left_minor);
}

int audit_hold_finish(struct audit *a) {
    struct audit_holds *h = holds_of(a);
    for (size_t n = 0; n < h->closing_count; n += AUDIT_AT_ONCE) {
        int code = link_tail(a, h, n);
        if (code) return code;
    }
    for (size_t n = 0; n < h->known; n++) check(a, &h->list[n]);
    return CLI_OK;
}

void audit_hold_clear(struct audit *a) {
    struct audit_holds *h = a->part.holds;
    if (!h) return;
    for (size_t n = 0; n < h->closing_count; n++) free(h->closings[n].identity);
    free(h->closings);
    free(h->list);
    free(h);
    a->part.holds = NULL;
}
