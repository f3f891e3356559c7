/* Where and when an intent may be decided. */
#include <criterion/criterion.h>
#include <string.h>

#include "schema/code.h"
#include "schema/intent.h"
#include "schema/keys.h"

enum { HOUR = 3600000 };
static const uint64_t now = 1700000000000;

static const struct { const char *name; int64_t at_offset; unsigned shift; int code; const char *field; } rows[] = {
    {"at the same time", 0, 0, CODE_ok, ""},
    {"5 min ahead", 300000, 0, CODE_ok, ""},
    {"a ms more than 5 min ahead", 300001, 0, CODE_invalid, "at"},
    {"23 h late", -23 * HOUR, 0, CODE_ok, ""},
    {"a ms more than 23 h late", -23 * HOUR - 1, 0, CODE_stale, "at"},
    {"long ago", 1 - 1700000000000, 0, CODE_stale, "at"},
    {"in a hundred thousand years", INTENT_AMOUNT_MAX - 1700000000000, 0, CODE_invalid, "at"},
    {"elsewhere", 0, 1, CODE_invalid, "account"},
    {"elsewhere and late: where it lies comes first", -24 * HOUR, 1, CODE_invalid, "account"},
};

Test(place, table) {
    struct intent intent = {.op = OP_pay, .account = "alice"};
    const struct book book = {.partitions = 16};
    unsigned home = keys_partition(&book, "alice", 5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct intent_fault fault = {.field = ""};
        intent.at_ms = (uint64_t)((int64_t)now + rows[i].at_offset);
        cr_assert(intent_place(&intent, (home + rows[i].shift) % 16, 16, now, &fault) == rows[i].code, "%s", rows[i].name);
        cr_assert(strcmp(fault.field, rows[i].field) == 0, "%s: '%s'", rows[i].name, fault.field);
    }
}

static const struct { const char *name; int64_t offset; int code; } times[] = {
    {"now", 0, CODE_ok},
    {"long ago", -1700000000000, CODE_ok},
    {"90 days ahead", 90LL * 24 * HOUR, CODE_ok},
    {"a ms more than 90 days ahead", 90LL * 24 * HOUR + 1, CODE_invalid},
    {"in a hundred thousand years", INTENT_AMOUNT_MAX - 1700000000000, CODE_invalid},
};

Test(place, not_before) {
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct intent intent = {.op = OP_pay, .account = "alice", .at_ms = now};
        struct intent_fault fault = {.field = ""};
        intent.not_before_ms = (uint64_t)((int64_t)now + times[i].offset);
        cr_assert(intent_place(&intent, 0, 1, now, &fault) == times[i].code, "%s", times[i].name);
        cr_assert(strcmp(fault.field, times[i].code == CODE_ok ? "" : "not_before") == 0, "%s: '%s'", times[i].name, fault.field);
        intent.at_ms = now + 300001;
        cr_assert(intent_place(&intent, 0, 1, now, &fault) == CODE_invalid && strcmp(fault.field, "at") == 0, "%s", times[i].name);
        intent.at_ms = now - 23 * HOUR - 1;
        cr_assert(intent_place(&intent, 0, 1, now, &fault) == (times[i].code == CODE_ok ? CODE_stale : CODE_invalid), "%s", times[i].name);
    }
}

Test(place, a_policy_belongs_everywhere) {
    struct intent intent = {.op = OP_policy, .account = "@book", .at_ms = now};
    struct intent_fault fault;
    for (unsigned partition = 0; partition < 16; partition++)
        cr_assert(intent_place(&intent, partition, 16, now, &fault) == CODE_ok);
    intent.at_ms = now - 23 * HOUR - 1;
    cr_assert(intent_place(&intent, 3, 16, now, &fault) == CODE_stale);
}

Test(place, a_settle_belongs_everywhere) {
    struct intent intent = {.op = OP_settle, .account = "coffee", .at_ms = now};
    struct intent_fault fault;
    for (unsigned partition = 0; partition < 16; partition++)
        cr_assert(intent_place(&intent, partition, 16, now, &fault) == CODE_ok);
    intent.at_ms = now - 23 * HOUR - 1;
    cr_assert(intent_place(&intent, 3, 16, now, &fault) == CODE_stale);
    intent.at_ms = now + 300001;
    cr_assert(intent_place(&intent, 3, 16, now, &fault) == CODE_invalid);
    intent.at_ms = now, intent.op = OP_order;
    unsigned home = keys_partition(&(struct book){.partitions = 16}, "coffee", 6);
    for (unsigned partition = 0; partition < 16; partition++)
        cr_assert((intent_place(&intent, partition, 16, now, &fault) == CODE_ok) == (partition == home), "an order, in %u", partition);
}

Test(place, extreme_clocks_do_not_wrap) {
    struct intent intent = {.op = OP_pay, .account = "alice", .at_ms = 1};
    struct intent_fault fault;
    cr_assert(intent_place(&intent, 0, 1, UINT64_MAX, &fault) == CODE_stale);
    cr_assert(intent_place(&intent, 0, 1, 0, &fault) == CODE_ok);
}

Test(place, follow_ups_are_exempt) {
    struct intent intent = {.op = OP_adopt, .account = "alice", .at_ms = 1};
    struct intent_fault fault;
    for (unsigned partition = 0; partition < 16; partition++)
        cr_assert(intent_place(&intent, partition, 16, now, &fault) == CODE_ok);
}
