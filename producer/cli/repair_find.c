/* What two partitions do not agree on. */
#include "producer/cli/repair.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/intent.h"

/* Rows that came so soon behind the oldest one that is left may have had others of theirs before it. */
enum { TRIM_MARGIN_MS = 60000, PUT_OFF_DAYS = 90, LOOK_MS = 20 };

void repair_clear(struct repair *r) {
    free(r->items);
    r->items = NULL;
    r->count = r->capacity = 0;
}

static void say_nothing(const struct audit *a, const struct audit_finding *finding) {
    (void)a;
    (void)finding;
}

/* --- what stands before it --- */

struct stop {
    struct entry_id last; /* of its stream when the waiting began */
    bool waits;
};

static int note_last(struct repair *r, unsigned partition, struct stop *stop) {
    struct reply reply;
    keys_buffer key;
    size_t size;
    command_begin(&r->c->command, "XREVRANGE");
    command_copy(&r->c->command, key, keys_intents(key, &r->c->book, partition));
    command_word(&r->c->command, "+");
    command_word(&r->c->command, "-");
    command_word(&r->c->command, "COUNT");
    command_word(&r->c->command, "1");
    int code = connect_call(r->c, "looking where a stream ends", &reply);
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    stop->waits = !code && entry_id_parse_whole(text, size, &stop->last);
    return code;
}

static int look_at_meta(struct repair *r, unsigned partition, struct stop *stop) {
    struct reply reply;
    struct entry_id applied = {0, 0};
    keys_buffer key;
    size_t size;
    command_begin(&r->c->command, "HMGET");
    command_copy(&r->c->command, key, keys_meta(key, &r->c->book, partition));
    command_word(&r->c->command, "applied");
    int code = connect_call(r->c, "looking how far a partition is applied", &reply);
    const char *text = reply_text(reply_at(reply, 0), &size);
    if (!code && entry_id_parse_whole(text, size, &applied)) stop->waits = entry_id_compare(applied, stop->last) < 0;
    return code;
}

/* Applied is not yet sent on and answered. */
static int look_at_pending(struct repair *r, unsigned partition, struct stop *stop) {
    struct reply reply;
    char last[ENTRY_TEXT_MAX + 1];
    keys_buffer key;
    entry_id_format(stop->last, last);
    command_begin(&r->c->command, "XPENDING");
    command_copy(&r->c->command, key, keys_intents(key, &r->c->book, partition));
    command_word(&r->c->command, KEYS_GROUP);
    command_word(&r->c->command, "-");
    command_word(&r->c->command, last);
    command_word(&r->c->command, "1");
    int code = connect_call(r->c, "looking what is pending", &reply);
    stop->waits = !code && reply_count(reply) > 0;
    return code;
}

static int look_at_stop(struct repair *r, unsigned partition, struct stop *stop) {
    int code = look_at_meta(r, partition, stop);
    return code || stop->waits ? code : look_at_pending(r, partition, stop);
}

int repair_pass(struct repair *r, bool *partitions) {
    unsigned count = r->c->book.partitions, waiting = 1;
    struct stop *stops = calloc(count, sizeof *stops);
    int64_t until_ms = progress_now_ms() + r->timeout_ms;
    int code = CLI_OK;
    if (!stops) abort();
    for (unsigned p = 0; p < count && !code; p++) {
        if (partitions[p]) code = note_last(r, p, &stops[p]);
        partitions[p] = stops[p].waits;
    }
    while (!code && waiting) {
        waiting = 0;
        for (unsigned p = 0; p < count && !code; p++) {
            if (partitions[p]) code = look_at_stop(r, p, &stops[p]);
            partitions[p] = stops[p].waits;
            waiting += stops[p].waits;
        }
        if (progress_now_ms() >= until_ms) break;
        if (waiting) poll(NULL, 0, LOOK_MS);
    }
    free(stops);
    return code;
}

int repair_look(struct repair *r, const struct repair_item *item, bool *in_progress) {
    struct reply reply;
    struct bill bill;
    audit_append_bill(r->c, item->sender, item->day, item->identity);
    int code = connect_next(r->c, "reading a bill", &reply);
    *in_progress = !code && audit_read_bill(reply, &bill) && bill.code == CODE_in_progress && strcmp(bill.entry, item->entry) == 0;
    return code;
}

int repair_look_for_note(struct repair *r, const struct repair_item *item, bool *noted) {
    struct reply reply;
    char field[sizeof item->identity + 16];
    keys_buffer key;
    command_begin(&r->c->command, "HGET");
    command_copy(&r->c->command, key, keys_account(key, &r->c->book, item->receiver, item->to));
    command_copy(&r->c->command, field, (size_t)snprintf(field, sizeof field, "arrived:%s", item->identity));
    int code = connect_call(r->c, "looking whether it is noted", &reply);
    *noted = !code && reply_type(reply) == REPLY_TEXT && !strchr(reply_text(reply, NULL), '-');
    return code;
}

int repair_look_at_shard(struct repair *r, const struct repair_item *item, bool *differs) {
    return audit_shard_differs(r->c, item->to, item->sender, item->receiver, differs);
}

/* --- candidates --- */

/* When the oldest row was written that a trimmed ledger still has; 0: it was never trimmed, or is empty. */
static int first_row_ms(struct repair *r, const struct audit *a, unsigned partition, uint64_t *first_ms) {
    struct reply reply;
    struct entry_id id;
    keys_buffer key;
    size_t size;
    *first_ms = 0;
    if (!audit_is_trimmed(a, partition)) return CLI_OK;
    command_begin(&r->c->command, "XRANGE");
    command_copy(&r->c->command, key, keys_ledger(key, &r->c->book, partition));
    command_word(&r->c->command, "-");
    command_word(&r->c->command, "+");
    command_word(&r->c->command, "COUNT");
    command_word(&r->c->command, "1");
    int code = connect_call(r->c, "looking where a ledger begins", &reply);
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    *first_ms = !code && entry_id_parse_whole(text, size, &id) ? id.ms + TRIM_MARGIN_MS : UINT64_MAX;
    return code;
}

/* Its bill by the day it was sent, or, of one that was put off, of an earlier one. *found: there is one. */
static int find_bill(struct repair *r, const struct transfer *t, uint32_t day, struct bill *bill, bool *found) {
    struct reply reply;
    uint32_t days = t->has & HAS_RECORD ? 1 : PUT_OFF_DAYS + 1;
    *found = false;
    for (uint32_t back = 0; back < days; back++) audit_append_bill(r->c, t->sender, day - back, t->identity);
    for (uint32_t back = 0; back < days; back++) {
        int code = connect_next(r->c, "reading a bill", &reply);
        if (code) return code;
        if (!*found) *found = audit_read_bill(reply, bill);
    }
    return CLI_OK;
}

/* Which order a payment is of only its intent says. */
static int find_order(struct repair *r, struct repair_item *item) {
    struct reply reply;
    struct intent intent;
    struct intent_fault fault;
    keys_buffer key;
    size_t size;
    command_begin(&r->c->command, "XRANGE");
    command_copy(&r->c->command, key, keys_intents(key, &r->c->book, item->sender));
    command_word(&r->c->command, item->entry);
    command_word(&r->c->command, item->entry);
    int code = connect_call(r->c, "reading a payment's intent", &reply);
    const char *bytes = reply_text(reply_field(reply_at(reply_at(reply, 0), 1), "intent"), &size);
    if (!code && size > 0 && intent_decode(bytes, size, &intent, &fault) == INTENT_OK)
        snprintf(item->order, sizeof item->order, "%s", intent.order);
    if (!code && !item->order[0]) item->fate = REPAIR_NO_ORDER;
    return code;
}

/* `to`: the account, or the merchant, and what there is of it lies in `receiver`. */
static struct repair_item *add_item(struct repair *r, enum repair_kind kind, size_t place, unsigned sender, unsigned receiver,
                                    const char *to, const char *currency) {
    r->items = audit_grow(r->items, r->count, &r->capacity, sizeof *r->items);
    struct repair_item *item = &r->items[r->count++];
    *item = (struct repair_item){.kind = kind, .place = place, .sender = sender, .receiver = receiver};
    snprintf(item->to, sizeof item->to, "%s", to);
    snprintf(item->currency, sizeof item->currency, "%s", currency);
    return item;
}

static struct repair_item *add_transfer(struct repair *r, const struct audit *a, const struct transfer *t, enum repair_kind kind,
                                        const char *to, const char *currency) {
    unsigned receiver = keys_partition(&r->c->book, to, strlen(to));
    struct repair_item *item = add_item(r, kind, (size_t)(t - a->transfers->list), t->sender, receiver, to, currency);
    snprintf(item->identity, sizeof item->identity, "%s", t->identity);
    return item;
}

static int add_billed(struct repair *r, const struct audit *a, const struct transfer *t, const struct bill *bill) {
    enum repair_kind kind = t->order ? REPAIR_ORDER : t->has & HAS_IN ? REPAIR_UNSETTLED : REPAIR_LOST_THERE;
    struct repair_item *item = add_transfer(r, a, t, kind, bill->to, bill->currency);
    item->settled = bill->code == CODE_ok;
    item->day = keys_day(bill->at_ms);
    item->amount_minor = bill->amount_minor;
    snprintf(item->entry, sizeof item->entry, "%s", bill->entry);
    return t->order ? find_order(r, item) : CLI_OK;
}

/* One whose sender knows nothing of it: the entry is not known, and no matter. */
static int add_unbilled(struct repair *r, const struct audit *a, const struct transfer *t) {
    struct repair_item *item = add_transfer(r, a, t, REPAIR_LOST_HERE, t->to, a->currency[t->in_currency]);
    item->amount_minor = t->in_minor;
    entry_id_format((struct entry_id){t->in_ms, 0}, item->entry);
    bool noted;
    int code = repair_look_for_note(r, item, &noted);
    item->fate = noted ? REPAIR_NOTED : REPAIR_FOUND;
    return code;
}

/* Is this one of those that can be told of once more? `bill`: NULL when there is none. */
static bool is_torn(const struct transfer *t, const struct bill *bill) {
    bool sent = t->has & HAS_OUT, there = t->has & HAS_IN, back = t->has & HAS_BACK;
    if (!bill) return there && !sent && !back && !t->order && t->to;
    if (t->order) return sent && !there && !back && bill->code == CODE_in_progress;
    if (bill->code == CODE_in_progress) return sent && !back;
    return sent && !there && !back && bill->code == CODE_ok;
}

static int take(struct repair *r, const struct audit *a, const struct transfer *t, const uint64_t *first_ms) {
    struct bill bill;
    bool billed;
    uint64_t at_ms = t->has & HAS_OUT ? t->out_ms : t->in_ms;
    int code = find_bill(r, t, t->has & HAS_RECORD ? t->day : keys_day(at_ms), &bill, &billed);
    if (code || !is_torn(t, billed ? &bill : NULL)) return code;
    unsigned receiver = billed ? keys_partition(&r->c->book, bill.to, strlen(bill.to)) : t->arrived_in;
    if (at_ms < first_ms[t->sender] || at_ms < first_ms[receiver]) {
        r->untold++;
        return CLI_OK;
    }
    return billed ? add_billed(r, a, t, &bill) : add_unbilled(r, a, t);
}

static int take_all(struct repair *r, const struct audit *a) {
    uint64_t *first_ms = calloc(r->c->book.partitions, sizeof *first_ms);
    int code = CLI_OK;
    if (!first_ms) abort();
    for (unsigned p = 0; p < r->c->book.partitions && !code; p++) code = first_row_ms(r, a, p, &first_ms[p]);
    for (size_t n = 0; a->transfers && n < a->transfers->count && !code; n++)
        if (!a->transfers->list[n].closed) code = take(r, a, &a->transfers->list[n], first_ms);
    r->again = a->transfers ? a->transfers->again : 0;
    free(first_ms);
    return code;
}

static void take_merchants(struct repair *r, const struct audit *a) {
    struct audit_way way;
    for (size_t n = 0; audit_settle_way(a, n, &way); n++) {
        struct repair_item *item = add_item(r, REPAIR_MONTH, n, way.partition, way.home, way.merchant, way.currency);
        item->amount_minor = way.gross_minor;
        item->refunds_minor = way.refunds_minor;
        snprintf(item->month, sizeof item->month, "%s", way.month);
    }
    for (size_t n = 0; a->shards && n < a->shards->count; n++) {
        const struct audit_shard *shard = &a->shards->list[n];
        enum repair_kind kind = shard->here[0] ? REPAIR_STATUS : REPAIR_SHARD;
        struct repair_item *item = add_item(r, kind, n, shard->home, shard->partition, shard->merchant, shard->currency);
        item->status = status_of_word(shard->status, strlen(shard->status));
    }
}

/* --- only slow, or lost? --- */

/* What has not passed these partitions, the senders' or the receivers', stands still. */
static int pass(struct repair *r, bool receivers) {
    bool *partitions = calloc(r->c->book.partitions, sizeof *partitions);
    if (!partitions) abort();
    for (size_t n = 0; n < r->count; n++)
        if (r->items[n].fate == REPAIR_CANDIDATE) partitions[receivers ? r->items[n].receiver : r->items[n].sender] = true;
    int code = repair_pass(r, partitions);
    for (size_t n = 0; !code && n < r->count; n++) {
        struct repair_item *i = &r->items[n];
        if (i->fate == REPAIR_CANDIDATE && partitions[receivers ? i->receiver : i->sender]) i->fate = REPAIR_STANDS_STILL;
    }
    free(partitions);
    return code;
}

/* What came to the receivers' partitions since the audit read them. */
static int read_tails(struct repair *r, struct audit *a) {
    bool *wanted = calloc(r->c->book.partitions, sizeof *wanted);
    int code = CLI_OK;
    if (!wanted) abort();
    for (size_t n = 0; n < r->count; n++) wanted[r->items[n].receiver] |= r->items[n].fate == REPAIR_CANDIDATE;
    for (unsigned p = 0; p < r->c->book.partitions && !code; p++) {
        a->part.partition = p;
        if (wanted[p]) code = audit_transfer_tail(a, p);
    }
    free(wanted);
    return code;
}

static int judge_merchants(struct repair *r, struct audit *a, struct repair_item *i) {
    bool come = false, differs = false;
    int code = i->kind == REPAIR_MONTH ? audit_settle_has_come(a, i->place, &come)
                                       : repair_look_at_shard(r, i, &differs);
    i->fate = (i->kind == REPAIR_MONTH && !come) || differs ? REPAIR_FOUND : REPAIR_IS_FINE;
    return code;
}

static int judge(struct repair *r, struct audit *a, struct repair_item *i) {
    if (repair_is_merchants(i)) return judge_merchants(r, a, i);
    bool there = a->transfers->list[i->place].has & HAS_IN, in_progress;
    int code = repair_look(r, i, &in_progress);
    if (i->kind == REPAIR_LOST_THERE && there) i->kind = REPAIR_UNSETTLED;
    i->fate = in_progress || (i->settled && !there) ? REPAIR_FOUND : REPAIR_IS_FINE;
    return code;
}

/* From the sender's pending list to the receiver's stream, and back to the sender's stream: what has gone through all three and is as it
 * was has been lost on the way. */
static int tell_lost_from_slow(struct repair *r, struct audit *a) {
    int code = pass(r, false);
    if (!code) code = pass(r, true);
    if (!code) code = pass(r, false);
    if (!code) code = read_tails(r, a);
    for (size_t n = 0; !code && n < r->count; n++)
        if (r->items[n].fate == REPAIR_CANDIDATE) code = judge(r, a, &r->items[n]);
    return code;
}

int repair_find(struct repair *r) {
    struct audit *a = calloc(1, sizeof *a);
    if (!a) abort();
    audit_init(a, r->c, 0, r->c->book.partitions - 1);
    a->tell = say_nothing;
    int code = audit_run(a);
    if (!code) code = take_all(r, a);
    if (!code) take_merchants(r, a);
    if (!code) code = tell_lost_from_slow(r, a);
    audit_close(a);
    free(a);
    return code;
}
