/* A server and a connection to it, for the tests of the seam; one of each per test (every test is a process). */
#ifndef TESTS_PRODUCER_REDIS_FIXTURE_H
#define TESTS_PRODUCER_REDIS_FIXTURE_H

#include "producer/redis.h"
#include "tests/support/server.h"

#include <criterion/criterion.h>
#include <string.h>

extern struct server server;
extern struct redis_options options; /* those of `redis`, named seam-test */
extern struct redis *redis;

void redis_fixture_open(void);
void redis_fixture_close(void);

/* Queues a command of texts, with NULL at the end. */
void append(const char *first, ...) __attribute__((sentinel));
/* Reads a reply away. */
enum redis_err next(void);

#define EXPECT_ERR(call, expected)                                                                                              \
    do {                                                                                                                        \
        enum redis_err err_ = (call);                                                                                           \
        cr_expect_eq(err_, (expected), "%s: %s (%s)", #call, redis_err_word(err_), redis_error(redis));                         \
    } while (0)

#define EXPECT_ERROR_STARTS(text) cr_expect(strncmp(redis_error(redis), text, strlen(text)) == 0, "says \"%s\"", redis_error(redis))

#endif
