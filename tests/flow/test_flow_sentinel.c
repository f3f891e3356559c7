/* Failovers under load: three sentinels, a master and two replicas. Nothing is applied twice; what the new master never got is noticed,
 * and sending it again repairs it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer/till.h"
#include "tests/flow/check.h"
#include "tests/support/node.h"
#include "tests/support/process.h"

enum { PARTITIONS = 4, NODES = 6, SENT_MAX = 20000, SEND_MS = 20000, CHUNK = 20, FAILOVER_MS = 60000, START_MS = 60000 };

static struct flow flow;
static struct worker scene; /* of config/sentinel-local only what flow_stop would do to a worker */
static char dir[64], url[112];
static unsigned first_port, master_port;

/* The load, which goes on whatever happens. */
static struct payment {
    unsigned user, merchant;
    uint64_t at_ms;
    int64_t amount_minor;
    bool taken; /* Redis said so */
    atomic_bool answered; /* somebody has read it */
} sent[SENT_MAX];
static atomic_uint sent_count;
static atomic_bool enough;
static bool durable; /* of workers and senders: on one replica */
static pthread_t loader, listener;

/* --- the servers --- */

static void start_servers(const char *min_replicas) {
    char port[8], environment[48];
    process_make_dir("till-ha", dir, sizeof dir);
    first_port = master_port = node_free_ports(NODE_SENTINEL);
    snprintf(port, sizeof port, "%u", first_port);
    snprintf(scene.log, sizeof scene.log, "%s/scene.log", dir);
    snprintf(environment, sizeof environment, "MIN_REPLICAS=%s", min_replicas);
    scene.pid = process_start((const char *[]){TILL_SOURCE_DIR "/config/sentinel-local", dir, port, NULL},
                              (const char *[]){"DOWN_MS=2000", environment, NULL}, scene.log);
    cr_assert(WAIT_UNTIL(worker_log_has(&scene, "sentinel://"), START_MS), "the servers do not start");
    snprintf(url, sizeof url, "sentinel://127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/till", first_port + 3, first_port + 4, first_port + 5);
}

/* The port of the master by the sentinels, 0 when there is none just now. */
static unsigned find_master(void) {
    struct redis_options options = {.connect_timeout_ms = 1000, .timeout_ms = 1000};
    struct redis *redis;
    cr_assert_null(redis_url_parse(url, &options.url));
    unsigned port = redis_open(&redis, &options) ? 0 : (unsigned)strtoul(strrchr(redis_where(redis), ':') + 1, NULL, 10);
    redis_close(redis);
    return port;
}

static bool has_new_master(void) {
    unsigned port = find_master();
    if (port == 0 || port == master_port) return false;
    master_port = port;
    return true;
}

/* The checker's own connection, by the socket, goes to the new master too. */
static void follow_master(void) {
    cr_assert(WAIT_UNTIL(has_new_master(), FAILOVER_MS), "no failover");
    server_kill(&flow.server); /* closes the connection: the process is not ours */
    snprintf(flow.server.socket, sizeof flow.server.socket, "%s/%u.sock", dir, master_port);
}

/* --- the load --- */

static struct till_intent intent_of(unsigned n, char names[3][16]) {
    const struct payment *p = &sent[n];
    snprintf(names[0], sizeof names[0], "pay%u", n);
    snprintf(names[1], sizeof names[1], "u%u", p->user);
    snprintf(names[2], sizeof names[2], "m%u", p->merchant);
    return (struct till_intent){.op = "pay", .source = "app", .key = names[0], .at_ms = p->at_ms, .account = names[1], .to = names[2],
                                .amount_minor = p->amount_minor, .currency = "CNY", .allow_duplicate = true};
}

static struct till *open_till(void) {
    struct till *till;
    int code = till_open(&till, &(struct till_options){.url = url, .open_wait_ms = SEND_MS, .connect_timeout_ms = 1000,
                                                        .durability_replicas = durable});
    cr_assert_eq(code, TILL_OK, "%s", till_error(till));
    return till;
}

/* Sends payments [from, to), and notes what was taken. */
static void send_payments(struct till *till, unsigned from, unsigned to) {
    static char names[CHUNK][3][16];
    struct till_intent intents[CHUNK] = {0};
    struct till_result results[CHUNK];
    for (unsigned n = from; n < to; n++) intents[n - from] = intent_of(n, names[n - from]);
    size_t ignored = till_send(till, intents, to - from, SEND_MS, results);
    (void)ignored;
    for (unsigned n = from; n < to; n++) sent[n].taken = results[n - from].code == TILL_OK;
}

static void *load(void *context) {
    struct till *till = context;
    unsigned random = 1;
    for (unsigned n = 0; n + CHUNK <= SENT_MAX && !atomic_load(&enough); n += CHUNK) {
        for (unsigned i = n; i < n + CHUNK; i++) {
            random = random * 1103515245 + 12345;
            unsigned user = random / 65536 % FLOW_USERS, merchant = random / 8192 % FLOW_MERCHANTS;
            sent[i] = (struct payment){user, merchant, flow_now_ms(), 1 + random / 512 % 40, false, false};
        }
        atomic_store(&sent_count, n + CHUNK);
        send_payments(till, n, n + CHUNK);
        wait_pass(10);
    }
    till_close(till);
    return NULL;
}

/* Who has read an answer goes by it. */
static void *listen_for_answers(void *context) {
    struct till *till = context;
    struct till_reader *reader;
    struct till_answer answer;
    if (till_reader_open(till, "app", "0", &reader)) abort();
    while (!atomic_load(&enough))
        if (till_reader_next(reader, 200, &answer) == TILL_OK) atomic_store(&sent[strtoul(answer.key + 3, NULL, 10)].answered, true);
    till_reader_close(reader);
    till_close(till);
    return NULL;
}

static void start_load(void) {
    cr_assert_eq(pthread_create(&loader, NULL, load, open_till()), 0);
    cr_assert_eq(pthread_create(&listener, NULL, listen_for_answers, open_till()), 0);
}

static void stop_load(void) {
    atomic_store(&enough, true);
    pthread_join(loader, NULL);
    pthread_join(listener, NULL);
}

/* --- stage and judgement --- */

static void start(const char *min_replicas, const char *on_data_loss) {
    char socket[96];
    start_servers(min_replicas);
    snprintf(socket, sizeof socket, "%s/%u.sock", dir, first_port);
    flow_attach(&flow, PARTITIONS, socket, url);
    for (unsigned n = 0; n < 2; n++)
        flow_worker(&flow, n, &(struct worker_options){.lease_ttl_ms = 2000,
                                                       .environment = {durable ? "TILL_DURABILITY_REPLICAS=1" : on_data_loss}});
    cr_assert(flow_serving(&flow, 10000));
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    server_text(&flow.server, "SET", "settled", "yes", NULL);
    cr_assert_eq(server_integer(&flow.server, "WAIT", "2", "10000", NULL), 2, "the replicas do not follow");
    start_load();
    wait_pass(1500);
}

static void stop(void) {
    flow_stop(&flow);
    if (scene.pid) process_signal(scene.pid, SIGTERM);
    if (scene.pid && !process_wait(&scene.pid, 10000, NULL)) process_kill(&scene.pid);
    if (getenv("TILL_KEEP") == NULL && dir[0]) process_remove_tree(dir);
}

TestSuite(flow_sentinel, .fini = stop, .timeout = 300);

static unsigned halted(void) {
    unsigned count = 0;
    for (unsigned p = 0; p < PARTITIONS; p++)
        count += (unsigned)server_integer(&flow.server, "HEXISTS", flow_key(&flow, keys_meta, p), "halted", NULL);
    return count;
}

static void accept_loss(void) {
    char address[160], partitions[48], log[96];
    int status;
    snprintf(address, sizeof address, "TILL_REDIS_URL=%s", url);
    snprintf(partitions, sizeof partitions, "TILL_BOOK_PARTITIONS=%d", PARTITIONS);
    snprintf(log, sizeof log, "%s/accept.log", dir);
    pid_t pid = process_start((const char *[]){TILL_CLI_PATH, "accept-loss", NULL}, (const char *[]){address, partitions, NULL}, log);
    cr_assert(process_wait(&pid, 30000, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

static bool loss_is_reported(void) {
    return worker_log_has(&flow.workers[0], "data_loss_suspected") || worker_log_has(&flow.workers[1], "data_loss_suspected");
}

static bool all_serve(void) {
    for (unsigned p = 0; p < PARTITIONS; p++)
        if (flow_owner(&flow, p)[0] == '\0') return false;
    return true;
}

/* How many of those that Redis had taken, or that somebody knows the answer of, are not in the new master. */
static unsigned count_lost(void) {
    struct till *till = open_till();
    unsigned lost = 0;
    for (unsigned n = 0; n < atomic_load(&sent_count); n++) {
        char names[3][16];
        struct till_intent intent = intent_of(n, names);
        struct till_bill bill;
        bool known = sent[n].taken || atomic_load(&sent[n].answered);
        lost += known && till_bill(till, intent.account, "app", intent.key, intent.at_ms, &bill) == TILL_NOT_FOUND;
    }
    till_close(till);
    return lost;
}

/* Everything is sent once more, as a checkout does with what it has no answer to, and more: each payment has happened exactly once. */
static void expect_repaired(const char *name) {
    struct till *till = open_till();
    struct check_totals totals;
    unsigned count = atomic_load(&sent_count);
    int64_t paid = 0;
    for (unsigned n = 0; n < count; n += CHUNK) send_payments(till, n, n + CHUNK);
    till_close(till);
    for (unsigned n = 0; n < count; n++) {
        cr_expect(sent[n].taken, "%s: payment %u is not taken the second time", name, n);
        paid += sent[n].amount_minor;
    }
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    cr_expect_eq(flow_users(&flow, "balance"), (int64_t)FLOW_USERS * FLOW_BALANCE - paid, "%s: users have %lld, and paid %lld", name,
                 (long long)flow_users(&flow, "balance"), (long long)paid);
    const char *wrong = check_book(&flow, &totals);
    cr_expect_str_empty(wrong, "%s: %s", name, wrong);
    cr_expect_eq(check_audit(&flow, 0), 0, "%s", name);
}

/* After a failover: whatever is lost was reported, and is repaired. How many. */
static unsigned expect_reported_and_repaired(const char *name) {
    cr_assert(WAIT_UNTIL(all_serve(), 30000), "%s: nobody serves", name);
    wait_pass(3000);
    stop_load();
    unsigned stopped = halted();
    if (stopped) accept_loss();
    cr_assert(WAIT_UNTIL(halted() == 0, 20000), "%s: still halted", name);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    unsigned lost = count_lost();
    fprintf(stderr, "%s: %u payments sent, %u taken and lost, %u of %d partitions halted\n", name, atomic_load(&sent_count), lost, stopped,
            PARTITIONS);
    cr_expect(lost == 0 || loss_is_reported(), "%s: %u are lost, and nobody says so", name, lost);
    expect_repaired(name);
    return lost;
}

Test(flow_sentinel, master_is_killed) {
    start("0", NULL);
    node_signal(dir, master_port, SIGKILL);
    follow_master();
    expect_reported_and_repaired("killed");
}

/* The replicas get nothing for a while: what is confirmed meanwhile is lost for sure. */
static void kill_master_that_ran_ahead(void) {
    for (unsigned n = 1; n < 3; n++) node_signal(dir, first_port + n, SIGSTOP);
    server_text(&flow.server, "CLIENT", "KILL", "TYPE", "replica", NULL);
    wait_pass(1200);
    node_signal(dir, master_port, SIGKILL);
    for (unsigned n = 1; n < 3; n++) node_signal(dir, first_port + n, SIGCONT);
    follow_master();
}

Test(flow_sentinel, master_that_ran_ahead_is_killed) {
    start("0", NULL);
    kill_master_that_ran_ahead();
    cr_assert(WAIT_UNTIL(loss_is_reported(), 30000), "nobody notices");
    cr_assert(WAIT_UNTIL(halted() > 0, 10000), "nobody stops");
    cr_expect_gt(expect_reported_and_repaired("ran ahead"), 0, "then this shows nothing");
}

/* With durability.replicas the same loses nothing that a sender or a reader was told of. */
Test(flow_sentinel, master_that_ran_ahead_told_nobody) {
    durable = true;
    start("0", NULL);
    kill_master_that_ran_ahead();
    cr_expect_eq(expect_reported_and_repaired("durable"), 0, "somebody was told of what is lost");
    unsigned answered = 0;
    for (unsigned n = 0; n < atomic_load(&sent_count); n++) answered += atomic_load(&sent[n].answered);
    cr_expect_gt(answered, 0);
}

/* It comes back while the workers' connections to it still wait, and does what they asked it long ago. */
Test(flow_sentinel, frozen_master_comes_back_stale) {
    start("0", NULL);
    unsigned stale = master_port;
    node_signal(dir, stale, SIGSTOP);
    follow_master();
    node_signal(dir, stale, SIGCONT);
    expect_reported_and_repaired("frozen");
}

/* It comes back from its own disk, and believes that it is a master until a sentinel tells it otherwise. */
Test(flow_sentinel, killed_master_comes_back_stale) {
    char conf[96];
    start("0", "TILL_WORKER_ON_DATA_LOSS=continue");
    unsigned stale = master_port;
    node_signal(dir, stale, SIGKILL);
    follow_master();
    snprintf(conf, sizeof conf, "%s/%u.conf", dir, stale);
    pid_t again = process_start((const char *[]){"redis-server", conf, NULL}, NULL, scene.log);
    expect_reported_and_repaired("killed, then back");
    process_kill(&again);
}

static void fail_over(void) {
    char port[8];
    snprintf(port, sizeof port, "%u", first_port + 3);
    pid_t ask = process_start((const char *[]){"redis-cli", "-p", port, "sentinel", "failover", "till", NULL}, NULL, scene.log);
    cr_assert(process_wait(&ask, 10000, NULL));
    follow_master();
    cr_assert(WAIT_UNTIL(all_serve(), 30000));
}

/* Asked for by an operator, again and again. */
Test(flow_sentinel, planned_failovers) {
    start("0", "TILL_WORKER_ON_DATA_LOSS=continue");
    for (unsigned n = 0; n < 2; n++) {
        fail_over();
        wait_pass(9000); /* a sentinel refuses another one for a while */
    }
    expect_reported_and_repaired("planned");
}

/* As config/README.md says that it is done: nothing is lost then. */
Test(flow_sentinel, planned_failover_while_writes_are_paused) {
    start("0", NULL);
    server_text(&flow.server, "CLIENT", "PAUSE", "20000", "WRITE", NULL);
    fail_over();
    wait_pass(3000);
    stop_load();
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_expect_eq(count_lost(), 0);
    cr_expect(!loss_is_reported() && halted() == 0, "a loss is suspected where there is none");
    expect_repaired("paused");
}
