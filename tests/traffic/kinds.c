/* The rows of the bench. Payments and what is compared with them take turns, so that both meet the same noise and the same size of
 * the book. */
#include "tests/traffic/kinds.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct kind kinds[] = {
    {"pay", "payment", 1, 1, {TASK_PAY}, 1},
    {"hot_payer", "payment, half of them by one account", 1, 1, {TASK_PAY}, 1},
    {"hot_merchant", "payment, all of them to one merchant", 1, 1, {TASK_PAY}, 1},
    {"zipf", "payment, of accounts by Zipf 1.0", 1, 1, {TASK_PAY}, 1},
    {"hold", "hold and capture", 2, 1, {TASK_HOLD, TASK_CAPTURE}, 2},
    {"transfer", "transfer to another partition", 1, 1, {TASK_TRANSFER}, 1},
    {"group", "group of 16 payments", TILL_STEPS_MAX, TILL_STEPS_MAX, {TASK_GROUP}, 1},
    {"signed", "signed payment", 1, 1, {TASK_SIGNED_PAY}, 1},
    {"refund", "refund", 1, 1, {TASK_REFUND}, 1},
    {"waiting", "payment while intents wait", 1, 1, {TASK_PAY}, 1},
    {"lapsing", "payment while holds lapse", 1, 1, {TASK_PAY}, 1},
    {"order", "order of three articles", 1, 1, {TASK_ORDER}, 1},
    {"order_pay", "order of three articles, and its payment in the same partition", 2, 1, {TASK_ORDER, TASK_PAY_ORDER}, 2},
    {"order_pay_away", "order of three articles, and its payment in another partition", 2, 1, {TASK_ORDER, TASK_PAY_ORDER_AWAY}, 2},
    {"settle", "last month of a merchant, all of its shards", 1, KIND_SETTLE_SHARE, {TASK_SETTLE}, 1},
};

const struct kind *kind_find(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

/* Prices and stock of every merchant's articles. */
static void open_shops(struct task_list *list) {
    for (uint32_t i = 0; i < TASK_MERCHANTS * TASK_ARTICLES; i++) {
        uint32_t merchant = task_list_cast(list) + i / TASK_ARTICLES;
        task_add_article(list, TASK_PRICE, merchant, i % TASK_ARTICLES);
        task_add_article(list, TASK_STOCK, merchant, i % TASK_ARTICLES);
    }
}

static bool open_cast(struct row *row) {
    struct task_list *list = row->pour.list;
    uint32_t cast = task_list_cast(list);
    for (uint32_t i = 0; i < TASK_MERCHANTS; i++) task_add(list, TASK_OPEN_MERCHANT, cast + i, TASK_NONE);
    for (uint32_t i = 0; i < cast; i++) task_add(list, TASK_OPEN, i, TASK_NONE);
    for (uint32_t i = 0; i < cast; i++) task_add(list, TASK_TOPUP, i, TASK_NONE);
    if (row->kind->stages[0] == TASK_ORDER) open_shops(list);
    return pour_all(&row->pour, NULL, 0);
}

static void add(struct task_list *list, enum task_what what, uint32_t count, uint32_t first_of) {
    for (uint32_t i = 0; i < count; i++) task_add(list, what, TASK_NONE, first_of == TASK_NONE ? TASK_NONE : first_of + i);
}

static bool pay_some(struct row *row, struct meter *meter, uint32_t count) {
    add(row->pour.list, TASK_PAY, count, TASK_NONE);
    return pour_all(&row->pour, meter, count);
}

static bool pay(struct row *row, struct meter *meter) { return pay_some(row, meter, row->count / row->rounds); }

static bool do_units(struct row *row) {
    struct task_list *list = row->pour.list;
    const struct kind *kind = row->kind;
    uint32_t payments = row->count / row->rounds, units = payments / kind->share, of = list->count - payments;
    for (unsigned stage = 0; stage < kind->stage_count; stage++) {
        uint32_t first = list->count;
        bool refers = stage > 0 || kind->stages[stage] == TASK_REFUND; /* a refund: of the payments just made */
        add(list, kind->stages[stage], units, refers ? of : TASK_NONE);
        of = first;
    }
    return pour_all(&row->pour, &row->units, units);
}

static bool take_turns(struct row *row) {
    for (uint32_t round = 0; round < row->rounds; round++)
        if (!pay(row, &row->payments) || !do_units(row)) return false;
    return true;
}

/* As take_turns, but the units by accounts or to merchants that are not all alike. */
static bool take_uneven_turns(struct row *row) {
    static const struct { const char *kind; enum task_skew skew; } skews[] = {
        {"hot_payer", TASK_HOT_PAYER}, {"hot_merchant", TASK_HOT_MERCHANT}, {"zipf", TASK_ZIPF}};
    enum task_skew skew = TASK_EVEN;
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++)
        if (strcmp(row->kind->name, skews[i].kind) == 0) skew = skews[i].skew;
    for (uint32_t round = 0; round < row->rounds; round++) {
        row->pour.list->skew = TASK_EVEN;
        if (!pay(row, &row->payments)) return false;
        row->pour.list->skew = skew;
        if (!pay(row, &row->units)) return false;
    }
    return true;
}

/* Nobody answers what was put off: an inquiry behind it says when all of it was taken in. */
static bool put_off(struct row *row) {
    struct task_list *list = row->pour.list;
    add(list, TASK_LATER, row->waiting, TASK_NONE);
    for (uint32_t i = 0; i < task_list_cast(list); i++) task_add(list, TASK_INQUIRE, i, TASK_NONE);
    return pour_all(&row->pour, &row->put_off, row->waiting);
}

static bool is_waiting(struct row *row, uint32_t n) {
    struct pour *pour = &row->pour;
    const struct task *task = &pour->list->tasks[n];
    char account[TILL_ACCOUNT_SIZE], key[TILL_KEY_SIZE];
    struct till_bill bill;
    task_name(pour->list, task->account, account);
    task_key(pour->list, n, key);
    int code = till_bill(pour->till, account, pour->list->prefix, key, task->at_ms, &bill);
    if (code == TILL_OK && strcmp(bill.state, "scheduled") == 0) return true;
    const char *why = code == TILL_OK ? bill.state : till_code_word(code);
    snprintf(pour->error, sizeof pour->error, "%s was put off and does not wait: %s", key, why);
    return false;
}

static bool all_wait(struct row *row, uint32_t first) {
    enum { SAMPLE = 100 };
    for (uint32_t i = 0; i < row->waiting; i += row->waiting / SAMPLE + 1)
        if (!is_waiting(row, first + i)) return false;
    return true;
}

static bool take_back(struct row *row, uint32_t first) {
    add(row->pour.list, TASK_UNSCHEDULE, row->waiting, first);
    return pour_all(&row->pour, &row->taken_back, row->waiting);
}

/* Payments before, while they wait, and after: one half of those it is compared with on either side. */
static bool wait_among(struct row *row) {
    uint32_t first, rounds = row->rounds;
    for (uint32_t round = 0; round < rounds / 2; round++)
        if (!pay(row, &row->payments)) return false;
    first = row->pour.list->count;
    if (!put_off(row)) return false;
    for (uint32_t round = 0; round < rounds; round++)
        if (!pay(row, &row->units)) return false;
    if (!all_wait(row, first) || !take_back(row, first)) return false;
    for (uint32_t round = rounds / 2; round < rounds; round++)
        if (!pay(row, &row->payments)) return false;
    return true;
}

/* --- holds that all lapse at once --- */

enum { BURST = 50, BURSTS = 20, BURST_MS = 25, HOLDS_PER_MS = 10, LAPSE_WITHIN_MS = 120000 };

static bool pay_in_bursts(struct row *row, struct meter *meter) {
    for (unsigned i = 0; i < BURSTS; i++) {
        measure_sleep_until(measure_now_ns() + BURST_MS * INT64_C(1000000));
        if (!pay_some(row, meter, BURST)) return false;
    }
    return true;
}

static bool hold_until(struct row *row, int64_t left_ms) {
    struct task_list *list = row->pour.list;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    list->lapse_at_ms = (uint64_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000 + left_ms);
    list->lapsing = true;
    add(list, TASK_BRIEF_HOLD, row->waiting, TASK_NONE);
    return pour_all(&row->pour, &row->held, row->waiting);
}

/* Whether anything is held by anybody. Those before `*from` were found to hold nothing, and nothing new is held. */
static bool holds_lapse(struct row *row, uint32_t *from) {
    struct till_account account;
    char name[TILL_ACCOUNT_SIZE];
    for (; *from < task_list_cast(row->pour.list); ++*from) {
        task_name(row->pour.list, *from, name);
        if (till_account(row->pour.till, name, &account) != TILL_OK || account.held_minor) return true;
    }
    return false;
}

static bool lapse_among(struct row *row) {
    uint32_t lapsed = 0;
    for (uint32_t round = 0; round < row->rounds; round++)
        if (!pay(row, &row->payments) || !pay_in_bursts(row, &row->calm)) return false;
    int64_t left_ms = 2000 + row->waiting / HOLDS_PER_MS, deadline = measure_now_ns() + left_ms * 1000000;
    if (!hold_until(row, left_ms)) return false;
    measure_sleep_until(deadline);
    while (holds_lapse(row, &lapsed)) {
        if (!pay_in_bursts(row, &row->rough) || !pay(row, &row->units)) return false;
        if (measure_now_ns() - deadline < LAPSE_WITHIN_MS * INT64_C(1000000)) continue;
        snprintf(row->pour.error, sizeof row->pour.error, "holds are left long after their deadline");
        return false;
    }
    row->lapsed_s = (double)(measure_now_ns() - deadline) / 1e9;
    return true;
}

/* --- the last month of merchants who were paid in it --- */

static bool has_all_at_home(struct row *row, uint32_t merchant) {
    struct pour *pour = &row->pour;
    struct till_account account;
    char name[TILL_ACCOUNT_SIZE];
    int64_t gross = (int64_t)till_partitions(pour->till) * TASK_PAST_MINOR, net = gross - gross * TASK_PAST_FEE / 10000;
    task_past_name(merchant, name);
    if (till_account(pour->till, name, &account) == TILL_OK && account.balance_minor == net) return true;
    snprintf(pour->error, sizeof pour->error, "%s has %lld after its month was settled, expected was %lld", name,
             (long long)account.balance_minor, (long long)net);
    return false;
}

/* A settlement is answered once it is on its way: an inquiry in each partition says when all has arrived. */
static bool arrive_home(struct row *row) {
    struct task_list *list = row->pour.list;
    char name[TILL_ACCOUNT_SIZE];
    for (uint32_t p = 0, i = 0; p < till_partitions(row->pour.till); p++, i = 0) {
        for (; i < task_list_cast(list); i++) {
            task_name(list, i, name);
            if (till_partition_of(row->pour.till, name) == p) break;
        }
        if (i < task_list_cast(list)) task_add(list, TASK_INQUIRE, i, TASK_NONE);
    }
    return pour_all(&row->pour, &row->units, 0);
}

static bool settle_among(struct row *row) {
    struct task_list *list = row->pour.list;
    uint32_t partitions = till_partitions(row->pour.till), units = row->count / row->rounds / row->kind->share, merchant = 0;
    for (uint32_t round = 0; round < row->rounds; round++) {
        if (!pay(row, &row->payments)) return false;
        for (uint32_t i = 0; i < units * partitions; i++) task_add_article(list, TASK_SETTLE, merchant + i / partitions, i % partitions);
        merchant += units;
        if (!pour_all(&row->pour, &row->units, units) || !arrive_home(row)) return false;
    }
    for (uint32_t i = 0; i < merchant; i++)
        if (!has_all_at_home(row, i)) return false;
    return true;
}

/* Bills that are there before anything is measured. */
static bool pay_before(struct row *row) {
    enum { AT_ONCE = 100000 };
    for (uint32_t left = row->before, some; left; left -= some) {
        some = left < AT_ONCE ? left : AT_ONCE;
        if (!pay_some(row, NULL, some)) return false;
    }
    return true;
}

bool kind_run(struct row *row) {
    static const struct { const char *kind; bool (*run)(struct row *); } others[] = {
        {"waiting", wait_among},         {"lapsing", lapse_among},           {"settle", settle_among},
        {"hot_payer", take_uneven_turns}, {"hot_merchant", take_uneven_turns}, {"zipf", take_uneven_turns}};
    bool (*run)(struct row *) = take_turns;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(row->kind->name, others[i].kind) == 0) run = others[i].run;
    return open_cast(row) && pay_before(row) && run(row) && pour_check_end(&row->pour);
}
