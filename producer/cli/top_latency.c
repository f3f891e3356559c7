/* How long it takes from being enqueued to being answered, read off the ends of the streams of answers: an answer's `at` is the time of its
 * entry, its ID its own. Those that came together in one entry of answers took equally long, and are one to it. */
#include <stdlib.h>
#include <string.h>

#include "producer/cli/top.h"
#include "schema/entry.h"

enum { PER_STREAM = 32, SAMPLES_MAX = 8192 };

static const char prefix[] = "responses:";

static void ask(struct connection *c, unsigned partition, const char *source, uint64_t since_ms) {
    keys_buffer key;
    command_begin(&c->command, "XREVRANGE");
    command_copy(&c->command, key, keys_responses(key, &c->book, partition, source));
    command_word(&c->command, "+");
    command_uint(&c->command, since_ms);
    command_word(&c->command, "COUNT");
    command_uint(&c->command, PER_STREAM);
    redis_append(c->redis, &c->command);
}

static void take(struct reply answers, uint64_t *samples, size_t *count) {
    for (size_t n = 0; n < reply_count(answers) && *count < SAMPLES_MAX; n++) {
        struct entry_id id;
        size_t size;
        const char *text = reply_text(reply_at(reply_at(answers, n), 0), &size);
        uint64_t at_ms = (uint64_t)reply_integer(reply_field(reply_at(reply_at(answers, n), 1), "at"));
        if (entry_id_parse(text, size, &id) && at_ms) samples[(*count)++] = id.ms > at_ms ? id.ms - at_ms : 0;
    }
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int top_latency_read(struct connection *c, const struct status_streams *streams, uint64_t since_ms, struct top_latency *latency) {
    static uint64_t samples[SAMPLES_MAX];
    size_t count = 0;
    int code = CLI_OK;
    *latency = (struct top_latency){0};
    for (size_t n = 0; n < streams->count && !code; n++) {
        const char *name = streams->list[n].name;
        struct reply answers;
        if (strncmp(name, prefix, sizeof prefix - 1) != 0) continue;
        for (unsigned p = 0; p < c->book.partitions; p++) ask(c, p, name + sizeof prefix - 1, since_ms);
        for (unsigned p = 0; p < c->book.partitions && !code; p++) {
            code = connect_next_partly(c, "reading the answers", &answers);
            if (!code) take(answers, samples, &count);
        }
    }
    if (code || count == 0) return code;
    qsort(samples, count, sizeof *samples, compare);
    *latency = (struct top_latency){count, samples[count / 2], samples[count - 1 - count / 100], samples[count - 1]};
    return CLI_OK;
}
