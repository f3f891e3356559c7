/* A server and a connection to it, for the tests of the seam. */
#include "tests/producer/redis_fixture.h"

#include <stdarg.h>

struct server server;
struct redis_options options;
struct redis *redis;

void redis_fixture_open(void) {
    server_start(&server, NULL);
    options = (struct redis_options){.client_name = "seam-test", .connect_timeout_ms = 2000, .timeout_ms = 10000};
    cr_assert_null(redis_url_parse(server.url, &options.url));
    enum redis_err err = redis_open(&redis, &options);
    cr_assert_eq(err, REDIS_OK, "%s", redis_error(redis));
}

void redis_fixture_close(void) {
    redis_close(redis);
    server_stop(&server);
}

void append(const char *first, ...) {
    struct command c;
    va_list arguments;
    command_init(&c);
    command_begin(&c, first);
    va_start(arguments, first);
    for (const char *text; (text = va_arg(arguments, const char *));) command_word(&c, text);
    va_end(arguments);
    redis_append(redis, &c);
    command_clear(&c);
}

enum redis_err next(void) {
    struct reply ignored;
    return redis_next(redis, &ignored);
}
