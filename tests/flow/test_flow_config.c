/* What a worker is told at its start and while it runs (SIGHUP), and what it says. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/check.h"
#include "tests/support/process.h"

static struct flow flow;

static void stop(void) { flow_stop(&flow); }

TestSuite(flow_config, .fini = stop, .timeout = 60);

static void write_config(const char *path, const char *more) {
    FILE *out = fopen(path, "w");
    cr_assert(out);
    fprintf(out, "redis:\n  url: \"%s\"\nbook:\n  partitions: %u\n%s", flow.server.url, flow.book.partitions, more);
    fclose(out);
}

static void serve_one(unsigned n) {
    flow_start(&flow, 4, NULL);
    flow_worker(&flow, n, NULL);
    cr_assert(WAIT_UNTIL(flow_held(&flow, n) == 4, 5000));
}

Test(flow_config, is_checked_without_starting) {
    static const struct { const char *text; int status; const char *says; } rows[] = {
        {"worker:\n  batch: 64\n", 0, "good"},
        {"worker:\n  batch: 5000\n  bacth: 1\n", 100, "till.yaml:6:10: worker.batch: 5000 is above the maximum 1024"},
        {"worker:\n  bacth: 1\n", 100, "till.yaml:6:3: worker.bacth: unknown setting; did you mean batch?"},
        {"worker: [\n", 100, "till.yaml:"},
    };
    const char *path = getenv("TILL_WORKER"), *worker = path && *path ? path : TILL_WORKER_PATH;
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        char config[96], log[96], said[4096] = "";
        int status;
        flow_start(&flow, 4, NULL);
        snprintf(config, sizeof config, "%s/till.yaml", flow.server.dir);
        snprintf(log, sizeof log, "%s/check.log", flow.server.dir);
        write_config(config, rows[n].text);
        pid_t pid = process_start((const char *[]){worker, "--config", config, "--check-config", NULL}, NULL, log);
        cr_assert(process_wait(&pid, 10000, &status));
        FILE *in = fopen(log, "r");
        size_t got = in ? fread(said, 1, sizeof said - 1, in) : 0;
        said[got] = '\0';
        if (in) fclose(in);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == rows[n].status, "%s: status %d\n%s", rows[n].text, status, said);
        cr_assert(strstr(said, rows[n].says), "%s: it says %s", rows[n].text, said);
        flow_stop(&flow);
    }
}

Test(flow_config, another_number_of_partitions_is_refused_with_both_numbers) {
    serve_one(0);
    flow_worker(&flow, 1, &(struct worker_options){.partitions = 5});
    cr_assert(worker_wait(&flow.workers[1], 5000));
    cr_assert(WIFEXITED(flow.workers[1].status) && WEXITSTATUS(flow.workers[1].status) == 100, "status %d", flow.workers[1].status);
    cr_assert(worker_log_has(&flow.workers[1], "4 partitions") && worker_log_has(&flow.workers[1], "5 partitions"));
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "the other goes on", 0);
}

Test(flow_config, good_file_is_taken_over_at_hup) {
    serve_one(0);
    write_config(flow.workers[0].config, "worker:\n  name: w0\n  batch: 7\n  lease_ttl: 900ms\n  block: 200ms\nlog:\n  format: json\n");
    worker_signal(&flow.workers[0], SIGHUP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "{\"event\":\"reloaded\""), 5000));
    cr_assert(worker_log_has(&flow.workers[0], "\"changed\":2,\"needs_restart\":\"worker.lease_ttl\""));
    flow_open(&flow);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, "reloaded", 0);
}

Test(flow_config, bad_file_is_refused_whole_at_hup) {
    serve_one(0);
    write_config(flow.workers[0].config, "log:\n  format: json\nworker:\n  batch: 0\n");
    worker_signal(&flow.workers[0], SIGHUP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=reload_refused"), 5000));
    cr_assert(worker_log_has(&flow.workers[0], "worker.batch"));
    cr_assert(!worker_log_has(&flow.workers[0], "event=reloaded"));
    unlink(flow.workers[0].config);
    worker_signal(&flow.workers[0], SIGHUP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "No such file"), 5000));
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    flow_stop_workers(&flow, 1);
    cr_assert(worker_log_has(&flow.workers[0], "event=worker_stopped"), "the old format does not stay");
}

Test(flow_config, hup_while_waiting_for_redis_is_heard) {
    flow_start(&flow, 4, NULL);
    server_kill(&flow.server);
    flow_worker(&flow, 0, NULL);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=redis_away"), 5000));
    worker_signal(&flow.workers[0], SIGHUP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "event=reloaded"), 5000));
    server_restart(&flow.server);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 0) == 4, 5000));
}

static void expect_notice(int fd, const char *text) {
    char said[256];
    ssize_t size = recv(fd, said, sizeof said - 1, 0);
    cr_assert(size > 0, "nothing was said where %s was expected", text);
    said[size] = '\0';
    cr_assert(strstr(said, text), "%s where %s was expected", said, text);
}

Test(flow_config, readiness_is_told_to_systemd) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char variable[160];
    flow_start(&flow, 4, NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", flow.server.dir);
    snprintf(variable, sizeof variable, "NOTIFY_SOCKET=%s", address.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){5, 0}, sizeof(struct timeval));
    flow_worker(&flow, 0, &(struct worker_options){.environment = {variable}});
    expect_notice(fd, "READY=1");
    cr_assert_eq(flow_free(&flow), 0, "it was ready before it served");
    worker_signal(&flow.workers[0], SIGTERM);
    expect_notice(fd, "STOPPING=1");
    close(fd);
}

/* --- every line can be read by a program --- */

/* The end of a quoted value; NULL when it has none. */
static const char *after_quoted(const char *at) {
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at == '"' ? at + 1 : NULL;
}

static const char *wrong_logfmt(const char *line) {
    const char *at = line;
    if (strncmp(line, "event=", 6) != 0) return "does not begin with event";
    while (*at) {
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        if (name == 0 || at[name] != '=') return "has no name where one was expected";
        at += name + 1;
        if (*at == '"') at = after_quoted(at);
        else at += strcspn(at, " \"=");
        if (!at) return "has an open quotation";
        if (*at == ' ') at++;
        else if (*at) return "has a value with a quotation mark or = in it";
    }
    return NULL;
}

static const char *wrong_json(const char *line) {
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    bool fine = json_is_object(object) && json_is_string(json_object_get(object, "event")) &&
                json_is_string(json_object_get(object, "level")) && json_is_string(json_object_get(object, "time"));
    json_decref(object);
    return fine ? NULL : "is not an object with event, level and time";
}

/* A worker that has much to say: far too many faults in a file, with quotation marks and what is no UTF-8; a broken entry; Redis away. */
static void make_it_talk(const char *format) {
    char variable[64], config[8192] = "";
    flow_start(&flow, 2, &(struct server_options){.appendfsync = "always"});
    snprintf(variable, sizeof variable, "TILL_LOG_FORMAT=%s", format);
    flow_worker(&flow, 0, &(struct worker_options){.environment = {variable, "TILL_LOG_LEVEL=debug", "TILL_WORKER_MAX_ATTEMPTS=1"}});
    for (int n = 0; n < 100; n++) snprintf(config + strlen(config), sizeof config - strlen(config), "nonsense \\\"%d: \"x=\\t\\xe9\"\n", n);
    server_text(&flow.server, "SET", "{till:0}:account:u0", "x", NULL);
    server_text(&flow.server, "SET", "{till:1}:account:u0", "x", NULL);
    flow_open(&flow);
    flow_load_here(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    write_config(flow.workers[0].config, config);
    worker_signal(&flow.workers[0], SIGHUP);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "reload_refused"), 5000));
    write_config(flow.workers[0].config, "worker:\n  nam\xe9: \"\xff\xfe\"\n");
    worker_signal(&flow.workers[0], SIGHUP);
    server_kill(&flow.server);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "redis_away"), 5000));
    server_restart(&flow.server);
    cr_assert(WAIT_UNTIL(worker_log_has(&flow.workers[0], "redis_back"), 5000));
    flow_stop_workers(&flow, 1);
}

static void check_lines(const char *format, const char *(*wrong)(const char *)) {
    make_it_talk(format);
    char *text = worker_log_text(&flow.workers[0]), *rest;
    unsigned count = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), count++)
        cr_assert_null(wrong(line), "%s: %s", wrong(line), line);
    cr_assert(count >= 10, "%u lines", count);
    free(text);
}

Test(flow_config, log_lines_are_logfmt) { check_lines("logfmt", wrong_logfmt); }
Test(flow_config, log_lines_are_json) { check_lines("json", wrong_json); }
