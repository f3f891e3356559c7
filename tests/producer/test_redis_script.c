/* Scripts through the seam: loaded when missing, and the class of what they raise on this server (canned: test_redis_error.c). */
#include "tests/producer/redis_fixture.h"

#include <stdio.h>

TestSuite(redis_script, .init = redis_fixture_open, .fini = redis_fixture_close, .timeout = 60);

static const char ECHO_BODY[] = "#!lua\nreturn ARGV[1]";

/* The SHA1 as the server computes it. */
static struct script echo_script(void) {
    static char sha1[41];
    snprintf(sha1, sizeof sha1, "%s", server_text(&server, "SCRIPT", "LOAD", ECHO_BODY, NULL));
    return (struct script){.name = "echo", .body = ECHO_BODY, .size = sizeof ECHO_BODY - 1, .sha1 = sha1};
}

Test(redis_script, script_is_loaded_when_it_is_missing) {
    struct script script = echo_script();
    struct command c;
    struct reply reply;
    command_init(&c);
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(server_text(&server, "SCRIPT", "FLUSH", NULL), "OK");
        redis_script_begin(&c, &script, 0);
        command_copy(&c, "hello", 5);
        EXPECT_ERR(redis_call(redis, &c, &reply), REDIS_NOSCRIPT);
        EXPECT_ERR(redis_script_call(redis, &script, &c, &reply), REDIS_OK);
        cr_expect(reply_is(reply, "hello"), "round %d", i);
        EXPECT_ERR(redis_call(redis, &c, &reply), REDIS_OK);
    }
    command_clear(&c);
}

/* A script whose SHA1 is not its body's: one try, no endless loop. */
Test(redis_script, script_with_a_wrong_sha1_ends) {
    struct script script = {.name = "x", .body = ECHO_BODY, .size = sizeof ECHO_BODY - 1};
    script.sha1 = "0123456789012345678901234567890123456789";
    struct command c;
    struct reply reply;
    command_init(&c);
    redis_script_begin(&c, &script, 0);
    EXPECT_ERR(redis_script_call(redis, &script, &c, &reply), REDIS_NOSCRIPT);
    command_clear(&c);
}

static const struct {
    const char *body, *starts;
    enum redis_err err;
} scripts[] = {
    {"error({err = 'FENCED epoch 3'})", "FENCED epoch 3", REDIS_FENCED},
    {"return {err = 'FENCED epoch 3'}", "FENCED epoch 3", REDIS_FENCED},
    {"return redis.error_reply('FENCED epoch 3')", "FENCED epoch 3", REDIS_FENCED},
    {"error({err = 'BROKEN 2 key reason'})", "BROKEN 2 key reason", REDIS_BROKEN},
    {"error('BROKEN')", "ERR ", REDIS_REFUSED},
    {"return nil + 1", "ERR ", REDIS_REFUSED},
    {"return redis.call('LPUSH', 'text', 'x')", "WRONGTYPE ", REDIS_REFUSED},
    {"return redis.pcall('LPUSH', 'text', 'x')", "WRONGTYPE ", REDIS_REFUSED},
    {"return redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'none', '>')", "NOGROUP ", REDIS_NOGROUP},
    {"while true do", "ERR ", REDIS_REFUSED},
};

Test(redis_script, script_errors_have_their_class) {
    cr_assert_str_eq(server_text(&server, "SET", "text", "x", NULL), "OK");
    for (int declared = 0; declared < 2; declared++)
        for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
            char body[200];
            snprintf(body, sizeof body, "%s%s", declared ? "#!lua\n" : "", scripts[i].body);
            append("EVAL", body, "0", NULL);
            EXPECT_ERR(next(), scripts[i].err);
            EXPECT_ERROR_STARTS(scripts[i].starts);
        }
}

Test(redis_script, full_server_is_busy) {
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL), "OK");
    append("SET", "k", "v", NULL);
    append("EVAL", "#!lua\nreturn redis.call('SET', KEYS[1], 'v')", "1", "k", NULL);
    append("EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", "k", NULL);
    for (int i = 0; i < 3; i++) {
        EXPECT_ERR(next(), REDIS_HELD);
        EXPECT_ERROR_STARTS("OOM ");
    }
}
