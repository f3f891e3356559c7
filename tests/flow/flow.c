/* The stage of the flow tests: server, workers, connection, and what can be asked of the keys. */
#include "tests/flow/flow.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/process.h"

enum { CONNECT_MS = 2000, REPLY_MS = 20000 };

static uint64_t first_seed(void) {
    const char *text = getenv("TILL_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return text ? strtoull(text, NULL, 10) : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void connect_flow(struct flow *flow) {
    struct redis_options options = {.connect_timeout_ms = CONNECT_MS, .timeout_ms = REPLY_MS, .client_name = "flow"};
    const char *wrong = redis_url_parse(flow->server.url, &options.url);
    if (wrong) process_die(NULL, "%s", wrong);
    enum redis_err err = redis_open(&flow->redis, &options);
    if (err) process_die(NULL, "no connection to the test's redis: %s", redis_error(flow->redis));
}

static void begin(struct flow *flow, unsigned partitions) {
    snprintf(flow->book.name, sizeof flow->book.name, "till");
    flow->book.partitions = partitions;
    flow->random = first_seed();
    fprintf(stderr, "TILL_SEED=%llu\n", (unsigned long long)flow->random);
    connect_flow(flow);
}

void flow_start(struct flow *flow, unsigned partitions, const struct server_options *options) {
    memset(flow, 0, sizeof *flow);
    server_start(&flow->server, options);
    begin(flow, partitions);
}

static bool answers(const char *url) {
    struct redis_options options = {.connect_timeout_ms = CONNECT_MS, .timeout_ms = REPLY_MS};
    struct redis *redis;
    struct command c;
    struct reply reply;
    if (redis_url_parse(url, &options.url)) return false;
    command_init(&c);
    command_begin(&c, "PING");
    bool yes = redis_open(&redis, &options) == REDIS_OK && redis_call(redis, &c, &reply) == REDIS_OK;
    command_clear(&c);
    redis_close(redis);
    return yes;
}

void flow_attach(struct flow *flow, unsigned partitions, const char *socket, const char *url) {
    snprintf(flow->server.socket, sizeof flow->server.socket, "%s", socket);
    if (url) snprintf(flow->server.url, sizeof flow->server.url, "%s", url);
    else snprintf(flow->server.url, sizeof flow->server.url, "unix:%s", socket);
    if (!WAIT_UNTIL(answers(flow->server.url), 10000)) process_die(flow->workers[0].log, "nobody answers on %s", socket);
    begin(flow, partitions);
}

/* With TILL_KEEP set what the workers said is shown. */
static void show_log(const struct worker *worker) {
    if (!getenv("TILL_KEEP") || !worker->log[0]) return;
    char *text = worker_log_text(worker);
    fprintf(stderr, "--- %s\n%s", worker->log, text);
    free(text);
}

void flow_stop(struct flow *flow) {
    for (unsigned n = 0; n < FLOW_WORKERS_MAX; n++) {
        show_log(&flow->workers[n]);
        worker_clear(&flow->workers[n]);
    }
    redis_close(flow->redis);
    server_stop(&flow->server);
    memset(flow, 0, sizeof *flow);
}

void flow_worker(struct flow *flow, unsigned n, const struct worker_options *options) {
    struct worker_options all = {0};
    char name[16];
    if (options) all = *options;
    snprintf(name, sizeof name, "w%u", n);
    if (!all.url) all.url = flow->server.url;
    if (!all.name) all.name = name;
    if (!all.partitions) all.partitions = flow->book.partitions;
    if (!all.batch) all.batch = 16;
    if (!all.lease_ttl_ms) all.lease_ttl_ms = FLOW_LEASE_MS;
    if (!all.block_ms) all.block_ms = 200;
    worker_clear(&flow->workers[n]);
    worker_start(&flow->workers[n], &all);
}

void flow_worker_crash(struct flow *flow, unsigned n, const char *crash_at) {
    flow_worker(flow, n, &(struct worker_options){.crash_at = crash_at});
}

const char *flow_key(const struct flow *flow, size_t (*make)(keys_buffer, const struct book *, unsigned), unsigned partition) {
    static keys_buffer keys[4];
    static unsigned next;
    char *key = keys[next++ % 4];
    make(key, &flow->book, partition);
    return key;
}

const char *flow_name_in(const struct flow *flow, const char *name, unsigned partition) {
    static char names[4][32];
    static unsigned next;
    char *out = names[next++ % 4];
    unsigned n = 0;
    do snprintf(out, sizeof *names, "%s%u", name, n++);
    while (keys_partition(&flow->book, out, strlen(out)) != partition);
    return out;
}

enum redis_err flow_call(struct flow *flow, struct reply *reply, const char *first, ...) {
    struct command c;
    va_list words;
    *reply = (struct reply){NULL};
    enum redis_err err = redis_is_lost(flow->redis) ? redis_reopen(flow->redis) : REDIS_OK;
    command_init(&c);
    command_begin(&c, first);
    va_start(words, first);
    for (const char *word; (word = va_arg(words, const char *));) command_word(&c, word);
    va_end(words);
    if (!err) err = redis_call(flow->redis, &c, reply);
    command_clear(&c);
    return err;
}

int64_t flow_meta(struct flow *flow, unsigned partition, const char *field) {
    return server_integer(&flow->server, "HGET", flow_key(flow, keys_meta, partition), field, NULL);
}

const char *flow_owner(struct flow *flow, unsigned partition) {
    const char *lease = server_text(&flow->server, "GET", flow_key(flow, keys_lease, partition), NULL), *colon = strchr(lease, ':');
    return colon ? colon + 1 : "";
}

unsigned flow_held(struct flow *flow, unsigned n) {
    char name[16];
    unsigned held = 0;
    snprintf(name, sizeof name, "w%u", n);
    for (unsigned p = 0; p < flow->book.partitions; p++) held += strcmp(flow_owner(flow, p), name) == 0;
    return held;
}

unsigned flow_free(struct flow *flow) {
    unsigned nobody = 0;
    for (unsigned p = 0; p < flow->book.partitions; p++) nobody += flow_owner(flow, p)[0] == '\0';
    return nobody;
}

bool flow_serving(struct flow *flow, int timeout_ms) { return WAIT_UNTIL(flow_free(flow) == 0, timeout_ms); }

void flow_stop_workers(struct flow *flow, unsigned count) {
    for (unsigned n = 0; n < count; n++) worker_signal(&flow->workers[n], SIGTERM);
    for (unsigned n = 0; n < count; n++) {
        if (!flow->workers[n].config[0]) continue;
        cr_assert(worker_wait(&flow->workers[n], 5000), "worker %u does not end after SIGTERM", n);
        cr_assert_eq(flow->workers[n].status, 0, "worker %u ended with status %d", n, flow->workers[n].status);
    }
}

/* The value behind a name in a flat list of names and values. */
static int64_t number_of(struct reply list, const char *name) {
    for (size_t n = 0; n + 1 < reply_count(list); n += 2)
        if (reply_is(reply_at(list, n), name)) return reply_integer(reply_at(list, n + 1));
    return 0;
}

static void add_backlog(struct flow *flow, unsigned p, struct flow_backlog *sum) {
    struct reply reply;
    const char *intents = flow_key(flow, keys_intents, p);
    enum redis_err err = flow_call(flow, &reply, "XINFO", "GROUPS", intents, NULL);
    if (!err && reply_count(reply) > 0) {
        struct reply group = reply_at(reply, 0);
        sum->pending += (uint64_t)number_of(group, "pending");
        sum->consumers += (uint64_t)number_of(group, "consumers");
    }
    if (err || reply_count(reply) == 0) sum->lag += !flow_call(flow, &reply, "XLEN", intents, NULL) && reply_integer(reply) > 0;
    else {
        char from[64]; /* `lag` of Redis 7.0 is not to be trusted after deletions */
        struct reply group = reply_at(reply, 0);
        for (size_t n = 0; n + 1 < reply_count(group); n += 2)
            if (reply_is(reply_at(group, n), "last-delivered-id"))
                snprintf(from, sizeof from, "(%s", reply_text(reply_at(group, n + 1), NULL));
        if (!flow_call(flow, &reply, "XRANGE", intents, from, "+", "COUNT", "1000", NULL)) sum->lag += reply_count(reply);
    }
    if (!flow_call(flow, &reply, "HLEN", flow_key(flow, keys_unanswered, p), NULL)) sum->unanswered += (uint64_t)reply_integer(reply);
    if (!flow_call(flow, &reply, "XLEN", flow_key(flow, keys_dead, p), NULL)) sum->dead += (uint64_t)reply_integer(reply);
}

struct flow_backlog flow_backlog(struct flow *flow) {
    struct flow_backlog sum = {0};
    for (unsigned p = 0; p < flow->book.partitions; p++) add_backlog(flow, p, &sum);
    return sum;
}

uint64_t flow_due(struct flow *flow, int64_t within_ms) {
    char until[24];
    uint64_t count = 0;
    struct reply reply;
    snprintf(until, sizeof until, "%lld", (long long)flow_now_ms() + within_ms);
    for (unsigned p = 0; p < flow->book.partitions; p++)
        if (!flow_call(flow, &reply, "ZCOUNT", flow_key(flow, keys_due, p), "-inf", until, NULL)) count += (uint64_t)reply_integer(reply);
    return count;
}

uint64_t flow_in_progress(struct flow *flow) {
    static const char script[] = "local n = 0 for _, record in ipairs(redis.call('HVALS', KEYS[1])) do "
                                 "if string.find(record, '|in_progress|', 1, true) then n = n + 1 end end return n";
    uint64_t count = 0;
    uint32_t today = keys_day(flow_now_ms());
    struct reply reply;
    keys_buffer key;
    for (unsigned n = 0; n < 2 * flow->book.partitions; n++) {
        keys_bills(key, &flow->book, n / 2, today - n % 2);
        if (!flow_call(flow, &reply, "EVAL", script, "1", key, NULL)) count += (uint64_t)reply_integer(reply);
    }
    return count;
}

static bool is_quiet(struct flow *flow) {
    struct flow_backlog b = flow_backlog(flow);
    return !b.pending && !b.lag && !b.unanswered;
}

/* Twice in a row: a follow-up may be between two partitions while they are looked at one after the other. */
static bool is_settled(struct flow *flow) {
    return is_quiet(flow) && is_quiet(flow) && !flow_due(flow, FLOW_SOON_MS) && !flow_in_progress(flow) && is_quiet(flow);
}

bool flow_quiet(struct flow *flow, int timeout_ms) { return WAIT_UNTIL(is_quiet(flow) && is_quiet(flow), timeout_ms); }

bool flow_settle(struct flow *flow, int timeout_ms) {
    bool settled = WAIT_UNTIL(is_settled(flow), timeout_ms);
    if (settled) return true;
    struct flow_backlog b = flow_backlog(flow);
    fprintf(stderr, "not settled: %llu pending, %llu undelivered, %llu unanswered, %llu due, %llu in progress\n",
            (unsigned long long)b.pending, (unsigned long long)b.lag, (unsigned long long)b.unanswered,
            (unsigned long long)flow_due(flow, FLOW_SOON_MS), (unsigned long long)flow_in_progress(flow));
    for (unsigned n = 0; n < FLOW_WORKERS_MAX; n++) {
        if (!flow->workers[n].log[0]) continue;
        char *text = worker_log_text(&flow->workers[n]);
        size_t size = strlen(text);
        fprintf(stderr, "--- worker %u (%s)\n%s", n, worker_runs(&flow->workers[n]) ? "runs" : "ended",
                text + (size > 3000 ? size - 3000 : 0));
        free(text);
    }
    return false;
}
