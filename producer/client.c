/* The connection of a handle: opened when needed, given up at a deadline, opened again when lost. */
#include "producer/client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    PAUSE_FIRST_MS = 5,
    PAUSE_LAST_MS = 200,
    BUSY_FROM = 5, /* failures: where the pauses of a busy server begin */
    LATE_MS = 5,    /* by this much a wait may pass its deadline: setting the socket's timeout for every reply would cost more */
    COARSE_MS = 120, /* Redis ends a BLOCK by a clock of 10 Hz */
    BLOCK_MAX_MS = 1000,
    VERIFY_EVERY_MS = 1000,
    LOOK_LEAST_MS = 15,
};

static int64_t clock_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t client_now_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

uint64_t client_wall_ms(void) {
    return (uint64_t)clock_ms(CLOCK_REALTIME);
}

void client_pause_us(int64_t pause_us, int64_t deadline_ms) {
    int64_t left_ms = deadline_ms - client_now_ms(), left = left_ms < INT64_MAX / 1000 ? left_ms * 1000 : INT64_MAX;
    int64_t us = pause_us < left ? pause_us : left;
    if (us > 0)
        nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

void client_pause(int64_t pause_ms, int64_t deadline_ms) {
    client_pause_us(pause_ms * 1000, deadline_ms);
}

int client_block_ms(const struct till *till, int64_t deadline_ms) {
    int64_t left = deadline_ms - client_now_ms();
    left = (left < till->timeout_ms ? left : till->timeout_ms) - COARSE_MS;
    if (left < COARSE_MS / 4)
        return 0;
    return left < BLOCK_MAX_MS ? (int)left : BLOCK_MAX_MS;
}

bool client_may_look(int64_t deadline_ms) {
    if (deadline_ms - client_now_ms() >= LOOK_LEAST_MS)
        return true;
    client_pause(LOOK_LEAST_MS, deadline_ms);
    return false;
}

void client_copy(char *out, size_t capacity, const char *text) {
    size_t size = strnlen(text, capacity - 1);
    memcpy(out, text, size);
    out[size] = '\0';
}

void client_fail(struct till *till, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(till->error, sizeof till->error, format, arguments);
    va_end(arguments);
}

void client_drop(struct till *till) {
    redis_close(till->redis);
    till->redis = NULL;
    client_question_forget(till);
}

/* What a failure while connecting means to the caller. */
static int connect_code(enum redis_err err) {
    return err == REDIS_REFUSED ? TILL_NOT_PERMITTED : TILL_READ_FAILED;
}

/* Believed for a while, and asked again after a longer one: a master that froze while others took its place answers when it comes back as
 * if nothing had happened. */
static bool still_master(struct till *till) {
    int64_t now_ms = client_now_ms();
    if (now_ms - till->verified_ms < VERIFY_EVERY_MS)
        return true;
    till->verified_ms = now_ms;
    return redis_verify(till->redis) == REDIS_OK;
}

static int connect_open(struct till *till, int64_t deadline_ms) {
    int64_t half = (deadline_ms - client_now_ms()) / 2;
    if (half < 1) {
        client_fail(till, "no time left to connect to Redis");
        return TILL_READ_FAILED;
    }
    till->redis_options.connect_timeout_ms = half < till->connect_timeout_ms ? (int)half : till->connect_timeout_ms;
    till->redis_options.timeout_ms = half < till->timeout_ms ? (int)half : till->timeout_ms;
    till->redis_options.client_name = till->client_name;
    enum redis_err err = redis_open(&till->redis, &till->redis_options);
    till->socket_timeout_ms = till->redis_options.timeout_ms;
    if (err == REDIS_OK)
        return TILL_OK;
    client_fail(till, "%s", redis_error(till->redis));
    client_drop(till);
    return connect_code(err);
}

/* Is this the book that the handle was opened for? */
static int book_check(struct till *till, int64_t version, int64_t partitions) {
    unsigned known = till->book.partitions != 0 ? till->book.partitions : till->partitions_wanted;
    if (version == 0) {
        client_fail(till, "the book %s is closed: it is being given another number of partitions, or has moved", till->book.name);
        return TILL_INVALID;
    }
    if (version != KEYS_BOOK_VERSION) {
        client_fail(till, "the book %s has version %lld, this library reads version %d", till->book.name, (long long)version,
                    KEYS_BOOK_VERSION);
        return TILL_INVALID;
    }
    if (partitions < 1 || partitions > KEYS_PARTITIONS_MAX) {
        client_fail(till, "the book %s has an unusable number of partitions: %lld", till->book.name, (long long)partitions);
        return TILL_INVALID;
    }
    if (known != 0 && partitions != known) {
        client_fail(till, "the book %s has %lld partitions, not %u as configured", till->book.name, (long long)partitions, known);
        return TILL_INVALID;
    }
    till->book.partitions = (unsigned)partitions;
    return TILL_OK;
}

static int book_read(struct till *till, int64_t deadline_ms) {
    keys_buffer key;
    struct reply reply;
    command_begin(&till->command, "HMGET");
    command_borrow(&till->command, key, keys_book(key, &till->book));
    command_word(&till->command, "version");
    command_word(&till->command, "partitions");
    enum redis_err err = client_call(till, deadline_ms, &reply);
    if (err != REDIS_OK)
        return connect_code(err);
    struct reply version = reply_at(reply, 0), partitions = reply_at(reply, 1);
    if (reply_type(version) == REPLY_NIL && reply_type(partitions) == REPLY_NIL) {
        client_fail(till, "there is no book %s: no worker has created it yet", till->book.name);
        return TILL_NOT_FOUND;
    }
    return book_check(till, reply_integer(version), reply_integer(partitions));
}

int client_connect(struct till *till, int64_t deadline_ms) {
    if (till->redis != NULL && !redis_is_lost(till->redis) && still_master(till))
        return TILL_OK;
    client_drop(till);
    till->verified_ms = client_now_ms();
    int code = connect_open(till, deadline_ms);
    if (code == TILL_OK)
        code = book_read(till, deadline_ms);
    if (code != TILL_OK)
        client_drop(till);
    return code;
}

int client_reconnect(struct till *till, int64_t deadline_ms) {
    assert(till->backlog != NULL); /* the handle was opened well */
    for (int64_t pause_ms = PAUSE_FIRST_MS;; pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS) {
        int code = client_connect(till, deadline_ms);
        if (code != TILL_READ_FAILED || client_now_ms() + pause_ms >= deadline_ms)
            return code;
        client_pause(pause_ms, deadline_ms);
    }
}

/* Lets the next wait end at the deadline. */
static enum redis_err arm(struct till *till, int64_t deadline_ms) {
    int64_t left = deadline_ms - client_now_ms();
    if (left <= 0) {
        client_fail(till, "Redis did not answer in time");
        client_drop(till);
        return REDIS_LOST;
    }
    int64_t fits = left < till->timeout_ms ? left : till->timeout_ms;
    if (till->socket_timeout_ms > fits + LATE_MS || till->socket_timeout_ms < fits * 3 / 4) {
        redis_set_timeout(till->redis, (int)fits);
        till->socket_timeout_ms = (int)fits;
    }
    return REDIS_OK;
}

/* Keeps the words of a failure; a connection that cannot be trusted any more is dropped. */
static enum redis_err settle(struct till *till, enum redis_err err) {
    if (err == REDIS_OK)
        return err;
    client_fail(till, "%s", redis_error(till->redis));
    if (err == REDIS_DEMOTED)
        err = REDIS_LOST; /* the next connection is to the master, where there is one */
    if (err == REDIS_LOST || err == REDIS_GARBLED)
        client_drop(till);
    return err;
}

bool client_is_busy(enum redis_err err) {
    return err != REDIS_LOST && redis_err_heals(err);
}

bool client_back_off(struct till *till, enum redis_err err, int64_t deadline_ms) {
    if (client_is_busy(err) && till->failures < BUSY_FROM)
        till->failures = BUSY_FROM;
    int pause_ms = redis_err_wait_ms(REDIS_LOST, ++till->failures) / 4; /* somebody waits at a checkout */
    if (client_now_ms() + PAUSE_FIRST_MS >= deadline_ms)
        return false;
    client_pause(pause_ms < PAUSE_LAST_MS ? pause_ms : PAUSE_LAST_MS, deadline_ms);
    return true;
}

enum redis_err client_take_next(struct till *till, int64_t deadline_ms, struct reply *reply) {
    enum redis_err err = arm(till, deadline_ms);
    till->replies++;
    if (err == REDIS_OK)
        err = settle(till, redis_next(till->redis, reply));
    if (err != REDIS_OK || still_master(till))
        return err;
    *reply = (struct reply){NULL};
    return settle(till, REDIS_DEMOTED);
}

/* What the guard is told is nobody's failure, unless the connection is lost. */
static enum redis_err hear_questions(struct till *till, int64_t deadline_ms) {
    char kept[sizeof till->error];
    memcpy(kept, till->error, sizeof kept);
    enum redis_err err = client_question_hear(till, deadline_ms, true);
    if (till->redis == NULL)
        return err;
    memcpy(till->error, kept, sizeof kept);
    return REDIS_OK;
}

enum redis_err client_next(struct till *till, int64_t deadline_ms, struct reply *reply) {
    enum redis_err err = till->questions.count > 0 ? hear_questions(till, deadline_ms) : REDIS_OK;
    *reply = (struct reply){NULL};
    return err != REDIS_OK ? err : client_take_next(till, deadline_ms, reply);
}

enum redis_err client_flush(struct till *till, int64_t deadline_ms) {
    enum redis_err err = arm(till, deadline_ms);
    return err != REDIS_OK ? err : settle(till, redis_flush(till->redis));
}

enum redis_err client_call(struct till *till, int64_t deadline_ms, struct reply *reply) {
    redis_append(till->redis, &till->command);
    return client_next(till, deadline_ms, reply);
}

int client_retry(struct till *till, int64_t deadline_ms, client_read *read, void *context) {
    for (;;) {
        int code = client_reconnect(till, deadline_ms);
        if (code != TILL_OK)
            return code;
        enum redis_err err = read(till, deadline_ms, context);
        if (err == REDIS_OK) {
            till->failures = 0;
            return TILL_OK;
        }
        if (!redis_err_heals(err) || !client_back_off(till, err, deadline_ms))
            return TILL_READ_FAILED;
    }
}

void client_last_append(struct till *till, const char *key, size_t size) {
    command_begin(&till->command, "XREVRANGE");
    command_borrow(&till->command, key, size);
    command_word(&till->command, "+");
    command_word(&till->command, "-");
    command_word(&till->command, "COUNT");
    command_word(&till->command, "1");
    redis_append(till->redis, &till->command);
}

enum redis_err client_last_next(struct till *till, int64_t deadline_ms, struct entry_id *last) {
    struct reply reply;
    enum redis_err err = client_next(till, deadline_ms, &reply);
    if (err != REDIS_OK)
        return err;
    size_t size;
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    if (!entry_id_parse(text, size, last))
        *last = (struct entry_id){0};
    return REDIS_OK;
}
