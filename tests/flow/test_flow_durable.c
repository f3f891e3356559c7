/* Durability: nobody hears of anything that is not on the replica yet, whatever dies meanwhile, and everybody does once it is. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/flow/check.h"
#include "tests/support/replica.h"
#include "worker/outbox.h"

enum { PARTITIONS = 4, LEASE_MS = 500 };

static struct flow flow;
static struct server replica;

static void stop(void) {
    flow_stop(&flow);
    if (replica.pid) server_resume(&replica);
    server_stop(&replica);
}

TestSuite(flow_durable, .fini = stop, .timeout = 60);

static void start(const struct server_options *options) {
    flow_start(&flow, PARTITIONS, options);
    replica_start(&replica, &flow.server);
}

static void start_worker(unsigned n, const char *point, bool durable) {
    flow_worker(&flow, n, &(struct worker_options){.crash_at = point, .lease_ttl_ms = LEASE_MS,
                                                   .environment = {"TILL_DURABILITY_TIMEOUT=100ms",
                                                                   durable ? "TILL_DURABILITY_REPLICAS=1" : NULL}});
}

struct told { unsigned all, memory, replica, disk; };

static void count_told(void *context, uint64_t told_ms, struct reply fields) {
    struct told *told = context;
    (void)told_ms;
    told->all++;
    told->memory += strcmp(flow_field(fields, "durable"), "memory") == 0;
    told->disk += strcmp(flow_field(fields, "durable"), "disk") == 0;
    told->replica += strcmp(flow_field(fields, "durable"), "replica(1)") == 0;
}

static struct told told(void) {
    static const char *const sources[] = FLOW_SOURCES;
    struct told sum = {0};
    for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) flow_each_answer(&flow, sources[n], count_told, &sum);
    return sum;
}

static void expect_killed(unsigned n, const char *point) {
    cr_assert(worker_wait(&flow.workers[n], 8000), "%s: it was never reached", point);
    cr_assert(WIFSIGNALED(flow.workers[n].status) && WTERMSIG(flow.workers[n].status) == SIGKILL, "%s: status %d", point,
              flow.workers[n].status);
}

static void expect_sound(const char *name) {
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
}

/* Everything is opened, and the replica hangs. */
static void begin_without_replica(void) {
    start(NULL);
    start_worker(0, "", true);
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    replica_freeze(&replica, &flow.server);
}

Test(flow_durable, nobody_is_told_before_the_replica_has_it) {
    begin_without_replica();
    struct told before = told();
    cr_assert(before.all > 0 && before.replica == before.all, "%u of %u say replica(1)", before.replica, before.all);
    flow_load(&flow, 60);
    flow_load_shared(&flow, 40);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "durability_missed"), 20000));
    cr_assert(WAIT_UNTIL(flow_backlog(&flow).unanswered > 0, 20000));
    int64_t since_ms = wait_now_ms();
    cr_assert_eq(worker_stop(&flow.workers[0], 10000), 0);
    cr_assert_lt(wait_now_ms() - since_ms, 2000, "SIGTERM");
    start_worker(1, "", true);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[1], "durability_missed"), 20000));
    cr_assert_eq(told().all, before.all, "somebody was told");
    server_resume(&replica);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[1], "durability_back"), 20000));
    expect_sound("the replica is back");
    cr_assert_leq(worker_log_times(&flow.workers[1], "durability_missed"), PARTITIONS, "a line for each edge");
    cr_assert(!worker_log_has(&flow.workers[1], "entry_broken"));
    struct told after = told();
    cr_assert_eq(after.replica, after.all, "%u of %u say replica(1)", after.replica, after.all);
}

struct order { struct entry_id last; unsigned count, wrong; };

static void see_order(void *context, uint64_t told_ms, struct reply fields) {
    struct order *order = context;
    struct entry_id id = {0, 0};
    const char *entry = flow_field(fields, "entry");
    (void)told_ms;
    if (strcmp(flow_field(fields, "op"), "pay") != 0) return;
    order->count++;
    order->wrong += !entry_id_parse(entry, strlen(entry), &id) || entry_id_compare(id, order->last) <= 0;
    order->last = id;
}

/* So many payments of one account, without anybody waiting for them. */
static void queue_payments(unsigned count) {
    for (unsigned n = 0; n < count; n++) {
        struct intent pay = flow_intent(OP_pay, "u0", "m0", 1, NULL);
        flow_queue(&flow, &pay);
    }
    flow_queued(&flow);
}

/* What was applied waits in its order, and the lane applies what comes behind it: until so much waits that it would be too much. */
Test(flow_durable, the_lane_goes_on_as_far_as_it_may) {
    enum { BATCH = 16, PAYMENTS = OUTBOX_ITEMS_MAX + 10 * BATCH };
    struct order order = {.count = 0};
    begin_without_replica();
    queue_payments(PAYMENTS);
    cr_assert(WAIT_UNTIL(flow_backlog(&flow).unanswered >= OUTBOX_ITEMS_MAX, 30000), "%llu wait",
              (unsigned long long)flow_backlog(&flow).unanswered);
    cr_assert(!WAIT_UNTIL(flow_backlog(&flow).unanswered >= OUTBOX_ITEMS_MAX + BATCH, 300), "it went on and on");
    server_resume(&replica);
    expect_sound("one account");
    flow_each_answer(&flow, "shop", see_order, &order);
    cr_assert_eq(order.count, PAYMENTS);
    cr_assert_eq(order.wrong, 0, "%u answers out of their order", order.wrong);
}

/* A pause applies nothing more; what was applied is answered all the same. */
Test(flow_durable, a_pause_lets_what_waits_be_answered) {
    struct reply reply;
    begin_without_replica();
    queue_payments(100);
    cr_assert(WAIT_UNTIL(flow_backlog(&flow).unanswered == 100, 20000));
    for (unsigned p = 0; p < PARTITIONS; p++)
        cr_assert_eq(flow_call(&flow, &reply, "HSET", flow_key(&flow, keys_meta, p), "paused", "1", NULL), REDIS_OK);
    queue_payments(50);
    server_resume(&replica);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=partition_paused") && flow_backlog(&flow).unanswered == 0, 20000));
    for (unsigned p = 0; p < PARTITIONS; p++)
        cr_assert_eq(flow_call(&flow, &reply, "HDEL", flow_key(&flow, keys_meta, p), "paused", NULL), REDIS_OK);
    expect_sound("paused");
}

/* A repeat is told what its original did: not before that is safe either. */
Test(flow_durable, a_repeat_waits_with_its_original) {
    begin_without_replica();
    struct intent pay = flow_intent(OP_pay, "u0", "m0", 100, NULL);
    flow_send(&flow, &pay);
    cr_assert(WAIT_UNTIL(flow_backlog(&flow).unanswered > 0, 20000));
    flow_send(&flow, &pay);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "durability_missed"), 20000));
    cr_assert_eq(flow_answer(&flow, &pay).count, 0);
    server_resume(&replica);
    expect_sound("a repeat");
    cr_assert_eq(flow_answer(&flow, &pay).count, 2);
    cr_assert_eq(flow_answer(&flow, &pay).replays, 1);
}

/* The copy of a transfer that is on its way has an answer that waits, and no money to send. */
Test(flow_durable, a_copy_of_a_transfer_sends_nothing_after_a_crash) {
    begin_without_replica();
    worker_kill(&flow.workers[0]);
    struct intent transfer = flow_intent(OP_transfer, flow_name_in(&flow, "u", 0), flow_name_in(&flow, "u", 1), 100, NULL);
    flow_send(&flow, &transfer);
    flow_send(&flow, &transfer);
    start_worker(1, "amid_durable", true);
    expect_killed(1, "amid_durable");
    cr_assert_eq(flow_backlog(&flow).unanswered, 2);
    server_resume(&replica);
    start_worker(2, "", flow_random(&flow, 2));
    expect_sound("a copy of a transfer");
    cr_assert_eq(flow_rows(&flow, "arrive", NULL), 2, "it arrived more than once");
}

/* What waits was applied under other settings: it is told by those of now. */
Test(flow_durable, is_switched_off_and_on_between_owners) {
    begin_without_replica();
    struct told before = told();
    flow_load(&flow, 80);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "durability_missed"), 20000));
    worker_kill(&flow.workers[0]);
    start_worker(1, "", false);
    expect_sound("off now");
    struct told off = told();
    cr_assert(off.memory > 0 && off.memory + before.replica == off.all);
    server_resume(&replica);
    worker_kill(&flow.workers[1]);
    start_worker(2, "after_follow_ups", false);
    flow_load(&flow, 80);
    expect_killed(2, "after_follow_ups");
    struct told crashed = told();
    start_worker(3, "", true);
    expect_sound("on now");
    struct told on = told();
    cr_assert(on.memory == crashed.memory && on.all > crashed.all, "%u say memory, %u did", on.memory, crashed.memory);
}

static void write_config(const char *text, const char *more) {
    FILE *out = fopen(flow.workers[0].config, "w");
    cr_assert(out && fputs(text, out) >= 0 && fputs(more, out) >= 0 && fclose(out) == 0);
    worker_signal(&flow.workers[0], SIGHUP);
}

/* By its operator, while it waits. */
Test(flow_durable, is_switched_off_by_a_signal) {
    char text[1000] = "";
    start(NULL);
    start_worker(0, "", false);
    FILE *in = fopen(flow.workers[0].config, "r");
    cr_assert(in && fread(text, 1, sizeof text - 1, in) > 0 && fclose(in) == 0);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=partition_taken"), 20000));
    write_config(text, "durability:\n  replicas: 1\n");
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=reloaded"), 20000));
    replica_freeze(&replica, &flow.server);
    flow_open(&flow);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "durability_missed"), 20000));
    cr_assert_eq(told().all, 0);
    write_config(text, "");
    expect_sound("switched off");
    cr_assert(worker_log_has(&flow.workers[0], "durability_back"));
}

static bool has_waitaof(void) { return strstr(server_text(&flow.server, "COMMAND", "INFO", "WAITAOF", NULL), "waitaof") != NULL; }

/* Where the server can say so; else the worker says that it cannot, and ends. */
Test(flow_durable, on_the_disk) {
    flow_start(&flow, PARTITIONS, &(struct server_options){.appendfsync = "everysec"});
    flow_worker(&flow, 0, &(struct worker_options){.environment = {"TILL_DURABILITY_AOF=yes"}});
    if (!has_waitaof()) {
        cr_assert(worker_wait(&flow.workers[0], 10000) && WEXITSTATUS(flow.workers[0].status) == 100);
        cr_assert(worker_log_has(&flow.workers[0], "this server has no WAITAOF"));
        return;
    }
    flow_open(&flow);
    flow_load(&flow, 80);
    expect_sound("on the disk");
    struct told all = told();
    cr_assert(all.all > 0 && all.disk == all.all, "%u of %u say disk", all.disk, all.all);
    server_kill(&flow.server);
    server_restart(&flow.server);
    expect_sound("killed");
    cr_assert_geq(told().all, all.all, "an answer is gone");
}

/* Many batches wait, and their worker dies: before anybody hears of them, or when some have. */
struct waiting_row { char point[32]; bool resumes, durable; };

static const struct waiting_row waiting_rows[] = {
    {"after_apply:9", false, true},   {"amid_durable:4", false, false}, {"after_durable", true, true}, {"amid_follow_ups", true, false},
    {"after_follow_ups", true, true}, {"amid_answers", true, true},     {"amid_answers:3", true, false}, {"after_answer", true, true},
};

ParameterizedTestParameters(flow_durable, many_wait) {
    return cr_make_param_array(const struct waiting_row, (void *)(uintptr_t)waiting_rows, sizeof waiting_rows / sizeof *waiting_rows);
}

ParameterizedTest(const struct waiting_row *row, flow_durable, many_wait) {
    char name[96];
    snprintf(name, sizeof name, "many wait, %s, then %s", row->point, row->durable ? "durable" : "not durable");
    fprintf(stderr, "%s\n", name);
    begin_without_replica();
    cr_assert_eq(worker_stop(&flow.workers[0], 10000), 0);
    struct told before = told();
    flow_load(&flow, 200);
    flow_worker(&flow, 1, &(struct worker_options){.crash_at = row->point, .lease_ttl_ms = LEASE_MS, .batch = 4,
                                                   .environment = {"TILL_DURABILITY_REPLICAS=1"}});
    if (row->resumes) {
        cr_assert(WAIT_UNTIL(flow_backlog(&flow).unanswered >= 100, 20000), "the lanes do not go on");
        server_resume(&replica);
    }
    expect_killed(1, row->point);
    if (!row->resumes) cr_assert_eq(told().all, before.all, "%s: somebody was told", name);
    if (!row->resumes) server_resume(&replica);
    for (unsigned n = 2; n < 4; n++) start_worker(n, "", row->durable);
    flow_load(&flow, 30);
    expect_sound(name);
    if (row->durable) cr_assert_eq(told().memory, 0);
}

struct row {
    char point[32];
    unsigned beside;  /* workers beside the one that goes on */
    bool durable;     /* whoever goes on waits too */
};

static const struct row rows[] = {
    {"after_apply:3", 0, true},    {"amid_durable:2", 0, true},    {"amid_durable:3", 2, false},    {"after_durable:3", 2, true},
    {"after_durable:2", 0, false}, {"amid_follow_ups:3", 2, true}, {"after_follow_ups:2", 0, true}, {"after_answer:3", 2, true},
};

ParameterizedTestParameters(flow_durable, matrix) {
    return cr_make_param_array(const struct row, (void *)(uintptr_t)rows, sizeof rows / sizeof *rows);
}

ParameterizedTest(const struct row *row, flow_durable, matrix) {
    char name[96];
    snprintf(name, sizeof name, "%s, %u beside, %s", row->point, row->beside, row->durable ? "durable" : "not durable");
    fprintf(stderr, "%s\n", name);
    start(NULL);
    start_worker(0, row->point, true);
    flow_open(&flow);
    for (unsigned n = 0; n < 40 && !worker_wait(&flow.workers[0], 100); n++) flow_load(&flow, 20);
    expect_killed(0, row->point);
    for (unsigned n = 0; n <= row->beside; n++) start_worker(2 + n, "", row->durable);
    flow_load(&flow, 30);
    expect_sound(name);
    if (row->durable) cr_assert_eq(told().memory, 0);
}
