/* The workload of the sweep. */
#include "tests/flow/sweep.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/keys.h"
#include "tests/support/process.h"

enum { MERCHANTS = 4, BASIS_POINTS = 250, BALANCE = 50000, SOON_MS = 100, NEVER_MS = 36000000, FROZEN = 3 /* of the merchants */ };

/* Everybody who does something has an account of his own for it in each partition, so that nobody is in another's way. */
static const char *const roles[] = {"pay", "back", "undo", "lapse", "capture", "release", "send", "take", "group", "lock",
                                    "limit", "cold", "later", "never", "buy", "late", "sign", "draw"};
enum { ROLES = sizeof roles / sizeof *roles };

static const char *who(const struct flow *flow, const char *role, unsigned p) { return flow_name_in(flow, role, p); }

static void open_roles(struct flow *flow) {
    for (unsigned n = 0; n < ROLES * SWEEP_PARTITIONS; n++) {
        const char *name = who(flow, roles[n / SWEEP_PARTITIONS], n % SWEEP_PARTITIONS);
        flow_open_account(flow, name, "user");
        struct intent topup = flow_intent(OP_topup, name, NULL, BALANCE, NULL);
        flow_send(flow, &topup);
    }
}

static void trade_last_month(struct flow *flow) {
    char merchant[8];
    for (unsigned n = 0; n < MERCHANTS * SWEEP_PARTITIONS; n++) {
        snprintf(merchant, sizeof merchant, "m%u", n / SWEEP_PARTITIONS);
        struct intent pay = flow_intent(OP_pay, flow_name_in(flow, "u", n % SWEEP_PARTITIONS), merchant, 1000 + n, NULL);
        flow_send(flow, &pay);
    }
}

static void fill_shelves(struct flow *flow) {
    for (unsigned n = 0; n < MERCHANTS; n++) {
        char merchant[8];
        snprintf(merchant, sizeof merchant, "m%u", n);
        flow_price_article(flow, merchant, 0);
        flow_stock_article(flow, merchant, 0, 20);
    }
}

void sweep_prepare(struct flow *flow) {
    char month[8];
    flow->entry_ms = flow_month(1, month);
    flow_open_past(flow, MERCHANTS, BASIS_POINTS);
    trade_last_month(flow);
    flow->entry_ms = 0;
    open_roles(flow);
    fill_shelves(flow);
    flow_worker(flow, 0, &(struct worker_options){.batch = 64, .environment = {"TILL_RETENTION_INTENTS=keep"}});
    cr_assert(flow_settle(flow, FLOW_SETTLE_MS));
    flow_stop_workers(flow, 1);
    worker_clear(&flow->workers[0]);
}

static void send_of(struct flow *flow, enum op op, const struct intent *of, uint64_t amount_minor) {
    struct intent intent = flow_intent(op, of->account, NULL, amount_minor, of->key);
    flow_send(flow, &intent);
}

/* Payments, and what undoes them; the same key again, and for something else. */
static void send_payments(struct flow *flow, unsigned p) {
    struct intent pay = flow_intent(OP_pay, who(flow, "pay", p), "m0", 700, NULL);
    flow_send(flow, &pay);
    flow_send(flow, &pay);
    flow_set_number(&pay, FIELD_amount, 701);
    flow_send(flow, &pay);
    struct intent back = flow_intent(OP_pay, who(flow, "back", p), "m1", 900, NULL);
    flow_send(flow, &back);
    send_of(flow, OP_refund, &back, 100);
    send_of(flow, OP_refund, &back, 10000);
    struct intent undo = flow_intent(OP_pay, who(flow, "undo", p), "m1", 300, NULL);
    flow_send(flow, &undo);
    send_of(flow, OP_rollback, &undo, 0);
    struct intent draw = flow_intent(OP_withdraw, who(flow, "draw", p), NULL, 60, NULL);
    flow_send(flow, &draw);
    struct intent most = flow_intent(OP_withdraw, who(flow, "draw", p), NULL, BALANCE, NULL);
    flow_send(flow, &most);
    struct intent odd = flow_intent(OP_pay, who(flow, "pay", p), NULL, 5, NULL);
    flow_send(flow, &odd);
    static const uint8_t bytes[] = {0x81, 0xa1, 'x', 0xc1};
    flow_send_bytes(flow, p, "intent", bytes, sizeof bytes);
    flow->unreadable++;
}

static struct intent send_hold(struct flow *flow, const char *account, uint64_t expires_ms) {
    struct intent hold = flow_intent(OP_hold, account, "m0", 500, NULL);
    if (expires_ms) flow_set_number(&hold, FIELD_expires, expires_ms);
    flow_send(flow, &hold);
    return hold;
}

static void send_holds(struct flow *flow, unsigned p) {
    struct intent part = {0};
    send_hold(flow, who(flow, "lapse", p), SOON_MS);
    struct intent hold = send_hold(flow, who(flow, "capture", p), NEVER_MS);
    part = flow_intent(OP_capture, hold.account, NULL, 120, hold.key);
    flow_set_number(&part, FIELD_final, 0);
    flow_send(flow, &part);
    send_of(flow, OP_capture, &hold, 80);
    send_of(flow, OP_capture, &hold, 1);
    hold = send_hold(flow, who(flow, "release", p), 0);
    send_of(flow, OP_release, &hold, 0);
}

static void send_transfers(struct flow *flow, unsigned p) {
    const char *from = who(flow, "send", p);
    const char *const to[] = {who(flow, "take", 1 - p), who(flow, "take", p), flow_name_in(flow, "nobody", 1 - p)};
    for (unsigned n = 0; n < 3; n++) {
        struct intent transfer = flow_intent(OP_transfer, from, to[n], 40 + n, NULL);
        flow_send(flow, &transfer);
    }
}

static void add_step(struct intent *group, struct intent step) {
    struct intent_fault fault;
    step.present &= field_bits_of_step();
    const char *wrong = intent_add_step(group, &step, &fault);
    if (wrong) process_die(NULL, "a step: %s", wrong);
}

static void send_group(struct flow *flow, unsigned p, uint64_t last_minor) {
    const char *account = who(flow, "group", p);
    struct intent group = flow_intent(OP_group, account, NULL, 0, NULL), hold = flow_intent(OP_hold, account, "m1", 30, NULL);
    flow_set_number(&hold, FIELD_expires, SOON_MS);
    add_step(&group, hold);
    add_step(&group, flow_intent(OP_pay, account, "m0", last_minor, NULL));
    flow_send(flow, &group);
}

static void pay_with(struct flow *flow, const char *account, const char *token) {
    struct intent pay = flow_intent(OP_pay, account, "m1", 11, NULL);
    flow_set_text(&pay, FIELD_token, token);
    flow_send(flow, &pay);
}

static void send_plain(struct flow *flow, enum op op, const char *account) {
    struct intent intent = flow_intent(op, account, NULL, 0, NULL);
    flow_send(flow, &intent);
}

/* What keeps accounts from paying: locks, limits, frost, a credential. */
static void send_restrictions(struct flow *flow, unsigned p) {
    static const uint8_t secret[INTENT_CREDENTIAL_SIZE] = {1, 2, 3};
    const char *locked = who(flow, "lock", p), *limited = who(flow, "limit", p), *cold = who(flow, "cold", p);
    struct intent lock = flow_intent(OP_lock, locked, NULL, 0, NULL), unlock = flow_intent(OP_unlock, locked, NULL, 0, NULL);
    flow_set_text(&lock, FIELD_token, "mine");
    flow_set_text(&unlock, FIELD_token, "mine");
    flow_set_number(&lock, FIELD_expires, NEVER_MS);
    flow_send(flow, &lock);
    pay_with(flow, locked, NULL);
    pay_with(flow, locked, "mine");
    flow_send(flow, &unlock);
    pay_with(flow, locked, NULL);
    struct intent limit = flow_intent(OP_limit, limited, NULL, 0, NULL);
    flow_set_number(&limit, FIELD_payments, 1);
    flow_set_number(&limit, FIELD_per, NEVER_MS);
    flow_send(flow, &limit);
    pay_with(flow, limited, NULL);
    pay_with(flow, limited, NULL);
    send_plain(flow, OP_freeze, cold);
    pay_with(flow, cold, NULL);
    send_plain(flow, OP_thaw, cold);
    pay_with(flow, cold, NULL);
    struct intent sign = flow_intent(OP_credential, who(flow, "sign", p), NULL, 0, NULL);
    if (intent_set_bytes(&sign, FIELD_credential, secret, sizeof secret)) process_die(NULL, "a credential");
    flow_send(flow, &sign);
    pay_with(flow, sign.account, NULL);
}

static void send_later(struct flow *flow, unsigned p) {
    struct intent soon = flow_intent(OP_topup, who(flow, "later", p), NULL, 77, NULL);
    flow_set_number(&soon, FIELD_not_before, flow_now_ms() + SOON_MS);
    flow_send(flow, &soon);
    struct intent away = flow_intent(OP_transfer, who(flow, "later", p), who(flow, "take", 1 - p), 33, NULL);
    flow_set_number(&away, FIELD_not_before, flow_now_ms() + SOON_MS);
    flow_send(flow, &away);
    struct intent never = flow_intent(OP_pay, who(flow, "never", p), "m0", 10, NULL);
    flow_set_number(&never, FIELD_not_before, flow_now_ms() + NEVER_MS);
    flow_send(flow, &never);
    send_of(flow, OP_unschedule, &never, 0);
}

static void send_order(struct flow *flow, const char *merchant, const char *name, uint64_t expires_ms) {
    struct intent order = flow_order(merchant, name, NULL, expires_ms);
    flow_add_line(&order, 0, 2);
    flow_send(flow, &order);
}

static void pay_order(struct flow *flow, const char *payer, const char *merchant, const char *name, uint64_t amount_minor) {
    struct intent pay = flow_order_payment(payer, merchant, name, amount_minor);
    flow_send(flow, &pay);
}

/* Of the merchant m`n`: what is paid from this partition and from the other, twice, too little; what lapses, what is cancelled. */
static void send_shop(struct flow *flow, unsigned n) {
    char merchant[8];
    snprintf(merchant, sizeof merchant, "m%u", n);
    flow_price_article(flow, merchant, 1);
    flow_stock_article(flow, merchant, 1, 3);
    for (unsigned p = 0; p < SWEEP_PARTITIONS; p++) {
        const char *name = p ? "far" : "near";
        send_order(flow, merchant, name, NEVER_MS);
        pay_order(flow, who(flow, "buy", p), merchant, name, 2 * flow_price(0));
        pay_order(flow, who(flow, "buy", p), merchant, name, 2 * flow_price(0));
        pay_order(flow, who(flow, "late", p), merchant, "no-such", 5);
    }
    send_order(flow, merchant, "lapses", SOON_MS);
    send_order(flow, merchant, "cancelled", NEVER_MS);
    struct intent cancel = flow_cancellation(merchant, "cancelled");
    flow_send(flow, &cancel);
}

/* What goes to all partitions: new merchants, frozen ones, policies, the month. */
static void send_everywhere(struct flow *flow) {
    char month[8], merchant[8];
    flow_month(1, month);
    flow_open_account(flow, "new", "merchant");
    flow_open_account(flow, "gone", "user");
    send_plain(flow, OP_close, "gone");
    snprintf(merchant, sizeof merchant, "m%u", FROZEN);
    send_plain(flow, OP_freeze, merchant);
    send_plain(flow, OP_inquire, who(flow, "never", 0));
    for (unsigned p = 0; p < SWEEP_PARTITIONS; p++) {
        struct intent policy = flow_intent(OP_policy, INTENT_ACCOUNT_BOOK, NULL, 0, NULL);
        if (intent_set_setting(&policy, SETTING_fee, BASIS_POINTS)) process_die(NULL, "a fee");
        flow_send_to(flow, p, &policy);
        struct intent settle = flow_settlement("settlement", "m0", month, p);
        flow_send_to(flow, p, &settle);
    }
}

void sweep_enqueue(struct flow *flow) {
    for (unsigned p = 0; p < SWEEP_PARTITIONS; p++) {
        send_payments(flow, p);
        send_holds(flow, p);
        send_transfers(flow, p);
        send_group(flow, p, 20);
        send_group(flow, p, 2 * BALANCE);
        send_restrictions(flow, p);
        send_later(flow, p);
    }
    send_shop(flow, 2);
    send_everywhere(flow);
}

struct lines {
    char **text;
    size_t count;
};

static void add_line(struct lines *lines, const char *text) {
    lines->text = realloc(lines->text, (lines->count + 1) * sizeof *lines->text);
    if (!lines->text || !(lines->text[lines->count++] = strdup(text))) process_die(NULL, "out of memory");
}

static void note_answer(void *context, uint64_t told_ms, struct reply fields) {
    static const char *const names[] = {"account", "key", "op", "code", "amount", "replayed", "detail"};
    char line[600];
    size_t used = 0;
    (void)told_ms;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s ", flow_field(fields, names[n]));
    add_line(context, line);
}

/* These fields of every key {B:p}:WORD:*. */
static void note_keys(struct flow *flow, struct lines *lines, unsigned p, const char *word, const char *const fields[4]) {
    char pattern[64], line[400];
    struct reply keys;
    snprintf(pattern, sizeof pattern, "{%s:%u}:%s:*", flow->book.name, p, word);
    if (flow_call(flow, &keys, "KEYS", pattern, NULL)) process_die(NULL, "KEYS");
    for (size_t n = 0; n < reply_count(keys); n++) {
        const char *key = reply_text(reply_at(keys, n), NULL), *text;
        text = server_text(&flow->server, "HMGET", key, fields[0], fields[1], fields[2], fields[3], NULL);
        snprintf(line, sizeof line, "%s %s", key, text);
        for (char *c = line; (c = strchr(c, '\n'));) *c = ' ';
        add_line(lines, line);
    }
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

char *sweep_outcome(struct flow *flow) {
    static const char *const sources[] = FLOW_SOURCES;
    struct lines lines = {0};
    char *text;
    size_t size;
    for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) flow_each_answer(flow, sources[n], note_answer, &lines);
    for (unsigned p = 0; p < SWEEP_PARTITIONS; p++) {
        note_keys(flow, &lines, p, "account", (const char *const[]){"balance", "held", "status", "seq"});
        note_keys(flow, &lines, p, "order", (const char *const[]){"state", "total", "payer", "customer"});
        note_keys(flow, &lines, p, "sku", (const char *const[]){"price", "stock", "price", "stock"});
    }
    qsort(lines.text, lines.count, sizeof *lines.text, compare);
    FILE *out = open_memstream(&text, &size);
    for (size_t n = 0; n < lines.count; n++) {
        fprintf(out, "%s\n", lines.text[n]);
        free(lines.text[n]);
    }
    free(lines.text);
    fclose(out);
    return text;
}
