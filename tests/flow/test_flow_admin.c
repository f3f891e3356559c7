/* The admin endpoint: what it says, in the format that Prometheus reads, and that nobody who talks to it can do harm. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/check.h"
#include "tests/support/replica.h"

enum { PAGE_MAX = 256 * 1024, LOITERERS = 60, TOLD_MS = 10000 };

static struct flow flow;
static struct server replica;
static char page[PAGE_MAX]; /* the last reply */
static int port;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_admin, .fini = stop, .timeout = 60);

static bool find_port(void) {
    char *log = worker_log_text(&flow.workers[0]), *at = strstr(log, "admin_listens");
    at = at ? strstr(at, "port=") : NULL;
    port = at ? (int)strtol(at + strlen("port="), NULL, 10) : 0;
    free(log);
    return port > 0;
}

static void start(const char *token) {
    flow_start(&flow, 4, NULL);
    flow_worker(&flow, 0, &(struct worker_options){.environment = {"TILL_ADMIN_LISTEN=127.0.0.1:0", token}});
    cr_assert(WAIT_UNTIL(find_port(), TOLD_MS));
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 4, TOLD_MS));
}

static int dial(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect to port %d", port);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval));
    return fd;
}

/* Sends what may be cut short, since the other side may have enough of it, and reads until the end; the status, 0: none. */
static int ask_bytes(const char *request, size_t size) {
    int fd = dial();
    size_t got = 0;
    ssize_t n = send(fd, request, size, MSG_NOSIGNAL);
    while ((n = recv(fd, page + got, sizeof page - 1 - got, 0)) > 0) got += (size_t)n;
    page[got] = '\0';
    close(fd);
    return strncmp(page, "HTTP/1.", 7) == 0 ? (int)strtol(page + 9, NULL, 10) : 0;
}

static int ask(const char *method, const char *path, const char *header) {
    char request[600];
    int size = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, header);
    return ask_bytes(request, (size_t)size);
}

/* --- a strict reading of the text format --- */

static char families[64][80];
static unsigned family_count;

static bool is_known(const char *name) {
    for (unsigned n = 0; n < family_count; n++)
        if (strcmp(families[n], name) == 0) return true;
    return false;
}

/* HELP, then TYPE, each once, then the samples of that name only. */
static void read_comment(const char *line, char family[80], char type[20]) {
    char word[8], name[80], rest[200];
    cr_assert_eq(sscanf(line, "# %7s %79s %199[^\n]", word, name, rest), 3, "%s", line);
    if (strcmp(word, "HELP") == 0) {
        cr_assert(!is_known(name), "%s comes twice", name);
        cr_assert(family_count < 64 && strncmp(name, "till_", 5) == 0, "%s", name);
        snprintf(families[family_count++], 80, "%s", name);
        snprintf(family, 80, "%s", name);
        *type = '\0';
        return;
    }
    cr_assert(strcmp(word, "TYPE") == 0 && strcmp(name, family) == 0 && !*type, "%s", line);
    cr_assert(strcmp(rest, "counter") == 0 || strcmp(rest, "gauge") == 0 || strcmp(rest, "histogram") == 0, "%s", line);
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    cr_assert_eq(total, strcmp(rest, "counter") == 0, "%s: counters end in _total", line);
    snprintf(type, 20, "%s", rest);
}

static void read_sample(const char *line, const char *family, const char *type, double *below) {
    size_t size = strcspn(line, "{ ");
    char *end;
    const char *suffix = line + strlen(family), *labels = line + size;
    cr_assert(strncmp(line, family, strlen(family)) == 0 && *type, "%s does not belong to %s", line, family);
    bool plain = suffix == labels, part = strncmp(suffix, "_bucket{le=\"", 12) == 0 || strncmp(suffix, "_sum ", 5) == 0 ||
                                          strncmp(suffix, "_count ", 7) == 0;
    cr_assert(strcmp(type, "histogram") == 0 ? part : plain, "%s", line);
    if (*labels == '{') {
        size_t label = strspn(labels + 1, "abcdefghijklmnopqrstuvwxyz_");
        cr_assert(label && strncmp(labels + 1 + label, "=\"", 2) == 0, "%s", line);
        labels = strchr(labels + label + 3, '"');
        cr_assert(labels && labels[1] == '}', "%s", line);
        labels += 2;
    }
    cr_assert(*labels == ' ', "%s", line);
    double value = strtod(labels + 1, &end);
    cr_assert(end > labels + 1 && (*end == '\n' || *end == '\0') && value >= 0, "%s", line);
    if (strncmp(suffix, "_bucket", 7) == 0) {
        cr_assert(value >= *below, "%s: a bucket has less than the one before", line);
        *below = strstr(suffix, "+Inf") ? 0 : value;
    }
}

static void read_format(void) {
    char family[80] = "", type[20] = "", *body = strstr(page, "\r\n\r\n");
    double below = 0;
    family_count = 0;
    cr_assert(body && strstr(page, "text/plain; version=0.0.4"), "%.300s", page);
    body += 4;
    cr_assert(*body && body[strlen(body) - 1] == '\n', "the last line has no end");
    char *copy = strdup(body), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        if (*line == '#') read_comment(line, family, type);
        else read_sample(line, family, type, &below);
    }
    free(copy);
}

/* The value of a sample; -1 when there is none. */
static double sample(const char *name) {
    char wanted[120];
    snprintf(wanted, sizeof wanted, "\n%s ", name);
    const char *at = strstr(page, wanted);
    return at ? strtod(at + strlen(wanted), NULL) : -1;
}

static double sum(const char *name) {
    double total = 0;
    for (unsigned p = 0; p < 4; p++) {
        char wanted[120];
        snprintf(wanted, sizeof wanted, "%s{partition=\"%u\"}", name, p);
        total += sample(wanted);
    }
    return total;
}

/* One refused for want of an account, the other the same again: two more answers, one of them a repeat. */
static void check_answers_counted(void) {
    struct intent topup = flow_intent(OP_topup, "nobody", NULL, 100, NULL);
    double done = sample("till_answers_total{code=\"ok\"}"), again = sum("till_answers_replayed_total");
    double missed = sample("till_answers_total{code=\"not_found\"}");
    cr_expect(done > 0 && missed >= 0 && again >= 0, "%s", page);
    flow_send(&flow, &topup);
    flow_send(&flow, &topup);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(ask("GET", "/metrics", ""), 200);
    cr_expect(sample("till_answers_total{code=\"not_found\"}") == missed + 2, "%s", page);
    cr_expect(sample("till_answers_total{code=\"ok\"}") == done, "%s", page);
    cr_expect(sum("till_answers_replayed_total") == again + 1, "%s", page);
}

Test(flow_admin, metrics_say_what_was_done) {
    start(NULL);
    flow_open(&flow);
    flow_load(&flow, 300);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert_eq(ask("GET", "/metrics", ""), 200, "%.300s", page);
    read_format();
    cr_expect(sum("till_partition_served") == 4 && sample("till_redis_up") == 1);
    cr_expect(sum("till_intents_applied_total") >= 300 && sum("till_takeovers_total") >= 4, "%s", page);
    cr_expect(sample("till_intent_seconds_count") == sum("till_intents_applied_total"));
    cr_expect(sample("till_intent_seconds_bucket{le=\"+Inf\"}") == sample("till_intent_seconds_count"));
    cr_expect(sample("till_apply_seconds_sum") > 0 && sample("till_apply_seconds_count") > 0);
    cr_expect(sum("till_backlog_entries") == 0 && sum("till_head_of_line_age_seconds") == 0);
    cr_expect(sum("till_dead_entries") == (double)flow_backlog(&flow).dead, "%f", sum("till_dead_entries"));
    cr_expect(sample("till_redis_errors_total{class=\"lost\"}") == 0);
    check_answers_counted();
    cr_expect(sum("till_loss_suspected") == 0 && sum("till_fenced_total") == 0);
}

/* Of waiting for replicas; without one it never ends. */
Test(flow_admin, metrics_say_what_durability_costs) {
    start("TILL_DURABILITY_REPLICAS=1");
    cr_assert_eq(ask("GET", "/metrics", ""), 200);
    read_format();
    cr_expect(sample("till_durable_behind") == 0 && sample("till_durable_wait_seconds_count") == 0, "%s", page);
    struct intent inquire = flow_intent(OP_inquire, "nobody", NULL, 0, NULL);
    flow_send(&flow, &inquire);
    cr_assert(WAIT_UNTIL(ask("GET", "/metrics", "") == 200 && sample("till_durable_behind_seconds") > 0, TOLD_MS), "%s", page);
    cr_expect(sample("till_durable_missed_total") == 1 && sample("till_durable_behind") == 1, "%s", page);
    replica_start(&replica, &flow.server);
    cr_assert(WAIT_UNTIL(ask("GET", "/metrics", "") == 200 && sample("till_durable_behind") == 0, TOLD_MS), "%s", page);
    cr_expect(sample("till_durable_wait_seconds_count") == 1 && sample("till_durable_longest_wait_seconds") > 1, "%s", page);
    server_stop(&replica);
}

static bool is_served(void) { return ask("GET", "/metrics", "") == 200 && sum("till_partition_served") == 4; }

Test(flow_admin, ready_means_that_redis_takes_writes) {
    struct reply reply;
    start(NULL);
    cr_assert(WAIT_UNTIL(is_served(), TOLD_MS), "%s", page);
    cr_expect_eq(ask("GET", "/healthz", ""), 200);
    cr_expect_eq(ask("GET", "/readyz", ""), 200, "%.300s", page);
    cr_assert(!flow_call(&flow, &reply, "CONFIG", "SET", "maxmemory", "1", NULL));
    cr_expect_eq(ask("GET", "/readyz", ""), 503, "%.300s", page);
    cr_expect(strstr(page, "OOM"), "%.300s", page);
    cr_assert(!flow_call(&flow, &reply, "CONFIG", "SET", "maxmemory", "0", NULL));
    cr_expect_eq(ask("GET", "/readyz", ""), 200, "%.300s", page);
    server_kill(&flow.server);
    cr_expect_eq(ask("GET", "/readyz", ""), 503, "%.300s", page);
    cr_expect_eq(ask("GET", "/healthz", ""), 200);
    cr_expect_eq(ask("GET", "/metrics", ""), 200);
    read_format();
    cr_expect(sample("till_redis_up") == 0 && sum("till_partition_served") == 4);
    server_restart(&flow.server);
}

Test(flow_admin, only_who_knows_the_token) {
    char token[] = "/tmp/admin-XXXXXX", setting[80];
    int fd = mkstemp(token);
    cr_assert(fd >= 0 && write(fd, "sesame\n", 7) == 7);
    close(fd);
    snprintf(setting, sizeof setting, "TILL_ADMIN_TOKEN_FILE=%s", token);
    start(setting);
    cr_expect_eq(ask("GET", "/metrics", ""), 401);
    cr_expect_eq(ask("GET", "/metrics", "Authorization: Bearer sesam\r\n"), 401);
    cr_expect_eq(ask("GET", "/metrics", "Authorization: Bearer sesame2\r\n"), 401);
    cr_expect_eq(ask("GET", "/metrics", "Authorization: Basic sesame\r\n"), 401);
    cr_expect_eq(ask("GET", "/metrics", "Authorization: Bearer sesame\r\n"), 200);
    cr_expect_eq(ask("GET", "/healthz", ""), 200);
    cr_expect(!worker_log_has(&flow.workers[0], "sesame"));
    unlink(token);
}

/* Reached from elsewhere without a token: not even started. */
Test(flow_admin, not_open_to_everybody) {
    static const char *const refused[] = {"TILL_ADMIN_LISTEN=0.0.0.0:0", "TILL_ADMIN_LISTEN=[::]:9464", "TILL_ADMIN_LISTEN=9464",
                                          "TILL_ADMIN_LISTEN=127.0.0.1:", "TILL_ADMIN_LISTEN=127.0.0.1:65536"};
    flow_start(&flow, 1, NULL);
    for (unsigned n = 0; n < sizeof refused / sizeof *refused; n++) {
        flow_worker(&flow, 0, &(struct worker_options){.environment = {refused[n]}});
        cr_assert(worker_wait(&flow.workers[0], TOLD_MS), "%s: it runs", refused[n]);
        cr_expect_eq(flow.workers[0].status, 100 << 8, "%s: status %d", refused[n], flow.workers[0].status);
        worker_clear(&flow.workers[0]);
    }
}

/* Whoever sends nothing, or too much, keeps no payment waiting, and not others out for good. */
Test(flow_admin, loiterers_and_giants_do_no_harm) {
    static char giant[200 * 1024];
    int fds[LOITERERS];
    start(NULL);
    flow_open(&flow);
    for (unsigned n = 0; n < LOITERERS; n++) {
        fds[n] = dial();
        ssize_t ignored = send(fds[n], "GET /metrics HTTP/1.1\r\nHost:", 28, MSG_NOSIGNAL); /* those too many are sent away */
        (void)ignored;
    }
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    for (unsigned n = 0; n < LOITERERS; n++) close(fds[n]);
    cr_assert(WAIT_UNTIL(ask("GET", "/healthz", "") == 200, TOLD_MS));
    memset(giant, 'x', sizeof giant);
    memcpy(giant, "GET /", 5);
    int status = ask_bytes(giant, sizeof giant);
    cr_expect(status == 0 || status >= 400, "a giant path: %d", status);
    cr_expect_eq(ask("POST", "/metrics", "Content-Length: 1000000000\r\n"), 405);
    cr_expect_eq(ask("GET", "/nothing", ""), 404);
    cr_expect_eq(ask("HEAD", "/healthz", ""), 200);
    cr_expect_eq(ask("GET", "/metrics", ""), 200);
    check_sound(&flow, "loiterers", 0);
}
