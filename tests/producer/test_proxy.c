/* The fault proxy of the tests: each of its rules and acts does what it says, and nothing else. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "producer/redis.h"
#include "tests/support/process.h"
#include "tests/support/proxy.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

enum { PATIENCE_MS = 400 };

static struct server server;
static struct proxy proxy;
static struct redis *redis;

static enum redis_err connect_through(void) {
    struct redis_options options = {.connect_timeout_ms = 5000, .timeout_ms = PATIENCE_MS};
    redis_close(redis);
    redis = NULL;
    cr_assert_null(redis_url_parse(proxy.url, &options.url));
    return redis_open(&redis, &options);
}

static void start(void) {
    server_start(&server, NULL);
    proxy_start(&proxy, server.socket);
    cr_assert_eq(connect_through(), REDIS_OK);
}

static void stop(void) {
    redis_close(redis);
    proxy_stop(&proxy);
    server_stop(&server);
}

TestSuite(proxy, .init = start, .fini = stop, .timeout = 60);

static enum redis_err append_to(const char *key) {
    struct command c;
    struct reply reply;
    command_init(&c);
    command_begin(&c, "APPEND");
    command_word(&c, key);
    command_word(&c, "x");
    enum redis_err err = redis_call(redis, &c, &reply);
    command_clear(&c);
    return err;
}

static int64_t length(const char *key) { return server_integer(&server, "STRLEN", key, NULL); }

Test(proxy, passes) {
    char *much = calloc(1, 300001);
    memset(much, 'y', 300000);
    struct command c;
    struct reply reply;
    command_init(&c);
    for (int n = 0; n < 20; n++) { /* more than a piece, both ways */
        command_begin(&c, "ECHO");
        command_word(&c, much);
        cr_assert_eq(redis_call(redis, &c, &reply), REDIS_OK);
        cr_assert(reply_is(reply, much));
    }
    command_clear(&c);
    free(much);
}

Test(proxy, counts_round_trips) {
    uint64_t before = proxy_trips(&proxy);
    for (int n = 0; n < 5; n++) cr_assert_eq(append_to("a"), REDIS_OK);
    cr_assert_eq(proxy_trips(&proxy) - before, 5);
}

Test(proxy, drops_both_ways) {
    proxy_rule(&proxy, PROXY_DROP, 0);
    cr_assert_eq(append_to("a"), REDIS_LOST);
    cr_assert_eq(length("a"), 0);
    proxy_rule(&proxy, PROXY_PASS, 0);
    cr_assert_eq(connect_through(), REDIS_OK);
    cr_assert_eq(append_to("a"), REDIS_OK);
}

Test(proxy, is_half_open) {
    proxy_rule(&proxy, PROXY_HALF_OPEN, 0);
    cr_assert_eq(append_to("a"), REDIS_LOST);
    cr_assert_neq(connect_through(), REDIS_OK);
    cr_assert_eq(length("a"), 0);
    proxy_rule(&proxy, PROXY_PASS, 0);
    cr_assert_eq(connect_through(), REDIS_OK);
}

Test(proxy, loses_replies_only) {
    proxy_rule(&proxy, PROXY_LOSE_REPLIES, 0);
    cr_assert_eq(append_to("a"), REDIS_LOST);
    cr_assert(WAIT_UNTIL(length("a") == 1, 2000));
    cr_assert_gt(proxy.shared->lost_bytes, 0);
}

Test(proxy, refuses) {
    proxy_rule(&proxy, PROXY_REFUSE, 0);
    cr_assert_eq(append_to("a"), REDIS_LOST);
    cr_assert_neq(connect_through(), REDIS_OK);
    cr_assert_eq(length("a"), 0);
}

Test(proxy, delays) {
    proxy_rule(&proxy, PROXY_DELAY, 60);
    int64_t began_ms = wait_now_ms();
    cr_assert_eq(append_to("a"), REDIS_OK);
    cr_assert_geq(wait_now_ms() - began_ms, 118);
}

Test(proxy, resets) {
    proxy_rule(&proxy, PROXY_RESET, 1000);
    cr_assert_eq(append_to("a"), REDIS_LOST);
    cr_assert_eq(length("a"), 0);
    cr_assert_eq(proxy.shared->broken, 1);
}

/* `:12345\r\n` is cut at every byte: what is not whole is never taken for a reply. */
Test(proxy, cuts_replies_at_every_byte) {
    server_text(&server, "SET", "n", "12344", NULL);
    struct command c;
    struct reply reply;
    for (uint64_t bytes = 0; bytes <= 8; bytes++) {
        proxy_rule(&proxy, PROXY_PASS, 0);
        cr_assert_eq(connect_through(), REDIS_OK);
        server_text(&server, "SET", "n", "12344", NULL);
        proxy_rule(&proxy, PROXY_CUT_REPLIES, bytes);
        command_init(&c);
        command_begin(&c, "INCR");
        command_word(&c, "n");
        enum redis_err err = redis_call(redis, &c, &reply);
        cr_assert_eq(err, bytes < 8 ? REDIS_LOST : REDIS_OK, "after %d bytes: %d", (int)bytes, (int)err);
        command_clear(&c);
        cr_assert_eq(server_integer(&server, "GET", "n", NULL), 12345);
    }
}

Test(proxy, cuts_requests) {
    for (uint64_t bytes = 0; bytes < 20; bytes++) {
        proxy_rule(&proxy, PROXY_PASS, 0);
        cr_assert_eq(connect_through(), REDIS_OK);
        proxy_rule(&proxy, PROXY_CUT_REQUESTS, bytes);
        cr_assert_eq(append_to("a"), REDIS_LOST, "after %d bytes", (int)bytes);
        cr_assert_eq(length("a"), 0, "after %d bytes", (int)bytes);
    }
}

struct row { enum proxy_act act; char name[16]; bool arrives, kills; };
static const struct row rows[] = {{PROXY_CUT_BEFORE, "cut before", false, false}, {PROXY_CUT_AFTER, "cut after", true, false},
                                  {PROXY_KILL_BEFORE, "kill before", false, true}, {PROXY_KILL_AFTER, "kill after", true, true}};

Test(proxy, acts_at_a_round_trip) {
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        const struct row *row = &rows[n];
        pid_t victim = process_start((const char *[]){"sleep", "1000", NULL}, NULL, NULL);
        int status = 0;
        server_text(&server, "DEL", "a", NULL);
        cr_assert_eq(connect_through(), REDIS_OK);
        proxy_at(&proxy, row->act, 3, victim);
        cr_assert(append_to("a") == REDIS_OK && append_to("a") == REDIS_OK && !proxy_acted(&proxy), "%s: too early", row->name);
        cr_assert_eq(append_to("a"), REDIS_LOST, "%s", row->name);
        cr_assert(WAIT_UNTIL(proxy_acted(&proxy), 2000), "%s", row->name);
        cr_assert_eq(length("a"), row->arrives ? 3 : 2, "%s: %d", row->name, (int)length("a"));
        if (row->kills) cr_assert(process_wait(&victim, 5000, &status) && WTERMSIG(status) == SIGKILL, "%s", row->name);
        else cr_assert(process_runs(&victim, &status), "%s", row->name);
        process_kill(&victim);
        cr_assert_eq(connect_through(), REDIS_OK);
        cr_assert_eq(append_to("a"), REDIS_OK, "%s: once only", row->name);
    }
}
