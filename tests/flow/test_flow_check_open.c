/* The checker notices what is wrong with holds, groups and transfers: each row does one thing to a sound book that must not be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/flow/check.h"

static struct flow flow;

static void send(enum op op, const char *key, const char *to, uint64_t amount_minor, const char *of, enum field more, uint64_t value) {
    struct intent intent = flow_intent(op, "u1", to, amount_minor, of);
    cr_assert(!intent_set_text(&intent, FIELD_key, key, strlen(key)));
    if (more != FIELD_COUNT) cr_assert(!intent_set_number(&intent, more, value));
    flow_send(&flow, &intent);
}

static void send_group(void) {
    struct intent group = flow_intent(OP_group, "u1", NULL, 0, NULL);
    for (unsigned n = 0; n < 2; n++) {
        struct intent_step *step = &group.steps[n];
        *step = (struct intent_step){.op = OP_pay, .amount_minor = 3 + n, .to = "m0", .currency = "CNY"};
        step->present = FIELD_BIT(FIELD_op) | FIELD_BIT(FIELD_to) | FIELD_BIT(FIELD_amount) | FIELD_BIT(FIELD_currency);
    }
    group.step_count = 2;
    group.present |= FIELD_BIT(FIELD_steps);
    cr_assert(!intent_set_text(&group, FIELD_key, "group", 5));
    intent_name_steps(&group);
    flow_send(&flow, &group);
}

/* A user who lives elsewhere than u1. */
static const char *far_user(void) {
    static char name[16];
    for (unsigned n = 2; n < FLOW_USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        if (keys_partition(&flow.book, name, strlen(name)) != keys_partition(&flow.book, "u1", 2)) break;
    }
    return name;
}

static const char *far_nobody(void) {
    static char name[16];
    for (unsigned n = 0; n < 100; n++) {
        snprintf(name, sizeof name, "nobody%u", n);
        if (keys_partition(&flow.book, name, strlen(name)) != keys_partition(&flow.book, "u1", 2)) break;
    }
    return name;
}

static void start(void) {
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    send(OP_hold, "hold", "m0", 100, NULL, FIELD_COUNT, 0);
    send(OP_hold, "lapses", "m0", 50, NULL, FIELD_expires, 1);
    send(OP_capture, "part", NULL, 30, "hold", FIELD_final, 0);
    send(OP_capture, "rest", NULL, 40, "hold", FIELD_COUNT, 0);
    send(OP_transfer, "there", far_user(), 7, NULL, FIELD_COUNT, 0);
    send(OP_transfer, "back", far_nobody(), 8, NULL, FIELD_COUNT, 0);
    send_group();
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "before", 0);
    flow_stop_workers(&flow, 1);
}

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_check_open, .init = start, .fini = stop, .timeout = 60);

/* Rewrites the rows of both ledgers: the code sees `row` and may set `drop`. */
static void rewrite(const char *name, const char *code) {
    char script[1400];
    snprintf(script, sizeof script,
             "local done = 0 for p = 0, 1 do local key = '{till:' .. p .. '}:ledger' local entries = redis.call('XRANGE', key, '-', '+') "
             "redis.call('DEL', key) for _, e in ipairs(entries) do local rows, kept = cmsgpack.unpack(e[2][2]), {} "
             "for _, row in ipairs(rows) do local drop, id, op = false, row[2], row[3] %s if not drop then kept[#kept + 1] = row end end "
             "redis.call('XADD', key, e[1], 'rows', cmsgpack.pack(kept)) end end return done", code);
    const char *done = server_text(&flow.server, "EVAL", script, "0", NULL);
    cr_assert(strcmp(done, "0") != 0, "%s: nothing was changed", name);
}

static const struct { const char *name, *code, *finding; } rows[] = {
    {"a hold's row", "if id == 'u1/shop/hold' and op == 'hold' then row[6] = 99 done = 1 end", "99 in the ledger, 100 in the answer"},
    {"a hold that gives back", "if id == 'u1/shop/hold' then row[6] = -100 done = 1 end", "changes what is held by -100"},
    {"a capture leaves something", "if id == 'u1/shop/rest' and row[6] ~= 0 then row[6] = -40 done = 1 end", "leaves 30 of hold u1/shop/hold"},
    {"a capture takes too much", "if id == 'u1/shop/part' and row[6] ~= 0 then row[6] = -130 done = 1 end", "leaves -30 of hold"},
    {"a capture of money only", "if id == 'u1/shop/part' then row[6] = 0 done = 1 end", "leaves 30 of hold"},
    {"an expiry twice", "if op == 'expire' then kept[#kept + 1] = row done = 1 end", "expired twice"},
    {"an expiry of nothing", "if op == 'expire' then row[2] = 'u1/shop/part' done = 1 end", "of hold u1/shop/part"},
    {"an expiry in part", "if op == 'expire' then row[6] = -49 done = 1 end", "leaves 1 of hold"},
    {"what is held", "if op == 'expire' then row[8] = 3 done = 1 end", "u1: held 3"},
    {"a step is missing", "if id == 'u1/shop/group>2' then drop = true done = 1 end", "its steps moved 3, the answer says 7"},
    {"a step of no group's", "if id == 'u1/shop/group>2' then row[2] = 'u1/shop/group>3' done = 1 end", "which was not sent"},
    {"an arrival is missing", "if op == 'arrive' then drop = true done = 1 end", "sent 7, arrived 0 times"},
    {"an arrival twice", "if op == 'arrive' then kept[#kept + 1] = row done = 1 end", "arrived 2 times with 14"},
    {"an arrival of more", "if op == 'arrive' then row[5] = row[5] * 2 done = 1 end", "arrived 1 times with 14"},
    {"a bounce is missing", "if op == 'bounce' then drop = true done = 1 end", "came back 0 times"},
    {"arrived and came back", "if op == 'bounce' then row[2] = 'u1/shop/there' done = 1 end", "arrived 1 times with 7, came back 1 times"},
    {"a transfer is missing", "if id == 'u1/shop/there' and op == 'transfer' then drop = true done = 1 end", "sent 0, arrived 1 times"},
};

Test(flow_check_open, notices) {
    struct check_totals totals;
    for (unsigned p = 0; p < 2; p++) {
        char key[40], copy[40];
        snprintf(key, sizeof key, "{till:%u}:ledger", p);
        snprintf(copy, sizeof copy, "{till:%u}:copy", p);
        server_text(&flow.server, "COPY", key, copy, NULL);
    }
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        rewrite(rows[n].name, rows[n].code);
        const char *found = check_book(&flow, &totals);
        cr_expect(strstr(found, rows[n].finding), "%s: it found: %s", rows[n].name, found[0] ? found : "nothing");
        server_text(&flow.server, "COPY", "{till:0}:copy", "{till:0}:ledger", "REPLACE", NULL);
        server_text(&flow.server, "COPY", "{till:1}:copy", "{till:1}:ledger", "REPLACE", NULL);
    }
    cr_expect_str_empty(check_book(&flow, &totals), "afterwards");
}
