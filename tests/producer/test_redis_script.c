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

/* A function, as embed.cmake makes them: without arguments it does nothing. */
static const struct script function = {
    .name = "echo", .function = "till_echo",
    .library = "#!lua name=till_echo\nredis.register_function('till_echo', function(keys, argv)\n"
               "if #argv == 0 then return 0 end\nreturn argv[1] end)",
    .library_size = sizeof "#!lua name=till_echo\nredis.register_function('till_echo', function(keys, argv)\n"
                           "if #argv == 0 then return 0 end\nreturn argv[1] end)" - 1};

static bool found(struct redis *r) {
    enum redis_err why;
    EXPECT_ERR(redis_function_find(r, &function, "{till:0}:meta", 13, &why), REDIS_OK);
    return why == REDIS_OK;
}

/* A connection that may call functions, as this user. */
static struct redis *open_as(const char *user) {
    struct redis_options wanted = options;
    struct redis *r;
    wanted.functions = true;
    snprintf(wanted.url.user, sizeof wanted.url.user, "%s", user);
    snprintf(wanted.url.password, sizeof wanted.url.password, "%s", *user ? "x" : "");
    cr_assert_eq(redis_open(&r, &wanted), REDIS_OK, "%s", redis_error(r));
    return r;
}

Test(redis_script, function_is_loaded_when_it_is_missing) {
    struct redis *first = open_as(""), *second = open_as("");
    struct command c;
    struct reply reply;
    cr_expect(!found(redis), "these options say no");
    command_init(&c);
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(server_text(&server, "FUNCTION", "FLUSH", NULL), "OK");
        redis_function_begin(&c, &function, 0);
        command_copy(&c, "hello", 5);
        EXPECT_ERR(redis_call(first, &c, &reply), REDIS_NOSCRIPT);
        cr_expect(found(first) && found(second) && found(first), "round %d", i);
        EXPECT_ERR(redis_call(second, &c, &reply), REDIS_OK);
        cr_expect(reply_is(reply, "hello"), "round %d", i);
    }
    command_clear(&c);
    redis_close(first);
    redis_close(second);
}

/* Whatever is in the way, what is done by EVALSHA goes on. */
Test(redis_script, function_that_may_not_be_called) {
    static const struct { const char *name, *rights; bool loaded, there; } rows[] = {
        {"all", "+fcall +function|load", false, true},     {"no fcall", "+function|load", true, false},
        {"no load", "+fcall", false, false},               {"no load, and none needed", "+fcall", true, true},
        {"neither", "+ping", true, false},
    };
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        char rights[60];
        snprintf(rights, sizeof rights, "%s", rows[n].rights);
        char *second = strchr(rights, ' ');
        if (second) *second++ = '\0';
        server_text(&server, "ACL", "SETUSER", "u", "reset", "on", ">x", "~*", "+client", rights, second ? second : "+ping", NULL);
        server_text(&server, "FUNCTION", "FLUSH", NULL);
        if (rows[n].loaded) server_text(&server, "FUNCTION", "LOAD", function.library, NULL);
        struct redis *r = open_as("u");
        cr_expect_eq(found(r), rows[n].there, "%s: %s", rows[n].name, redis_error(r));
        cr_expect(rows[n].there || strncmp(redis_error(r), "NOPERM", 6) == 0, "%s: %s", rows[n].name, redis_error(r));
        redis_close(r);
    }
}

Test(redis_script, function_in_a_full_server) {
    struct redis *r = open_as("");
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL), "OK");
    cr_expect(!found(r) && strncmp(redis_error(r), "OOM ", 4) == 0, "missing: %s", redis_error(r));
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL), "OK");
    cr_expect(found(r));
    cr_assert_str_eq(server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL), "OK");
    cr_expect(!found(r) && strncmp(redis_error(r), "OOM ", 4) == 0, "there: %s", redis_error(r));
    redis_close(r);
}
