/* The end of the audit: transfers, and payments of orders elsewhere, of which it has not seen both ends, or seen them at different times.
 *
 *     1 their records again      2 every ledger's new tail, for rows of these transfers only      3 judged
 *
 * Money arrives after it was sent, and a record says that it arrived, or came back, after it did. So whatever 1 or the first reading saw
 * has its cause in 2, however much goes on. What is in progress by its record is on its way, in the sender's pending list, in the
 * receiver's stream or pending list, or back in the sender's stream; it moves through these in that order, so when each in turn is seen
 * without anything waiting and the record still says the same, it is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit_transfer.h"
#include "schema/code.h"
#include "schema/ledger.h"

enum { PUT_OFF_DAYS = 90 };

static uint32_t record_day(const struct transfer *t) { return t->has & HAS_RECORD ? t->day : keys_day(t->out_ms); }

/* One whose record was never read may lie under the day it was put off on. */
static int search_record(struct audit *a, struct transfer *t) {
    struct reply reply;
    struct bill bill;
    uint32_t day = record_day(t);
    for (uint32_t back = 1; back <= PUT_OFF_DAYS && back <= day; back++) audit_append_bill(a->c, t->sender, day - back, t->identity);
    for (uint32_t back = 1; back <= PUT_OFF_DAYS && back <= day; back++) {
        int code = connect_next(a->c, "reading the bills", &reply);
        if (code) return code;
        if (!(t->has & HAS_RECORD) && audit_read_bill(reply, &bill)) audit_transfer_note(a, t, &bill);
    }
    return CLI_OK;
}

static bool is_open(const struct transfer *t) { return !t->closed && (t->has & (HAS_OUT | HAS_RECORD)); }

/* The records of up to AUDIT_AT_ONCE transfers from *next on. */
static int read_some(struct audit *a, size_t *next) {
    struct audit_transfers *list = a->transfers;
    struct reply reply;
    struct bill bill;
    size_t first = *next, asked = 0;
    for (; *next < list->count && asked < AUDIT_AT_ONCE; ++*next) {
        struct transfer *t = &list->list[*next];
        t->waits = is_open(t); /* asked for */
        if (t->waits) audit_append_bill(a->c, t->sender, record_day(t), t->identity);
        asked += t->waits;
    }
    for (size_t n = first; n < *next; n++) {
        struct transfer *t = &list->list[n];
        if (!t->waits) continue;
        t->waits = false;
        int code = connect_next(a->c, "reading the bills", &reply);
        if (code) return code;
        if (audit_read_bill(reply, &bill)) audit_transfer_note(a, t, &bill);
    }
    return CLI_OK;
}

static int read_records(struct audit *a) {
    struct audit_transfers *list = a->transfers;
    int code = CLI_OK;
    for (size_t next = 0; !code && next < list->count;) code = read_some(a, &next);
    for (size_t n = 0; !code && n < list->count; n++)
        if (is_open(&list->list[n]) && !(list->list[n].has & HAS_RECORD)) code = search_record(a, &list->list[n]);
    return code;
}

/* Rows of transfers that were not seen before explain nothing. */
static int take_tail_row(struct audit *a, const struct ledger_row *row) {
    bool payment = audit_transfer_is_payment(row);
    if (!payment && strncmp(row->account, "@transit:", 9) != 0) return CLI_OK;
    struct transfer *t = audit_transfer_known(a, row->identity);
    if (!t || t->closed) return CLI_OK;
    t->late = strcmp(row->op, "bounce") == 0 || strcmp(row->op, "settled") == 0;
    if (payment) audit_transfer_take_payment(a, t, row);
    else audit_transfer_take(a, t, row);
    return CLI_OK;
}

int audit_transfer_tail(struct audit *a, unsigned partition) {
    return audit_ledger_rows(a, partition, &a->begin[partition].ledger_last, take_tail_row);
}

static int read_tails(struct audit *a) {
    int code = CLI_OK;
    for (unsigned p = a->first; !code && p <= a->last; p++) {
        a->part.partition = p;
        code = audit_transfer_tail(a, p);
    }
    return code;
}

static void find_at(struct audit *a, unsigned partition, const struct transfer *t, const char *fault) {
    a->part.partition = partition;
    if (t->order) {
        audit_find(a, "payment of an order %s: %s (held %lld, settled %lld, given back %lld, its bill record says %d)", t->identity, fault,
                   (long long)t->out_minor, (long long)t->in_minor, (long long)t->back_minor, t->has & HAS_RECORD ? t->code : -1);
        return;
    }
    audit_find(a, "transfer %s: %s (sent %lld %s, arrived %lld, came back %lld, its bill record says %d)", t->identity, fault,
               (long long)t->out_minor, a->currency[t->has & HAS_OUT ? t->currency : t->in_currency], (long long)t->in_minor,
               (long long)t->back_minor, t->has & HAS_RECORD ? t->code : -1);
}

/* Of the receiver's end, which is known only when all partitions were read. */
static const char *arrival_fault(const struct audit *a, const struct transfer *t) {
    if (!(t->has & HAS_IN)) return NULL;
    if (!(t->has & HAS_OUT)) return audit_is_trimmed(a, t->sender) ? NULL : "arrived, but was never sent";
    if (t->in_minor != t->out_minor || t->in_currency != t->currency) return "other money arrived than was sent";
    return (t->has & HAS_RECORD) && t->receiver != t->arrived_in ? "arrived in a partition where its receiver does not live" : NULL;
}

static const char *sender_fault(const struct audit *a, const struct transfer *t) {
    bool back = t->has & HAS_BACK;
    if (!(t->has & HAS_OUT)) /* a record without rows is found elsewhere */
        return back && !audit_is_trimmed(a, t->sender) ? "came back, but was never sent" : NULL;
    if (back && t->back_minor != t->out_minor) return "other money came back than was sent";
    if (back && (t->has & HAS_IN)) return "arrived, and came back too";
    if (!(t->has & HAS_RECORD)) return t->has & (HAS_IN | HAS_BACK) ? NULL : "is on its way, but has no bill record";
    if (t->code == CODE_in_progress) return back && !t->late ? "came back, but is in progress by its bill record" : NULL;
    if (t->code == CODE_ok && back) return "came back, but is settled by its bill record";
    if (t->code == CODE_ok)
        return audit_is_whole(a) && !(t->has & HAS_IN) && !audit_is_trimmed(a, t->receiver) ? "is settled, but never arrived" : NULL;
    return back ? NULL : "was refused at the other side, but the money did not come back";
}

/* Of a payment of an order, all in the payer's partition. */
static const char *payment_fault(const struct audit *a, const struct transfer *t) {
    bool settled = t->has & HAS_IN, back = t->has & HAS_BACK;
    if (!(t->has & HAS_OUT) && audit_is_trimmed(a, t->sender)) return NULL;
    if (!(t->has & HAS_OUT)) return "is by its bill record on its way or came back, or is settled, but nothing was held for it";
    if (settled && t->in_minor != t->out_minor) return "other money was paid than was held";
    if (back && t->back_minor != t->out_minor) return "other money was given back than was held";
    if (settled && back) return "was paid, and given back too";
    if (!(t->has & HAS_RECORD)) return settled || back ? NULL : "is on its way, but has no bill record";
    if (t->code == CODE_in_progress) return (settled || back) && !t->late ? "is over, but is in progress by its bill record" : NULL;
    if (t->code == CODE_ok && !settled) return "is paid by its bill record, but was never settled";
    if (t->code != CODE_ok && !back) return "was refused by the order's home, but what was held did not come back";
    return t->bill != (settled ? t->in_bill : t->out_bill) ? "its bill record has another number than its rows" : NULL;
}

/* True: it is on its way. */
static bool judge_payment(struct audit *a, const struct transfer *t) {
    const char *fault = payment_fault(a, t);
    if (fault) find_at(a, t->sender, t, fault);
    bool waits = !fault && (t->has & HAS_RECORD) && t->code == CODE_in_progress && !(t->has & (HAS_IN | HAS_BACK));
    a->paying += waits;
    return waits;
}

static void judge(struct audit *a, struct transfer *t) {
    const char *fault = arrival_fault(a, t);
    if (t->closed) return;
    if (t->order) {
        t->waits = judge_payment(a, t);
        return;
    }
    if (fault && audit_is_whole(a)) {
        find_at(a, t->arrived_in, t, fault);
        return;
    }
    fault = sender_fault(a, t);
    if (fault) find_at(a, t->sender, t, fault);
    t->waits = !fault && (t->has & HAS_OUT) && (t->has & HAS_RECORD) && t->code == CODE_in_progress && !(t->has & HAS_BACK);
    if (!t->waits) return;
    if (t->has & HAS_IN) {
        a->settling++;
        return;
    }
    a->in_flight++;
    a->flying[t->currency] += t->out_minor;
    if (!a->in_flight_since_ms || t->out_ms < a->in_flight_since_ms) a->in_flight_since_ms = t->out_ms;
}

int audit_is_idle(struct audit *a, unsigned partition, bool *idle) {
    struct reply reply;
    char from[ENTRY_TEXT_MAX + 2];
    int code = audit_group(a, partition, &reply);
    *idle = !code && reply_type(reply) == REPLY_NIL;
    if (code || *idle || reply_type(audit_group_field(reply, "name")) == REPLY_NIL) return code; /* nobody serves it yet */
    bool pending = reply_integer(audit_group_field(reply, "pending")) != 0;
    snprintf(from, sizeof from, "(%s", reply_text(audit_group_field(reply, "last-delivered-id"), NULL));
    command_begin(&a->c->command, "XRANGE");
    audit_key(a->c, partition, "intents", "");
    command_word(&a->c->command, from);
    command_word(&a->c->command, "+");
    command_word(&a->c->command, "COUNT");
    command_word(&a->c->command, "1");
    code = connect_call(a->c, "looking for intents that wait", &reply);
    *idle = !code && !pending && reply_count(reply) == 0;
    return code;
}

/* One stop of the way: at the sender's (or the receiver's) partition. What may wait there goes on waiting. */
static int look_at_stop(struct audit *a, bool at_receiver) {
    struct audit_transfers *list = a->transfers;
    int8_t *known = calloc(a->c->book.partitions, sizeof *known); /* 0 not looked at, 1 idle, -1 busy */
    int code = CLI_OK;
    if (!known) abort();
    for (size_t n = 0; !code && n < list->count; n++) {
        struct transfer *t = &list->list[n];
        unsigned p = at_receiver ? t->receiver : t->sender;
        bool idle = false;
        if (!t->waits) continue;
        if (!known[p] && !(code = audit_is_idle(a, p, &idle))) known[p] = idle ? 1 : -1;
        t->waits = known[p] == 1;
    }
    free(known);
    return code;
}

/* Those that nothing carries on any more. From here on `waits` means: may be lost. */
static int find_lost(struct audit *a) {
    struct audit_transfers *list = a->transfers;
    struct reply reply;
    struct bill bill;
    int code = look_at_stop(a, false);
    if (!code) code = look_at_stop(a, true);
    if (!code) code = look_at_stop(a, false);
    for (size_t n = 0; !code && n < list->count; n++) {
        struct transfer *t = &list->list[n];
        if (!t->waits) continue;
        audit_append_bill(a->c, t->sender, t->day, t->identity);
        if ((code = connect_next(a->c, "reading the bills", &reply))) break;
        if (audit_read_bill(reply, &bill) && bill.code == CODE_in_progress)
            find_at(a, t->sender, t, "is in progress, but nothing waits at either end; is what would go on with it dead?");
    }
    return code;
}

int audit_transfer_finish(struct audit *a) {
    size_t open = 0;
    for (size_t n = 0; a->transfers && n < a->transfers->count; n++) open += !a->transfers->list[n].closed;
    if (!open) return CLI_OK;
    int code = read_records(a);
    if (!code) code = read_tails(a);
    for (size_t n = 0; !code && n < a->transfers->count; n++) judge(a, &a->transfers->list[n]);
    return code ? code : find_lost(a);
}
