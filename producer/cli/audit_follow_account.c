/* The accounts that the tail of the ledger touches: their chains, and their hashes.
 *
 * Each has a place in a bucket of eight; when all are taken, the one not seen for longest makes room. Whoever comes back is begun anew
 * with the row that brings him. An account's hash is read after its rows; when it is ahead of them, the rows that made it so stand in
 * the ledger by then: they must have come when that has been read up to where it ended after the hash was read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit_follow.h"
#include "schema/ledger.h"

enum { BUCKET = 8, QUEUE_MAX = 1 << 16 };
enum { KIND, CURRENCY, BALANCE, HELD, SEQ, FIELDS };

struct follow_account {
    char name[70];
    uint16_t partition;
    unsigned char currency;
    bool may_owe, queued, taken;
    uint32_t stamp; /* when it was seen last */
    uint64_t seq, awaited_seq; /* awaited: 0, or where its hash was, which its rows must come to */
    int64_t balance, held;
    struct entry_id bound; /* by when */
};

void audit_follow_init(struct audit *a) {
    struct audit_follow *f = calloc(1, sizeof *f);
    if (!f) abort();
    f->parts = calloc(a->c->book.partitions, sizeof *f->parts);
    f->accounts = calloc(FOLLOW_ACCOUNTS_MAX, sizeof *f->accounts);
    f->queue.places = calloc(QUEUE_MAX, sizeof *f->queue.places);
    if (!f->parts || !f->accounts || !f->queue.places) abort();
    a->follow = f;
}

void audit_follow_clear(struct audit *a) {
    if (!a->follow) return;
    free(a->follow->parts);
    free(a->follow->accounts);
    free(a->follow->queue.places);
    free(a->follow);
    a->follow = NULL;
}

/* The account's place; *known is false when it was just given one. */
static struct follow_account *place_of(struct audit *a, const char *name, bool *known) {
    struct audit_follow *f = a->follow;
    char text[80];
    int size = snprintf(text, sizeof text, "%u/%s", a->part.partition, name);
    size_t bucket = audit_hash(a, text, (size_t)size) % (FOLLOW_ACCOUNTS_MAX / BUCKET) * BUCKET;
    struct follow_account *oldest = &f->accounts[bucket];
    for (size_t n = bucket; n < bucket + BUCKET; n++) {
        struct follow_account *at = &f->accounts[n];
        *known = at->taken && at->partition == a->part.partition && strcmp(at->name, name) == 0;
        if (*known) return at;
        if (!at->taken || (oldest->taken && at->stamp < oldest->stamp)) oldest = at;
    }
    bool queued = oldest->queued; /* it stays in the queue, for whoever is there then */
    *oldest = (struct follow_account){.partition = (uint16_t)a->part.partition, .taken = true, .queued = queued};
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

void audit_follow_seed(struct audit *a, const char *name, uint64_t seq, int64_t balance, int64_t held, unsigned currency, bool may_owe) {
    bool known;
    struct follow_account *at = place_of(a, name, &known);
    at->seq = seq;
    at->balance = balance;
    at->held = held;
    at->currency = (unsigned char)currency;
    at->may_owe = may_owe;
}

void audit_follow_forget(struct audit *a, unsigned partition) {
    for (size_t n = 0; n < FOLLOW_ACCOUNTS_MAX; n++) {
        struct follow_account *at = &a->follow->accounts[n];
        if (at->partition == partition) *at = (struct follow_account){.queued = at->queued};
    }
}

static void enqueue(struct audit_follow *f, struct follow_account *at) {
    struct follow_queue *q = &f->queue;
    if (at->queued || q->count == QUEUE_MAX) return; /* when the queue is full: when it is touched again */
    q->places[(q->first + q->count++) % QUEUE_MAX] = (uint32_t)(at - f->accounts);
    at->queued = true;
}

static struct follow_account *dequeue(struct audit_follow *f) {
    struct follow_queue *q = &f->queue;
    struct follow_account *at = &f->accounts[q->places[q->first]];
    q->first = (q->first + 1) % QUEUE_MAX;
    q->count--;
    at->queued = false;
    return at;
}

static void append_hash(struct connection *c, const struct follow_account *at) {
    static const char *const fields[FIELDS] = {"kind", "currency", "balance", "held", "seq"};
    command_begin(&c->command, "HMGET");
    audit_key(c, at->partition, "account:", at->name);
    for (size_t n = 0; n < FIELDS; n++) command_word(&c->command, fields[n]);
    redis_append(c->redis, &c->command);
}

/* One that was not seen for long, or never: begins with this row. The side connection, because pages are under way. */
static int begin_account(struct audit *a, struct follow_account *at, const struct ledger_row *row) {
    struct reply hash;
    size_t size;
    append_hash(&a->side, at);
    int code = connect_next(&a->side, "reading an account", &hash);
    if (code) {
        at->taken = false;
        return code;
    }
    const char *currency = reply_text(reply_at(hash, CURRENCY), &size);
    if (reply_type(reply_at(hash, KIND)) == REPLY_NIL) audit_find(a, "account %s: has ledger rows but is not there", at->name);
    at->may_owe = at->name[0] == '@' || reply_is(reply_at(hash, KIND), "merchant");
    at->currency = (unsigned char)audit_currency(a, size == 3 ? currency : "???");
    at->seq = row->seq - 1;
    at->balance = row->balance_minor - row->amount_minor;
    at->held = row->held_minor - row->hold_minor;
    return CLI_OK;
}

static void check_chain(struct audit *a, const struct follow_account *at, const struct ledger_row *row) {
    if (row->seq != at->seq + 1)
        audit_find(a, "bill %s: account %s: seq goes from %llu to %llu", row->bill, at->name, (unsigned long long)at->seq,
                   (unsigned long long)row->seq);
    else if (row->balance_minor != at->balance + row->amount_minor)
        audit_find(a, "bill %s: account %s: balance %lld + %lld is not %lld at seq %llu", row->bill, at->name, (long long)at->balance,
                   (long long)row->amount_minor, (long long)row->balance_minor, (unsigned long long)row->seq);
    else if (row->held_minor != at->held + row->hold_minor)
        audit_find(a, "bill %s: account %s: held %lld + %lld is not %lld at seq %llu", row->bill, at->name, (long long)at->held,
                   (long long)row->hold_minor, (long long)row->held_minor, (unsigned long long)row->seq);
    if (row->held_minor < 0 || (!at->may_owe && (row->balance_minor < 0 || row->held_minor > row->balance_minor)))
        audit_find(a, "bill %s: account %s: balance %lld and held %lld do not fit", row->bill, at->name, (long long)row->balance_minor,
                   (long long)row->held_minor);
}

int audit_follow_row(struct audit *a, const struct ledger_row *row, unsigned *currency) {
    bool known;
    struct follow_account *at = place_of(a, row->account, &known);
    int code = known ? CLI_OK : begin_account(a, at, row);
    if (code) return code;
    check_chain(a, at, row);
    at->seq = row->seq;
    at->balance = row->balance_minor;
    at->held = row->held_minor;
    at->stamp = a->follow->stamp;
    *currency = at->currency;
    enqueue(a->follow, at);
    return CLI_OK;
}

void audit_follow_append_last(struct audit *a, unsigned partition) {
    keys_buffer key;
    command_begin(&a->c->command, "XREVRANGE");
    command_copy(&a->c->command, key, keys_ledger(key, &a->c->book, partition));
    command_word(&a->c->command, "+");
    command_word(&a->c->command, "-");
    command_word(&a->c->command, "COUNT");
    command_word(&a->c->command, "1");
    redis_append(a->c->redis, &a->c->command);
}

struct entry_id audit_follow_last(struct reply reply) {
    struct entry_id last = {0, 0};
    size_t size;
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    if (!entry_id_parse(text, size, &last)) last = (struct entry_id){0, 0};
    return last;
}

/* True: the hash is ahead of the rows. */
static bool compare_hash(struct audit *a, struct follow_account *at, struct reply hash) {
    uint64_t seq = (uint64_t)reply_integer(reply_at(hash, SEQ));
    int64_t balance = reply_integer(reply_at(hash, BALANCE)), held = reply_integer(reply_at(hash, HELD));
    a->part.partition = at->partition;
    a->follow->compared++;
    if (reply_type(reply_at(hash, KIND)) == REPLY_NIL) audit_find(a, "account %s: has gone", at->name);
    else if (seq < at->seq)
        audit_find(a, "account %s: is at seq %llu, but has ledger rows up to %llu", at->name, (unsigned long long)seq,
                   (unsigned long long)at->seq);
    else if (seq == at->seq && (balance != at->balance || held != at->held))
        audit_find(a, "account %s: balance %lld, held %lld, but the ledger says %lld, %lld at seq %llu", at->name, (long long)balance,
                   (long long)held, (long long)at->balance, (long long)at->held, (unsigned long long)seq);
    if (seq > at->seq) at->awaited_seq = seq;
    return seq > at->seq;
}

/* Is what the hash was ahead by missing for good? False: that is not known yet. */
static bool check_awaited(struct audit *a, struct follow_account *at) {
    if (!at->awaited_seq) return true;
    if (entry_id_compare(a->follow->parts[at->partition].last, at->bound) < 0) return false;
    a->part.partition = at->partition;
    if (at->seq < at->awaited_seq)
        audit_find(a, "account %s: is at seq %llu, but its ledger rows end at %llu", at->name, (unsigned long long)at->awaited_seq,
                   (unsigned long long)at->seq);
    at->awaited_seq = 0;
    return true;
}

/* Of those that were ahead: by when their rows must have come. */
static int set_bounds(struct audit *a, struct follow_account **ahead, size_t count) {
    struct reply reply;
    for (size_t n = 0; n < count; n++) audit_follow_append_last(a, ahead[n]->partition);
    for (size_t n = 0; n < count; n++) {
        int code = connect_next(a->c, "reading the ledger's end", &reply);
        if (code) return code;
        ahead[n]->bound = audit_follow_last(reply);
        enqueue(a->follow, ahead[n]);
    }
    return CLI_OK;
}

int audit_follow_compare(struct audit *a) {
    struct follow_account *list[FOLLOW_COMPARED_MAX], *ahead[FOLLOW_COMPARED_MAX];
    size_t count = 0, ahead_count = 0;
    struct reply hash;
    for (size_t left = a->follow->queue.count; left > 0 && count < FOLLOW_COMPARED_MAX; left--) {
        struct follow_account *at = list[count] = dequeue(a->follow);
        if (!at->taken) continue;
        if (!check_awaited(a, at)) {
            enqueue(a->follow, at);
            continue;
        }
        append_hash(a->c, at);
        count++;
    }
    for (size_t n = 0; n < count; n++) {
        int code = connect_next(a->c, "reading the accounts", &hash);
        if (code) return code;
        if (compare_hash(a, list[n], hash)) ahead[ahead_count++] = list[n];
    }
    return set_bounds(a, ahead, ahead_count);
}
