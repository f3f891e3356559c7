/* The checker notices what is wrong with orders, stock and months: each row does one thing to a sound book that must not be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/flow/check.h"

/* Two partitions: a user in the one, a merchant at home in the other. */
static struct flow flow;
static char user[16], merchant[16], home, away, month[8];

static void send(struct intent intent, const char *key) {
    flow_set_text(&intent, FIELD_key, key);
    flow_send(&flow, &intent);
}

static void send_order(const char *name, unsigned article) {
    struct intent order = flow_order(merchant, name, NULL, 0);
    flow_add_line(&order, article, 1);
    send(order, name);
}

static void start(void) {
    flow_start(&flow, 2, NULL);
    flow.entry_ms = flow_month(1, month);
    flow_open_past(&flow, 8, 1000);
    snprintf(user, sizeof user, "%s", flow_name_in(&flow, "u", 0));
    snprintf(merchant, sizeof merchant, "%s", flow_name_in(&flow, "m", 1));
    home = '1';
    away = '0';
    send(flow_intent(OP_pay, user, merchant, 500, NULL), "early");
    send(flow_intent(OP_refund, user, NULL, 100, "early"), "back");
    flow.entry_ms = 0;
    flow_price_article(&flow, merchant, 0);
    flow_stock_article(&flow, merchant, 0, 10);
    send_order("paid", 0);
    send_order("open", 0);
    flow_worker(&flow, 0, &(struct worker_options){.environment = {"TILL_RETENTION_INTENTS=keep"}});
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    send(flow_order_payment(user, merchant, "open", 99), "bounces");
    send(flow_order_payment(user, merchant, "paid", 100), "pays");
    for (unsigned p = 0; p < 2; p++) {
        struct intent settle = flow_settlement("settlement", merchant, month, p);
        flow_send_to(&flow, p, &settle);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "before", 0);
    flow_stop_workers(&flow, 1);
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_check_shop, .init = start, .fini = stop, .timeout = 60);

/* `code` sees HOME and AWAY (what keys begin with), M (the merchant), MONTH, and each(function(row, keep)) over all rows of the ledgers:
 * what `keep` is called with stays. */
static void change(const char *name, const char *code) {
    char script[2400];
    snprintf(script, sizeof script,
             "local HOME, AWAY, M, MONTH = '{till:%c}:', '{till:%c}:', '%s', '%s' local done = 0 "
             "local function each(visit) for p = 0, 1 do local key = '{till:' .. p .. '}:ledger' "
             "local entries = redis.call('XRANGE', key, '-', '+') redis.call('DEL', key) for _, e in ipairs(entries) do local kept = {} "
             "for _, row in ipairs(cmsgpack.unpack(e[2][2])) do visit(row, function(r) kept[#kept + 1] = r end) end "
             "redis.call('XADD', key, e[1], 'rows', cmsgpack.pack(kept)) end end end %s return done", home, away, merchant, month, code);
    const char *done = server_text(&flow.server, "EVAL", script, "0", NULL);
    cr_assert(strcmp(done, "1") == 0, "%s: %s", name, done);
}

#define ACCOUNT(where, field, value) "redis.call('HSET', " where " .. 'account:' .. M, " field ", " value ") done = 1"
#define ORDER(name, field, value) "redis.call('HSET', HOME .. 'order:' .. M .. '/" name "', '" field "', " value ") done = 1"
#define ROWS(condition, what) "each(function(row, keep) if " condition " then " what " done = 1 else keep(row) end end)"

static const struct { const char *name, *code, *finding; } rows[] = {
    {"one more in stock", "redis.call('HINCRBY', HOME .. 'sku:' .. M .. '/a0', 'stock', 1) done = 1", "10 were put in stock, 9 are there"},
    {"less than none in stock", "redis.call('HSET', HOME .. 'sku:' .. M .. '/a0', 'stock', -1) done = 1", "-1 of article"},
    {"an article is gone", "done = redis.call('DEL', HOME .. 'sku:' .. M .. '/a0')", "0 are there, 1 reserved, 1 sold"},
    {"an order is gone", "done = redis.call('DEL', HOME .. 'order:' .. M .. '/open')", "was made 1 times and is ''"},
    {"an order from nowhere", "redis.call('COPY', HOME .. 'order:' .. M .. '/open', HOME .. 'order:' .. M .. '/new') done = 1", "was made 0 times"},
    {"an open order is paid", ORDER("open", "state", "'paid'"), "is 'paid' by ''; it was paid 0 times"},
    {"a paid order is open", ORDER("paid", "state", "'created'"), "is 'created' by"},
    {"an open order was cancelled", ORDER("open", "state", "'cancelled'"), "was cancelled 0 times"},
    {"paid by somebody else", ORDER("paid", "payer", "'u1/shop/pays'"), "by 'u1/shop/pays'; it was paid 1 times"},
    {"other lines", ORDER("open", "lines", "'a0 2 100'"), "is over 100, its lines over 200"},
    {"an order that never lapses", "done = #redis.call('ZRANGE', HOME .. 'due', 0, -1) > 1 and redis.call('DEL', HOME .. 'due')", "never lapses"},
    {"nothing was reserved", ROWS("row[3] == 'pay' and row[6] == 100", ""), "reserved 0 times, settled in 2 rows"},
    {"it never came back", ROWS("row[3] == 'bounce'", ""), "99 is still reserved"},
    {"it came back twice", ROWS("row[3] == 'bounce'", "keep(row) keep(row)"), "came back 2 times"},
    {"it was not taken", ROWS("row[3] == 'settled'", ""), "settled in 0 rows"},
    {"less was taken", ROWS("row[3] == 'settled'", "row[5] = row[5] / 2 keep(row)"), "50 in the ledger, 100 in the answer"},
    {"taken and still reserved", ROWS("row[3] == 'settled' and row[6] ~= 0", "row[6] = 0 keep(row)"), "100 is still reserved"},
    {"a month with more", ACCOUNT("AWAY", "'month:' .. MONTH", "'501 100 0 settled'"), "by its rows it is 500 100 0"},
    {"a running month with less", ACCOUNT("AWAY", "'earning'", "'2999-12 0 0 0'"), "it knows nothing of"},
    {"a month that is not settled", ACCOUNT("AWAY", "'month:' .. MONTH", "'500 100 0'"), "settlement moved -400, 0 were to go"},
    {"a month that went twice", ROWS("row[3] == 'settle'", "keep(row) keep(row)"), "settlement moved -800, -400 were to go"},
    {"a month that never arrived", ROWS("row[3] == 'swept' and row[5] ~= 50 and row[5] ~= -50", ""), "arrived 0 times"},
    {"another fee", ACCOUNT("HOME", "'fee:' .. MONTH", "'1000 500 51 1,0'"), "the fee is 51 on 500"},
    {"a fee on more", ACCOUNT("HOME", "'fee:' .. MONTH", "'1000 600 60 1,0'"), "500 were settled; the fee is 60 on 600"},
    {"no fee was taken", ROWS("row[3] == 'swept' and (row[5] == 50 or row[5] == -50)", ""), "settlement made 50 out of nothing"},
};

/* The keys as they were, before and after each row. */
static void keep_keys(bool put_back) {
    static const char save[] = "for _, key in ipairs(redis.call('KEYS', '{*')) do "
                               "redis.call('COPY', key, 'kept:' .. key, 'REPLACE') end";
    static const char restore[] = "for _, key in ipairs(redis.call('KEYS', 'kept:*')) do "
                                  "redis.call('COPY', key, string.sub(key, 6), 'REPLACE') end "
                                  "for _, key in ipairs(redis.call('KEYS', '{*')) do "
                                  "if redis.call('EXISTS', 'kept:' .. key) == 0 then redis.call('DEL', key) end end";
    server_text(&flow.server, "EVAL", put_back ? restore : save, "0", NULL);
}

Test(flow_check_shop, notices) {
    struct check_totals totals;
    keep_keys(false);
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        change(rows[n].name, rows[n].code);
        const char *found = check_book(&flow, &totals);
        cr_expect(strstr(found, rows[n].finding), "%s: it found: %s", rows[n].name, found[0] ? found : "nothing");
        keep_keys(true);
    }
    cr_expect_str_empty(check_book(&flow, &totals), "afterwards");
}
