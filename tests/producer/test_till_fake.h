/* What the tests of libtill share: a server with a book in it, and a stand-in for the workers that answers every intent. */
#ifndef TESTS_PRODUCER_TEST_TILL_FAKE_H
#define TESTS_PRODUCER_TEST_TILL_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "producer/redis.h"
#include "producer/till.h"
#include "schema/keys.h"
#include "tests/support/server.h"

enum { FAKE_PARTITIONS = 4 };
extern const struct book fake_book;

/* Starts a server and creates the book in it. */
void fake_server_start(struct server *server, const struct server_options *options);
void fake_book_create(struct server *server);
/* Opens a handle with these options over the server's url; fails the test when it cannot. `options` may be NULL. */
struct till *fake_open(const struct server *server, const struct till_options *options);
/* Options with only the url. */
struct till_options fake_options(const struct server *server);
/* A payment that is right, under this key. */
struct till_intent fake_pay(const char *account, const char *key);
/* The XADD of a response with these values in the wire's order. Returns the server's answer. */
const char *fake_respond(struct server *server, unsigned partition, const char *const values[15]);
/* The same of a bulk entry to the source shop: these lines, of the intents of entry 9-0. */
const char *fake_respond_bulk(struct server *server, unsigned partition, const char *lines);

/* A connection of its own, for threads besides the test's; a command of words on it, NULL at the end, whose reply lives until the next. */
struct redis *fake_connect(const char *url);
struct reply fake_run(struct redis *redis, ...) __attribute__((sentinel));

/* Answers intents as a worker would: the first of an identity with its own entry, further ones as replayed with the first one's. */
struct fake_worker {
    pthread_t thread;
    struct redis *redis;
    atomic_bool stop;
    atomic_int mute;      /* so many copies of intents stay without answer first */
    atomic_int code;      /* of all answers */
    atomic_int kill_waiting; /* so many times, an intent seen makes it cut all other connections before the answer */
    atomic_bool before_noise; /* answers to others are given before the right one */
};
void fake_worker_start(struct fake_worker *worker, const struct server *server);
void fake_worker_stop(struct fake_worker *worker);

#endif
