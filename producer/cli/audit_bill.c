/* Who was billed: every identity with its bill number, its answer and its bill record, in one table of 16 bytes each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "schema/bill.h"
#include "schema/code.h"
#include "schema/ledger.h"

enum { FIRST_SLOTS = 1024, PUT_OFF_DAYS = 90 /* an intent may be decided so long after its record's day */ };
enum {
    HAS_ROWS = 1,
    HAS_RECORD = 2,
    HAS_ANSWER = 4,
    IS_GROUP = 8,      /* a record without rows of its own */
    WAS_WAITING = 16,  /* its record was read before it was booked: it was put off */
    HAS_BOUNCE = 32,   /* the money came back, under another bill number */
    HAS_EXPIRY = 64,   /* likewise what was held */
    HAS_SETTLED = 128, /* the payment of an order elsewhere: it was booked when it was held, and again when it was paid */
};

/* Identities are told apart by a hash. */
struct audit_slot {
    uint64_t hash; /* 0: free */
    uint32_t bill; /* 0: none */
    uint16_t day;
    uint8_t has;
    int8_t code; /* of the record or the answer */
};

_Static_assert(sizeof(struct audit_slot) == 16, "one bill costs 16 bytes");

static struct audit_slot *find_slot(struct audit_slot *slots, uint64_t count, uint64_t hash) {
    uint64_t at = hash & (count - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash) at = (at + 1) & (count - 1);
    return &slots[at];
}

static void grow(struct audit_part *p) {
    uint64_t count = p->slot_count ? 2 * p->slot_count : FIRST_SLOTS;
    struct audit_slot *slots = calloc(count, sizeof *slots);
    if (!slots) abort();
    for (uint64_t n = 0; n < p->slot_count; n++)
        if (p->slots[n].hash) *find_slot(slots, count, p->slots[n].hash) = p->slots[n];
    free(p->slots);
    p->slots = slots;
    p->slot_count = count;
}

static struct audit_slot *slot_of(struct audit *a, const char *identity, size_t size) {
    struct audit_part *p = &a->part;
    if (4 * p->slot_used >= 3 * p->slot_count) grow(p);
    uint64_t hash = audit_hash(a, identity, size);
    struct audit_slot *slot = find_slot(p->slots, p->slot_count, hash);
    if (slot->hash == 0) {
        slot->hash = hash;
        p->slot_used++;
    }
    return slot;
}

bool audit_bill_number(struct audit *a, const char *text, uint64_t *number) {
    char prefix[16];
    int size = snprintf(prefix, sizeof prefix, "%u-", a->part.partition);
    if (strncmp(text, prefix, (size_t)size) == 0 && args_parse_number(text + size, number) && *number > 0 && *number <= UINT32_MAX)
        return true;
    const char *dash = strchr(text, '-'); /* of any partition of the book before */
    if (dash && args_parse_number(dash + 1, number) && *number > 0 && *number <= a->begin[a->part.partition].carried_bill) return true;
    audit_find(a, "bill '%.32s': is no bill number of partition %u", text, a->part.partition);
    return false;
}

/* A later booking of an identity that is no second one: what becomes of a hold, a transfer or an order's payment by itself. False: it is a
 * first one. What was paid at last has the later number. */
static bool take_ending(struct audit *a, const struct ledger_row *row, uint64_t bill) {
    bool expiry = strcmp(row->op, "expire") == 0, bounce = strcmp(row->op, "bounce") == 0;
    if (!expiry && !bounce && strcmp(row->op, "settled") != 0) return false;
    struct audit_slot *slot = slot_of(a, row->identity, strlen(row->identity));
    uint8_t flag = expiry ? HAS_EXPIRY : bounce ? HAS_BOUNCE : HAS_SETTLED;
    bool awaited = flag == HAS_SETTLED && (slot->has & HAS_RECORD) && slot->bill == bill;
    if (!(slot->has & HAS_ROWS) && !awaited && !audit_is_trimmed(a, a->part.partition))
        audit_find(a, "bill %s: %s of %s, which was not booked before", row->bill, row->op, row->identity);
    if (slot->has & flag) audit_find(a, "bill %s: %s of %s, for the second time", row->bill, row->op, row->identity);
    slot->has |= flag;
    if (flag != HAS_SETTLED) return true;
    slot->bill = (uint32_t)bill;
    slot->has |= HAS_ROWS;
    return true;
}

static unsigned home_of(const struct audit *a, const char *identity) {
    return keys_partition(&a->c->book, identity, strcspn(identity, "/"));
}

/* Money that arrives was booked by its sender's partition, under a number of that one: a transfer, or a month that comes home. */
static bool take_arrival(struct audit *a, const struct ledger_row *row) {
    if (strcmp(row->op, "swept") == 0) {
        if (home_of(a, row->identity) != a->part.partition)
            audit_find(a, "bill %s: %s comes home to another partition than its merchant's", row->bill, row->identity);
        return true;
    }
    if (!audit_transfer_is_arrival(row)) return false;
    if (home_of(a, row->identity) == a->part.partition)
        audit_find(a, "bill %s: arrival of %s, which comes from this partition itself", row->bill, row->identity);
    return true;
}

void audit_bill_row(struct audit *a, const struct ledger_row *row, uint64_t bill) {
    if (audit_is_carry(row) || take_arrival(a, row) || take_ending(a, row, bill)) return;
    struct audit_slot *slot = slot_of(a, row->identity, strlen(row->identity));
    bool paid_since = audit_transfer_is_payment(row) && (slot->has & (HAS_ROWS | HAS_RECORD)) == HAS_RECORD && bill < slot->bill;
    if (paid_since) return; /* by its record, which was read before this row; the rows it names are still to come */
    if ((slot->has & HAS_ROWS) && slot->bill != bill)
        audit_find(a, "bill %s: %s was booked before, as bill %u-%u: twice charged", row->bill, row->identity, a->part.partition,
                   slot->bill);
    else if ((slot->has & HAS_RECORD) && slot->bill != bill && !(slot->has & WAS_WAITING))
        audit_find(a, "bill %s: %s: its bill record says bill %u-%u", row->bill, row->identity, a->part.partition, slot->bill);
    slot->has |= HAS_ROWS;
    slot->bill = (uint32_t)bill;
    if (!(slot->has & (HAS_RECORD | HAS_ANSWER))) slot->day = (uint16_t)keys_day(row->at_ms);
}

uint64_t audit_bill_booked(const struct audit *a, const char *identity) {
    const struct audit_part *p = &a->part;
    if (!p->slot_count) return 0;
    const struct audit_slot *slot = find_slot(p->slots, p->slot_count, audit_hash(a, identity, strlen(identity)));
    return slot->has & HAS_ROWS ? slot->bill : 0;
}

void audit_bill_answer(struct audit *a, const char *identity, size_t size, int code, uint64_t at_ms) {
    struct audit_slot *slot = slot_of(a, identity, size);
    bool book = identity[0] == '@' && a->begin[a->part.partition].carried.ms > 0; /* of several partitions that are one now */
    if ((slot->has & HAS_ANSWER) && slot->code != code && !book)
        audit_find(a, "%.*s: was answered %d and %d", (int)size, identity, slot->code, code);
    slot->day = (uint16_t)keys_day(at_ms); /* the record's day; the rows may be younger */
    slot->has |= HAS_ANSWER;
    slot->code = (int8_t)code;
}

/* Where a record lies, and whether its number means what it says. */
static void check_place(struct audit *a, const char *identity, const struct bill *bill, uint32_t day) {
    /* each partition has the book's rules of its own, and a shard of every merchant */
    bool everywhere = strncmp(identity, "@book/", 6) == 0 || strcmp(bill->op, "settle") == 0;
    struct entry_id entry;
    if (!strchr(identity, '/') || (!everywhere && home_of(a, identity) != a->part.partition))
        audit_find(a, "bill record %s: belongs to another partition", identity);
    if (keys_day(bill->at_ms) != day) audit_find(a, "bill record %s: lies under the wrong day", identity);
    if (!entry_id_parse(bill->entry, strlen(bill->entry), &entry) || entry.ms != bill->at_ms)
        audit_find(a, "bill record %s: its entry %s is not of its time, %llu", identity, bill->entry, (unsigned long long)bill->at_ms);
    const char *fault = audit_state_fault(bill);
    if (fault)
        audit_find(a, "bill record %s: %s (code %d, op %s, bill '%s', amount %lld, state '%s', captured %lld, refunded %lld)", identity,
                   fault, bill->code, bill->op, bill->bill, (long long)bill->amount_minor, bill->state, (long long)bill->captured_minor,
                   (long long)bill->refunded_minor);
}

/* The record against the rows and the answer. */
static void compare_record(struct audit *a, struct audit_slot *slot, const char *identity, const struct bill *bill, uint64_t number) {
    if ((slot->has & HAS_ANSWER) && slot->code != bill->code)
        audit_find(a, "bill record %s: says %d, but the answer was %d", identity, bill->code, slot->code);
    if ((slot->has & HAS_ROWS) && slot->bill != number && number > a->part.bill_last && audit_transfer_is_held(a, identity))
        slot->has &= (uint8_t)~HAS_ROWS; /* it was paid since the ledger was read: those rows are still to come */
    else if ((slot->has & HAS_ROWS) && slot->bill != number)
        audit_find(a, "bill record %s: says bill '%s', but its ledger rows are of bill %u-%u", identity, bill->bill, a->part.partition,
                   slot->bill);
    if ((slot->has & HAS_EXPIRY) && strcmp(bill->state, "expired") != 0)
        audit_find(a, "bill record %s: is %s, but the ledger says that it expired", identity, bill->state);
    if ((slot->has & HAS_BOUNCE) && (bill->code == CODE_ok || bill->code == CODE_in_progress))
        audit_find(a, "bill record %s: says %d, but the ledger says that it came back", identity, bill->code);
    if ((slot->has & HAS_SETTLED) && bill->code != CODE_ok)
        audit_find(a, "bill record %s: says %d, but the ledger says that it was paid", identity, bill->code);
}

bool audit_bill_record(struct audit *a, const char *identity, size_t size, const struct bill *bill, uint32_t day, uint64_t *number) {
    struct audit_slot *slot = slot_of(a, identity, size);
    *number = 0;
    if ((slot->has & HAS_RECORD) && slot->day == (uint16_t)day) return false; /* HSCAN may give a field more than once */
    a->records++;
    if ((slot->has & HAS_RECORD) && !(slot->has & WAS_WAITING)) audit_find(a, "bill record %s: there are two", identity);
    check_place(a, identity, bill, day);
    if (bill->bill[0] && !audit_bill_number(a, bill->bill, number)) return false;
    compare_record(a, slot, identity, bill, *number);
    slot->has |= HAS_RECORD;
    if (strcmp(bill->op, "group") == 0) slot->has |= IS_GROUP;
    if (bill->code == CODE_in_progress && !*number) slot->has |= WAS_WAITING;
    slot->code = (int8_t)bill->code;
    slot->day = (uint16_t)day;
    if (!(slot->has & HAS_ROWS)) slot->bill = (uint32_t)*number;
    return true;
}

bool audit_was_dropped(const struct audit *a, uint32_t day) {
    uint32_t oldest = UINT32_MAX;
    for (size_t n = 0; n < a->part.day_count; n++) {
        if (a->part.days[n] == day) return false;
        if (a->part.days[n] < oldest) oldest = a->part.days[n];
    }
    /* by the book's policy they may have been kept for as little as a day once */
    return a->part.keep_changed ? day < oldest && day < a->part.applied_day : day + AUDIT_KEEP_DAYS <= a->part.applied_day;
}

/* Of an answered one the record's day is known; without an answer it may be as long before the rows as an intent can be put off. */
static bool may_be_dropped(const struct audit *a, const struct audit_slot *slot) {
    if (audit_was_dropped(a, slot->day)) return true;
    return !(slot->has & HAS_ANSWER) && slot->day >= PUT_OFF_DAYS && audit_was_dropped(a, slot->day - PUT_OFF_DAYS);
}

static bool unrecorded(const struct audit *a, const struct audit_slot *slot) {
    return (slot->has & HAS_ANSWER) && !(slot->has & (HAS_RECORD | HAS_ROWS)) && !audit_was_dropped(a, slot->day);
}

void audit_bill_finish(struct audit *a, uint64_t *unrecorded_count) {
    const struct audit_part *p = &a->part;
    *unrecorded_count = 0;
    for (uint64_t n = 0; n < p->slot_count; n++) {
        const struct audit_slot *slot = &p->slots[n];
        if (slot->has == 0) continue;
        *unrecorded_count += unrecorded(a, slot);
        if ((slot->has & HAS_RECORD) && slot->bill && !(slot->has & (HAS_ROWS | IS_GROUP)) && !audit_was_trimmed(a, slot->bill))
            audit_find(a, "bill %u-%u: has a bill record, but no ledger rows", p->partition, slot->bill);
        else if ((slot->has & HAS_ROWS) && !(slot->has & HAS_RECORD) && slot->bill <= p->bill_before && !may_be_dropped(a, slot))
            audit_find(a, "bill %u-%u: has ledger rows, but no bill record", p->partition, slot->bill);
        else if ((slot->has & IS_GROUP) && (slot->has & HAS_ROWS))
            audit_find(a, "bill %u-%u: has ledger rows of a group, which has none of its own", p->partition, slot->bill);
    }
}

bool audit_bill_is_unrecorded(const struct audit *a, const char *identity, size_t size) {
    if (!a->part.slot_count) return false;
    const struct audit_slot *slot = find_slot(a->part.slots, a->part.slot_count, audit_hash(a, identity, size));
    return slot->hash && unrecorded(a, slot);
}

void audit_bill_clear(struct audit *a) {
    free(a->part.slots);
    a->part.slots = NULL;
    a->part.slot_count = a->part.slot_used = 0;
}
