/* A Redis Cluster under load: one master dies, the slot of a busy partition moves to another. Nothing happens twice, nothing is lost
 * unsaid, and what others have goes on. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/till.h"
#include "tests/flow/check.h"
#include "tests/flow/nodes.h"
#include "tests/support/node.h"
#include "tests/support/process.h"

enum { PARTITIONS = 16, USERS = 48, MERCHANTS = 4, FUNDS = 1000000, SENT_MAX = 20000, CHUNK = 24, SEND_MS = 30000 };

static struct flow flow;
static struct nodes nodes;

/* The load, which goes on whatever happens. */
static struct payment {
    unsigned user, merchant;
    uint64_t at_ms;
    int64_t amount_minor;
    bool transfer, taken;
    unsigned answers; /* first-hand ones */
    int code;
} sent[SENT_MAX];
static atomic_uint sent_count;
static atomic_bool enough, transfers;
static bool durable; /* of workers and senders: on one replica */
static pthread_t loader;

/* --- the load --- */

static struct till_intent intent_of(unsigned n, char names[3][16]) {
    const struct payment *p = &sent[n];
    snprintf(names[0], sizeof names[0], "pay%u", n);
    snprintf(names[1], sizeof names[1], "u%u", p->user);
    snprintf(names[2], sizeof names[2], "%s%u", p->transfer ? "u" : "m", p->merchant);
    return (struct till_intent){.op = p->transfer ? "transfer" : "pay", .source = "app", .key = names[0], .at_ms = p->at_ms,
                                .account = names[1], .to = names[2], .amount_minor = p->amount_minor, .currency = "CNY",
                                .allow_duplicate = !p->transfer};
}

static struct till *open_till(void) {
    struct till *till;
    int code = till_open(&till, &(struct till_options){.url = nodes.url, .open_wait_ms = SEND_MS, .connect_timeout_ms = 1000,
                                                        .durability_replicas = durable});
    cr_assert_eq(code, TILL_OK, "%s", till_error(till));
    return till;
}

/* Sends payments [from, to), and notes what was taken: true when all were. */
static bool send_once(struct till *till, unsigned from, unsigned to) {
    static char names[CHUNK][3][16];
    struct till_intent intents[CHUNK] = {0};
    struct till_result results[CHUNK];
    for (unsigned n = from; n < to; n++) intents[n - from] = intent_of(n, names[n - from]);
    size_t taken = till_send(till, intents, to - from, SEND_MS, results);
    for (unsigned n = from; n < to; n++) sent[n].taken = results[n - from].code == TILL_OK;
    return taken == to - from;
}

/* As a checkout does: a node that is just coming back is busy (LOADING, CLUSTERDOWN), and then it tries again. */
static void send_payments(struct till *till, unsigned from, unsigned to) {
    int64_t deadline_ms = wait_now_ms() + wait_fair_ms(SEND_MS);
    while (!send_once(till, from, to) && wait_now_ms() < deadline_ms) wait_pass(50);
}

static void *load(void *context) {
    struct till *till = context;
    unsigned random = 1;
    for (unsigned n = 0; n + CHUNK <= SENT_MAX && !atomic_load(&enough); n += CHUNK) {
        for (unsigned i = n; i < n + CHUNK; i++) {
            random = random * 1103515245 + 12345;
            bool transfer = transfers && random / 65536 % 4 == 0;
            unsigned user = random / 4096 % USERS, other = (user + 1 + random / 1024 % (USERS - 1)) % USERS;
            sent[i] = (struct payment){.user = user, .merchant = transfer ? other : other % MERCHANTS, .at_ms = flow_now_ms(),
                                       .amount_minor = 1 + random / 512 % 40, .transfer = transfer};
        }
        send_payments(till, n, n + CHUNK);
        atomic_store(&sent_count, n + CHUNK);
        wait_pass(10);
    }
    till_close(till);
    return NULL;
}

/* --- stage --- */

static void open_account(struct till *till, const char *kind, const char *prefix, unsigned n) {
    struct till_answer answer;
    char name[16];
    snprintf(name, sizeof name, "%s%u", prefix, n);
    struct till_intent open = {.op = "open", .source = "setup", .account = name, .kind = kind, .currency = "CNY"};
    cr_assert_eq(till_call(till, &open, SEND_MS, &answer), TILL_OK, "%s: %s %s", name, answer.reason, answer.detail);
    if (*prefix != 'u') return;
    struct till_intent topup = {.op = "topup", .source = "setup", .account = name, .amount_minor = FUNDS, .currency = "CNY"};
    cr_assert_eq(till_call(till, &topup, SEND_MS, &answer), TILL_OK, "%s: %s %s", name, answer.reason, answer.detail);
}

static void start(const char *replicas) {
    nodes_start(&nodes, replicas);
    nodes_attach(&nodes, &flow, PARTITIONS);
    for (unsigned n = 0; n < 2; n++)
        flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 3000,
                                                       .environment = {"TILL_WORKER_ON_DATA_LOSS=continue",
                                                                       durable ? "TILL_DURABILITY_REPLICAS=1" : NULL}});
    struct till *till = open_till();
    for (unsigned n = 0; n < MERCHANTS; n++) open_account(till, "merchant", "m", n);
    for (unsigned n = 0; n < USERS; n++) open_account(till, "user", "u", n);
    cr_assert_eq(pthread_create(&loader, NULL, load, till), 0);
    cr_assert(WAIT_UNTIL(atomic_load(&sent_count) >= 10 * CHUNK, SEND_MS), "no load");
}

static void stop_load(void) {
    atomic_store(&enough, true);
    pthread_join(loader, NULL);
}

static void stop(void) {
    flow_stop(&flow);
    nodes_stop(&nodes);
}

TestSuite(flow_cluster, .fini = stop, .timeout = 240);

/* --- judgement --- */

/* Reads answers until each payment has one; false when they do not come. Answers to what was sent again are marked as such. */
static bool all_answered(unsigned count) {
    struct till *till = open_till();
    struct till_reader *reader;
    struct till_answer answer;
    unsigned open = count;
    int64_t deadline_ms = wait_now_ms() + wait_fair_ms(60000);
    for (unsigned n = 0; n < count; n++) sent[n].answers = 0;
    cr_assert_eq(till_reader_open(till, "app", "0", &reader), TILL_OK, "%s", till_error(till));
    while (wait_now_ms() < deadline_ms) {
        int code = till_reader_next(reader, open ? 500 : 0, &answer);
        if (code != TILL_OK && open == 0) break;
        if (code != TILL_OK || answer.replayed || answer.code == TILL_IN_PROGRESS) continue;
        unsigned n = (unsigned)strtoul(answer.key + 3, NULL, 10);
        cr_assert(n < count, "who sent %s?", answer.key);
        open -= sent[n].answers++ == 0;
        sent[n].code = answer.code;
    }
    till_reader_close(reader);
    till_close(till);
    return open == 0;
}

static int64_t users_have(void) {
    struct till *till = open_till();
    struct till_account account;
    char name[16];
    int64_t sum = 0;
    for (unsigned n = 0; n < USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        cr_assert_eq(till_account(till, name, &account), TILL_OK, "%s: %s", name, till_error(till));
        sum += account.balance_minor;
    }
    till_close(till);
    return sum;
}

static void expect_each_once(const char *name, unsigned answers_max) {
    unsigned count = atomic_load(&sent_count);
    int64_t paid = 0;
    bool all = all_answered(count);
    for (unsigned n = 0; n < count && !all; n++)
        if (sent[n].answers == 0)
            fprintf(stderr, "no answer: %u %s u%u to %u, %s\n", n, sent[n].transfer ? "transfer" : "pay", sent[n].user, sent[n].merchant,
                    sent[n].taken ? "taken" : "not taken");
    cr_assert(all, "%s: some have no answer", name);
    for (unsigned n = 0; n < count; n++) {
        cr_expect(sent[n].answers <= answers_max, "%s: payment %u has %u answers", name, n, sent[n].answers);
        cr_expect_eq(sent[n].code, TILL_OK, "%s: payment %u: %d", name, n, sent[n].code);
        if (!sent[n].transfer) paid += sent[n].amount_minor;
    }
    fprintf(stderr, "%s: %u payments and transfers\n", name, count);
    cr_expect(WAIT_UNTIL(users_have() == (int64_t)USERS * FUNDS - paid, 20000), "%s: users have %lld, and paid %lld", name,
              (long long)users_have(), (long long)paid);
    cr_expect_eq(check_audit(&flow, 0), 0, "%s", name);
}

static bool pays(struct till *till, unsigned partition, int timeout_ms) {
    struct till_answer answer;
    char name[16];
    for (unsigned n = 0; n < USERS; n++) {
        snprintf(name, sizeof name, "u%u", n);
        if (till_partition_of(till, name) != partition) continue;
        struct till_intent inquire = {.op = "inquire", .source = "probe", .account = name};
        return till_call(till, &inquire, timeout_ms, &answer) == TILL_OK;
    }
    return true; /* none of ours lives there */
}

static void expect_pays_but_for(const bool dead[PARTITIONS], int timeout_ms) {
    struct till *till = open_till();
    for (unsigned p = 0; p < PARTITIONS; p++)
        cr_expect(dead[p] || pays(till, p, timeout_ms), "partition %u waits: %s", p, till_error(till));
    till_close(till);
}

static void expect_others_go_on(bool dead[PARTITIONS]) {
    for (unsigned p = 0; p < PARTITIONS; p++) dead[p] = nodes_port_of(&flow, p) == nodes.first_port;
    node_signal(nodes.dir, nodes.first_port, SIGKILL);
    expect_pays_but_for(dead, 5000);
}

/* Its replica takes its place; meanwhile nobody else waits. What it had confirmed and the replica had not got is lost, and repaired by
 * sending again: of payments within a partition, since what one partition owes to another may be lost on one side only. */
Test(flow_cluster, master_is_killed) {
    bool dead[PARTITIONS];
    start("1");
    struct till *till = open_till();
    expect_others_go_on(dead);
    for (unsigned p = 0; p < PARTITIONS; p++) cr_expect(!dead[p] || WAIT_UNTIL(pays(till, p, 10000), 60000), "partition %u stays away", p);
    wait_pass(1000);
    stop_load();
    unsigned count = atomic_load(&sent_count);
    for (unsigned n = 0; n < count; n += CHUNK) send_payments(till, n, n + CHUNK);
    till_close(till);
    for (unsigned n = 0; n < count; n++) cr_expect(sent[n].taken, "payment %u is not taken the second time", n);
    expect_each_once("killed", 2);
}

static bool waits_for_replica(void) {
    return worker_log_has(&flow.workers[0], "durability_missed") || worker_log_has(&flow.workers[1], "durability_missed");
}

/* Its replica gets nothing for a while, and then a master dies: with durability.replicas nothing is lost that anybody goes by, transfers
 * between the masters included, and only what was never said to be taken is sent again; and meanwhile those who owe it something answer
 * what has nothing to do with that. It comes back, or the new master had no replica. */
Test(flow_cluster, master_that_ran_ahead_told_nobody) {
    bool dead[PARTITIONS];
    durable = true;
    atomic_store(&transfers, true);
    start("1");
    node_signal(nodes.dir, nodes.first_port + 3, SIGSTOP);
    struct server node = nodes_one(&nodes, nodes.first_port);
    server_text(&node, "CLIENT", "KILL", "TYPE", "replica", NULL); /* or it would find in its socket what it missed */
    server_stop(&node);
    cr_assert(WAIT_UNTIL(waits_for_replica(), 20000));
    wait_pass(500); /* what others owe to its partitions comes there */
    for (unsigned p = 0; p < PARTITIONS; p++) dead[p] = nodes_port_of(&flow, p) == nodes.first_port;
    expect_pays_but_for(dead, 20000);
    node_signal(nodes.dir, nodes.first_port, SIGKILL);
    node_signal(nodes.dir, nodes.first_port + 3, SIGCONT);
    cr_assert(WAIT_UNTIL(nodes_masters(&nodes, nodes.first_port + 1) == 2, 30000), "nobody misses it");
    cr_assert(WAIT_UNTIL(nodes_masters(&nodes, nodes.first_port + 1) == 3, 30000), "no failover");
    pid_t again = nodes_start_again(&nodes, nodes.first_port);
    struct till *till = open_till();
    for (unsigned p = 0; p < PARTITIONS; p++) cr_expect(!dead[p] || WAIT_UNTIL(pays(till, p, 10000), 60000), "partition %u stays away", p);
    till_close(till);
    wait_pass(1000);
    stop_load();
    for (unsigned n = 0; n < atomic_load(&sent_count); n++) cr_expect(sent[n].taken, "payment %u is not taken", n);
    expect_each_once("durable", 1);
    process_kill(&again);
}

/* Nobody takes its place; it comes back with all it had. What others owed to its partitions waited, and comes in order. */
Test(flow_cluster, master_comes_back) {
    bool dead[PARTITIONS];
    atomic_store(&transfers, true);
    start("0");
    expect_others_go_on(dead);
    cr_expect(WAIT_UNTIL(worker_log_has(&flow.workers[0], "follow_ups_held") || worker_log_has(&flow.workers[1], "follow_ups_held"), 20000),
              "nothing was held up");
    pid_t again = nodes_start_again(&nodes, nodes.first_port);
    struct till *till = open_till();
    for (unsigned p = 0; p < PARTITIONS; p++) cr_expect(WAIT_UNTIL(pays(till, p, 10000), 60000), "partition %u stays away", p);
    till_close(till);
    wait_pass(500);
    stop_load();
    expect_each_once("came back", 1);
    process_kill(&again);
}

static void set_slot(unsigned port, const char *slot, const char *how, const char *id) {
    struct server node = nodes_one(&nodes, port);
    const char *said = server_text(&node, "CLUSTER", "SETSLOT", slot, how, id, NULL);
    cr_assert_str_eq(said, "OK", "%s: %s", how, said);
    server_stop(&node);
}

/* Key by key, as redis-cli --cluster reshard does it, but slowly. */
static unsigned move_keys(unsigned from, unsigned to, const char *slot) {
    struct server node = nodes_one(&nodes, from);
    char port[8], key[256];
    unsigned moved = 0;
    snprintf(port, sizeof port, "%u", to);
    for (;; moved++) {
        snprintf(key, sizeof key, "%s", server_text(&node, "CLUSTER", "GETKEYSINSLOT", slot, "1", NULL));
        key[strcspn(key, "\n")] = '\0';
        if (!*key) break;
        const char *said = server_text(&node, "MIGRATE", "127.0.0.1", port, key, "0", "5000", NULL);
        cr_assert_str_eq(said, "OK", "%s: %s", key, said);
        wait_pass(20);
    }
    server_stop(&node);
    return moved;
}

static void move_slot(unsigned partition, unsigned from, unsigned to) {
    struct server node = nodes_one(&nodes, from), target = nodes_one(&nodes, to);
    char slot[8], from_id[64], to_id[64];
    snprintf(slot, sizeof slot, "%s", server_text(&node, "CLUSTER", "KEYSLOT", flow_key(&flow, keys_meta, partition), NULL));
    snprintf(from_id, sizeof from_id, "%s", server_text(&node, "CLUSTER", "MYID", NULL));
    snprintf(to_id, sizeof to_id, "%s", server_text(&target, "CLUSTER", "MYID", NULL));
    server_stop(&node);
    server_stop(&target);
    set_slot(to, slot, "IMPORTING", from_id);
    set_slot(from, slot, "MIGRATING", to_id);
    cr_assert(move_keys(from, to, slot) > 5);
    set_slot(to, slot, "NODE", to_id);
    set_slot(from, slot, "NODE", to_id);
}

/* A script of a batch that is half here, half there is told to wait, and no money moves then. */
Test(flow_cluster, slot_of_a_busy_partition_moves) {
    atomic_store(&transfers, true);
    start("0");
    unsigned partition = keys_partition(&flow.book, "u0", 2), from = nodes_port_of(&flow, partition);
    unsigned to = from == nodes.first_port ? nodes.first_port + 1 : nodes.first_port;
    move_slot(partition, from, to);
    wait_pass(500);
    move_slot(partition, to, from);
    wait_pass(500);
    stop_load();
    struct server node = nodes_one(&nodes, from);
    const char *errors = server_text(&node, "INFO", "errorstats", NULL);
    cr_expect(strstr(errors, "errorstat_ASK") && strstr(errors, "errorstat_MOVED"), "nobody was led elsewhere: %s", errors);
    server_stop(&node);
    expect_each_once("moved", 1);
}
