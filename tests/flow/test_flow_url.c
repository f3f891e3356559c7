/* Where Redis is: on a TCP port, or a server of the worker's own. (All other tests use a unix socket.) */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/check.h"
#include "tests/support/node.h"
#include "tests/support/process.h"

static struct flow flow;
static char dir[64];

static void stop(void) {
    flow_stop(&flow);
    if (dir[0]) process_remove_tree(dir);
}

TestSuite(flow_url, .fini = stop, .timeout = 60);

Test(flow_url, a_port) {
    char port[8], url[64];
    snprintf(port, sizeof port, "%u", node_free_port());
    snprintf(url, sizeof url, "redis://127.0.0.1:%s", port);
    flow_start(&flow, 4, &(struct server_options){.extra = {"--port", port}});
    flow_worker(&flow, 0, &(struct worker_options){.url = url});
    flow_open(&flow);
    flow_load(&flow, 200);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    check_sound(&flow, url, 0);
    flow_stop_workers(&flow, 1);
}

Test(flow_url, a_port_with_a_password) {
    char port[8], url[96];
    snprintf(port, sizeof port, "%u", node_free_port());
    snprintf(url, sizeof url, "TILL_REDIS_URL=redis://:open%%20sesame@127.0.0.1:%s/0", port);
    flow_start(&flow, 4, &(struct server_options){.extra = {"--port", port}});
    server_text(&flow.server, "CONFIG", "SET", "requirepass", "open sesame", NULL); /* those connected already stay in */
    flow_worker(&flow, 0, &(struct worker_options){.environment = {url}});
    flow_open(&flow);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
    cr_assert(!worker_log_has(&flow.workers[0], "sesame"), "the password is in the log");
    server_text(&flow.server, "CONFIG", "SET", "requirepass", "", NULL);
    check_sound(&flow, url, 0);
}

/* --- a server of the worker's own --- */

static void start_embedded(unsigned n) {
    char url[96];
    snprintf(url, sizeof url, "embedded:%s", dir);
    flow_worker(&flow, n, &(struct worker_options){.url = url, .partitions = 4});
}

static void begin_embedded(void) {
    char socket[96];
    process_make_dir("till-own", dir, sizeof dir);
    start_embedded(0);
    snprintf(socket, sizeof socket, "%s/redis.sock", dir);
    flow_attach(&flow, 4, socket, NULL);
    flow_open(&flow);
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS));
}

/* The server's process; 0 when it does not answer, or is loading still. */
static pid_t server_pid(void) {
    struct reply reply;
    if (flow_call(&flow, &reply, "PING", NULL) || flow_call(&flow, &reply, "INFO", "server", NULL)) return 0;
    const char *at = strstr(reply_text(reply, NULL), "process_id:");
    return at ? (pid_t)strtol(at + strlen("process_id:"), NULL, 10) : 0;
}

static bool is_gone(pid_t pid) { return kill(pid, 0) != 0; }

static void wait_for_other(pid_t old) {
    cr_assert(WAIT_UNTIL(is_gone(old), 5000), "the old server stays");
    cr_assert(WAIT_UNTIL(server_pid() > 0, 10000), "no server comes back");
    cr_assert_neq(server_pid(), old);
    server_kill(&flow.server); /* only our connection to the old one: the process is not ours */
}

static void load_and_check(const char *name) {
    flow_load(&flow, 100);
    cr_assert(flow_settle(&flow, FLOW_SETTLE_MS), "%s", name);
    check_sound(&flow, name, 0);
}

Test(flow_url, own_server_ends_with_the_worker) {
    begin_embedded();
    check_sound(&flow, "own", 0);
    pid_t pid = server_pid();
    flow_stop_workers(&flow, 1);
    cr_assert(WAIT_UNTIL(is_gone(pid), 1000), "the server outlives its worker");
}

Test(flow_url, own_server_comes_back_with_the_data) {
    begin_embedded();
    for (int n = 0; n < 2; n++) {
        pid_t pid = server_pid();
        kill(pid, SIGKILL);
        wait_for_other(pid);
        load_and_check("after kill -9 of the server");
    }
    cr_assert(worker_log_has(&flow.workers[0], "event=embedded_redis_died"));
}

Test(flow_url, own_server_is_there_for_a_second_worker) {
    begin_embedded();
    pid_t pid = server_pid();
    start_embedded(1);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 2, 5000), "the second worker has no share");
    cr_assert_eq(server_pid(), pid);
    load_and_check("two workers");
    flow_stop_workers(&flow, 1);
    wait_for_other(pid);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 4, 5000), "the second worker does not go on alone");
    load_and_check("the first has gone");
}

Test(flow_url, own_server_survives_the_death_of_its_worker) {
    begin_embedded();
    pid_t pid = server_pid();
    start_embedded(1);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 2, 5000), "the second worker has no share");
    worker_kill(&flow.workers[0]);
    wait_for_other(pid);
    cr_assert(WAIT_UNTIL(flow_held(&flow, 1) == 4, 5000), "the second worker does not go on alone");
    load_and_check("the first was killed");
}
