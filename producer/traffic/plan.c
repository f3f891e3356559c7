/* What the checkouts send, from a seed. */
#include "producer/traffic/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PAY_MIN_MINOR = 100,
    PAY_MAX_MINOR = 50000,
    TRIES = 32, /* to find a payment that can be repeated or refunded, an order that can be paid */
    QUANTITY_MAX = 3,
};
static const int64_t POOR_MINOR = 1000000000000;
static const uint64_t STALE_MS = 24 * 3600 * 1000, FUTURE_MS = 10 * 60 * 1000;

/* splitmix64 */
static uint64_t next_random(struct plan *plan) {
    uint64_t z = plan->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(struct plan *plan, uint32_t limit) { return (uint32_t)(next_random(plan) % limit); }

static uint64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct shot *blank(struct plan *plan, uint32_t n, enum shot_kind kind) {
    struct shot *shot = &plan->shots[n];
    shot->kind = kind;
    shot->of = PLAN_NONE;
    atomic_store_explicit(&shot->repeat, PLAN_NONE, memory_order_relaxed);
    shot->at_ms = wall_ms();
    return shot;
}

/* Four of five orders can have what they want. */
static void plan_articles(struct plan *plan, uint32_t n) {
    for (uint32_t i = 0; i < 2 * plan->merchants && plan->buyers; i++) {
        struct shot *shot = blank(plan, n++, i % 2 ? SHOT_STOCK : SHOT_PRICE);
        shot->merchant = i / 2;
        shot->amount_minor = i % 2 ? 0 : PLAN_PRICE_MINOR;
        shot->quantity = 1 + plan->buyers * (1 + QUANTITY_MAX) / 2 * 4 / 5 / plan->merchants;
    }
}

static void plan_setup(struct plan *plan, uint32_t day) {
    uint32_t accounts = plan->accounts + plan->buyers;
    int64_t each = (int64_t)day / plan->accounts * (PAY_MIN_MINOR + PAY_MAX_MINOR);
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->merchants; i++) blank(plan, n++, SHOT_OPEN_MERCHANT)->merchant = i;
    for (uint32_t i = 0; i < accounts; i++) blank(plan, n++, SHOT_OPEN)->account = i;
    for (uint32_t i = 0; i < accounts; i++) {
        struct shot *shot = blank(plan, n++, SHOT_TOPUP);
        shot->account = i;
        shot->amount_minor = each + 20000000;
    }
    plan_articles(plan, n);
}

void plan_init(struct plan *plan, uint32_t accounts, uint32_t merchants, uint32_t day, struct mix mix, uint64_t seed) {
    memset(plan, 0, sizeof *plan);
    plan->accounts = accounts;
    plan->merchants = merchants;
    plan->mix = mix;
    plan->random = seed;
    plan->buyers = (uint32_t)((uint64_t)day * mix.orders / 1000);
    plan->setup = merchants + 2 * (accounts + plan->buyers) + (plan->buyers ? 2 * merchants : 0);
    plan->count = plan->setup + day;
    plan->shots = calloc(plan->count, sizeof *plan->shots);
    plan->orders = calloc(plan->buyers + 1, sizeof *plan->orders);
    if (!plan->shots || !plan->orders) abort();
    snprintf(plan->run, sizeof plan->run, "%08" PRIx32, (uint32_t)next_random(plan));
    plan_setup(plan, day);
}

void plan_clear(struct plan *plan) {
    free(plan->shots);
    free(plan->orders);
}

static bool answered_ok(const struct shot *shot) {
    return atomic_load_explicit(&shot->answered, memory_order_acquire) && shot->code == TILL_OK;
}

/* Checkouts repeat what they sent a moment ago; now and then something old. */
static uint32_t earlier(struct plan *plan, uint32_t n) {
    uint32_t day = n - plan->setup, near = day < 2000 ? day : 2000;
    if (day == 0) return PLAN_NONE;
    return n - 1 - below(plan, below(plan, 4) ? near : day);
}

static uint32_t find_repeatable(struct plan *plan, uint32_t n) {
    for (int i = 0; i < TRIES; i++) {
        uint32_t m = earlier(plan, n);
        if (m == PLAN_NONE) break;
        const struct shot *shot = &plan->shots[m];
        bool payment = shot->kind == SHOT_PAY || shot->kind == SHOT_POOR;
        if (payment && atomic_load_explicit(&shot->repeat, memory_order_relaxed) == PLAN_NONE) return m;
    }
    return PLAN_NONE;
}

static uint32_t find_refundable(struct plan *plan, uint32_t n) {
    for (int i = 0; i < TRIES; i++) {
        uint32_t m = earlier(plan, n);
        if (m == PLAN_NONE) break;
        const struct shot *shot = &plan->shots[m];
        if (shot->kind == SHOT_PAY && !shot->refunded && answered_ok(shot)) return m;
    }
    return PLAN_NONE;
}

static void plan_payment(struct plan *plan, uint32_t n, enum shot_kind kind) {
    struct shot *shot = blank(plan, n, kind);
    shot->account = below(plan, plan->accounts);
    shot->merchant = below(plan, plan->merchants);
    shot->amount_minor = PAY_MIN_MINOR + below(plan, PAY_MAX_MINOR - PAY_MIN_MINOR + 1);
    if (kind == SHOT_POOR) shot->amount_minor += POOR_MINOR;
    if (kind == SHOT_STALE) shot->at_ms -= STALE_MS;
    if (kind == SHOT_FUTURE) shot->at_ms += FUTURE_MS;
}

static bool plan_repeat(struct plan *plan, uint32_t n, enum shot_kind kind) {
    uint32_t m = find_repeatable(plan, n);
    if (m == PLAN_NONE) return false;
    struct shot *shot = blank(plan, n, kind), *first = &plan->shots[m];
    shot->of = m;
    shot->account = first->account;
    shot->merchant = first->merchant;
    shot->amount_minor = first->amount_minor + (kind == SHOT_REUSE);
    if (kind == SHOT_RETRY) shot->at_ms = first->at_ms;
    atomic_store_explicit(&first->repeat, n, memory_order_release);
    return true;
}

static bool plan_refund(struct plan *plan, uint32_t n) {
    uint32_t m = find_refundable(plan, n);
    if (m == PLAN_NONE) return false;
    struct shot *shot = blank(plan, n, SHOT_REFUND), *first = &plan->shots[m];
    shot->of = m;
    shot->account = first->account;
    shot->merchant = first->merchant;
    shot->amount_minor = below(plan, 2) ? PLAN_REFUND_ALL : 1 + below(plan, (uint32_t)first->amount_minor);
    first->refunded = true;
    return true;
}

static bool plan_order(struct plan *plan, uint32_t n) {
    if (plan->buyers_used == plan->buyers) return false;
    struct shot *shot = blank(plan, n, SHOT_ORDER);
    plan->orders[plan->buyers_used] = n;
    shot->account = plan->accounts + plan->buyers_used++;
    shot->merchant = below(plan, plan->merchants);
    shot->quantity = 1 + below(plan, QUANTITY_MAX);
    return true;
}

static bool plan_order_payment(struct plan *plan, uint32_t n) {
    uint32_t m = PLAN_NONE;
    for (int i = 0; i < TRIES && plan->buyers_used && m == PLAN_NONE; i++) {
        uint32_t found = plan->orders[below(plan, plan->buyers_used)];
        if (!plan->shots[found].refunded && answered_ok(&plan->shots[found])) m = found;
    }
    if (m == PLAN_NONE) return false;
    struct shot *shot = blank(plan, n, SHOT_PAY_ORDER), *order = &plan->shots[m];
    shot->of = m;
    shot->account = order->account;
    shot->merchant = order->merchant;
    shot->amount_minor = order->quantity * PLAN_PRICE_MINOR;
    order->refunded = true;
    return true;
}

static bool plan_malformed(struct plan *plan, uint32_t n) {
    switch (below(plan, 3)) {
    case 0: plan_payment(plan, n, SHOT_STALE); return true;
    case 1: plan_payment(plan, n, SHOT_FUTURE); return true;
    default: return plan_repeat(plan, n, SHOT_REUSE);
    }
}

void plan_next(struct plan *plan, uint32_t n) {
    const struct mix *mix = &plan->mix;
    unsigned drawn = below(plan, 1000);
    bool done = false;
    if (drawn < mix->retries) done = plan_repeat(plan, n, SHOT_RETRY);
    else if ((drawn -= mix->retries) < mix->malformed) done = plan_malformed(plan, n);
    else if ((drawn -= mix->malformed) < mix->refunds) done = plan_refund(plan, n);
    else if ((drawn -= mix->refunds) < mix->poor) {
        plan_payment(plan, n, SHOT_POOR);
        done = true;
    } else if ((drawn -= mix->poor) < mix->orders) done = plan_order(plan, n);
    else if ((drawn -= mix->orders) < mix->orders) done = plan_order_payment(plan, n);
    if (!done) plan_payment(plan, n, SHOT_PAY);
}

void plan_account_name(uint32_t account, char out[TILL_ACCOUNT_SIZE]) { snprintf(out, TILL_ACCOUNT_SIZE, "user%05" PRIu32, account); }
void plan_merchant_name(uint32_t merchant, char out[TILL_ACCOUNT_SIZE]) {
    snprintf(out, TILL_ACCOUNT_SIZE, "merchant%02" PRIu32, merchant);
}

static void write_key(const struct plan *plan, uint32_t n, char out[TILL_KEY_SIZE]) {
    snprintf(out, TILL_KEY_SIZE, "key-%08" PRIx32 "-%s", n, plan->run);
}

uint32_t plan_place(const struct plan *plan, const char *key) {
    char *end;
    if (strncmp(key, "key-", 4) != 0) return PLAN_NONE;
    unsigned long long n = strtoull(key + 4, &end, 16);
    if (*end != '-' || strcmp(end + 1, plan->run) != 0 || n >= plan->count) return PLAN_NONE;
    return (uint32_t)n;
}

/* The number of the order is that of the intent that makes it. */
static void write_goods(const struct plan *plan, uint32_t n, struct plan_texts *texts, struct till_intent *intent) {
    const struct shot *shot = &plan->shots[n];
    bool article = shot->kind == SHOT_PRICE || shot->kind == SHOT_STOCK;
    snprintf(texts->order, sizeof texts->order, "order-%08" PRIx32 "-%s", shot->kind == SHOT_ORDER ? n : shot->of, plan->run);
    texts->line = (struct till_line){PLAN_SKU, shot->quantity};
    texts->goods = (struct till_goods){0};
    if (article) texts->goods.sku = PLAN_SKU;
    if (shot->kind == SHOT_STOCK) texts->goods.quantity = shot->quantity;
    if (shot->kind == SHOT_ORDER) {
        texts->goods.line_count = 1;
        texts->goods.lines = &texts->line;
    }
    if (!article) intent->order = texts->order;
    if (shot->kind != SHOT_PAY_ORDER) intent->goods = &texts->goods;
}

static bool is_of_merchant(enum shot_kind kind) {
    return kind == SHOT_OPEN_MERCHANT || kind == SHOT_PRICE || kind == SHOT_STOCK || kind == SHOT_ORDER;
}

static bool is_of_goods(enum shot_kind kind) { return kind >= SHOT_PRICE && kind <= SHOT_PAY_ORDER; }

void plan_intent(const struct plan *plan, uint32_t n, struct plan_texts *texts, struct till_intent *intent) {
    static const char *const ops[SHOT_COUNT] = {
        [SHOT_OPEN_MERCHANT] = "open", [SHOT_OPEN] = "open", [SHOT_TOPUP] = "topup", [SHOT_PAY] = "pay",     [SHOT_POOR] = "pay",
        [SHOT_REFUND] = "refund",      [SHOT_RETRY] = "pay", [SHOT_REUSE] = "pay",   [SHOT_STALE] = "pay", [SHOT_FUTURE] = "pay",
        [SHOT_PRICE] = "price",        [SHOT_STOCK] = "stock", [SHOT_ORDER] = "order", [SHOT_PAY_ORDER] = "pay",
    };
    const struct shot *shot = &plan->shots[n];
    bool repeat = shot->kind == SHOT_RETRY || shot->kind == SHOT_REUSE, refund = shot->kind == SHOT_REFUND;
    memset(intent, 0, sizeof *intent);
    write_key(plan, repeat ? shot->of : n, texts->key);
    if (is_of_merchant(shot->kind)) plan_merchant_name(shot->merchant, texts->account);
    else plan_account_name(shot->account, texts->account);
    if (shot->kind == SHOT_ORDER) plan_account_name(shot->account, texts->to);
    else plan_merchant_name(shot->merchant, texts->to);
    intent->op = ops[shot->kind];
    intent->source = PLAN_SOURCE;
    intent->key = texts->key;
    intent->at_ms = shot->at_ms;
    intent->account = texts->account;
    if (shot->kind == SHOT_OPEN_MERCHANT) intent->kind = "merchant";
    if (shot->kind == SHOT_OPEN) intent->kind = "user";
    if (strcmp(intent->op, "pay") == 0 || shot->kind == SHOT_ORDER) intent->to = texts->to;
    if (!refund && shot->kind != SHOT_STOCK) intent->currency = PLAN_CURRENCY;
    if (is_of_goods(shot->kind)) write_goods(plan, n, texts, intent);
    intent->amount_minor = refund && shot->amount_minor == PLAN_REFUND_ALL ? TILL_AMOUNT_ALL : shot->amount_minor;
    if (!refund) return;
    write_key(plan, shot->of, texts->of);
    intent->of = texts->of;
    intent->of_at_ms = plan->shots[shot->of].at_ms;
}
