/* The crash matrix of what takes more than one entry: a transfer on its way there and back, a hold that lapses, an intent put off. The
 * worker that has the partition at hand dies at each point of each leg, alone and with two others beside it. Other transfers and holds
 * follow. In the end all is sound, nothing is in transit, nothing held, and each was answered once. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"
#include "tests/flow/doomed.h"

enum { PARTITIONS = 6, AMOUNT = 700 };

enum what { TRANSFER, BOUNCE, LAPSE, LATER_PAY, LATER_TRANSFER };

struct row {
    char point[32];
    unsigned alone, beside; /* the how-manieth time: in the only worker; in the one that has but the partition at hand (0: not there) */
    enum what what;
    bool at_receiver;       /* which of the two partitions is at hand */
};

static const struct row rows[] = {
    {"before_apply", 1, 1, TRANSFER, false},     {"after_apply", 1, 1, TRANSFER, false},       {"amid_follow_ups", 1, 1, TRANSFER, false},
    {"after_follow_ups", 1, 1, TRANSFER, false}, {"after_answer", 1, 1, TRANSFER, false},      {"before_apply", 2, 1, TRANSFER, true},
    {"after_apply", 2, 1, TRANSFER, true},       {"amid_follow_ups", 2, 1, TRANSFER, true},    {"after_follow_ups", 2, 1, TRANSFER, true},
    {"after_answer", 2, 1, TRANSFER, true},      {"before_apply", 3, 2, TRANSFER, false},      {"after_apply", 3, 2, TRANSFER, false},
    {"after_apply", 2, 1, BOUNCE, true},         {"amid_follow_ups", 2, 1, BOUNCE, true},      {"after_answer", 2, 1, BOUNCE, true},
    {"before_apply", 3, 2, BOUNCE, false},       {"after_apply", 3, 2, BOUNCE, false},         {"after_apply", 1, 1, LAPSE, false},
    {"after_due", 1, 1, LAPSE, false},           {"before_apply", 2, 2, LAPSE, false},         {"after_apply", 2, 2, LAPSE, false},
    {"after_apply", 1, 1, LATER_PAY, false},     {"after_due", 1, 1, LATER_PAY, false},        {"before_apply", 2, 2, LATER_PAY, false},
    {"after_apply", 2, 2, LATER_PAY, false},     {"after_due", 1, 1, LATER_TRANSFER, false},
    {"before_apply", 2, 2, LATER_TRANSFER, false},
    {"after_apply", 2, 2, LATER_TRANSFER, false}, {"amid_follow_ups", 1, 1, LATER_TRANSFER, false},
    {"after_follow_ups", 1, 1, LATER_TRANSFER, false}, {"after_answer", 1, 1, LATER_TRANSFER, false},
    {"after_apply", 3, 1, LATER_TRANSFER, true}, {"after_answer", 2, 1, LATER_TRANSFER, true}, {"after_apply", 4, 3, LATER_TRANSFER, false},
};

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

/* Between a partition of the doomed worker's and one of another's, if there is another. */
static struct intent make(const struct row *row) {
    unsigned hand = doomed_partition(&flow, true, PARTITIONS), other = doomed_partition(&flow, false, PARTITIONS);
    if (other == PARTITIONS) other = doomed_partition(&flow, true, hand);
    const char *from = flow_name_in(&flow, "u", row->at_receiver ? other : hand);
    const char *to = flow_name_in(&flow, row->what == BOUNCE ? "nobody" : "u", row->at_receiver ? hand : other);
    bool away = row->what == TRANSFER || row->what == BOUNCE || row->what == LATER_TRANSFER;
    struct intent intent = flow_intent(away ? OP_transfer : row->what == LAPSE ? OP_hold : OP_pay, from, away ? to : "m0", AMOUNT, NULL);
    if (row->what == LAPSE) flow_set_number(&intent, FIELD_expires, 300);
    if (row->what == LATER_PAY || row->what == LATER_TRANSFER) flow_set_number(&intent, FIELD_not_before, flow_now_ms() + 300);
    return intent;
}

/* Accounts and nobody at work; then the one that will die, with so many beside it. */
static void begin(const char *point, unsigned beside) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    doomed_worker(&flow, 0, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    doomed_share(&flow, point, beside);
}

static void expect_done(const struct row *row, const char *name, const struct intent *intent) {
    struct flow_answer a = flow_answer(&flow, intent);
    cr_assert(a.count == 1 && a.code == (row->what == BOUNCE ? CODE_not_found : CODE_ok), "%s: %u answers, code %d", name, a.count, a.code);
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", name);
    cr_assert_eq(flow_users(&flow, "held"), 0, "%s: something is held", name);
    int64_t spent = (int64_t)FLOW_USERS * FLOW_BALANCE - flow_users(&flow, "balance");
    cr_assert_eq(spent, row->what == LATER_PAY ? AMOUNT : 0, "%s: %lld were spent", name, (long long)spent);
    check_sound(&flow, name, 0);
}

static void die_on_the_way(const struct row *row, unsigned beside) {
    static const char *const words[] = {"transfer", "bounce", "lapse", "later payment", "later transfer"};
    char point[48], name[120];
    snprintf(point, sizeof point, "%s:%u", row->point, beside ? row->beside : row->alone);
    snprintf(name, sizeof name, "%s, %s%s, %u beside", point, words[row->what], row->at_receiver ? " at the receiver" : "", beside);
    fprintf(stderr, "%s\n", name);
    begin(point, beside);
    struct intent intent = make(row);
    flow_send(&flow, &intent);
    doomed_expect_killed(&flow, name);
    flow_transfer(&flow, 40, NULL, NULL);
    flow_hold(&flow, 20);
    if (beside == 0) doomed_worker(&flow, 4, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    expect_done(row, name, &intent);
    flow_stop(&flow);
}

ParameterizedTestParameters(flow_crash_way, matrix) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

ParameterizedTest(const struct row *row, flow_crash_way, matrix, .fini = stop, .timeout = 90) {
    die_on_the_way(row, 0);
    die_on_the_way(row, 2);
}

/* Hundreds on their way at once: the one that has all dies at a point of the follow-ups, of many, or of many that fall due. */
ParameterizedTestParameters(flow_crash_way, many) {
    static const char points[][32] = {"amid_follow_ups:7", "after_follow_ups:9", "after_answer:11", "after_apply:20", "before_apply:33",
                                      "after_due:2",       "after_due:5",        "after_due:11"};
    return cr_make_param_array(const char[32], (void *)(uintptr_t)points, sizeof points / sizeof *points);
}

ParameterizedTest(const char (*point)[32], flow_crash_way, many, .fini = stop, .timeout = 90) {
    fprintf(stderr, "%s\n", *point);
    begin(*point, 0);
    flow_transfer(&flow, 400, NULL, NULL);
    flow_hold(&flow, 300);
    doomed_expect_killed(&flow, *point);
    flow_transfer(&flow, 200, NULL, NULL);
    doomed_worker(&flow, 2, "");
    doomed_worker(&flow, 3, "");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", *point);
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: something is in transit", *point);
    cr_assert_eq(flow_users(&flow, "held"), 0, "%s: something is held", *point);
    cr_assert_eq(flow_users(&flow, "balance"), (int64_t)FLOW_USERS * FLOW_BALANCE, "%s", *point);
    check_sound(&flow, *point, 0);
}
