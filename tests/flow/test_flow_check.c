/* The checker notices what it is there for: each row does one thing to a sound book that must not be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/flow/check.h"

static struct flow flow;

static void start(void) {
    flow_start(&flow, 1, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct intent last = flow_intent(OP_topup, "u1", NULL, 5, NULL); /* the rows below change those of the last entry */
    flow_send(&flow, &last);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "before", 0);
    flow_stop_workers(&flow, 1);
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_check, .init = start, .fini = stop, .timeout = 100);

/* Runs a script on the book, looks, and says what was found. */
static void expect_found(const char *name, const char *script, const char *finding) {
    struct check_totals totals;
    const char *done = server_text(&flow.server, "EVAL", script, "0", NULL);
    const char *found = check_book(&flow, &totals);
    cr_assert(strstr(found, finding), "%s (%s): it found: %s", name, done, found[0] ? found : "nothing");
}

#define FIRST "local e = redis.call('XRANGE', '{till:0}:responses:shop', '-', '+', 'COUNT', '1')[1] "
#define LAST_ROWS "local e = redis.call('XREVRANGE', '{till:0}:ledger', '+', '-', 'COUNT', '1')[1] local rows = cmsgpack.unpack(e[2][2]) "
#define PUT_ROWS " redis.call('XDEL', '{till:0}:ledger', e[1]) redis.call('XADD', '{till:0}:ledger', '*', 'rows', cmsgpack.pack(rows))"

static const struct { const char *name, *script, *finding; } rows[] = {
    {"an answer is missing", FIRST "return redis.call('XDEL', '{till:0}:responses:shop', e[1])", "answered 0 times"},
    {"an answer came twice", FIRST "return redis.call('XADD', '{till:0}:responses:shop', '*', unpack(e[2]))", "was answered twice"},
    {"a replay differs", FIRST "e[2][28] = '1' e[2][18] = '77' return redis.call('XADD', '{till:0}:responses:shop', '*', unpack(e[2]))",
     "a replay that differs"},
    {"an answer to nobody", FIRST "e[2][26] = '1-1' return redis.call('XADD', '{till:0}:responses:shop', '*', unpack(e[2]))", "which was not sent"},
    {"a balance", "return redis.call('HINCRBY', '{till:0}:account:u1', 'balance', 1)", "u1 has balance"},
    {"an account is gone", "return redis.call('DEL', '{till:0}:account:u1')", "u1 has rows but does not exist"},
    {"money from nowhere", "return redis.call('HSET', '{till:0}:account:u99', 'balance', 5, 'held', 0, 'seq', 0)", "u99 has balance 5"},
    {"a merchant is gone", "return redis.call('DEL', '{till:0}:account:m1')", "merchant m1 is not known"},
    {"a bill number", "return redis.call('HINCRBY', '{till:0}:meta', 'bill', 1)", "meta.bill"},
    {"a row's amount", LAST_ROWS "rows[1][5] = rows[1][5] + 1" PUT_ROWS, "sum to"},
    {"a row's seq", LAST_ROWS "rows[1][9] = rows[1][9] + 1" PUT_ROWS, ": seq "},
    {"rows twice", LAST_ROWS "return redis.call('XADD', '{till:0}:ledger', '*', unpack(e[2]))", " rows"},
    {"rows are missing", LAST_ROWS "return redis.call('XDEL', '{till:0}:ledger', e[1])", "has 0 rows"},
};

Test(flow_check, notices) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        if (n > 0) start();
        expect_found(rows[n].name, rows[n].script, rows[n].finding);
        flow_stop(&flow);
    }
}
