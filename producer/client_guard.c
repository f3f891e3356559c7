/* Asks Redis for its memory and the partitions' backlogs now and then, and refuses intents that would make things worse. */
#include "producer/client_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client_source.h"

enum { BELIEVED_MS = 250, BULK_BELIEVED_MS = 1000, PERCENT_MAX = 1000 };

/* The number after "\nNAME:", 0 when it is not there. */
static uint64_t info_number(const char *info, const char *name) {
    const char *at = strstr(info, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

unsigned client_guard_memory(const char *info) {
    uint64_t used = info_number(info, "\nused_memory:"), max = info_number(info, "\nmaxmemory:");
    if (max == 0)
        return 0;
    double percent = 100.0 * (double)used / (double)max;
    return percent < PERCENT_MAX ? (unsigned)percent : PERCENT_MAX;
}

uint64_t client_guard_waiting(struct reply groups, uint64_t length) {
    for (size_t i = 0; i < reply_count(groups); i++) {
        struct reply group = reply_at(groups, i);
        if (!reply_is(reply_field(group, "name"), KEYS_GROUP))
            continue;
        struct reply lag = reply_field(group, "lag");
        if (reply_type(lag) == REPLY_INTEGER)
            return (uint64_t)reply_integer(lag) + (uint64_t)reply_integer(reply_field(group, "pending"));
        return length; /* Redis cannot tell (deleted entries, older than 7.0): not more than this can be waiting */
    }
    return length;
}

static bool in_cluster(const struct till *till) {
    return till->redis_options.url.kind == REDIS_URL_CLUSTER;
}

/* In a cluster it is asked for with each backlog, of the node that has it. */
static bool memory_wanted(const struct till *till, int64_t now_ms) {
    return !in_cluster(till) && !till->blind_memory && till->memory_high_water_percent <= 100 && now_ms >= till->memory_until_ms;
}

static bool backlog_wanted(const struct till *till, const struct client_backlog *b, int64_t now_ms) {
    if (!in_cluster(till) && (till->blind_backlog || till->backlog_max == TILL_NO_LIMIT))
        return false;
    bool filled_by_us = b->waiting < till->backlog_max && b->waiting + b->sent >= till->backlog_max; /* the workers may have kept up */
    return now_ms >= b->until_ms || (filled_by_us && till->backlog_max != TILL_NO_LIMIT);
}

static void memory_append(struct till *till) {
    command_begin(&till->command, "INFO");
    command_word(&till->command, "memory");
    redis_append(till->redis, &till->command);
}

static void backlog_append(struct till *till, unsigned partition) {
    keys_buffer key;
    size_t size = keys_intents(key, &till->book, partition);
    if (in_cluster(till)) {
        command_begin(&till->command, "INFO");
        command_word(&till->command, "memory");
        redis_append_for(till->redis, &till->command, key, size);
    }
    command_begin(&till->command, "XLEN");
    command_borrow(&till->command, key, size);
    redis_append(till->redis, &till->command);
    command_begin(&till->command, "XINFO");
    command_word(&till->command, "GROUPS");
    command_borrow(&till->command, key, size);
    redis_append(till->redis, &till->command);
}

unsigned client_guard_partition(const struct till *till, const struct till_intent *in) {
    int named = in->settle != NULL ? in->settle->partition : TILL_HOME;
    if (named >= 0 && named < (int)till->book.partitions)
        return (unsigned)named;
    return keys_partition(&till->book, in->account, strlen(in->account));
}

/* What a source has in a partition means something beside what the partition has. */
static bool source_wanted(struct till *till, unsigned partition, const char *source, int64_t now_ms) {
    return till->backlog_max != TILL_NO_LIMIT && !till->blind_backlog && client_source_wanted(till, partition, source, now_ms);
}

/* Queues the questions; how many partitions are asked for, which are left in till->asked. */
static unsigned backlogs_append(struct till *till, const struct till_intent *intents, size_t count, int64_t now_ms) {
    unsigned asked = 0;
    for (size_t i = 0; i < count; i++) {
        if (intents[i].account == NULL)
            continue;
        unsigned partition = client_guard_partition(till, &intents[i]);
        struct client_backlog *b = &till->backlog[partition];
        if (b->asked || !(backlog_wanted(till, b, now_ms) || source_wanted(till, partition, intents[i].source, now_ms)))
            continue;
        *b = (struct client_backlog){.until_ms = now_ms + BELIEVED_MS, .asked = true};
        backlog_append(till, partition);
        till->asked[asked++] = partition;
    }
    return asked;
}

/* Behind all of those, since what a source has is held against what the partition has. */
static void sources_append(struct till *till, const struct till_intent *intents, size_t count, int64_t now_ms) {
    for (size_t i = 0; i < count; i++)
        if (intents[i].account != NULL) {
            unsigned partition = client_guard_partition(till, &intents[i]);
            if (source_wanted(till, partition, intents[i].source, now_ms))
                client_source_append(till, partition, intents[i].source, now_ms + BELIEVED_MS);
        }
}

/* Whether the workers understand bulk entries: asked again, so that an operator can go back to older ones. */
static bool bulk_wanted(const struct till *till, int64_t now_ms) {
    return till->bulk_wanted && now_ms >= till->bulk_until_ms;
}

static void bulk_append(struct till *till) {
    keys_buffer key;
    command_begin(&till->command, "HMGET");
    command_borrow(&till->command, key, keys_book(key, &till->book));
    command_word(&till->command, "bulk");
    redis_append(till->redis, &till->command);
}

static enum redis_err bulk_next(struct till *till, int64_t deadline_ms, int64_t now_ms) {
    struct reply reply;
    enum redis_err err = client_next(till, deadline_ms, &reply);
    till->bulk = err == REDIS_OK && reply_is(reply_at(reply, 0), "1");
    till->bulk_until_ms = now_ms + BULK_BELIEVED_MS;
    return err == REDIS_REFUSED ? REDIS_OK : err;
}

static enum redis_err memory_next(struct till *till, int64_t deadline_ms, int64_t now_ms) {
    struct reply reply;
    enum redis_err err = client_next(till, deadline_ms, &reply);
    if (err == REDIS_OK) {
        till->memory_percent = client_guard_memory(reply_text(reply, NULL));
        till->memory_until_ms = now_ms + BELIEVED_MS;
    } else if (err == REDIS_REFUSED) {
        till->blind_memory = true;
        err = REDIS_OK;
    }
    return err;
}

/* Whoever may not ask, or does not reach that node: nothing is refused for it. */
static enum redis_err backlog_memory_next(struct till *till, unsigned partition, int64_t deadline_ms) {
    struct reply reply;
    enum redis_err err = client_next(till, deadline_ms, &reply);
    till->backlog[partition].memory_percent = err == REDIS_OK ? client_guard_memory(reply_text(reply, NULL)) : 0;
    return err == REDIS_REFUSED || err == REDIS_AWAY ? REDIS_OK : err;
}

static enum redis_err backlog_next(struct till *till, unsigned partition, int64_t deadline_ms) {
    struct reply reply;
    enum redis_err err_memory = in_cluster(till) ? backlog_memory_next(till, partition, deadline_ms) : REDIS_OK;
    if (err_memory == REDIS_LOST || err_memory == REDIS_GARBLED)
        return err_memory;
    enum redis_err err = client_next(till, deadline_ms, &reply);
    if (err == REDIS_LOST || err == REDIS_GARBLED)
        return err;
    uint64_t length = err == REDIS_OK ? (uint64_t)reply_integer(reply) : 1;
    enum redis_err err_groups = client_next(till, deadline_ms, &reply);
    if (err == REDIS_OK && err_groups == REDIS_OK)
        till->backlog[partition].waiting = client_guard_waiting(reply, length);
    else if (err_groups == REDIS_AWAY)
        till->backlog[partition].until_ms = 0; /* what goes there finds out by itself */
    else if (err_groups == REDIS_REFUSED)
        till->blind_backlog = length > 0; /* there is a stream, but not for our eyes; without one nothing waits */
    else
        return err_groups != REDIS_OK ? err_groups : err;
    return REDIS_OK;
}

enum redis_err client_guard_ask(struct till *till, const struct till_intent *intents, size_t count, int64_t deadline_ms) {
    int64_t now_ms = client_now_ms();
    bool memory = memory_wanted(till, now_ms), bulk = count > 1 && bulk_wanted(till, now_ms);
    if (memory)
        memory_append(till);
    if (bulk)
        bulk_append(till);
    unsigned asked = backlogs_append(till, intents, count, now_ms);
    if (asked > 0)
        sources_append(till, intents, count, now_ms);
    enum redis_err err = memory ? memory_next(till, deadline_ms, now_ms) : REDIS_OK;
    if (bulk && till->redis != NULL) {
        enum redis_err one = bulk_next(till, deadline_ms, now_ms);
        err = err == REDIS_OK || one == REDIS_LOST ? one : err;
    }
    for (unsigned i = 0; i < asked && till->redis != NULL; i++) {
        enum redis_err one = backlog_next(till, till->asked[i], deadline_ms);
        err = err == REDIS_OK || one == REDIS_LOST ? one : err;
    }
    enum redis_err err_sources = client_source_next(till, deadline_ms);
    err = err_sources != REDIS_OK ? err_sources : err;
    for (unsigned i = 0; i < asked; i++) {
        struct client_backlog *b = &till->backlog[till->asked[i]];
        b->asked = false;
        b->until_ms = err == REDIS_OK ? b->until_ms : 0;
    }
    if (err == REDIS_OK)
        till->error[0] = '\0'; /* not to be let see is no failure */
    return err;
}

const char *client_guard_refuses(struct till *till, unsigned partition, const char *source, char *text, size_t capacity) {
    struct client_backlog *b = &till->backlog[partition];
    bool counts = till->backlog_max != TILL_NO_LIMIT && !till->blind_backlog;
    unsigned percent = in_cluster(till) ? b->memory_percent : till->memory_percent;
    if (till->memory_high_water_percent <= 100 && percent >= till->memory_high_water_percent) {
        snprintf(text, capacity, "Redis uses %u %% of its memory limit, not less than the high water of %u %%", percent,
                 till->memory_high_water_percent);
        return text;
    }
    uint64_t own = counts && b->waiting + b->sent >= till->backlog_max ? client_source_waiting(till, partition, source) : 0;
    if (own >= till->backlog_max) {
        char among[80] = "";
        if (own != UINT64_MAX)
            snprintf(among, sizeof among, " with %" PRIu64 " intents of %s", own, source);
        snprintf(text, capacity, "%" PRIu64 " entries wait in partition %u%s, the backlog's limit is %" PRIu64, b->waiting + b->sent,
                 partition, among, till->backlog_max);
        return text;
    }
    b->sent++;
    client_source_count(till, partition, source, 1);
    return NULL;
}
