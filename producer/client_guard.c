/* Asks Redis for its memory and the partitions' backlogs now and then, and refuses intents that would make things worse. */
#include "producer/client_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/client_source.h"

enum { BELIEVED_MS = 250, ROOMY_BELIEVED_MS = 1000, BULK_BELIEVED_MS = 1000, ANSWERED_MS = 10, PERCENT_MAX = 1000 };

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

/* What is asked on behalf of these intents, in front of them or ahead. */
struct asking {
    struct till *till;
    const struct till_intent *intents;
    size_t count;
    int64_t now_ms;
    bool ahead;
    bool asks, sources; /* something is asked, or is under way, that these wait for; of sources too */
    bool again;         /* and then all of it is to be looked at again */
};

/* To be asked now. What is not, but will have to be soon, is remembered for when these intents are sent. */
static bool is_due(const struct asking *a, const struct client_belief *belief) {
    if (client_belief_wanted(belief, a->now_ms, a->ahead))
        return true;
    a->till->ask_ahead = a->till->ask_ahead || client_belief_wanted(belief, a->now_ms, true);
    return false;
}

unsigned client_guard_partition(const struct till *till, const struct till_intent *in) {
    int named = in->settle != NULL ? in->settle->partition : TILL_HOME;
    if (named >= 0 && named < (int)till->book.partitions)
        return (unsigned)named;
    return keys_partition(&till->book, in->account, strlen(in->account));
}

/* --- how full Redis is --- */

static void memory_append(struct till *till, const char *key, size_t size) {
    command_begin(&till->command, "INFO");
    command_word(&till->command, "memory");
    redis_append_for(till->redis, &till->command, key, size);
}

/* Asking is dear for Redis: seldom while there is much room. */
static int64_t memory_believed_ms(const struct till *till, unsigned percent) {
    return percent <= till->memory_high_water_percent / 2 ? ROOMY_BELIEVED_MS : BELIEVED_MS;
}

static enum redis_err memory_hear(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct reply reply;
    enum redis_err err = client_take_next(till, deadline_ms, &reply);
    till->memory_percent = err == REDIS_OK ? client_guard_memory(reply_text(reply, NULL)) : 0;
    client_belief_hold(&till->memory, q->asked_ms, memory_believed_ms(till, till->memory_percent));
    till->blind_memory = till->blind_memory || err == REDIS_REFUSED;
    return err == REDIS_REFUSED ? REDIS_OK : err;
}

/* In a cluster it is asked for with the backlogs, of the nodes that have them. */
static void memory_ask(struct asking *a) {
    struct till *till = a->till;
    keys_buffer key;
    if (in_cluster(till) || till->blind_memory || till->memory_high_water_percent > 100 || !is_due(a, &till->memory))
        return;
    client_question_add(till, &till->memory, a->now_ms)->hear = memory_hear;
    memory_append(till, key, keys_book(key, &till->book));
    a->asks = true;
}

/* --- whether the workers understand bulk entries: asked again, so that an operator can go back to older ones --- */

static enum redis_err bulk_hear(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct reply reply;
    enum redis_err err = client_take_next(till, deadline_ms, &reply);
    till->bulk = err == REDIS_OK && reply_is(reply_at(reply, 0), "1");
    client_belief_hold(&till->bulk_belief, q->asked_ms, BULK_BELIEVED_MS);
    return err == REDIS_REFUSED ? REDIS_OK : err;
}

static void bulk_ask(struct asking *a) {
    struct till *till = a->till;
    keys_buffer key;
    if (a->count < 2 || !till->bulk_wanted || !is_due(a, &till->bulk_belief))
        return;
    client_question_add(till, &till->bulk_belief, a->now_ms)->hear = bulk_hear;
    command_begin(&till->command, "HMGET");
    command_borrow(&till->command, key, keys_book(key, &till->book));
    command_word(&till->command, "bulk");
    redis_append(till->redis, &till->command);
    a->asks = true;
}

/* --- what waits in the partitions --- */

/* Whoever may not ask, or does not reach that node: nothing is refused for it. */
static enum redis_err backlog_memory_hear(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct client_backlog *b = &till->backlog[q->partition];
    struct reply reply;
    enum redis_err err = client_take_next(till, deadline_ms, &reply);
    b->memory_percent = err == REDIS_OK ? client_guard_memory(reply_text(reply, NULL)) : 0;
    client_belief_hold(&b->memory, q->asked_ms, memory_believed_ms(till, b->memory_percent));
    return err == REDIS_REFUSED || err == REDIS_AWAY ? REDIS_OK : err;
}

static enum redis_err backlog_hear(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct client_backlog *b = &till->backlog[q->partition];
    struct reply reply;
    enum redis_err err_memory = q->memory ? backlog_memory_hear(till, q, deadline_ms) : REDIS_OK;
    if (till->redis == NULL)
        return err_memory;
    enum redis_err err = client_take_next(till, deadline_ms, &reply);
    if (till->redis == NULL)
        return err;
    uint64_t length = err == REDIS_OK ? (uint64_t)reply_integer(reply) : 1;
    enum redis_err err_groups = client_take_next(till, deadline_ms, &reply);
    if (till->redis == NULL || (err_groups != REDIS_OK && err_groups != REDIS_AWAY && err_groups != REDIS_REFUSED))
        return err_groups;
    bool known = err == REDIS_OK && err_groups == REDIS_OK;
    b->waiting = known ? client_guard_waiting(reply, length) : 0;
    b->sent -= q->sent;
    client_belief_hold(&b->belief, err_groups == REDIS_AWAY ? 0 : q->asked_ms, BELIEVED_MS); /* what goes there finds out by itself */
    if (err_groups == REDIS_REFUSED)
        till->blind_backlog = length > 0; /* there is a stream, but not for our eyes; without one nothing waits */
    return err_groups == REDIS_OK ? err : REDIS_OK;
}

static void backlog_append(struct asking *a, unsigned partition) {
    struct till *till = a->till;
    struct client_backlog *b = &till->backlog[partition];
    struct client_question *q = client_question_add(till, &b->belief, a->now_ms);
    keys_buffer key;
    size_t size = keys_intents(key, &till->book, partition);
    q->hear = backlog_hear;
    q->partition = partition;
    q->sent = b->sent;
    b->asked_ahead = a->ahead;
    q->memory = in_cluster(till) && client_belief_wanted(&b->memory, a->now_ms, true);
    if (q->memory)
        memory_append(till, key, size);
    command_begin(&till->command, "XLEN");
    command_borrow(&till->command, key, size);
    redis_append(till->redis, &till->command);
    command_begin(&till->command, "XINFO");
    command_word(&till->command, "GROUPS");
    command_borrow(&till->command, key, size);
    redis_append(till->redis, &till->command);
}

static bool counts_backlog(const struct till *till) {
    return till->backlog_max != TILL_NO_LIMIT && !till->blind_backlog;
}

/* Full by what we sent ourselves since it was asked: the workers may have kept up. Never twice in a row. */
static bool is_filled_by_us(const struct asking *a, const struct client_backlog *b) {
    uint64_t max = a->till->backlog_max;
    return !a->ahead && counts_backlog(a->till) && b->waiting < max && b->waiting + b->sent >= max;
}

/* What a source has in a partition means something beside what the partition has. */
static const struct client_belief *source_belief(const struct asking *a, const struct till_intent *in, unsigned partition) {
    return counts_backlog(a->till) ? client_source_belief(a->till, partition, in->source) : NULL;
}

static void backlog_ask(struct asking *a, const struct till_intent *in) {
    struct till *till = a->till;
    unsigned partition = client_guard_partition(till, in);
    struct client_backlog *b = &till->backlog[partition];
    const struct client_belief *source = source_belief(a, in, partition);
    bool filled = is_filled_by_us(a, b), of_source = source != NULL && is_due(a, source);
    bool due = (in_cluster(till) || counts_backlog(till)) && is_due(a, &b->belief), asks = due || filled || of_source;
    if (asks && !b->belief.asked)
        backlog_append(a, partition);
    else
        a->again = a->again || (filled && b->asked_ahead); /* the answer under way is older than what filled it */
    a->asks = a->asks || asks;
    a->sources = a->sources || of_source;
}

/* Behind all of those, since what a source has is held against what the partition has. */
static void source_ask(struct asking *a, const struct till_intent *in) {
    unsigned partition = client_guard_partition(a->till, in);
    const struct client_belief *source = source_belief(a, in, partition);
    if (source != NULL && is_due(a, source))
        client_source_ask(a->till, partition, in->source, a->now_ms, BELIEVED_MS);
}

static void ask(struct asking *a) {
    a->asks = a->sources = a->again = false;
    memory_ask(a);
    bulk_ask(a);
    for (size_t i = 0; i < a->count; i++)
        if (a->intents[i].account != NULL)
            backlog_ask(a, &a->intents[i]);
    for (size_t i = 0; i < a->count && a->sources; i++)
        if (a->intents[i].account != NULL)
            source_ask(a, &a->intents[i]);
}

/* What was asked ahead a while ago has long been answered. */
static enum redis_err hear_old(struct till *till, int64_t now_ms, int64_t deadline_ms) {
    const struct client_questions *all = &till->questions;
    if (all->count == 0 || now_ms - all->list[all->first].asked_ms < ANSWERED_MS)
        return REDIS_OK;
    enum redis_err err = client_question_hear(till, deadline_ms, false);
    return till->redis == NULL ? err : REDIS_OK;
}

enum redis_err client_guard_ask(struct till *till, const struct till_intent *intents, size_t count, int64_t deadline_ms) {
    struct asking a = {.till = till, .intents = intents, .count = count, .now_ms = client_now_ms()};
    till->ask_ahead = false;
    enum redis_err err = hear_old(till, a.now_ms, deadline_ms);
    for (a.again = err == REDIS_OK; a.again && err == REDIS_OK;) {
        ask(&a);
        err = a.asks ? client_question_hear(till, deadline_ms, false) : REDIS_OK;
    }
    if (err == REDIS_OK)
        till->error[0] = '\0'; /* not to be let see is no failure */
    return err;
}

void client_guard_ask_ahead(struct till *till, const struct till_intent *intents, size_t count) {
    struct asking a = {.till = till, .intents = intents, .count = count, .now_ms = client_now_ms(), .ahead = true};
    if (till->ask_ahead)
        ask(&a);
    till->ask_ahead = false;
    if (client_source_is_late(till, a.now_ms))
        client_source_tell(till, a.now_ms);
}

const char *client_guard_refuses(struct till *till, unsigned partition, const char *source, char *text, size_t capacity) {
    struct client_backlog *b = &till->backlog[partition];
    unsigned percent = in_cluster(till) ? b->memory_percent : till->memory_percent;
    if (till->memory_high_water_percent <= 100 && percent >= till->memory_high_water_percent) {
        snprintf(text, capacity, "Redis uses %u %% of its memory limit, not less than the high water of %u %%", percent,
                 till->memory_high_water_percent);
        return text;
    }
    uint64_t own = counts_backlog(till) && b->waiting + b->sent >= till->backlog_max ? client_source_waiting(till, partition, source) : 0;
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
