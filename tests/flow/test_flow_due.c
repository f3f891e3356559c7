/* Time passing, with real workers: intents put off are decided after their time, once; many things falling due at once neither hold up the
 * payments nor pile up.
 *
 * TILL_HOLDS says how many holds fall due in one second (20,000), TILL_RATE how many payments a second go on meanwhile (500). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/code.h"
#include "tests/flow/check.h"

enum { PARTITIONS = 4, LATE_MS = 1500, LATENCIES_MAX = 200000 };

static struct flow flow;

static void start(void) {
    flow_start(&flow, PARTITIONS, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, &(struct worker_options){.batch = 128});
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_due, .init = start, .fini = stop, .timeout = 600);

static struct intent put_off(enum op op, const char *to, uint64_t in_ms) {
    struct intent intent = flow_intent(op, "u1", to, 100, NULL);
    flow_set_number(&intent, FIELD_not_before, flow_now_ms() + in_ms);
    flow_send(&flow, &intent);
    return intent;
}

static void expect_decided_in_time(const struct intent *intent, int code) {
    struct flow_answer a = flow_answer(&flow, intent);
    cr_assert(a.code == code && a.count - a.on_the_way - a.replays == 1, "%s %s: code %d, %u answers", op_word(intent->op), intent->key,
              a.code, a.count);
    cr_assert_geq(a.told_ms, intent->not_before_ms, "%s: %llu ms too early", op_word(intent->op),
                  (unsigned long long)(intent->not_before_ms - a.told_ms));
    cr_assert_leq(a.told_ms, intent->not_before_ms + (uint64_t)wait_fair_ms(LATE_MS), "%s: %llu ms late", op_word(intent->op),
                  (unsigned long long)(a.told_ms - intent->not_before_ms));
}

Test(flow_due, what_is_put_off_is_decided_after_its_time_and_not_before) {
    static struct intent sent[40];
    static const struct { enum op op; const char *to; } ops[] = {
        {OP_pay, "m0"}, {OP_topup, NULL}, {OP_withdraw, NULL}, {OP_transfer, "u2"}, {OP_transfer, "u3"}, {OP_hold, "m1"}};
    enum { OPS = sizeof ops / sizeof *ops };
    for (unsigned n = 0; n < 40; n++) sent[n] = put_off(ops[n % OPS].op, ops[n % OPS].to, 100 + flow_random(&flow, 1500));
    flow_send(&flow, &sent[39]);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_send(&flow, &sent[39]);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < 40; n++) expect_decided_in_time(&sent[n], CODE_ok);
    struct flow_answer twice = flow_answer(&flow, &sent[39]);
    cr_assert(twice.on_the_way == 1 && twice.replays == 1, "%u repetitions on the way, %u replays", twice.on_the_way, twice.replays);
    check_sound(&flow, "put off", 0);
}

Test(flow_due, what_is_put_off_is_decided_though_everybody_was_down) {
    struct intent pay = put_off(OP_pay, "m0", 600), first = put_off(OP_topup, NULL, 700);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    worker_kill(&flow.workers[0]);
    cr_assert(WAIT_UNTIL(flow_due(&flow, 0) == 2, 3000));
    WAIT_UNTIL(false, 300);
    cr_assert_eq(flow_answer(&flow, &pay).count, 0, "answered by nobody?");
    flow_worker(&flow, 1, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &pay).code, CODE_ok);
    cr_assert_eq(flow_answer(&flow, &first).code, CODE_ok);
    check_sound(&flow, "down", 0);
}

Test(flow_due, what_is_taken_back_in_time_is_not_decided) {
    struct intent pay = put_off(OP_pay, "m0", 800), back = flow_intent(OP_unschedule, "u1", NULL, 0, pay.key);
    flow_send(&flow, &back);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct intent late = flow_intent(OP_unschedule, "u1", NULL, 0, pay.key);
    flow_send(&flow, &late);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_answer(&flow, &back).code, CODE_ok);
    cr_assert_eq(flow_answer(&flow, &late).code, CODE_wrong_state);
    struct flow_answer a = flow_answer(&flow, &pay);
    cr_assert(a.code == CODE_wrong_state && a.count == 1, "code %d, %u answers", a.code, a.count);
    cr_assert_str_eq(a.detail, "unscheduled");
    cr_assert_eq(flow_account(&flow, "u1", "balance"), FLOW_BALANCE);
    check_sound(&flow, "taken back", 0);
}

/* --- many at once --- */

static unsigned setting(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    unsigned long value = text ? strtoul(text, NULL, 10) : 0;
    return value ? (unsigned)value : otherwise;
}

/* Answers to the payments that were enqueued between two times. */
struct latencies {
    uint64_t from_ms, until_ms;
    unsigned count, refused;
    unsigned ms[LATENCIES_MAX];
};

static void note_latency(void *context, uint64_t told_ms, struct reply fields) {
    struct latencies *l = context;
    uint64_t entry_ms = strtoull(flow_field(fields, "entry"), NULL, 10);
    if (strcmp(flow_field(fields, "op"), "pay") != 0 || entry_ms < l->from_ms || entry_ms >= l->until_ms) return;
    if (l->count == LATENCIES_MAX) return;
    l->refused += strcmp(flow_field(fields, "code"), "0") != 0;
    l->ms[l->count++] = (unsigned)(told_ms - entry_ms);
}

static int compare(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

/* The q-th of a thousand, in ms. */
static unsigned quantile(const struct latencies *l, unsigned q) { return l->count ? l->ms[(uint64_t)(l->count - 1) * q / 1000] : 0; }

static void measure(struct latencies *l, const char *name, uint64_t from_ms, uint64_t until_ms) {
    memset(l, 0, sizeof *l);
    l->from_ms = from_ms;
    l->until_ms = until_ms;
    flow_each_answer(&flow, "app", note_latency, l);
    qsort(l->ms, l->count, sizeof *l->ms, compare);
    fprintf(stderr, "%-9s %6u payments in %5llu ms, answered within %u ms (p50) %u ms (p99) %u ms (p99.9) %u ms (most)\n", name, l->count,
            (unsigned long long)(until_ms - from_ms), quantile(l, 500), quantile(l, 990), quantile(l, 999), quantile(l, 1000));
}

/* Payments of 0.01 at a rate that is kept whatever happens, until the time has come or `done` says so, which is asked every 20 ms. When. */
static uint64_t pay_steadily(unsigned rate, uint64_t until_ms, bool (*done)(void)) {
    uint64_t began_ms = flow_now_ms(), now_ms = began_ms, sent = 0, asked_ms = began_ms;
    char user[16];
    while ((now_ms = flow_now_ms()) < until_ms) {
        for (; sent * 1000 < (now_ms - began_ms) * rate; sent++) {
            snprintf(user, sizeof user, "u%u", (unsigned)flow_random(&flow, FLOW_USERS));
            struct intent pay = flow_intent(OP_pay, user, "m0", 1, NULL);
            flow_set_text(&pay, FIELD_source, "app");
            flow_queue(&flow, &pay);
        }
        flow_queued(&flow);
        if (now_ms - asked_ms >= 20) {
            if (done && done()) return now_ms;
            asked_ms = now_ms;
        }
        nanosleep(&(struct timespec){0, 500000}, NULL);
    }
    return now_ms;
}

static bool nothing_is_due(void) { return flow_due(&flow, FLOW_SOON_MS) == 0; }

/* So many holds that all lapse at `deadline_ms`, or within some milliseconds after it. */
static void send_holds(unsigned count, uint64_t deadline_ms) {
    char user[16];
    for (unsigned n = 0; n < count; n++) {
        snprintf(user, sizeof user, "u%u", n % FLOW_USERS);
        struct intent hold = flow_intent(OP_hold, user, "m0", 1, NULL);
        uint64_t now_ms = flow_now_ms();
        cr_assert_lt(now_ms, deadline_ms, "only %u of %u holds were sent by the time they are to lapse", n, count);
        flow_set_number(&hold, FIELD_expires, deadline_ms - now_ms);
        flow_queue(&flow, &hold);
    }
    flow_queued(&flow);
}

/* How long so many holds may take on this machine as it is now: some times what payments take, a thousand of which it makes. */
static uint64_t fair_sending_ms(unsigned holds) {
    enum { TRIAL = 1000, TIMES = 4 };
    uint64_t began_ms = flow_now_ms();
    for (unsigned n = 0; n < TRIAL; n++) {
        struct intent pay = flow_intent(OP_pay, "u0", "m0", 1, NULL);
        flow_queue(&flow, &pay);
    }
    flow_queued(&flow);
    cr_assert(flow_quiet(&flow, FLOW_SETTLE_MS));
    return 1000 + (flow_now_ms() - began_ms) * TIMES * holds / TRIAL;
}

Test(flow_due, many_at_once_do_not_hold_up_payments) {
    enum { QUIET_MS = 3000, FEW_MS = 250 };
    static struct latencies quiet, storm;
    unsigned holds = setting("TILL_HOLDS", 20000), rate = setting("TILL_RATE", 500);
    uint64_t sending_ms = fair_sending_ms(holds), deadline_ms = flow_now_ms() + sending_ms + QUIET_MS + 1000;
    send_holds(holds, deadline_ms);
    cr_assert(flow_quiet(&flow, (int)sending_ms), "the holds are not all made");
    cr_assert_eq(flow_users(&flow, "held"), holds);
    cr_assert_lt(flow_now_ms() + QUIET_MS, deadline_ms, "it took too long to make them");
    uint64_t quiet_ms = deadline_ms - QUIET_MS;
    pay_steadily(rate, deadline_ms, NULL);
    uint64_t done_ms = pay_steadily(rate, deadline_ms + 600000, nothing_is_due);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(flow_users(&flow, "held"), 0);
    cr_assert_eq(flow_rows(&flow, "expire", NULL), holds);
    measure(&quiet, "quiet", quiet_ms, deadline_ms);
    measure(&storm, "falling due", deadline_ms, done_ms);
    fprintf(stderr, "%u holds fell due at once and lapsed in %llu ms: %llu a second\n", holds, (unsigned long long)(done_ms - deadline_ms),
            (unsigned long long)holds * 1000 / (done_ms - deadline_ms + 1));
    cr_assert(quiet.count > 0 && storm.count > 0 && !quiet.refused && !storm.refused, "%u and %u payments", quiet.count, storm.count);
    /* Behind the storm they would wait for all of it. */
    uint64_t few_ms = (uint64_t)wait_fair_ms(FEW_MS), fifth_ms = (done_ms - deadline_ms) / 5;
    cr_assert_leq(quantile(&storm, 990), few_ms > fifth_ms ? few_ms : fifth_ms, "payments wait: p99 is %u ms", quantile(&storm, 990));
    cr_assert_geq(holds * 1000 / (done_ms - deadline_ms + 1), 1000 * 1000 / (uint64_t)wait_fair_ms(1000), "they lapse too slowly");
    if (holds <= 20000) check_sound(&flow, "many at once", 0);
}
