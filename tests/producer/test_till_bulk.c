/* till_send puts the intents of a partition that are sent together into shared entries, where the book allows it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client.h"
#include "schema/bulk.h"
#include "tests/producer/test_till_fake.h"

enum { COUNT = 1500 };

static struct server server;
static char keys[COUNT][24];
static struct till_intent intents[COUNT];
static struct till_result results[COUNT];

static void start(void) {
    fake_server_start(&server, NULL);
    server_text(&server, "HSET", "{till}:book", "bulk", "1", NULL);
    for (int n = 0; n < COUNT; n++) {
        static char accounts[COUNT][16];
        snprintf(accounts[n], sizeof accounts[n], "user-%d", n % 37);
        snprintf(keys[n], sizeof keys[n], "k%05d", n);
        intents[n] = fake_pay(accounts[n], keys[n]);
    }
}

static void stop(void) { server_stop(&server); }

static struct till *open_sharing(void) {
    struct till_options options = fake_options(&server); /* as it is when nothing is said */
    return fake_open(&server, &options);
}

TestSuite(till_bulk, .init = start, .fini = stop);

/* What lies in the streams: every intent in its partition, in order, and named by the entry of its result. */
struct seen { size_t entries, shared, answered_together, intents, is_signed, traced; };

static void look_at(const struct bulk_part *part, unsigned p, const char *entry, char last[24], struct seen *seen) {
    static struct intent i;
    struct intent_fault fault;
    cr_assert_eq(intent_decode(part->bytes, part->size, &i, &fault), INTENT_OK, "%s", fault.text);
    cr_assert_eq(keys_partition(&fake_book, i.account, strlen(i.account)), p);
    cr_assert(strcmp(last, i.key) < 0, "%s before %s", last, i.key);
    snprintf(last, 24, "%s", i.key);
    int n = (int)strtol(i.key + 1, NULL, 10);
    cr_assert_str_eq(results[n].entry, entry, "%s", i.key);
    seen->intents++;
    seen->is_signed += part->sig != NULL;
    cr_assert(!part->sig || sign_verify(intents[n].sign_with, part->bytes, part->size, part->sig, part->sig_size));
    seen->traced += part->trace != NULL;
    const char *trace = intents[n].traceparent;
    bool has = trace && strlen(trace) == TRACE_SIZE;
    cr_assert(has == (part->trace != NULL), "%s: traced?", i.key);
    cr_assert(!has || (part->trace_size == TRACE_SIZE && memcmp(part->trace, trace, TRACE_SIZE) == 0), "%s: another trace", i.key);
}

/* NULL when the entry has no such field. */
static const char *field_of(struct reply fields, const char *name, size_t *size) {
    for (size_t n = 0; n < reply_count(fields); n += 2)
        if (reply_is(reply_at(fields, n), name)) return reply_text(reply_at(fields, n + 1), size);
    return NULL;
}

static struct seen look(void) {
    struct seen seen = {0};
    struct redis *redis = fake_connect(server.url);
    for (unsigned p = 0; p < FAKE_PARTITIONS; p++) {
        keys_buffer key;
        char last[24] = "";
        keys_intents(key, &fake_book, p);
        struct reply reply = fake_run(redis, "XRANGE", key, "-", "+", NULL);
        for (size_t n = 0; n < reply_count(reply); n++) {
            struct reply entry = reply_at(reply, n), fields = reply_at(entry, 1);
            struct bulk_part parts[BULK_INTENTS_MAX];
            size_t size, sig_size = 0, trace_size = 0;
            unsigned count = 1;
            bool shared = reply_is(reply_at(fields, 0), "intents");
            const char *bytes = reply_text(reply_at(fields, 1), &size);
            const char *sig = field_of(fields, shared ? "sigs" : "sig", &sig_size);
            const char *trace = field_of(fields, shared ? "traceparents" : "traceparent", &trace_size);
            parts[0] = (struct bulk_part){bytes, sig, size, sig_size, trace, trace_size};
            cr_assert(!shared || bulk_split(bytes, size, sig, sig_size, parts, &count) == NULL);
            if (shared && trace) bulk_split_traces(trace, trace_size, parts, count);
            seen.entries++;
            seen.shared += shared;
            const char *answers = field_of(fields, "answers", &size);
            cr_assert(!answers || (shared && strcmp(answers, "bulk") == 0));
            seen.answered_together += answers != NULL;
            for (unsigned part = 0; part < count; part++) look_at(&parts[part], p, reply_text(reply_at(entry, 0), NULL), last, &seen);
        }
    }
    redis_close(redis);
    return seen;
}

Test(till_bulk, many_share_entries) {
    struct till *till = open_sharing();
    cr_assert_eq(till_send(till, intents, COUNT, 10000, results), (size_t)COUNT, "%s", results[0].text);
    struct seen seen = look();
    cr_assert_eq(seen.intents, (size_t)COUNT);
    cr_assert(seen.entries < COUNT / 20 && seen.entries - seen.shared < 2 * FAKE_PARTITIONS + 1, "%zu entries", seen.entries);
    till_close(till);
}

Test(till_bulk, their_answers_share_one_where_that_is_wanted) {
    struct till_options options = fake_options(&server);
    struct till *till = open_sharing();
    cr_assert_eq(till_send(till, intents, 100, 5000, results), 100u);
    cr_assert_eq(look().answered_together, 0u);
    till_close(till);
    options.bulk_answers = true;
    till = fake_open(&server, &options);
    size_t before = look().shared;
    cr_assert_eq(till_send(till, intents + 100, 100, 5000, results + 100), 100u);
    cr_assert_eq(till_send(till, intents + 200, 1, 5000, results + 200), 1u, "alone");
    struct seen seen = look();
    cr_assert(seen.intents == 201 && seen.answered_together > 0 && seen.answered_together == seen.shared - before);
    till_close(till);
}

Test(till_bulk, alone_it_goes_alone) {
    struct till *till = open_sharing();
    for (int n = 0; n < 3; n++) cr_assert_eq(till_send(till, &intents[n], 1, 2000, &results[n]), 1u);
    struct seen seen = look();
    cr_assert(seen.entries == 3 && seen.shared == 0);
    till_close(till);
}

Test(till_bulk, not_where_it_is_not_wanted) {
    struct till_options options = fake_options(&server);
    options.bulk = TILL_NO;
    struct till *till = fake_open(&server, &options);
    cr_assert_eq(till_send(till, intents, 100, 5000, results), 100u);
    till_close(till);
    server_text(&server, "HDEL", "{till}:book", "bulk", NULL);
    till = open_sharing();
    cr_assert_eq(till_send(till, intents + 100, 100, 5000, results + 100), 100u);
    till_close(till);
    struct seen seen = look();
    cr_assert(seen.entries == 200 && seen.shared == 0, "%zu entries, %zu shared", seen.entries, seen.shared);
}

Test(till_bulk, signed_and_others_and_what_goes_alone) {
    static const uint8_t key[SIGN_KEY_SIZE] = {7};
    static char traces[200][TRACE_SIZE + 1];
    struct till *till = open_sharing();
    for (int n = 0; n < 200; n++) {
        snprintf(traces[n], sizeof traces[n], "00-%032x-00f067aa0ba902b7-01", (unsigned)n + 1);
        if (n % 4 == 0) intents[n].traceparent = n % 8 ? "none" : traces[n];
        if (n % 3 == 0) intents[n].sign_with = key;
        if (n % 7 == 0) intents[n].not_before_ms = client_wall_ms() + 60000;
        if (n % 10 == 0) intents[n].amount_minor = -5;
    }
    cr_assert_eq(till_send(till, intents, 200, 5000, results), 180u);
    for (int n = 0; n < 200; n++) cr_assert_eq(results[n].code, n % 10 == 0 ? TILL_INVALID : TILL_OK, "%d: %s", n, results[n].text);
    struct seen seen = look();
    cr_assert_eq(seen.intents, 180u);
    cr_assert(seen.shared > 0 && seen.is_signed > 50 && seen.traced == 20, "%zu traced", seen.traced);
    till_close(till);
}

/* What waits is counted in entries, which those behind may join; behind one that is refused nobody of its partition is taken. */
Test(till_bulk, backlog_counts_entries) {
    struct till_options options = fake_options(&server);
    options.backlog_max = 2;
    struct till *till = fake_open(&server, &options);
    size_t sent = till_send(till, intents, COUNT, 10000, results);
    struct seen seen = look();
    cr_expect(seen.entries == 2 * FAKE_PARTITIONS && seen.intents == sent && sent > 100, "%zu entries of %zu", seen.entries, sent);
    bool refused[FAKE_PARTITIONS] = {false};
    for (int n = 0; n < COUNT; n++) {
        unsigned p = keys_partition(&fake_book, intents[n].account, strlen(intents[n].account));
        cr_assert(results[n].code == TILL_BUSY || (results[n].code == TILL_OK && !refused[p]), "%d: %s", n, results[n].text);
        refused[p] = results[n].code == TILL_BUSY;
    }
    till_close(till);
}

/* Nothing of an entry that Redis refuses is enqueued, and all of it may be tried again. */
Test(till_bulk, refused_together) {
    struct till *till = open_sharing();
    server_text(&server, "CONFIG", "SET", "maxmemory", "1", NULL);
    struct till_options options = fake_options(&server);
    options.memory_high_water_percent = 101;
    options.bulk = TILL_YES;
    struct till *careless = fake_open(&server, &options);
    cr_assert_eq(till_send(careless, intents, 50, 300, results), 0u);
    for (int n = 0; n < 50; n++) cr_assert_eq(results[n].code, TILL_BUSY, "%d: %s", n, till_code_word(results[n].code));
    server_text(&server, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert_eq(till_send(careless, intents, 50, 5000, results), 50u, "%s", results[0].text);
    cr_assert_eq(look().intents, 50u);
    till_close(careless);
    till_close(till);
}
