/* Sending: what is checked here, what reaches which stream, and what is said when Redis is gone, full, hung or flooded. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"
#include "schema/intent.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"

static struct server server;

static void stop(void) {
    server_stop(&server);
}

static int64_t enqueued(void) {
    int64_t sum = 0;
    keys_buffer key;
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        keys_intents(key, &fake_book, p);
        sum += server_integer(&server, "XLEN", key, NULL);
    }
    return sum;
}

/* Shows every intent of a partition, in order. */
static void intents_visit(unsigned partition, void (*visit)(const struct intent *, void *), void *context) {
    keys_buffer key;
    keys_intents(key, &fake_book, partition);
    struct redis *redis = fake_connect(server.url);
    struct reply reply = fake_run(redis, "XRANGE", key, "-", "+", NULL);
    for (size_t i = 0; i < reply_count(reply); i++) {
        struct reply fields = reply_at(reply_at(reply, i), 1);
        struct intent intent;
        struct intent_fault fault;
        size_t size;
        const char *bytes = reply_text(reply_at(fields, 1), &size);
        cr_assert(reply_is(reply_at(fields, 0), "intent"));
        cr_assert_eq(intent_decode(bytes, size, &intent, &fault), INTENT_OK, "%s", fault.text);
        visit(&intent, context);
    }
    redis_close(redis);
}

struct found {
    struct intent *intents;
    size_t count, capacity;
};

static void found_add(const struct intent *intent, void *context) {
    struct found *found = context;
    cr_assert_lt(found->count, found->capacity);
    found->intents[found->count++] = *intent;
}

static size_t intents_of(unsigned partition, struct intent *out, size_t capacity) {
    struct found found = {out, 0, capacity};
    intents_visit(partition, found_add, &found);
    return found.count;
}

Test(till_send, every_intent_lies_in_its_partition_in_order, .fini = stop) {
    enum { COUNT = 3000, ACCOUNTS = 37 };
    static struct till_intent intents[COUNT];
    static struct till_result results[COUNT];
    static struct intent found[COUNT];
    static char keys[COUNT][16], accounts[COUNT][16];
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%06d", i);
        snprintf(accounts[i], sizeof accounts[i], "a%d", i % ACCOUNTS);
        intents[i] = fake_pay(accounts[i], keys[i]);
    }
    cr_assert_eq(till_send(till, intents, COUNT, 5000, results), (size_t)COUNT);
    size_t total = 0;
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        size_t count = intents_of(p, found, COUNT);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(keys_partition(&fake_book, found[i].account, strlen(found[i].account)), p);
            cr_assert(i == 0 || strcmp(found[i - 1].key, found[i].key) < 0, "%s before %s", found[i - 1].key, found[i].key);
        }
        total += count;
    }
    cr_assert_eq(total, (size_t)COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(results[i].code, TILL_OK);
        cr_assert_str_eq(results[i].key, keys[i]);
        cr_assert_str_not_empty(results[i].entry);
        cr_assert_neq(results[i].at_ms, 0u);
    }
    till_close(till);
}

Test(till_send, all_fields_cross_the_wire, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    struct till_intent intents[] = {
        fake_pay("alice", "k1"),
        {.op = "refund", .source = "shop", .key = "k2", .at_ms = 1700000000000, .account = "alice", .of = "k1",
         .of_at_ms = 1700000000001, .amount_minor = TILL_AMOUNT_ALL},
        {.op = "open", .source = "shop", .account = "alice", .kind = "merchant", .currency = "CNY"},
    };
    intents[0].allow_duplicate = true;
    intents[0].note = "größe";
    struct till_result results[3];
    struct intent found[3];
    uint64_t before = client_wall_ms();
    cr_assert_eq(till_send(till, intents, 3, 1000, results), 3u, "%s", results[0].text);
    cr_assert_eq(intents_of(till_partition_of(till, "alice"), found, 3), 3u);
    cr_assert(found[0].op == OP_pay && found[0].amount_minor == 1999 && found[0].allow_duplicate);
    cr_assert_str_eq(found[0].to, "coffee");
    cr_assert_str_eq(found[0].note, "größe");
    cr_assert_str_eq(found[0].currency, "CNY");
    cr_assert(found[0].at_ms >= before && found[0].at_ms == results[0].at_ms, "a missing at is now");
    cr_assert(found[1].op == OP_refund && !(found[1].present & FIELD_BIT(FIELD_amount)), "all: no amount");
    cr_assert(found[1].at_ms == 1700000000000 && found[1].of_at_ms == 1700000000001);
    cr_assert_str_eq(found[1].of, "k1");
    cr_assert_eq(found[2].kind, KIND_merchant);
    cr_assert_eq(strlen(results[2].key), 36u, "a missing key is made");
    cr_assert_str_eq(found[2].key, results[2].key);
    till_close(till);
}

Test(till_send, wrong_ones_are_left_out_and_say_why, .fini = stop) {
    static char longest[300];
    memset(longest, 'k', sizeof longest - 1);
    const struct {
        const char *name, *field;
        struct till_intent intent;
    } rows[] = {
        {"no op", "op", {.source = "s", .key = "k", .account = "a"}},
        {"unknown op", "op", {.op = "steal", .source = "s", .key = "k", .account = "a"}},
        {"a follow-up", "op", {.op = "adopt", .source = "s", .key = "k", .account = "a"}},
        {"workers' source", "source", {.op = "inquire", .source = "till", .key = "k", .account = "a"}},
        {"no source", "source", {.op = "inquire", .key = "k", .account = "a"}},
        {"bad source", "source", {.op = "inquire", .source = "S", .key = "k", .account = "a"}},
        {"no account", "account", {.op = "inquire", .source = "s", .key = "k"}},
        {"system account", "account", {.op = "inquire", .source = "s", .key = "k", .account = "@world:CNY"}},
        {"long key", "key", {.op = "inquire", .source = "s", .key = longest, .account = "a"}},
        {"key of 129", "key", {.op = "inquire", .source = "s", .key = longest + sizeof longest - 130, .account = "a"}},
        {"key with slash", "key", {.op = "inquire", .source = "s", .key = "a/b", .account = "a"}},
        {"no amount", "amount", {.op = "withdraw", .source = "s", .key = "k", .account = "a"}},
        {"negative", "amount", {.op = "withdraw", .source = "s", .key = "k", .account = "a", .amount_minor = -7}},
        {"all of a pay", "amount", {.op = "withdraw", .source = "s", .key = "k", .account = "a", .amount_minor = TILL_AMOUNT_ALL}},
        {"above 2^53", "amount", {.op = "withdraw", .source = "s", .key = "k", .account = "a", .amount_minor = INT64_C(1) << 53}},
        {"refund of 0", "amount", {.op = "refund", .source = "s", .key = "k", .account = "a", .of = "p"}},
        {"amount not taken", "amount", {.op = "inquire", .source = "s", .key = "k", .account = "a", .amount_minor = 5}},
        {"to itself", "to", {.op = "pay", .source = "s", .key = "k", .account = "a", .to = "a", .amount_minor = 5, .currency = "CNY"}},
        {"of itself", "of", {.op = "rollback", .source = "s", .key = "k", .account = "a", .of = "k"}},
        {"currency", "currency", {.op = "topup", .source = "s", .key = "k", .account = "a", .amount_minor = 5, .currency = "yuan"}},
        {"at", "at", {.op = "inquire", .source = "s", .key = "k", .account = "a", .at_ms = UINT64_MAX}},
        {"kind", "kind", {.op = "open", .source = "s", .key = "k", .account = "a", .kind = "king", .currency = "CNY"}},
        {"note", "note", {.op = "inquire", .source = "s", .key = "k", .account = "a", .note = "\xff"}},
        {"reserved", "reserved", {.op = "inquire", .source = "s", .key = "k", .account = "a", .reserved = {longest}}},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct till_intent intents[2 * ROWS];
    struct till_result results[2 * ROWS];
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        intents[2 * i] = rows[i].intent;
        intents[2 * i + 1] = fake_pay("alice", NULL);
    }
    for (int down = 0; down < 2; down++) { /* what is wrong is told, whether Redis is there or not */
        cr_assert_eq(till_send(till, intents, 2 * ROWS, 300, results), down ? 0u : (size_t)ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            const struct till_result *wrong = &results[2 * i], *right = &results[2 * i + 1];
            cr_assert_eq(wrong->code, TILL_INVALID, "%s: %d", rows[i].name, wrong->code);
            cr_assert_str_eq(wrong->field, rows[i].field, "%s: %s", rows[i].name, wrong->field);
            cr_assert_eq(strncmp(wrong->text, rows[i].field, strlen(rows[i].field)), 0, "%s: %s", rows[i].name, wrong->text);
            cr_assert_eq(right->code, down ? TILL_READ_FAILED : TILL_OK, "after %s: %d %s", rows[i].name, right->code, right->text);
        }
        if (!down) {
            cr_assert_eq(enqueued(), ROWS);
            server_kill(&server);
            till_close(till);
            server_restart(&server);
            fake_book_create(&server);
            till = fake_open(&server, NULL);
            server_kill(&server);
            client_drop(till);
        }
    }
    till_close(till);
}

Test(till_send, a_hung_server_ends_at_the_deadline, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    struct till_intent intents[2] = {fake_pay("alice", "k1"), fake_pay("bob", "k2")};
    struct till_result results[2];
    cr_assert_eq(till_send(till, intents, 2, 1000, results), 2u);
    server_pause(&server);
    int64_t before = wait_now_ms();
    cr_assert_eq(till_send(till, intents, 2, 400, results), 0u);
    int64_t took = wait_now_ms() - before;
    cr_assert(took >= 350 && took < 800, "%d ms", (int)took);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(results[i].code, TILL_WRITE_FAILED, "%d %s", results[i].code, results[i].text);
        cr_assert_str_not_empty(results[i].text);
        cr_assert_str_eq(results[i].key, intents[i].key);
    }
    server_resume(&server);
    cr_assert_eq(till_send(till, intents, 2, 1000, results), 2u, "the handle works again: %s", results[0].text);
    till_close(till);
}

enum { CUT_EVERY_MS = 8, CUT_RARELY = 6 };

static void *cut(void *context) {
    atomic_bool *stop_cutting = context;
    struct redis *redis = fake_connect(server.url);
    for (int cuts = 0; !atomic_load(stop_cutting); cuts++) { /* on a slow machine nothing would get through in the shortest time */
        fake_run(redis, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
        client_pause(CUT_EVERY_MS * (1 + cuts % CUT_RARELY), INT64_MAX);
    }
    redis_close(redis);
    return NULL;
}

/* Numbers are seen for the first time one after the other. */
struct order {
    int next;
    size_t count;
};

static void order_check(const struct intent *intent, void *context) {
    struct order *order = context;
    int n = (int)strtol(intent->key, NULL, 10);
    cr_assert_leq(n, order->next, "%d came before %d", n, order->next);
    order->next += n == order->next;
    order->count++;
}

enum { COUNT = 20000, ROUNDS_MAX = 20 };

/* Sends intents whose keys are the numbers from `first` on. */
static void send_while_cutting(struct till *till, int first) {
    static struct till_intent intents[COUNT];
    static struct till_result results[COUNT];
    static char keys[COUNT][16];
    atomic_bool stop_cutting = false;
    pthread_t thread;
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", first + i);
        intents[i] = fake_pay("alice", keys[i]);
    }
    pthread_create(&thread, NULL, cut, &stop_cutting);
    size_t sent = till_send(till, intents, COUNT, 30000, results);
    atomic_store(&stop_cutting, true);
    pthread_join(thread, NULL);
    cr_assert_eq(sent, (size_t)COUNT, "%d: %s", (int)sent, results[sent < COUNT ? sent : 0].text);
}

/* It may be that no connection was cut with intents under way: then it has shown nothing yet. */
Test(till_send, lost_connections_lose_nothing_and_keep_the_order, .fini = stop, .timeout = 60) {
    struct order order = {0};
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    for (int n = 0; n < ROUNDS_MAX && order.count == (size_t)order.next; n++) {
        send_while_cutting(till, n * COUNT);
        order = (struct order){0};
        intents_visit(till_partition_of(till, "alice"), order_check, &order);
        cr_assert_eq(order.next, (n + 1) * COUNT);
    }
    cr_assert_gt(order.count, (size_t)order.next, "nothing was sent twice: the test showed nothing");
    till_close(till);
}

Test(till_send, a_full_redis_is_busy, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till_options options = {.memory_high_water_percent = 101};
    struct till *till = fake_open(&server, &options);
    struct till_intent intent = fake_pay("alice", "k1");
    struct till_result result;
    server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL);
    cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 0u);
    cr_assert_eq(result.code, TILL_BUSY);
    cr_assert(strstr(result.text, "OOM"), "%s", result.text);
    server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 1u);
    till_close(till);
}

Test(till_send, above_the_high_water_nothing_is_enqueued, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    struct till_intent intent = fake_pay("alice", "k1");
    struct till_result result;
    char limit[24];
    const char *info = server_text(&server, "INFO", "memory", NULL);
    snprintf(limit, sizeof limit, "%ld", strtol(strstr(info, "used_memory:") + 12, NULL, 10) * 100 / 95);
    server_text(&server, "CONFIG", "SET", "maxmemory", limit, NULL);
    cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 0u);
    cr_assert_eq(result.code, TILL_BUSY);
    cr_assert(strstr(result.text, "high water"), "%s", result.text);
    cr_assert_eq(enqueued(), 0);
    server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert(WAIT_UNTIL(till_send(till, &intent, 1, 1000, &result) == 1, 1000), "what was asked is believed for 250 ms only");
    till_close(till);
}

Test(till_send, a_long_backlog_is_busy_until_it_is_worked_off, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till_options options = {.backlog_max = 10};
    struct till *till = fake_open(&server, &options);
    struct till_intent intents[25];
    struct till_result results[25];
    keys_buffer key;
    keys_intents(key, &fake_book, till_partition_of(till, "alice"));
    server_text(&server, "XGROUP", "CREATE", key, "workers", "0", "MKSTREAM", NULL);
    for (int i = 0; i < 25; i++)
        intents[i] = fake_pay("alice", NULL);
    cr_assert_eq(till_send(till, intents, 25, 1000, results), 10u);
    cr_assert_eq(results[9].code, TILL_OK);
    cr_assert_eq(results[10].code, TILL_BUSY);
    cr_assert(strstr(results[10].text, "10 entries wait"), "%s", results[10].text);
    server_text(&server, "XREADGROUP", "GROUP", "workers", "w", "COUNT", "4", "STREAMS", key, ">", NULL);
    cr_assert_not(WAIT_UNTIL(till_send(till, intents, 1, 1000, results) == 1, 600), "delivered, but not acknowledged: still waiting");
    char id[64];
    for (int i = 0; i < 4; i++) {
        snprintf(id, sizeof id, "%s", server_text(&server, "XPENDING", key, "workers", "-", "+", "1", NULL));
        *strchr(id, '\n') = '\0';
        server_text(&server, "XACK", key, "workers", id, NULL);
    }
    cr_assert(WAIT_UNTIL(till_send(till, intents, 1, 1000, results) == 1, 1000), "four less are waiting: %s", results[0].text);
    cr_assert_eq(till_send(till, intents, 25, 1000, results), 3u);
    struct till_intent other = fake_pay("bob", NULL);
    cr_assert_neq(till_partition_of(till, "bob"), till_partition_of(till, "alice"));
    cr_assert_eq(till_send(till, &other, 1, 1000, results), 1u, "another partition is not concerned");
    till_close(till);
}

Test(till_send, an_unknown_lag_counts_the_whole_stream, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till_options options = {.backlog_max = 5};
    struct till *till = fake_open(&server, &options);
    struct till_intent intents[5];
    struct till_result results[5];
    keys_buffer key;
    keys_intents(key, &fake_book, till_partition_of(till, "alice"));
    for (int i = 0; i < 5; i++)
        intents[i] = fake_pay("alice", NULL);
    cr_assert_eq(till_send(till, intents, 5, 1000, results), 5u);
    server_text(&server, "XGROUP", "CREATE", key, "workers", "0", NULL);
    server_text(&server, "XGROUP", "SETID", key, "workers", results[1].entry, NULL);
    server_text(&server, "XDEL", key, results[3].entry, NULL);
    till_close(till);
    till = fake_open(&server, &options);
    cr_assert_eq(till_send(till, intents, 5, 1000, results), 1u, "four are in the stream");
    till_close(till);
}

Test(till_send, who_may_not_ask_sends_unasked, .fini = stop) {
    fake_server_start(&server, NULL);
    server_text(&server, "ACL", "SETUSER", "default", "resetpass", ">pw", "-@all", "+hmget", "+xadd", "+auth", NULL);
    struct till_options options = {.password = "pw"};
    struct till *till = fake_open(&server, &options);
    struct till_intent intents[2] = {fake_pay("alice", NULL), fake_pay("bob", NULL)};
    struct till_result results[2];
    cr_assert_eq(till_send(till, intents, 2, 1000, results), 2u, "%s", results[0].text);
    cr_assert_eq(till_send(till, intents, 2, 1000, results), 2u, "%s", results[0].text);
    till_close(till);
}

Test(till_send, who_may_not_write_is_told, .fini = stop) {
    fake_server_start(&server, NULL);
    server_text(&server, "SET", "{till:0}:intents", "no stream", NULL);
    struct till *till = fake_open(&server, NULL);
    char account[16];
    for (int i = 0; snprintf(account, sizeof account, "a%d", i), till_partition_of(till, account) != 0; i++) {
    }
    struct till_intent intent = fake_pay(account, NULL);
    struct till_result result;
    cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 0u);
    cr_assert_eq(result.code, TILL_READ_FAILED, "nothing was enqueued, and trying again does not help");
    cr_assert(strstr(result.text, "WRONGTYPE"), "%s", result.text);
    till_close(till);
}

Test(till_send, a_restarted_redis_with_another_book_gets_nothing, .fini = stop) {
    fake_server_start(&server, NULL);
    struct till *till = fake_open(&server, NULL);
    struct till_intent intent = fake_pay("alice", NULL);
    struct till_result result;
    server_kill(&server);
    server_restart(&server); /* nothing was kept */
    int64_t before = wait_now_ms();
    cr_assert_eq(till_send(till, &intent, 1, 3000, &result), 0u);
    cr_assert_neq(result.code, TILL_OK);
    cr_assert_lt(wait_now_ms() - before, 1000, "waiting does not bring the book back");
    server_text(&server, "HSET", "{till}:book", "version", "1", "partitions", "8", NULL);
    cr_assert_eq(till_send(till, &intent, 1, 1000, &result), 0u);
    cr_assert(strstr(result.text, "8 partitions, not 4"), "%s", result.text);
    till_close(till);
}
