/* A source that floods is told busy, its neighbours are not; and what is counted of a source comes right again by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer/client.h"
#include "tests/producer/test_till_fake.h"
#include "tests/support/wait.h"

enum { MAX = 10, MANY = 25, HEAL_MS = 5000 };

static struct server server;
static keys_buffer stream, sent_key, answers;
static struct till_intent intents[MANY];
static struct till_result results[MANY];

static void start(void) {
    fake_server_start(&server, NULL);
    unsigned p = keys_partition(&fake_book, "alice", 5);
    keys_intents(stream, &fake_book, p);
    keys_sent(sent_key, &fake_book, p, "shop");
    keys_responses(answers, &fake_book, p, "shop");
    server_text(&server, "XGROUP", "CREATE", stream, "workers", "0", "MKSTREAM", NULL);
}

static void stop(void) { server_stop(&server); }

TestSuite(till_source, .init = start, .fini = stop, .timeout = 60);

static struct till *open_limited(void) { return fake_open(&server, &(struct till_options){.backlog_max = MAX}); }

static size_t send_some(struct till *till, const char *source, size_t count) {
    for (size_t n = 0; n < count; n++) {
        intents[n] = fake_pay("alice", NULL);
        intents[n].source = source;
    }
    return till_send(till, intents, count, 2000, results);
}

/* So many of the source shop are answered, the oldest ones that wait acknowledged. */
static void work_off(int answered, int acknowledged) {
    char count[12], id[64];
    snprintf(count, sizeof count, "%d", acknowledged);
    server_text(&server, "XREADGROUP", "GROUP", "workers", "w", "COUNT", count, "STREAMS", stream, ">", NULL);
    for (int n = 0; n < acknowledged; n++) {
        snprintf(id, sizeof id, "%s", server_text(&server, "XPENDING", stream, "workers", "-", "+", "1", NULL));
        *strchr(id, '\n') = '\0';
        server_text(&server, "XACK", stream, "workers", id, NULL);
    }
    for (int n = 0; n < answered; n++) server_text(&server, "XADD", answers, "*", "key", "k", NULL);
}

static int64_t length(void) { return server_integer(&server, "XLEN", stream, NULL); }

/* A handle that is closed does not wait until Redis has it. */
static int64_t told(void) { return server_integer(&server, "HGET", sent_key, "sent", NULL); }

/* Whether a new handle gets in exactly so many of the source shop: a number that drifted may need a look or two to come right. */
static size_t fits;
static bool takes(size_t count) {
    struct till *till = open_limited();
    int64_t before = length();
    fits = send_some(till, "shop", MANY);
    till_close(till);
    work_off((int)(length() - before), (int)(length() - before));
    return fits == count;
}

Test(till_source, that_floods_is_held_up_and_its_neighbours_are_not) {
    struct till *flooder = open_limited(), *neighbour = open_limited();
    keys_buffer of_bar;
    cr_assert_eq(send_some(flooder, "shop", MANY), (size_t)MAX);
    cr_assert_eq(results[MAX].code, TILL_BUSY);
    cr_assert(strstr(results[MAX].text, "with 10 intents of shop"), "%s", results[MAX].text);
    cr_assert_eq(send_some(neighbour, "bar", 7), 7u, "%s", results[0].text);
    cr_assert_eq(send_some(flooder, "bar", 3), 3u, "also over the same handle: %s", results[0].text);
    cr_assert_not(WAIT_UNTIL(send_some(flooder, "shop", 1) == 1, 600));
    keys_sent(of_bar, &fake_book, keys_partition(&fake_book, "alice", 5), "bar");
    cr_assert(WAIT_UNTIL((send_some(flooder, "shop", 1), server_integer(&server, "HGET", of_bar, "sent", NULL) == 3), HEAL_MS));
    cr_assert_eq(send_some(neighbour, "bar", 5), 0u, "but no more than as many, whoever sent them");
    work_off(4, 4);
    cr_assert(WAIT_UNTIL(send_some(flooder, "shop", 1) == 1, HEAL_MS), "%s", results[0].text);
    cr_assert_eq(send_some(flooder, "shop", MANY), 3u);
    till_close(flooder);
    till_close(neighbour);
}

/* A question of this very millisecond was taken for one under way: what the next source has there was not asked, and it was told busy. */
Test(till_source, many_are_asked_for_within_a_millisecond) {
    struct till *till = open_limited();
    cr_assert_eq(send_some(till, "shop", MAX), (size_t)MAX, "%s", results[0].text);
    for (int n = 0; n < 100; n++) {
        char source[12];
        snprintf(source, sizeof source, "shop%d", n);
        cr_assert_eq(send_some(till, source, 1), 1u, "%s: %s", source, results[0].text);
    }
    till_close(till);
}

Test(till_source, handles_of_one_source_count_together) {
    struct till *one = open_limited(), *other = open_limited();
    cr_assert_eq(send_some(one, "shop", 6), 6u);
    till_close(one); /* tells at its end */
    cr_assert(WAIT_UNTIL(told() == 6, HEAL_MS));
    cr_assert_eq(send_some(other, "shop", MANY), 4u);
    till_close(other);
    cr_assert(WAIT_UNTIL(told() == MAX, HEAL_MS));
    one = open_limited();
    cr_assert_eq(send_some(one, "shop", 1), 0u);
    till_close(one);
}

Test(till_source, intents_that_share_an_entry_count_one_by_one) {
    server_text(&server, "HSET", "{till}:book", "bulk", "1", NULL);
    struct till *till = open_limited();
    cr_assert_eq(send_some(till, "shop", MANY), (size_t)MANY, "it is one entry");
    cr_assert_eq(length(), 1);
    till_close(till);
    cr_assert(WAIT_UNTIL(told() == MANY, HEAL_MS));
}

/* What is counted against it is the entries of its stream of answers: of those that share an entry one for each source. */
Test(till_source, intents_that_are_answered_together_count_once) {
    keys_buffer of_bar;
    keys_sent(of_bar, &fake_book, keys_partition(&fake_book, "alice", 5), "bar");
    server_text(&server, "HSET", "{till}:book", "bulk", "1", NULL);
    struct till_options options = {.backlog_max = MAX, .bulk_answers = true, .memory_high_water_percent = 101};
    struct till *till = fake_open(&server, &options);
    for (size_t n = 0; n < MANY; n++) {
        intents[n] = fake_pay("alice", NULL);
        intents[n].source = n % 5 == 4 ? "bar" : "shop";
    }
    server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL);
    cr_assert_eq(till_send(till, intents, MANY, 300, results), 0u);
    server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert_eq(till_send(till, intents, MANY, 2000, results), (size_t)MANY, "%s", results[0].text);
    cr_assert_eq(send_some(till, "shop", 1), 1u, "alone");
    cr_assert_eq(length(), 2);
    till_close(till);
    cr_assert(WAIT_UNTIL(told() == 2 && server_integer(&server, "HGET", of_bar, "sent", NULL) == 1, HEAL_MS), "%d", (int)told());
}

Test(till_source, what_redis_refused_does_not_count) {
    struct till *till = fake_open(&server, &(struct till_options){.backlog_max = MAX, .memory_high_water_percent = 101});
    server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL);
    for (int n = 0; n < 4; n++) cr_assert_eq(send_some(till, "shop", 5), 0u);
    server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert_eq(send_some(till, "shop", MANY), (size_t)MAX, "%s", results[0].text);
    till_close(till);
    cr_assert(WAIT_UNTIL(told() == MAX, HEAL_MS));
}

/* What it had not told is counted by nobody, until all is worked off. */
Test(till_source, whose_producer_dies_is_counted_anew) {
    pid_t child = fork();
    if (child == 0) {
        struct till *till = open_limited();
        _exit(send_some(till, "shop", 8) == 8 ? 0 : 1);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
    struct till *till = open_limited();
    cr_assert_eq(length(), 8);
    cr_assert_eq(send_some(till, "shop", MANY), (size_t)MAX, "what is not known is not held against it");
    till_close(till);
    work_off(18, 18);
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "%zu", fits);
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "%zu", fits);
}

/* Nothing waits, so nothing of it can: whatever the numbers say. */
Test(till_source, counted_wrong_comes_right) {
    static const char *const wrong[][4] = {
        {"HINCRBY", "sent", "1000000", NULL},
        {"HINCRBY", "sent", "-1000000", NULL},
        {"HSET", "base", "9007199254740993", NULL},
        {"HSET", "base", "-77", NULL},
        {"HDEL", "sent", "base", NULL},
    };
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "%zu", fits);
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        server_text(&server, wrong[n][0], sent_key, wrong[n][1], wrong[n][2], NULL);
        cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "%s %s %s: %zu", wrong[n][0], wrong[n][1], wrong[n][2], fits);
    }
    server_text(&server, "DEL", answers, NULL);
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "the answers are gone: %zu", fits);
    work_off(5000, 0); /* given again */
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "answered more than once: %zu", fits);
    server_text(&server, "XTRIM", answers, "MAXLEN", "0", NULL);
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "trimmed: %zu", fits);
    server_text(&server, "SET", sent_key, "no hash", NULL);
    cr_assert(WAIT_UNTIL(takes(MAX), HEAL_MS), "not known: %zu", fits);
}

/* As it was before sources were counted. */
Test(till_source, that_cannot_be_counted_is_held_up_with_the_others) {
    server_text(&server, "ACL", "SETUSER", "default", "resetpass", ">pw", "-@all", "+hmget", "+xadd", "+auth", "+xlen", "+xinfo|groups",
                "resetkeys", "~{till}:book", "~*:intents", NULL);
    struct till *till = fake_open(&server, &(struct till_options){.backlog_max = MAX, .password = "pw"});
    cr_assert_eq(send_some(till, "shop", MANY), (size_t)MAX);
    cr_assert_eq(send_some(till, "bar", 1), 0u);
    cr_assert(strstr(results[0].text, "10 entries wait"), "%s", results[0].text);
    till_close(till);
}
