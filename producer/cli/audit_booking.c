/* What each bill moved: a record must say the same as the rows of its number, and a group's as those of all its steps together. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "schema/code.h"

enum { STEPS_MIN = 2, STEPS_MAX = 16 };

/* Of a hold, a release or an expiry `moved` is what is held, or no longer is; of anything else what came to somebody. */
struct booking {
    uint32_t bill;
    uint32_t owner; /* some bits of a hash of ACCOUNT/SOURCE */
    int64_t moved_minor;
};

/* A group's record: its steps have the bills first..last. */
struct group {
    uint32_t first, last, owner;
    int64_t amount_minor;
};

struct audit_bookings {
    struct booking *list; /* in the order of bill numbers */
    size_t count, capacity;
    struct group *groups;
    size_t group_count, group_capacity;
};

static struct audit_bookings *bookings_of(struct audit *a) {
    if (!a->part.bookings) a->part.bookings = calloc(1, sizeof *a->part.bookings);
    if (!a->part.bookings) abort();
    return a->part.bookings;
}

static uint32_t owner_of(const struct audit *a, const char *identity) {
    const char *slash = strchr(identity, '/');
    slash = slash ? strchr(slash + 1, '/') : NULL;
    return (uint32_t)audit_hash(a, identity, slash ? (size_t)(slash - identity) : strlen(identity));
}

static size_t find(const struct audit_bookings *b, uint64_t bill) {
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->list[middle].bill < bill) low = middle + 1;
        else high = middle;
    }
    return low;
}

void audit_booking_add(struct audit *a, uint64_t bill) {
    struct audit_bookings *b = bookings_of(a);
    const struct audit_rows *rows = &a->part.rows;
    if (b->count && b->list[b->count - 1].bill >= bill) return; /* found already */
    b->list = audit_grow(b->list, b->count, &b->capacity, sizeof *b->list);
    int64_t held = rows->hold_minor < 0 ? -rows->hold_minor : rows->hold_minor;
    b->list[b->count++] = (struct booking){(uint32_t)bill, owner_of(a, rows->identity), rows->moved_minor ? rows->moved_minor : held};
}

static void add_group(struct audit *a, const char *identity, const struct bill *bill, uint64_t first) {
    struct audit_bookings *b = bookings_of(a);
    uint64_t last;
    if (!audit_bill_number(a, bill->detail, &last)) return;
    if (last < first + STEPS_MIN - 1 || last > first + STEPS_MAX - 1) {
        audit_find(a, "bill record %s: a group with steps from bill %s to bill %s", identity, bill->bill, bill->detail);
        return;
    }
    b->groups = audit_grow(b->groups, b->group_count, &b->group_capacity, sizeof *b->groups);
    b->groups[b->group_count++] = (struct group){(uint32_t)first, (uint32_t)last, owner_of(a, identity), bill->amount_minor};
}

void audit_booking_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number) {
    struct audit_bookings *b = bookings_of(a);
    if (!number || (bill->code != CODE_ok && bill->code != CODE_in_progress)) return; /* of a bounced transfer nothing moved in the end */
    bool at_home = keys_partition(&a->c->book, identity, strcspn(identity, "/")) == a->part.partition;
    if (strcmp(bill->op, "settle") == 0 && at_home) return; /* it says what the shard earned; only the fee on it is booked here */
    if (strcmp(bill->op, "group") == 0) {
        add_group(a, identity, bill, number);
        return;
    }
    size_t n = find(b, number);
    if (n < b->count && b->list[n].bill == number && b->list[n].moved_minor != bill->amount_minor)
        audit_find(a, "bill record %s: says %lld, but the ledger rows of bill %s moved %lld", identity, (long long)bill->amount_minor,
                   bill->bill, (long long)b->list[n].moved_minor);
}

static void check_group(struct audit *a, const struct audit_bookings *b, const struct group *g) {
    unsigned p = a->part.partition;
    uint64_t sum = 0;
    size_t n = find(b, g->first);
    if (audit_was_trimmed(a, g->first)) return;
    for (uint64_t bill = g->first; bill <= g->last; bill++, n++) {
        if (n == b->count || b->list[n].bill != bill || b->list[n].owner != g->owner) {
            audit_find(a, "bill %u-%llu: is a step of the group with bills %u-%u to %u-%u by its record, but not by its ledger rows", p,
                       (unsigned long long)bill, p, g->first, p, g->last);
            return;
        }
        sum += (uint64_t)b->list[n].moved_minor;
    }
    if (sum != (uint64_t)g->amount_minor)
        audit_find(a, "bill %u-%u: its group's record says %lld, but the ledger rows of bills %u-%u to %u-%u moved %llu", p, g->first,
                   (long long)g->amount_minor, p, g->first, p, g->last, (unsigned long long)sum);
}

void audit_booking_finish(struct audit *a) {
    const struct audit_bookings *b = bookings_of(a);
    for (size_t n = 0; n < b->group_count; n++) check_group(a, b, &b->groups[n]);
}

void audit_booking_clear(struct audit *a) {
    if (!a->part.bookings) return;
    free(a->part.bookings->list);
    free(a->part.bookings->groups);
    free(a->part.bookings);
    a->part.bookings = NULL;
}
