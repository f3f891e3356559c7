/* Adds up what each source sent, and asks what of it was answered.
 *
 *     waiting = sent - answered - base
 *
 * `sent` is counted by whoever sends, a quarter of a second late, or with its next send of any kind after that; `answered` is how many
 * entries were ever added to the source's answers. The two drift apart (a sender died before it told, answers were given again, data was
 * lost, entries were buried, others XADD without counting, an intent was put off for weeks), so whoever sees a number that cannot be
 * (below 0, or more than what waits in the partition can hold) moves the base, which any number of clients may do at once: they write the
 * same. When nothing waits, all is exact again. */
#define uthash_fatal(message) abort()
#include "producer/client_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "schema/bulk.h"

enum { LATE_MS = 250 };

/* A source in a partition. */
struct share {
    struct source *source;
    unsigned partition;
    uint64_t waiting;     /* as Redis said */
    int64_t sent, untold; /* by us since then; and of that and before, what Redis does not know yet */
    int64_t base;
    bool mends;           /* the base is to be written */
    bool known;
    struct client_belief belief;
    bool listed;          /* among the late, since then */
    int64_t since_ms;
    struct share *prev, *next;
};

struct source {
    char name[INTENT_SOURCE_MAX + 1];
    bool blind; /* Redis does not let us ask */
    UT_hash_handle hh;
    struct share shares[]; /* by partition */
};

struct client_sources {
    struct source *table, *last;
    struct share *late; /* perhaps something to tell; oldest first */
};

/* NULL: it is no name. */
static struct source *find(struct till *till, const char *name) {
    struct client_sources *all = till->sources;
    size_t size = name != NULL ? strnlen(name, INTENT_SOURCE_MAX + 1) : 0;
    if (size == 0 || size > INTENT_SOURCE_MAX)
        return NULL;
    if (all == NULL && (all = till->sources = calloc(1, sizeof *all)) == NULL)
        abort();
    if (all->last != NULL && strcmp(all->last->name, name) == 0)
        return all->last;
    struct source *s;
    HASH_FIND_STR(all->table, name, s);
    if (s == NULL) {
        s = calloc(1, sizeof *s + till->book.partitions * sizeof s->shares[0]);
        if (s == NULL)
            abort();
        memcpy(s->name, name, size);
        for (unsigned p = 0; p < till->book.partitions; p++)
            s->shares[p] = (struct share){.source = s, .partition = p};
        HASH_ADD_STR(all->table, name, s);
    }
    return all->last = s;
}

static void list_late(struct client_sources *all, struct share *share, int64_t since_ms) {
    share->listed = true;
    share->since_ms = since_ms;
    DL_APPEND(all->late, share);
}

/* More of what Redis does not know yet. */
static void add_untold(struct till *till, struct source *s, unsigned partition, int64_t more) {
    struct share *share = &s->shares[partition];
    share->untold += more;
    if (!share->listed)
        list_late(till->sources, share, client_now_ms());
}

const struct client_belief *client_source_belief(struct till *till, unsigned partition, const char *source) {
    struct source *s = find(till, source);
    return s != NULL && !s->blind ? &s->shares[partition].belief : NULL;
}

static void begin(struct till *till, const char *name, const struct source *s, unsigned partition, keys_buffer key) {
    command_begin(&till->command, name);
    command_borrow(&till->command, key, keys_sent(key, &till->book, partition, s->name));
}

static void append_number(struct till *till, const char *field, int64_t number) {
    char text[24];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    command_word(&till->command, field);
    command_copy(&till->command, text, (size_t)size);
    redis_append(till->redis, &till->command);
}

/* What Redis does not know yet. */
static void append_report(struct till *till, const struct source *s, unsigned partition) {
    const struct share *share = &s->shares[partition];
    keys_buffer key;
    if (share->untold != 0) {
        begin(till, "HINCRBY", s, partition, key);
        append_number(till, "sent", share->untold);
    }
    if (share->mends) {
        begin(till, "HSET", s, partition, key);
        append_number(till, "base", share->base);
    }
}

static bool is_gone(enum redis_err err) {
    return err == REDIS_LOST || err == REDIS_GARBLED;
}

/* Who may not is not asked again. */
static enum redis_err next(struct till *till, int64_t deadline_ms, struct source *s, struct reply *reply) {
    enum redis_err err = client_next(till, deadline_ms, reply);
    s->blind = s->blind || (err == REDIS_REFUSED && strncmp(till->error, "NOPERM", 6) == 0);
    return err;
}

static void settle(struct share *share, int64_t apart, uint64_t entries) {
    int64_t most = entries < INT64_MAX / BULK_INTENTS_MAX ? (int64_t)entries * BULK_INTENTS_MAX : INT64_MAX;
    int64_t waiting = apart - share->base;
    waiting = waiting < 0 ? 0 : waiting > most ? most : waiting;
    share->mends = apart - waiting != share->base;
    share->base = apart - waiting;
    share->waiting = (uint64_t)waiting;
    share->known = true;
}

/* To what it was told. */
static enum redis_err hear_report(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct reply reply;
    enum redis_err err = q->told != 0 ? next(till, deadline_ms, q->source, &reply) : REDIS_OK;
    if (is_gone(err))
        return err;
    if (err != REDIS_OK)
        add_untold(till, q->source, q->partition, q->told);
    enum redis_err err_base = q->mended ? next(till, deadline_ms, q->source, &reply) : REDIS_OK;
    return is_gone(err_base) ? err_base : REDIS_OK;
}

static enum redis_err hear(struct till *till, const struct client_question *q, int64_t deadline_ms) {
    struct share *share = &q->source->shares[q->partition];
    struct reply reply;
    enum redis_err err_report = hear_report(till, q, deadline_ms);
    if (err_report != REDIS_OK)
        return err_report;
    enum redis_err err = next(till, deadline_ms, q->source, &reply);
    if (is_gone(err))
        return err;
    int64_t apart = reply_integer(reply_at(reply, 0));
    share->base = reply_integer(reply_at(reply, 1));
    share->sent -= (int64_t)q->sent;
    share->known = false;
    enum redis_err err_answers = next(till, deadline_ms, q->source, &reply);
    if (is_gone(err_answers))
        return err_answers;
    bool none = err_answers == REDIS_REFUSED && strstr(till->error, "no such key") != NULL;
    struct reply added = reply_field(reply, "entries-added");
    if (err == REDIS_OK && (none || (err_answers == REDIS_OK && reply_type(added) == REPLY_INTEGER)))
        settle(share, apart - (none ? 0 : reply_integer(added)), till->backlog[q->partition].waiting);
    return REDIS_OK;
}

/* Queues what Redis does not know yet, as part of a question. */
static void report(struct till *till, struct client_question *q, struct source *s, unsigned partition) {
    struct share *share = &s->shares[partition];
    q->source = s;
    q->partition = partition;
    q->sent = (uint64_t)share->sent;
    q->told = share->untold;
    q->mended = share->mends;
    append_report(till, s, partition);
    share->untold = 0;
    share->mends = false;
}

void client_source_ask(struct till *till, unsigned partition, const char *source, int64_t now_ms, int64_t believed_ms) {
    struct source *s = find(till, source);
    struct client_question *q = client_question_add(till, &s->shares[partition].belief, now_ms);
    keys_buffer key;
    q->hear = hear;
    client_belief_hold(&s->shares[partition].belief, now_ms, believed_ms);
    report(till, q, s, partition);
    begin(till, "HMGET", s, partition, key);
    command_word(&till->command, "sent");
    command_word(&till->command, "base");
    redis_append(till->redis, &till->command);
    command_begin(&till->command, "XINFO");
    command_word(&till->command, "STREAM");
    command_borrow(&till->command, key, keys_responses(key, &till->book, partition, s->name));
    redis_append(till->redis, &till->command);
}

bool client_source_is_late(const struct till *till, int64_t now_ms) {
    const struct client_sources *all = till->sources;
    return all != NULL && all->late != NULL && now_ms - all->late->since_ms >= LATE_MS;
}

/* In a cluster nothing waits for a node that this send has nothing to do with. */
static bool is_reached(struct till *till, const struct source *s, unsigned partition) {
    keys_buffer key;
    size_t size = keys_sent(key, &till->book, partition, s->name);
    return redis_node_of(till->redis, key, size) == redis_node_last(till->redis);
}

void client_source_tell(struct till *till, int64_t now_ms) {
    while (client_source_is_late(till, now_ms)) {
        struct client_sources *all = till->sources;
        struct share *share = all->late;
        struct source *s = share->source;
        bool fresh = now_ms < share->belief.until_ms || !is_reached(till, s, share->partition);
        DL_DELETE(all->late, share);
        share->listed = false;
        if (share->untold == 0 || s->blind)
            continue;
        if (fresh) {
            list_late(all, share, now_ms);
            continue;
        }
        struct client_question *q = client_question_add(till, NULL, now_ms);
        q->hear = hear_report;
        report(till, q, s, share->partition);
    }
}

uint64_t client_source_waiting(struct till *till, unsigned partition, const char *source) {
    const struct source *s = find(till, source);
    if (s == NULL || !s->shares[partition].known)
        return UINT64_MAX;
    return s->shares[partition].waiting + (uint64_t)s->shares[partition].sent;
}

void client_source_count(struct till *till, unsigned partition, const char *source, int more) {
    struct source *s = till->backlog_max != TILL_NO_LIMIT ? find(till, source) : NULL;
    if (s == NULL)
        return;
    s->shares[partition].sent += more;
    add_untold(till, s, partition, more);
}

void client_source_report(struct till *till) {
    if (till->sources == NULL || till->redis == NULL || redis_is_lost(till->redis))
        return;
    for (struct source *s = till->sources->table; s != NULL; s = s->hh.next)
        for (unsigned p = 0; p < till->book.partitions && !s->blind; p++)
            append_report(till, s, p);
    (void)!redis_flush(till->redis);
}

void client_source_free(struct client_sources *sources) {
    struct source *s, *after;
    if (sources == NULL)
        return;
    HASH_ITER(hh, sources->table, s, after) {
        HASH_DEL(sources->table, s);
        free(s);
    }
    free(sources);
}
