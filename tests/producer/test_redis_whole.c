/* Replies that we read ourselves are what hiredis makes of the same bytes, in whatever pieces they come. */
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/redis_reply.h"
#include "producer/redis_tree.h"
#include "producer/redis_whole.h"

enum { BYTES_MAX = 1 << 22, ROUNDS = 3000, REPLIES = 4 };

static char bytes[BYTES_MAX];
static size_t size;
static unsigned seed;

static unsigned dice(unsigned sides) { return (unsigned)rand_r(&seed) % sides; }

static void add(const char *text, size_t length) {
    cr_assert(size + length <= sizeof bytes);
    memcpy(bytes + size, text, length);
    size += length;
}

static void add_line(char type, long number) {
    char line[32];
    add(line, (size_t)snprintf(line, sizeof line, "%c%ld\r\n", type, number));
}

static void add_text(size_t length) {
    add_line('$', (long)length);
    for (size_t n = 0; n < length; n++) add(&"ab\0\r\n$*1"[dice(8)], 1);
    add("\r\n", 2);
}

static void add_value(unsigned depth) {
    switch (dice(depth < 6 ? 9 : 7)) {
    case 0: add_line('$', -1); break;
    case 1: add_line('*', -1); break;
    case 2: add_line(':', (long)dice(100000) - 50000); break;
    case 3: add("+OK\r\n", 5); break;
    case 4: add("-ERR no\r\n", 9); break;
    case 5: add_text(dice(400)); break;
    case 6: add_text(dice(20)); break;
    default: {
        unsigned count = dice(7);
        add_line('*', count);
        while (count--) add_value(depth + 1);
    }
    }
}

/* The texts may hold NULs. */
static void compare(const struct reply_node *a, const struct reply_node *b, unsigned round) {
    cr_assert(a->type == b->type && a->size == b->size, "round %u: %d of %u, not %d of %u", round, (int)a->type, a->size, (int)b->type,
              b->size);
    if (a->type == REPLY_INTEGER) cr_assert_eq(a->integer, b->integer, "round %u", round);
    if (a->type == REPLY_TEXT || a->type == REPLY_ERROR)
        cr_assert(memcmp(a->text, b->text, a->size + 1) == 0, "round %u: another text", round); /* and the NUL */
    for (uint32_t n = 0; a->type == REPLY_ARRAY && n < a->size; n++) compare(&a->elements[n], &b->elements[n], round);
}

/* Not connected to anything; only its reader is used. */
static redisContext *context_new(struct reply_tree **growing) {
    redisContext *context = redisConnectUnixNonBlock("/nonexistent");
    cr_assert(context && context->reader);
    context->err = 0;
    redis_tree_use(context, growing);
    return context;
}

static void feed(redisContext *context, size_t from, size_t count) {
    if (count) cr_assert_eq(redisReaderFeed(context->reader, bytes + from, count), REDIS_OK);
}

/* In pieces of up to `piece` bytes. */
static void play(unsigned round, unsigned piece) {
    struct reply_tree *growing_ours, *growing_theirs;
    struct reply_scan scan = {0};
    redisContext *ours = context_new(&growing_ours), *theirs = context_new(&growing_theirs);
    void *a, *b;
    unsigned got = 0;
    feed(theirs, 0, size);
    for (size_t from = 0; got < REPLIES;) {
        cr_assert(redis_whole_next(ours, &scan, &a), "round %u: %s", round, ours->errstr);
        if (a) {
            cr_assert_eq(redisGetReplyFromReader(theirs, &b), REDIS_OK);
            cr_assert_not_null(b, "round %u: a reply too many", round);
            compare(a, b, round);
            redis_tree_free(a);
            redis_tree_free(b);
            got++;
            continue;
        }
        size_t count = 1 + dice(piece);
        cr_assert_lt(from, size, "round %u: no reply though all is there", round);
        if (count > size - from) count = size - from;
        feed(ours, from, count);
        from += count;
    }
    cr_assert_eq(ours->reader->pos, ours->reader->len, "round %u", round);
    redisFree(ours);
    redisFree(theirs);
}

Test(redis_whole, is_what_hiredis_makes_of_it) {
    seed = (unsigned)getpid();
    fprintf(stderr, "redis_whole is_what_hiredis_makes_of_it: seed %u\n", seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size = 0;
        for (unsigned n = 0; n < REPLIES; n++) add_value(0);
        play(round, round % 3 == 0 ? 3 : round % 3 == 1 ? 500 : BYTES_MAX);
    }
}

/* Longer than what is looked over before hiredis gets it; and many in a row, so that what was read has to be thrown away between. */
Test(redis_whole, long_ones) {
    seed = 1;
    for (unsigned round = 0; round < 3; round++) {
        size = 0;
        for (unsigned n = 0; n < REPLIES; n++) {
            add_line('*', 900);
            for (unsigned i = 0; i < 900; i++) add_text(dice(n % 2 ? 2000 : 150));
        }
        play(round, round == 0 ? 16384 : round == 1 ? 100000 : BYTES_MAX);
    }
}
