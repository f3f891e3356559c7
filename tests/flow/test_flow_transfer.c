/* Transfers between partitions, with real workers: they arrive or come back, are answered once, and no money is lost on the way. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "tests/flow/check.h"

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_transfer, .fini = stop, .timeout = 100);

static unsigned partition_of(const char *account) { return keys_partition(&flow.book, account, strlen(account)); }

/* Nothing is on its way, and what the users have in all is what they were given. */
static void expect_conserved(const char *name) {
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 0, "%s: %lld in transit", name,
                 (long long)flow_sum(&flow, "@transit:CNY", "balance"));
    cr_assert_eq(flow_users(&flow, "balance"), (int64_t)FLOW_USERS * FLOW_BALANCE, "%s: the users have %lld", name,
                 (long long)flow_users(&flow, "balance"));
}

/* The first user whose partition is not (or is) that of u0. */
static void find_user(bool same, char name[16]) {
    for (unsigned n = 1; n < FLOW_USERS; n++) {
        snprintf(name, 16, "u%u", n);
        if ((partition_of(name) == partition_of("u0")) == same) return;
    }
    cr_assert_fail("no user there");
}

Test(flow_transfer, arrives) {
    char here[16], there[16];
    flow_start(&flow, 4, NULL);
    flow_open(&flow);
    find_user(true, here);
    find_user(false, there);
    flow_worker(&flow, 0, NULL);
    struct intent near = flow_intent(OP_transfer, "u0", here, 1000, NULL), far = flow_intent(OP_transfer, "u0", there, 3000, NULL);
    flow_send(&flow, &near);
    flow_send(&flow, &far);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct flow_answer a = flow_answer(&flow, &near), b = flow_answer(&flow, &far);
    cr_assert(a.count == 1 && a.code == CODE_ok && a.amount_minor == 1000 && a.balance_minor == FLOW_BALANCE - 1000, "code %d", a.code);
    cr_assert(b.count == 1 && b.code == CODE_ok && b.amount_minor == 3000 && b.balance_minor == FLOW_BALANCE - 4000, "code %d", b.code);
    cr_assert_eq(flow_account(&flow, "u0", "balance"), FLOW_BALANCE - 4000);
    cr_assert_eq(flow_account(&flow, here, "balance"), FLOW_BALANCE + 1000);
    cr_assert_eq(flow_account(&flow, there, "balance"), FLOW_BALANCE + 3000);
    expect_conserved("arrived");
    check_sound(&flow, "arrived", 0);
}

static void change(enum op op, const char *account) {
    struct intent intent = flow_intent(op, account, NULL, 0, NULL);
    flow_send(&flow, &intent);
}

/* Accounts of all sorts, each in some partition: with names of which one lies with u0 and one elsewhere. */
static void open_sorts(void) {
    char name[32];
    for (unsigned n = 0; n < 6; n++) {
        snprintf(name, sizeof name, "frozen%u", n);
        flow_open_account(&flow, name, "user");
        change(OP_freeze, name);
        snprintf(name, sizeof name, "closed%u", n);
        flow_open_account(&flow, name, "user");
        change(OP_close, name);
        snprintf(name, sizeof name, "foreign%u", n);
        struct intent open = flow_intent(OP_open, name, NULL, 0, NULL);
        flow_set_text(&open, FIELD_kind, "user");
        flow_set_text(&open, FIELD_currency, "EUR");
        flow_send(&flow, &open);
    }
}

Test(flow_transfer, comes_back_with_the_reason) {
    static const struct { const char *to; int code; const char *detail; } sorts[] = {
        {"unknown", CODE_not_found, "to"}, {"frozen", CODE_account_frozen, ""}, {"closed", CODE_account_frozen, ""},
        {"foreign", CODE_currency_mismatch, ""}, {"m", CODE_not_found, "to"}};
    enum { SORTS = sizeof sorts / sizeof *sorts, EACH = 3 };
    static struct intent sent[SORTS * EACH];
    char name[32];
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    open_sorts();
    flow_worker(&flow, 0, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < SORTS * EACH; n++) {
        snprintf(name, sizeof name, "%s%u", sorts[n / EACH].to, n % EACH);
        sent[n] = flow_intent(OP_transfer, "u0", name, 100 + n, NULL);
        flow_send(&flow, &sent[n]);
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < SORTS * EACH; n++) {
        struct flow_answer a = flow_answer(&flow, &sent[n]);
        cr_assert(a.count == 1 && a.code == sorts[n / EACH].code && a.amount_minor == 0, "to %s: %u answers, code %d, %lld moved",
                  sent[n].to, a.count, a.code, (long long)a.amount_minor);
        cr_assert_str_eq(a.detail, sorts[n / EACH].detail, "to %s", sent[n].to);
    }
    cr_assert_gt(flow_rows(&flow, "bounce", NULL), 0, "all of them lie with u0");
    cr_assert_eq(flow_account(&flow, "u0", "balance"), FLOW_BALANCE);
    expect_conserved("came back");
    check_sound(&flow, "came back", 0);
}

/* Each of two workers has one of two partitions; the receiver's stands still. */
Test(flow_transfer, repetition_on_the_way_is_told_so) {
    char there[16];
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    find_user(false, there);
    for (unsigned n = 0; n < 2; n++) flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 9000});
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 1 && flow_held(&flow, 1) == 1, 20000), "they do not share");
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    unsigned receiver = strcmp(flow_owner(&flow, partition_of(there)), "w1") == 0;
    worker_pause(&flow.workers[receiver]);
    struct intent transfer = flow_intent(OP_transfer, "u0", there, 700, NULL);
    flow_send(&flow, &transfer);
    cr_assert(WAIT_UNTIL(flow_account(&flow, "u0", "balance") == FLOW_BALANCE - 700, 3000), "it does not leave");
    flow_send(&flow, &transfer);
    cr_assert(WAIT_UNTIL(flow_answer(&flow, &transfer).on_the_way == 1, 3000), "the repetition is not told");
    cr_assert_eq(flow_answer(&flow, &transfer).code, -1, "answered before it arrived");
    cr_assert_eq(flow_sum(&flow, "@transit:CNY", "balance"), 700, "what is in flight is not in transit");
    cr_assert_eq(flow_in_progress(&flow), 1);
    worker_resume(&flow.workers[receiver]);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_send(&flow, &transfer);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    struct flow_answer a = flow_answer(&flow, &transfer);
    cr_assert(a.code == CODE_ok && a.count == 3 && a.replays == 1 && a.on_the_way == 1, "code %d, %u answers, %u replays, %u on the way",
              a.code, a.count, a.replays, a.on_the_way);
    expect_conserved("on the way");
    check_sound(&flow, "on the way", 0);
}

struct tally {
    unsigned count, fine, other;
};

static void tally_answer(void *context, uint64_t told_ms, struct reply fields) {
    struct tally *t = context;
    (void)told_ms;
    if (strcmp(flow_field(fields, "op"), "transfer") != 0) return;
    long code = strtol(flow_field(fields, "code"), NULL, 10);
    t->count++;
    t->fine += code == CODE_ok;
    t->other += code != CODE_ok && code != CODE_insufficient_funds;
}

Test(flow_transfer, thousands_with_a_worker_killed_amid) {
    enum { TRANSFERS = 6000 };
    struct tally tally = {0};
    flow_start(&flow, 16, NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < 2; n++) flow_worker(&flow, n, &(struct worker_options){.batch = 128});
    cr_assert(flow_serving(&flow, 10000));
    int64_t since_ms = wait_now_ms();
    flow_transfer(&flow, TRANSFERS / 2, NULL, NULL);
    cr_assert(flow_in_progress(&flow) > 0 || flow_backlog(&flow).lag > 0, "all was done before the kill");
    worker_kill(&flow.workers[0]);
    flow_transfer(&flow, TRANSFERS / 2, NULL, NULL);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    fprintf(stderr, "%d transfers in %lld ms, one of two workers killed\n", TRANSFERS, (long long)(wait_now_ms() - since_ms));
    flow_each_answer(&flow, "shop", tally_answer, &tally);
    cr_assert(tally.count == TRANSFERS && tally.other == 0, "%u answers, %u of them neither 0 nor 3", tally.count, tally.other);
    cr_assert_gt(tally.fine, TRANSFERS / 2);
    expect_conserved("killed amid");
    check_sound(&flow, "killed amid", 0);
}

/* An arrival that was given up, because its account was broken: the money goes back, and putting the entry back changes nothing. */
Test(flow_transfer, arrival_given_up_goes_back) {
    static const char put_back[] = "local e = redis.call('XRANGE', KEYS[1], '-', '+')[1] redis.call('XDEL', KEYS[1], e[1]) "
                                   "return redis.call('XADD', KEYS[2], '*', unpack(e[2], 7))";
    char there[16], broken[KEYS_SIZE_MAX];
    flow_start(&flow, 2, NULL);
    flow_open(&flow);
    find_user(false, there);
    flow_worker(&flow, 0, &(struct worker_options){.environment = {"TILL_WORKER_MAX_ATTEMPTS=1"}});
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    unsigned p = partition_of(there);
    keys_account(broken, &flow.book, p, there);
    server_text(&flow.server, "RENAME", broken, "aside", NULL);
    server_text(&flow.server, "SET", broken, "x", NULL);
    struct intent first = flow_intent(OP_transfer, "u0", there, 700, NULL);
    flow_send(&flow, &first);
    cr_assert(WAIT_UNTIL(flow_backlog(&flow).dead == 1, 10000), "the arrival is not given up");
    server_text(&flow.server, "RENAME", "aside", broken, NULL);
    struct intent second = flow_intent(OP_transfer, "u0", there, 300, NULL);
    flow_send(&flow, &second);
    cr_assert(WAIT_UNTIL(flow_answer(&flow, &second).code == CODE_ok, 5000));
    server_text(&flow.server, "EVAL", put_back, "2", flow_key(&flow, keys_dead, p), flow_key(&flow, keys_intents, p), NULL);
    cr_assert(flow_settle(&flow, 5000), "it does not end");
    cr_assert_eq(flow_answer(&flow, &first).code, CODE_dead);
    cr_assert_eq(flow_account(&flow, there, "balance"), FLOW_BALANCE + 300);
    cr_assert_eq(flow_account(&flow, "u0", "balance"), FLOW_BALANCE - 300);
    expect_conserved("put back");
}
