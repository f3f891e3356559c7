/* Who was billed: every identity with its bill number, its answer and its bill record, in one table of 16 bytes each. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "schema/bill.h"
#include "schema/code.h"
#include "schema/ledger.h"

enum { PAGE = 1000, FIRST_SLOTS = 1024, KEEP_DAYS = 180 /* bills of older days may have been dropped */ };
enum { HAS_ROWS = 1, HAS_RECORD = 2, HAS_ANSWER = 4 };

/* Identities are told apart by 64 bits of a keyed hash: two of ten million collide once in 400,000 audits. */
struct audit_slot {
    uint64_t hash; /* 0: free */
    uint32_t bill; /* 0: none */
    uint16_t day;
    uint8_t has;
    int8_t code; /* of the record or the answer */
};

_Static_assert(sizeof(struct audit_slot) == 16, "one bill costs 16 bytes");

static uint64_t hash_of(const struct audit *a, const char *identity, size_t size) {
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    crypto_shorthash(out, (const unsigned char *)identity, size, a->hash_key);
    memcpy(&hash, out, sizeof hash);
    return hash ? hash : 1;
}

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
    struct audit_slot *slot = find_slot(p->slots, p->slot_count, hash_of(a, identity, size));
    if (slot->hash == 0) {
        slot->hash = hash_of(a, identity, size);
        p->slot_used++;
    }
    return slot;
}

bool audit_bill_number(struct audit *a, const char *text, uint64_t *number) {
    char prefix[16];
    int size = snprintf(prefix, sizeof prefix, "%u-", a->part.partition);
    if (strncmp(text, prefix, (size_t)size) == 0 && args_parse_number(text + size, number) && *number > 0 && *number <= UINT32_MAX)
        return true;
    audit_find(a, "bill '%.32s': is no bill number of partition %u", text, a->part.partition);
    return false;
}

void audit_bill_row(struct audit *a, const struct ledger_row *row, uint64_t bill) {
    struct audit_slot *slot = slot_of(a, row->identity, strlen(row->identity));
    if ((slot->has & HAS_ROWS) && slot->bill != bill)
        audit_find(a, "bill %s: %s was booked before, as bill %u-%u: twice charged", row->bill, row->identity, a->part.partition,
                   slot->bill);
    else if ((slot->has & HAS_RECORD) && slot->bill != bill)
        audit_find(a, "bill %s: %s: its bill record says bill %u-%u", row->bill, row->identity, a->part.partition, slot->bill);
    slot->has |= HAS_ROWS;
    slot->bill = (uint32_t)bill;
    slot->day = (uint16_t)keys_day(row->at_ms);
}

void audit_bill_answer(struct audit *a, const char *identity, size_t size, int code, uint64_t at_ms) {
    struct audit_slot *slot = slot_of(a, identity, size);
    if ((slot->has & HAS_ANSWER) && slot->code != code)
        audit_find(a, "%.*s: was answered %d and %d", (int)size, identity, slot->code, code);
    if (!(slot->has & HAS_ROWS)) slot->day = (uint16_t)keys_day(at_ms);
    slot->has |= HAS_ANSWER;
    slot->code = (int8_t)code;
}

/* The record's own sense: where it lies, and that a number means money moved. False when it says nothing more. */
static bool check_record(struct audit *a, const char *identity, const struct bill *bill, uint32_t day, uint64_t *number) {
    const char *slash = strchr(identity, '/');
    *number = 0;
    if (bill->bill[0] && !audit_bill_number(a, bill->bill, number)) return false;
    if (!slash || keys_partition(&a->c->book, identity, (size_t)(slash - identity)) != a->part.partition)
        audit_find(a, "bill record %s: belongs to another partition", identity);
    if (keys_day(bill->at_ms) != day) audit_find(a, "bill record %s: lies under the wrong day", identity);
    if (bill->code != CODE_ok && *number)
        audit_find(a, "bill record %s: was refused with %d, but has bill number %s", identity, bill->code, bill->bill);
    return true;
}

static void take_record(struct audit *a, struct reply name, struct reply text, uint32_t day) {
    struct bill bill;
    uint64_t number;
    size_t size, identity_size;
    const char *record = reply_text(text, &size), *identity = reply_text(name, &identity_size);
    const char *wrong = bill_parse(record, size, &bill);
    if (wrong) {
        audit_find(a, "bill record %s: %s", identity, wrong);
        return;
    }
    struct audit_slot *slot = slot_of(a, identity, identity_size);
    if ((slot->has & HAS_RECORD) && slot->day == (uint16_t)day) return; /* HSCAN may give a field more than once */
    a->records++;
    if (!check_record(a, identity, &bill, day, &number)) return;
    if (slot->has & HAS_RECORD) audit_find(a, "bill record %s: there are two", identity);
    if ((slot->has & HAS_ANSWER) && slot->code != bill.code)
        audit_find(a, "bill record %s: says %d, but the answer was %d", identity, bill.code, slot->code);
    if ((slot->has & HAS_ROWS) && slot->bill != number)
        audit_find(a, "bill record %s: says bill '%s', but its ledger rows are of bill %u-%u", identity, bill.bill, a->part.partition,
                   slot->bill);
    slot->has |= HAS_RECORD;
    slot->code = (int8_t)bill.code;
    slot->day = (uint16_t)day;
    if (!(slot->has & HAS_ROWS)) slot->bill = (uint32_t)number;
}

/* "YYYYMMDD", as keys_day_text writes it; false for anything else. */
static bool parse_day(const char *text, uint32_t *day) {
    char again[9];
    uint64_t number;
    if (strlen(text) != 8 || !args_parse_number(text, &number)) return false;
    uint64_t year = number / 10000, month = number / 100 % 100, mday = number % 100;
    if (year < 1970 || month < 1 || month > 12 || mday < 1) return false;
    /* days from the civil calendar: years begin in March, so that the leap day is the last */
    uint64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    *day = (uint32_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + mday - 1 - 719468);
    keys_day_text(*day, again);
    return strcmp(again, text) == 0;
}

static int read_day(struct audit *a, const char *text, uint32_t day, uint64_t *count) {
    struct pages pages;
    struct reply items;
    char key[256];
    bool more = true;
    int code;
    *count = 0;
    snprintf(key, sizeof key, "{%s:%u}:bills:%s", a->c->book.name, a->part.partition, text);
    pages_hash(&pages, a->c, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; n + 1 < reply_count(items); n += 2) take_record(a, reply_at(items, n), reply_at(items, n + 1), day);
        *count += reply_count(items) / 2;
        progress_add(&a->progress, reply_count(items) / 2);
    }
    pages_end(&pages);
    return code;
}

int audit_bill_records(struct audit *a) {
    uint64_t count;
    uint32_t day;
    int code = CLI_OK;
    for (char *at = NULL; !code && (at = audit_name_next(&a->names[a->part.partition], 'b', at));) {
        if (parse_day(at, &day)) {
            code = read_day(a, at, day, &count);
            if (!code && count == 0) at[-1] = '-'; /* dropped since its name was listed: no longer a day that is there */
        } else audit_find(a, "bills of '%.40s': there is no such day", at);
    }
    return code;
}

/* Bills of a day that `apply` has dropped after the refund window are not missed. */
static bool was_dropped(const struct audit *a, uint32_t day) { return day + KEEP_DAYS <= a->part.applied_day && !audit_has_day(a, day); }

static bool unrecorded(const struct audit *a, const struct audit_slot *slot) {
    return (slot->has & HAS_ANSWER) && !(slot->has & (HAS_RECORD | HAS_ROWS)) && !was_dropped(a, slot->day);
}

void audit_bill_finish(struct audit *a, uint64_t *unrecorded_count) {
    const struct audit_part *p = &a->part;
    *unrecorded_count = 0;
    for (uint64_t n = 0; n < p->slot_count; n++) {
        const struct audit_slot *slot = &p->slots[n];
        if (slot->has == 0) continue;
        *unrecorded_count += unrecorded(a, slot);
        if ((slot->has & HAS_RECORD) && slot->bill && !(slot->has & HAS_ROWS))
            audit_find(a, "bill %u-%u: has a bill record, but no ledger rows", p->partition, slot->bill);
        else if ((slot->has & HAS_ROWS) && !(slot->has & HAS_RECORD) && slot->bill <= p->bill_before && !was_dropped(a, slot->day))
            audit_find(a, "bill %u-%u: has ledger rows, but no bill record", p->partition, slot->bill);
    }
}

bool audit_bill_is_unrecorded(const struct audit *a, const char *identity, size_t size) {
    if (!a->part.slot_count) return false;
    const struct audit_slot *slot = find_slot(a->part.slots, a->part.slot_count, hash_of(a, identity, size));
    return slot->hash && unrecorded(a, slot);
}

void audit_bill_clear(struct audit *a) {
    free(a->part.slots);
    a->part.slots = NULL;
    a->part.slot_count = a->part.slot_used = 0;
}
