/* Transfers between partitions, gathered from both ends, by the identity of the transfer:
 *
 *     sender's partition     row transfer  +X on @transit     record: in progress     the money is on its way
 *     receiver's partition   row arrive    -X on @transit                             it arrived
 *     sender's partition     -                                record: 0               settled, or
 *     sender's partition     row bounce    -X on @transit     record: refused         it came back instead
 *
 * So what lies in @transit, over all partitions, is the sum of what is on its way (and of months that come home: audit_settle.c).
 * Payments of orders that lie in another partition are told of by one partition alone:
 *
 *     payer's partition      row pay      +X held             record: in progress, under that number
 *                            row settled  -X held, and paid   record: 0, under the new number, or
 *                            row bounce   -X held             record: refused, under the first number
 *
 * The partitions are read one after the other while transfers go on; audit_flight.c looks once more at those whose ends do not fit yet. */
#include "producer/cli/audit_transfer.h"

#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/ledger.h"

enum { FIRST_SLOTS = 1024 };

static struct audit_transfers *transfers_of(struct audit *a) {
    if (!a->transfers) a->transfers = calloc(1, sizeof *a->transfers);
    if (!a->transfers) abort();
    return a->transfers;
}

static uint32_t *find_slot(const struct audit_transfers *t, uint64_t hash) {
    uint64_t at = hash & (t->slot_count - 1);
    while (t->slots[at] != 0 && t->list[t->slots[at] - 1].hash != hash) at = (at + 1) & (t->slot_count - 1);
    return &t->slots[at];
}

static void grow(struct audit_transfers *t) {
    free(t->slots);
    t->slot_count = t->slot_count ? 2 * t->slot_count : FIRST_SLOTS;
    t->slots = calloc(t->slot_count, sizeof *t->slots);
    if (!t->slots) abort();
    for (size_t n = 0; n < t->count; n++) *find_slot(t, t->list[n].hash) = (uint32_t)n + 1;
}

struct transfer *audit_transfer_known(struct audit *a, const char *identity) {
    struct audit_transfers *t = transfers_of(a);
    if (!t->slot_count) return NULL;
    uint32_t *slot = find_slot(t, audit_hash(a, identity, strlen(identity)));
    return *slot ? &t->list[*slot - 1] : NULL;
}

static struct transfer *transfer_of(struct audit *a, const char *identity) {
    struct audit_transfers *t = transfers_of(a);
    struct transfer *known = audit_transfer_known(a, identity);
    if (known) return known;
    const char *slash = strchr(identity, '/');
    if (4 * (t->count + 1) > 3 * t->slot_count) grow(t);
    t->list = audit_grow(t->list, t->count, &t->capacity, sizeof *t->list);
    struct transfer *new = &t->list[t->count++];
    *new = (struct transfer){.hash = audit_hash(a, identity, strlen(identity)), .identity = strdup(identity)};
    if (!new->identity) abort();
    new->sender = keys_partition(&a->c->book, identity, slash ? (size_t)(slash - identity) : strlen(identity));
    *find_slot(t, new->hash) = (uint32_t)t->count;
    return new;
}

/* What has both its ends need not be looked at again. */
static void forget_closed(struct transfer *t) {
    bool settled = t->has == (HAS_OUT | HAS_IN | HAS_RECORD) && t->code == CODE_ok;
    bool bounced = t->has == (HAS_OUT | HAS_BACK | HAS_RECORD) && t->code != CODE_ok && t->code != CODE_in_progress;
    if (t->order) {
        settled = settled && t->bill == t->in_bill;
        bounced = bounced && t->bill == t->out_bill;
    } else settled = settled && t->receiver == t->arrived_in;
    bool agree = settled ? t->in_minor == t->out_minor && t->in_currency == t->currency : t->back_minor == t->out_minor;
    if (t->closed || !(settled || bounced) || !agree) return;
    free(t->identity);
    free(t->to);
    t->identity = t->to = NULL;
    t->closed = true;
}

void audit_transfer_take(struct audit *a, struct transfer *t, const struct ledger_row *row) {
    unsigned currency = audit_currency(a, row->account + strlen("@transit:"));
    unsigned has = strcmp(row->op, "transfer") == 0 ? HAS_OUT : audit_transfer_is_arrival(row) ? HAS_IN : HAS_BACK;
    if (has == HAS_IN && row->amount_minor > 0) { /* it went back, where nobody paid for it */
        t->has &= (uint8_t)~HAS_IN;
        t->in_minor = 0;
        return;
    }
    if (t->has & has) {
        a->transfers->again++;
        audit_find(a, "bill %s: %s of %s, for the second time", row->bill, row->op, row->identity);
        return;
    }
    t->has |= has;
    if (has == HAS_OUT) {
        t->out_minor = row->amount_minor;
        t->currency = (unsigned char)currency;
        t->out_ms = row->at_ms;
    } else if (has == HAS_IN) {
        t->in_minor = -row->amount_minor;
        t->in_currency = (unsigned char)currency;
        t->in_ms = row->at_ms;
        t->arrived_in = a->part.partition;
    } else t->back_minor = -row->amount_minor;
    forget_closed(t);
}

static uint32_t number_of(const char *bill) {
    const char *dash = strchr(bill, '-');
    return dash ? (uint32_t)strtoul(dash + 1, NULL, 10) : 0;
}

bool audit_transfer_is_payment(const struct ledger_row *row) {
    if (row->hold_minor == 0) return false;
    return strcmp(row->op, "pay") == 0 || strcmp(row->op, "settled") == 0 || strcmp(row->op, "bounce") == 0;
}

void audit_transfer_take_payment(struct audit *a, struct transfer *t, const struct ledger_row *row) {
    unsigned has = strcmp(row->op, "pay") == 0 ? HAS_OUT : strcmp(row->op, "settled") == 0 ? HAS_IN : HAS_BACK;
    if (t->has & has) {
        a->transfers->again++;
        audit_find(a, "bill %s: %s of %s, for the second time", row->bill, row->op, row->identity);
        return;
    }
    t->order = true;
    t->has |= has;
    if (has == HAS_OUT) {
        t->out_minor = row->hold_minor;
        t->out_ms = row->at_ms;
        t->out_bill = number_of(row->bill);
    } else if (has == HAS_IN) {
        t->in_minor = -row->hold_minor;
        t->in_bill = number_of(row->bill);
    } else t->back_minor = -row->hold_minor;
    forget_closed(t);
}

bool audit_transfer_is_held(struct audit *a, const char *identity) {
    const struct transfer *t = audit_transfer_known(a, identity);
    return t && t->order && (t->has & HAS_OUT);
}

bool audit_transfer_is_arrival(const struct ledger_row *row) {
    return strcmp(row->op, "arrive") == 0 || strcmp(row->op, "recover") == 0;
}

/* The receiver's own row comes behind that of @transit. */
static void note_receiver(struct transfer *t, const struct ledger_row *row) {
    if (!t || t->closed || t->to || row->account[0] == '@') return;
    t->to = strdup(row->account);
    if (!t->to) abort();
}

void audit_transfer_row(struct audit *a, const struct ledger_row *row) {
    if (audit_transfer_is_payment(row)) {
        audit_transfer_take_payment(a, transfer_of(a, row->identity), row);
        return;
    }
    bool arrives = audit_transfer_is_arrival(row);
    if (arrives) note_receiver(audit_transfer_known(a, row->identity), row);
    if (strncmp(row->account, "@transit:", 9) != 0) return;
    if (arrives || strcmp(row->op, "transfer") == 0 || strcmp(row->op, "bounce") == 0)
        audit_transfer_take(a, transfer_of(a, row->identity), row);
}

void audit_transfer_note(struct audit *a, struct transfer *t, const struct bill *bill) {
    t->has |= HAS_RECORD;
    t->code = (int8_t)bill->code;
    t->day = keys_day(bill->at_ms);
    t->receiver = keys_partition(&a->c->book, bill->to, strlen(bill->to));
    t->order = t->order || strcmp(bill->op, "pay") == 0;
    t->bill = number_of(bill->bill);
    forget_closed(t);
}

void audit_transfer_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number) {
    if (bill->code != CODE_in_progress && audit_was_trimmed(a, number) && !audit_transfer_known(a, identity)) return;
    if (number && strcmp(bill->op, "pay") == 0 && (bill->code != CODE_ok || audit_transfer_is_held(a, identity)))
        audit_transfer_note(a, transfer_of(a, identity), bill);
    if (!number || strcmp(bill->op, "transfer") != 0) return;
    bool away = keys_partition(&a->c->book, bill->to, strlen(bill->to)) != a->part.partition;
    if (away) audit_transfer_note(a, transfer_of(a, identity), bill);
    else if (bill->code != CODE_ok || audit_transfer_known(a, identity))
        audit_find(a, "bill record %s: says %d of bill %s, but its receiver %s lives in this partition", identity, bill->code, bill->bill,
                   bill->to);
}

void audit_transfer_clear(struct audit *a) {
    struct audit_transfers *t = a->transfers;
    if (!t) return;
    for (size_t n = 0; n < t->count; n++) {
        free(t->list[n].identity);
        free(t->list[n].to);
    }
    free(t->list);
    free(t->slots);
    free(t);
    a->transfers = NULL;
}
