/* The members of till.h that came later: each reaches the wire as what it is, wrong ones are named, what must be signed is, a policy
 * goes to every partition. What is read back is decoded by the schema, as a worker does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client_intent.h"
#include "schema/sign.h"
#include "tests/producer/test_till_fake.h"

static struct server server;
static struct till *till;

static void start(void) {
    fake_server_start(&server, NULL);
    till = fake_open(&server, NULL);
}

static void stop(void) {
    till_close(till);
    server_stop(&server);
}

TestSuite(till_fields, .init = start, .fini = stop, .timeout = 60);

/* The last entry of a partition's stream. */
struct entry {
    struct intent intent;
    uint8_t bytes[INTENT_SIZE_MAX], sig[SIGN_SIZE];
    size_t size, count; /* of the bytes; of the stream's entries */
    bool has_sig;
};

static void entry_read(unsigned partition, struct entry *e) {
    keys_buffer key;
    struct intent_fault fault;
    size_t size;
    memset(e, 0, sizeof *e);
    keys_intents(key, &fake_book, partition);
    struct redis *redis = fake_connect(server.url);
    struct reply reply = fake_run(redis, "XRANGE", key, "-", "+", NULL);
    e->count = reply_count(reply);
    struct reply fields = reply_at(reply_at(reply, e->count - 1), 1);
    const char *bytes = reply_text(reply_at(fields, 1), &e->size);
    memcpy(e->bytes, bytes, e->size);
    const char *sig = reply_text(reply_at(fields, 3), &size);
    e->has_sig = reply_count(fields) == 4 && reply_is(reply_at(fields, 2), "sig") && size == sizeof e->sig;
    if (e->has_sig)
        memcpy(e->sig, sig, size);
    cr_assert(reply_count(fields) == 2 || e->has_sig);
    redis_close(redis);
    if (e->count > 0)
        cr_assert_eq(intent_decode(e->bytes, e->size, &e->intent, &fault), INTENT_OK, "%s", fault.text);
}

static const struct intent *sent(const struct till_intent *in, struct entry *e) {
    struct till_result result;
    cr_assert_eq(till_send(till, in, 1, 1000, &result), 1u, "%s: %s", in->op, result.text);
    entry_read(till_partition_of(till, in->account), e);
    cr_assert_str_eq(e->intent.key, result.key);
    return &e->intent;
}

static bool has(const struct intent *intent, enum field field) {
    return (intent->present & FIELD_BIT(field)) != 0;
}

Test(till_fields, plain_ones) {
    static struct entry e;
    const struct intent *i;
    uint64_t later = client_wall_ms() + 60000;
    struct till_intent hold = {.op = "hold", .source = "shop", .account = "alice", .to = "coffee", .amount_minor = 900, .currency = "CNY",
                               .expires_ms = 900000, .not_before_ms = later, .token = "t-1"};
    i = sent(&hold, &e);
    cr_assert(i->op == OP_hold && i->expires_ms == 900000 && i->not_before_ms == later && !e.has_sig);
    cr_assert_str_eq(i->token, "t-1");
    hold.expires_ms = hold.not_before_ms = 0;
    hold.token = "";
    i = sent(&hold, &e);
    cr_assert(!has(i, FIELD_expires) && !has(i, FIELD_not_before) && !has(i, FIELD_token), "not given");
    struct till_intent lock = {.op = "lock", .source = "shop", .account = "alice", .token = "t"};
    i = sent(&lock, &e);
    cr_assert(has(i, FIELD_expires) && i->expires_ms == 0, "a lock says that it does not lapse");
    struct till_intent limit = {.op = "limit", .source = "shop", .account = "alice", .payments = 10, .per_ms = 60000};
    i = sent(&limit, &e);
    cr_assert(i->payments == 10 && i->per_ms == 60000);
}

Test(till_fields, a_capture_says_whether_it_is_the_last) {
    static struct entry e;
    const struct {
        int final;
        bool present, value;
    } rows[] = {{0, false, false}, {TILL_YES, true, true}, {TILL_NO, true, false}};
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct till_intent capture = {.op = "capture", .source = "shop", .account = "alice", .of = "h1", .amount_minor = TILL_AMOUNT_ALL,
                                      .final = rows[n].final};
        const struct intent *i = sent(&capture, &e);
        cr_assert(has(i, FIELD_final) == rows[n].present && i->final == rows[n].value, "%d", rows[n].final);
        cr_assert(!has(i, FIELD_amount));
    }
}

Test(till_fields, guards) {
    static struct entry e;
    struct till_guard guard = {.has_seq = true, .seq = 7, .has_refunded = true};
    struct till_intent refund = {.op = "refund", .source = "shop", .account = "alice", .of = "k1", .amount_minor = 5, .guard = &guard};
    const struct intent *i = sent(&refund, &e);
    cr_assert(i->guard.has_seq && i->guard.seq == 7 && i->guard.has_refunded && i->guard.refunded == 0 && !i->guard.has_balance_min);
}

Test(till_fields, steps) {
    static struct entry e;
    struct till_step steps[] = {
        {.op = "hold", .key = "a", .to = "coffee", .amount_minor = 300, .currency = "CNY", .expires_ms = 1000, .note = "n"},
        {.op = "capture", .of = "a", .amount_minor = TILL_AMOUNT_ALL, .final = TILL_NO},
        {.op = "refund", .of = "k1", .of_at_ms = 1700000000000, .amount_minor = 3},
        {.op = "pay", .to = "tea", .amount_minor = 1, .currency = "CNY", .allow_duplicate = true},
    };
    struct till_intent group = {.op = "group", .source = "shop", .key = "g", .account = "alice", .steps = steps, .step_count = 4};
    const struct intent *i = sent(&group, &e);
    const struct intent_step *s = i->steps;
    cr_assert(i->step_count == 4 && s[0].op == OP_hold && s[0].amount_minor == 300 && s[0].expires_ms == 1000);
    cr_assert_str_eq(s[0].key, "a");
    cr_assert_str_eq(s[0].to, "coffee");
    cr_assert_str_eq(s[0].note, "n");
    cr_assert(s[1].op == OP_capture && s[1].keeps && !(s[1].present & FIELD_BIT(FIELD_amount)));
    cr_assert_str_eq(s[1].key, "g>2");
    cr_assert(s[2].of_at_ms == 1700000000000 && s[2].amount_minor == 3 && s[3].allow_duplicate);
}

Test(till_fields, credentials_and_signatures) {
    static struct entry e;
    uint8_t old[TILL_CREDENTIAL_SIZE], new[TILL_CREDENTIAL_SIZE];
    memset(old, 1, sizeof old);
    memset(new, 2, sizeof new);
    struct till_intent open = {.op = "open", .source = "shop", .account = "alice", .kind = "user", .currency = "CNY", .credential = old};
    const struct intent *i = sent(&open, &e);
    cr_assert(has(i, FIELD_credential) && !e.has_sig);
    cr_assert_arr_eq(i->credential, old, sizeof old);
    cr_assert_arr_neq(till->intent.credential, old, sizeof old, "wiped from the handle");
    struct till_intent change = {.op = "credential", .source = "shop", .account = "alice", .credential = new, .sign_with = old};
    i = sent(&change, &e);
    cr_assert(e.has_sig && sign_verify(old, e.bytes, e.size, e.sig, sizeof e.sig));
    cr_assert_not(sign_verify(new, e.bytes, e.size, e.sig, sizeof e.sig));
    struct till_intent none = {.op = "credential", .source = "shop", .account = "alice", .sign_with = new};
    i = sent(&none, &e);
    cr_assert(!has(i, FIELD_credential) && e.has_sig);
    struct till_intent pay = fake_pay("alice", "k1");
    cr_assert(sent(&pay, &e) != NULL && !e.has_sig, "one signature does not stick to the next");
}

Test(till_fields, of_many_each_has_its_own_signature) {
    enum { COUNT = 300 };
    static struct till_intent intents[COUNT];
    static struct till_result results[COUNT];
    static struct entry e;
    uint8_t key[TILL_CREDENTIAL_SIZE] = {3};
    for (int n = 0; n < COUNT; n++) {
        intents[n] = fake_pay("alice", NULL);
        intents[n].sign_with = n % 2 ? key : NULL;
    }
    cr_assert_eq(till_send(till, intents, COUNT, 1000, results), (size_t)COUNT);
    entry_read(till_partition_of(till, "alice"), &e);
    cr_assert(e.count == COUNT && e.has_sig && sign_verify(key, e.bytes, e.size, e.sig, sizeof e.sig));
}

Test(till_fields, a_policy_goes_to_every_partition) {
    static struct entry e;
    uint8_t secret[TILL_CREDENTIAL_SIZE] = {9};
    struct till_settings settings = {.has_duplicate_window = true, .has_fee = true, .fee_basis_points = 250};
    struct till_intent policy = {.op = "policy", .source = "ops", .key = "p1", .settings = &settings, .sign_with = secret};
    struct till_intent both[] = {policy, fake_pay("alice", "k1")};
    struct till_result results[2];
    cr_assert_eq(till_send(till, both, 2, 1000, results), 2u, "%s", results[0].text);
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        entry_read(p, &e);
        cr_assert_eq(e.count, p == till_partition_of(till, "alice") ? 2u : 1u, "%u", p);
        if (e.count == 2)
            continue;
        cr_assert_str_eq(e.intent.account, "@book");
        cr_assert_str_eq(e.intent.key, "p1");
        cr_assert(e.intent.settings.value[SETTING_fee] == 250 && e.intent.settings.present ==
                  (1u << SETTING_fee | 1u << SETTING_duplicate_window));
        cr_assert(e.has_sig && sign_verify(secret, e.bytes, e.size, e.sig, sizeof e.sig));
    }
}

Test(till_fields, a_policy_is_answered_by_all_or_by_the_first_that_refuses) {
    struct fake_worker worker = {0};
    struct till_settings settings = {.has_fee = true};
    struct till_intent policy = {.op = "policy", .source = "ops", .settings = &settings};
    struct till_answer a;
    static struct entry e;
    fake_worker_start(&worker, &server);
    cr_assert_eq(till_call(till, &policy, 5000, &a), TILL_OK, "%s", till_error(till));
    cr_assert_eq(a.partition, FAKE_PARTITIONS - 1u);
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        entry_read(p, &e);
        cr_assert(e.count == 1 && strcmp(e.intent.key, a.key) == 0 && e.intent.at_ms > 0);
    }
    atomic_store(&worker.code, TILL_NOT_PERMITTED);
    cr_assert_eq(till_call(till, &policy, 5000, &a), TILL_NOT_PERMITTED);
    cr_assert_eq(a.partition, 0u);
    fake_worker_stop(&worker);
}

Test(till_fields, a_policy_half_sent_is_not_said_to_be_unsent) {
    struct till_settings settings = {.has_fee = true};
    struct till_intent policy = {.op = "policy", .source = "ops", .settings = &settings};
    struct till_result result;
    server_text(&server, "SET", "{till:2}:intents", "no stream", NULL);
    cr_assert_eq(till_send(till, &policy, 1, 1000, &result), 0u);
    cr_assert_eq(result.code, TILL_WRITE_FAILED);
    cr_assert(strstr(result.text, "WRONGTYPE"), "%s", result.text);
}

Test(till_fields, what_a_shop_does) {
    static struct entry e;
    const struct intent *i;
    struct till_goods goods = {.sku = "tea"};
    struct till_intent price = {.op = "price", .source = "shop", .account = "coffee", .goods = &goods, .amount_minor = 300};
    i = sent(&price, &e);
    cr_assert(i->op == OP_price && i->amount_minor == 300 && !has(i, FIELD_quantity) && !has(i, FIELD_lines) && !has(i, FIELD_currency));
    cr_assert_str_eq(i->sku, "tea");
    const int64_t changes[] = {1, -1, INTENT_AMOUNT_MAX, -INTENT_AMOUNT_MAX};
    for (size_t n = 0; n < sizeof changes / sizeof changes[0]; n++) {
        goods.quantity = changes[n];
        struct till_intent stock = {.op = "stock", .source = "shop", .account = "coffee", .goods = &goods};
        i = sent(&stock, &e);
        cr_assert(i->op == OP_stock && i->quantity == changes[n], "%lld", (long long)i->quantity);
    }
    struct till_intent cancel = {.op = "cancel", .source = "shop", .account = "coffee", .order = "o-1"};
    i = sent(&cancel, &e);
    cr_assert_str_eq(i->order, "o-1");
    struct till_intent pay = fake_pay("alice", "k1");
    pay.order = "o-1";
    i = sent(&pay, &e);
    cr_assert(i->op == OP_pay && has(i, FIELD_order));
    pay.order = "";
    cr_assert(!has(sent(&pay, &e), FIELD_order), "not given");
}

Test(till_fields, an_order_has_lines_or_an_amount) {
    static struct entry e;
    char names[TILL_LINES_MAX][8];
    struct till_line lines[TILL_LINES_MAX];
    for (unsigned n = 0; n < TILL_LINES_MAX; n++) {
        snprintf(names[n], sizeof names[n], "a%u", n);
        lines[n] = (struct till_line){names[n], n + 1};
    }
    struct till_goods goods = {.lines = lines, .line_count = TILL_LINES_MAX};
    struct till_intent order = {.op = "order", .source = "shop", .account = "coffee", .order = "o-1", .to = "alice", .goods = &goods,
                                .expires_ms = 900000};
    const struct intent *i = sent(&order, &e);
    cr_assert(i->line_count == TILL_LINES_MAX && !has(i, FIELD_amount) && i->expires_ms == 900000);
    cr_assert(strcmp(i->lines[63].sku, "a63") == 0 && i->lines[63].quantity == 64 && i->lines[0].quantity == 1);
    struct till_intent amount = {.op = "order", .source = "shop", .account = "coffee", .order = "o-2", .amount_minor = 700};
    i = sent(&amount, &e);
    cr_assert(i->amount_minor == 700 && !has(i, FIELD_lines) && !has(i, FIELD_to));
}

Test(till_fields, what_is_shown_is_sent_the_same) {
    static struct entry e, again;
    struct till_line lines[] = {{"tea", 2}, {"cake", 1}};
    struct till_goods goods = {.lines = lines, .line_count = 2}, stock = {.sku = "tea", .quantity = -2};
    struct till_settle settle = {.month = "2026-10", .partition = TILL_HOME};
    struct till_intent pay = fake_pay("alice", "k1"), all[] = {
        {.op = "order", .source = "shop", .key = "a", .account = "coffee", .order = "o-1", .goods = &goods},
        {.op = "order", .source = "shop", .key = "b", .account = "coffee", .order = "o-2", .amount_minor = 5},
        {.op = "stock", .source = "shop", .key = "c", .account = "coffee", .goods = &stock},
        {.op = "settle", .source = "shop", .key = "d", .account = "coffee", .currency = "CNY", .settle = &settle},
        pay,
    };
    all[4].order = "o-1";
    for (size_t n = 0; n < sizeof all / sizeof all[0]; n++) {
        struct client_nested nested;
        struct till_intent shown;
        struct till_result result;
        client_intent_borrow(sent(&all[n], &e), &nested, &shown);
        cr_assert_eq(till_send(till, &shown, 1, 1000, &result), 1u, "%s: %s", all[n].op, result.text);
        entry_read(till_partition_of(till, all[n].account), &again);
        cr_assert(again.size == e.size && memcmp(again.bytes, e.bytes, e.size) == 0, "%s", all[n].op);
    }
}

Test(till_fields, a_settle_goes_where_it_says) {
    static struct entry e;
    unsigned home = till_partition_of(till, "coffee");
    struct till_settle settle = {.month = "2026-10"};
    struct till_intent intent = {.op = "settle", .source = "settlement", .account = "coffee", .currency = "CNY", .settle = &settle};
    for (int p = 0; p < FAKE_PARTITIONS; p++) {
        struct till_result result;
        settle.partition = p;
        cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 1u, "%s", result.text);
        entry_read((unsigned)p, &e);
        cr_assert(e.count == 1 && e.intent.op == OP_settle && strcmp(e.intent.month, "2026-10") == 0, "%d", p);
    }
    settle.partition = TILL_HOME;
    (void)sent(&intent, &e);
    entry_read(home, &e);
    cr_assert_eq(e.count, 2u);
    struct fake_worker worker = {0};
    struct till_answer a;
    fake_worker_start(&worker, &server);
    settle.partition = (int)(home + 1) % FAKE_PARTITIONS;
    cr_assert_eq(till_call(till, &intent, 5000, &a), TILL_OK, "%s", till_error(till));
    cr_assert_eq(a.partition, (home + 1) % FAKE_PARTITIONS);
    fake_worker_stop(&worker);
}

struct row {
    const char *field, *text;
    struct till_intent intent;
};

/* Each is refused, the field at fault named. */
static void check_rows(const struct row *rows, size_t count) {
    for (size_t n = 0; n < count; n++) {
        struct till_result r;
        cr_assert_eq(till_send(till, &rows[n].intent, 1, 1000, &r), 0u, "row %zu: %s", n, rows[n].text);
        cr_assert_eq(r.code, TILL_INVALID, "row %zu: %d", n, r.code);
        cr_assert_str_eq(r.field, rows[n].field, "row %zu: %s", n, r.text);
        cr_assert(strstr(r.text, rows[n].text), "row %zu: %s", n, r.text);
    }
}

static struct till_step tea = {.op = "pay", .to = "tea", .amount_minor = 1, .currency = "CNY"};

Test(till_fields, wrong_ones_are_named) {
    struct till_step no_amount[] = {tea, {.op = "capture", .of = "h1"}}, same_keys[] = {tea, tea}, bad_to[] = {tea, tea};
    struct till_step open_step[] = {tea, {.op = "open"}}, reserved[] = {tea, tea}, itself[] = {tea, tea};
    same_keys[0].key = same_keys[1].key = "a";
    bad_to[1].to = "a b";
    itself[1].to = "alice";
    reserved[1].reserved[0] = "x";
    struct till_guard empty_guard = {0}, large_guard = {.has_seq = true, .seq = UINT64_MAX}, refunded = {.has_refunded = true};
    struct till_settings no_settings = {0}, large_fee = {.has_fee = true, .fee_basis_points = 10001}, fee = {.has_fee = true};
#define PAY .source = "s", .op = "pay", .account = "alice", .to = "tea", .amount_minor = 1, .currency = "CNY"
#define GROUP(list) .source = "s", .op = "group", .account = "alice", .steps = list, .step_count = 2
    const struct row rows[] = {
        {"final", "TILL_YES", {.source = "s", .op = "capture", .account = "alice", .of = "h", .amount_minor = 1, .final = 2}},
        {"amount", "TILL_AMOUNT_ALL", {.source = "s", .op = "capture", .account = "alice", .of = "h"}},
        {"token", "missing", {.source = "s", .op = "lock", .account = "alice", .expires_ms = 1}},
        {"per", "missing", {.source = "s", .op = "limit", .account = "alice", .payments = 1}},
        {"payments", "from 1 to 1000000", {.source = "s", .op = "limit", .account = "alice", .payments = 1000001, .per_ms = 1}},
        {"credential", "not taken", {PAY, .credential = (const uint8_t *)"12345678901234567890123456789012"}},
        {"guard", "no condition", {PAY, .guard = &empty_guard}},
        {"guard", "guard: seq must be an integer", {PAY, .guard = &large_guard}},
        {"guard", "refunded", {PAY, .guard = &refunded}},
        {"settings", "missing", {.source = "s", .op = "policy"}},
        {"settings", "there is none", {.source = "s", .op = "policy", .settings = &no_settings}},
        {"settings", "settings: fee must be an integer from 0 to 10000", {.source = "s", .op = "policy", .settings = &large_fee}},
        {"settings", "not taken", {PAY, .settings = &fee}},
        {"account", "@book", {.source = "s", .op = "policy", .account = "alice", .settings = &fee}},
        {"account", "@book", {.source = "s", .op = "inquire", .account = "@book"}},
        {"steps", "missing", {.source = "s", .op = "group", .account = "alice"}},
        {"steps", "step_count says so", {.source = "s", .op = "group", .account = "alice", .step_count = 2}},
        {"steps", "2..16", {.source = "s", .op = "group", .account = "alice", .steps = &tea, .step_count = 1}},
        {"steps", "steps: step 2: amount is 0", {GROUP(no_amount)}},
        {"steps", "steps: step 2: key", {GROUP(same_keys)}},
        {"steps", "steps: step 2: to must be", {GROUP(bad_to)}},
        {"steps", "steps: step 2: to must not be the account", {GROUP(itself)}},
        {"steps", "steps: step 2: op must be one of", {GROUP(open_step)}},
        {"steps", "steps: step 2: reserved must be zero", {GROUP(reserved)}},
        {"reserved", "must be zero", {PAY, .reserved = {"x"}}},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

Test(till_fields, wrong_goods_are_named) {
    struct till_line line = {"tea", 1}, none = {"tea", 0}, no_sku = {NULL, 1}, twice[] = {line, line}, many[TILL_LINES_MAX + 1];
    char names[TILL_LINES_MAX + 1][8];
    for (unsigned n = 0; n <= TILL_LINES_MAX; n++) {
        snprintf(names[n], sizeof names[n], "a%u", n);
        many[n] = (struct till_line){names[n], 1};
    }
    struct till_goods of_one = {.lines = &line, .line_count = 1}, of_none = {.lines = &none, .line_count = 1};
    struct till_goods of_two = {.lines = twice, .line_count = 2}, of_many = {.lines = many, .line_count = TILL_LINES_MAX + 1};
    struct till_goods unnamed = {.lines = &no_sku, .line_count = 1}, counted = {.line_count = 1}, only = {.sku = "tea"};
    struct till_goods large = {.sku = "tea", .quantity = INT64_MAX}, bad = {.sku = "a/b"}, uncounted = {.sku = "tea"};
    struct till_settle outside = {.month = "2026-10", .partition = FAKE_PARTITIONS}, october = {.month = "2026-13"}, nothing = {0};
    only.reserved[7] = "x";
#define ORDER .source = "s", .op = "order", .account = "coffee", .order = "o"
#define SETTLE .source = "s", .op = "settle", .account = "coffee", .currency = "CNY"
    const struct row rows[] = {
        {"order", "1..64 printable", {PAY, .order = "a b"}},
        {"order", "not taken", {.source = "s", .op = "inquire", .account = "alice", .order = "o"}},
        {"order", "missing", {.source = "s", .op = "cancel", .account = "coffee"}},
        {"lines", "missing", {ORDER}},
        {"lines", "line_count says so", {ORDER, .goods = &counted}},
        {"lines", "lines: line 1 has a quantity", {ORDER, .goods = &of_none}},
        {"lines", "lines: line 1 has a sku", {ORDER, .goods = &unnamed}},
        {"lines", "lines: line 2 has a sku that is in the order already", {ORDER, .goods = &of_two}},
        {"lines", "lines: line 65 is one too many", {ORDER, .goods = &of_many}},
        {"lines", "not taken", {PAY, .goods = &of_one}},
        {"amount", "beside lines", {ORDER, .goods = &of_one, .amount_minor = 1}},
        {"amount", "negative", {ORDER, .amount_minor = TILL_AMOUNT_ALL}},
        {"quantity", "missing", {.source = "s", .op = "stock", .account = "coffee", .goods = &uncounted}},
        {"quantity", "not 0", {.source = "s", .op = "stock", .account = "coffee", .goods = &large}},
        {"sku", "1..64 printable", {.source = "s", .op = "price", .account = "coffee", .goods = &bad, .amount_minor = 1}},
        {"sku", "missing", {.source = "s", .op = "price", .account = "coffee", .amount_minor = 1}},
        {"reserved", "must be zero", {.source = "s", .op = "price", .account = "coffee", .goods = &only, .amount_minor = 1}},
        {"partition", "0..3 or TILL_HOME", {SETTLE, .settle = &outside}},
        {"month", "YYYY-MM", {SETTLE, .settle = &october}},
        {"month", "missing", {SETTLE, .settle = &nothing}},
        {"month", "missing", {SETTLE}},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

Test(till_fields, the_rules_of_an_account) {
    struct till_rules rules;
    cr_assert_eq(till_account_rules(till, "alice", &rules), TILL_NOT_FOUND);
    cr_assert_eq(till_account_rules(till, "a b", &rules), TILL_INVALID);
    char key[64];
    snprintf(key, sizeof key, "{till:%u}:account:alice", till_partition_of(till, "alice"));
    server_text(&server, "HSET", key, "kind", "user", "balance", "0", "held", "0", NULL);
    cr_assert_eq(till_account_rules(till, "alice", &rules), TILL_OK, "%s", till_error(till));
    cr_assert(!rules.has_credential && !rules.locked && rules.lock_until_ms == 0 && rules.limit_payments == 0 && rules.limit_per_ms == 0);
    server_text(&server, "HSET", key, "credential", "x", "lock_token", "t", "lock_until", "1700000000000", "limit_payments", "5",
                "limit_per", "60000", NULL);
    cr_assert_eq(till_account_rules(till, "alice", &rules), TILL_OK);
    cr_assert(rules.has_credential && rules.locked && rules.lock_until_ms == 1700000000000);
    cr_assert(rules.limit_payments == 5 && rules.limit_per_ms == 60000);
}
