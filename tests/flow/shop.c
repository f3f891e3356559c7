/* What the flow tests sell: articles, orders and their payment. */
#include <stdio.h>
#include <string.h>

#include "tests/flow/flow.h"
#include "tests/support/process.h"

uint64_t flow_price(unsigned article) { return 100 * (article + 1); }

void flow_price_article(struct flow *flow, const char *merchant, unsigned article) {
    char sku[16];
    snprintf(sku, sizeof sku, "a%u", article);
    struct intent price = flow_intent(OP_price, merchant, NULL, flow_price(article), NULL);
    flow_set_text(&price, FIELD_sku, sku);
    flow_send(flow, &price);
}

void flow_stock_article(struct flow *flow, const char *merchant, unsigned article, int64_t quantity) {
    char sku[16];
    snprintf(sku, sizeof sku, "a%u", article);
    struct intent stock = flow_intent(OP_stock, merchant, NULL, 0, NULL);
    flow_set_text(&stock, FIELD_sku, sku);
    const char *wrong = intent_set_integer(&stock, FIELD_quantity, quantity);
    if (wrong) process_die(NULL, "quantity: %s", wrong);
    flow_send(flow, &stock);
}

struct intent flow_order(const char *merchant, const char *order, const char *customer, uint64_t expires_ms) {
    struct intent intent = flow_intent(OP_order, merchant, customer, 0, NULL);
    flow_set_text(&intent, FIELD_order, order);
    if (expires_ms) flow_set_number(&intent, FIELD_expires, expires_ms);
    return intent;
}

void flow_add_line(struct intent *order, unsigned article, uint64_t quantity) {
    char sku[16];
    int size = snprintf(sku, sizeof sku, "a%u", article);
    const char *wrong = intent_add_line(order, sku, (size_t)size, quantity);
    if (wrong) process_die(NULL, "a line: %s", wrong);
}

struct intent flow_cancellation(const char *merchant, const char *order) {
    struct intent intent = flow_intent(OP_cancel, merchant, NULL, 0, NULL);
    flow_set_text(&intent, FIELD_order, order);
    return intent;
}

struct intent flow_order_payment(const char *payer, const char *merchant, const char *order, uint64_t amount_minor) {
    struct intent intent = flow_intent(OP_pay, payer, merchant, amount_minor, NULL);
    flow_set_text(&intent, FIELD_order, order);
    return intent;
}

/* --- a random one of each --- */

enum { ARTICLES = 4 };

static void sell_article(struct flow *flow, const char *merchant) {
    unsigned article = (unsigned)flow_random(flow, ARTICLES);
    if (flow_random(flow, 3) == 0) flow_price_article(flow, merchant, article);
    else flow_stock_article(flow, merchant, article, flow_random(flow, 5) ? 1 + (int64_t)flow_random(flow, 9) : -5);
}

/* Prices and some stock at every merchant's, once. */
static void open_shops(struct flow *flow) {
    char merchant[32];
    flow->has_shops = true;
    for (unsigned n = 0; n < FLOW_MERCHANTS * ARTICLES; n++) {
        snprintf(merchant, sizeof merchant, "m%u", n / ARTICLES);
        flow_price_article(flow, merchant, n % ARTICLES);
        flow_stock_article(flow, merchant, n % ARTICLES, 5);
    }
}

/* Of up to three articles, or of an amount; half of them are for one customer, most of them lapse. */
static void sell_order(struct flow *flow, const char *merchant) {
    struct flow_past_order *past = &flow->orders[flow_random(flow, FLOW_PAST)];
    char name[32], customer[32] = "";
    snprintf(name, sizeof name, "o%u", (unsigned)flow->next_order++);
    if (flow_random(flow, 2)) snprintf(customer, sizeof customer, "u%u", (unsigned)flow_random(flow, FLOW_USERS));
    uint64_t expires_ms = flow_random(flow, 4) ? 200 + flow_random(flow, 1800) : 0;
    struct intent order = flow_order(merchant, name, customer[0] ? customer : NULL, expires_ms);
    uint64_t total = 0;
    for (unsigned n = (unsigned)flow_random(flow, 4); n > 0; n--) {
        uint64_t quantity = 1 + flow_random(flow, 3);
        flow_add_line(&order, n, quantity);
        total += quantity * flow_price(n);
    }
    if (total == 0) flow_set_number(&order, FIELD_amount, total = 1 + flow_random(flow, 900));
    flow_send(flow, &order);
    snprintf(past->merchant, sizeof past->merchant, "%s", merchant);
    snprintf(past->name, sizeof past->name, "%s", name);
    snprintf(past->customer, sizeof past->customer, "%s", customer);
    past->amount_minor = total;
}

void flow_sell(struct flow *flow) {
    char merchant[32];
    snprintf(merchant, sizeof merchant, "m%u", (unsigned)flow_random(flow, FLOW_MERCHANTS));
    const struct flow_past_order *past = &flow->orders[flow_random(flow, FLOW_PAST)];
    uint64_t dice = flow_random(flow, 10);
    if (!flow->has_shops) open_shops(flow);
    if (dice < 3) {
        sell_article(flow, merchant);
    } else if (dice < 9 || !past->name[0]) {
        sell_order(flow, merchant);
    } else {
        struct intent cancel = flow_cancellation(past->merchant, past->name);
        flow_send(flow, &cancel);
    }
}

void flow_buy(struct flow *flow) {
    const struct flow_past_order *past = &flow->orders[flow_random(flow, FLOW_PAST)];
    char payer[INTENT_ACCOUNT_MAX + 1];
    if (!past->name[0]) return;
    snprintf(payer, sizeof payer, "%s", past->customer);
    if (!payer[0] || flow_random(flow, 10) == 0) snprintf(payer, sizeof payer, "u%u", (unsigned)flow_random(flow, FLOW_USERS));
    uint64_t amount_minor = past->amount_minor + (flow_random(flow, 10) == 0);
    struct intent pay = flow_order_payment(payer, past->merchant, past->name, amount_minor);
    flow_send(flow, &pay);
}

static unsigned home_of(const struct flow *flow, const char *account) { return keys_partition(&flow->book, account, strlen(account)); }

int64_t flow_in_stock(struct flow *flow, const char *merchant, unsigned article) {
    char sku[16];
    keys_buffer key;
    snprintf(sku, sizeof sku, "a%u", article);
    keys_sku(key, &flow->book, home_of(flow, merchant), merchant, sku);
    return server_integer(&flow->server, "HGET", key, "stock", NULL);
}

const char *flow_of_order(struct flow *flow, const char *merchant, const char *order, const char *field) {
    keys_buffer key;
    keys_order(key, &flow->book, home_of(flow, merchant), merchant, order);
    return server_text(&flow->server, "HGET", key, field, NULL);
}
