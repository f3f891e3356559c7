/* Backlogs and ages, by one pipeline for all partitions, and a second one for the heads of their lines. */
#include "worker/gauges.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

enum { UNKNOWN = -1 };

enum gauge { BACKLOG, HEAD_AGE, PENDING_AGE, DUE_AGE, DEAD, ARCHIVE_LAG, ARCHIVE_FAULT, TRIM_LAG, GAUGE_COUNT };

static const struct { const char *name, *help; bool is_age; } gauges[GAUGE_COUNT] = {
    [BACKLOG] = {"till_backlog_entries", "Entries that wait or are being applied.", false},
    [HEAD_AGE] = {"till_head_of_line_age_seconds", "Age of the first entry that is not applied, 0 when there is none.", true},
    [PENDING_AGE] = {"till_oldest_pending_age_seconds", "Age of the oldest entry that was delivered and is not done with.", true},
    [DUE_AGE] = {"till_oldest_due_age_seconds", "How long ago the first thing that falls due was due, 0 when none is.", true},
    [DEAD] = {"till_dead_entries", "Entries in the dead stream.", false},
    [ARCHIVE_LAG] = {"till_archive_lag_entries", "Intents that are not archived; only where they are.", false},
    [TRIM_LAG] = {"till_trim_lag_seconds", "How much longer the oldest intent is kept than retention.intents says.", true},
    [ARCHIVE_FAULT] = {"till_archive_fault", "1 when something is wrong with the archive.", false},
};

struct survey {
    struct redis *redis;
    const struct book *book;
    const struct metrics *metrics;
    struct command command;
    uint64_t now_ms, kept_ms; /* kept_ms: retention.intents */
    bool up;
    int64_t (*values)[GAUGE_COUNT]; /* by partition: entries, or ms */
    struct entry_id *applied;
};

typedef size_t key_maker(keys_buffer out, const struct book *book, unsigned partition);

static void append(struct survey *s, const char *name, const char *sub, key_maker *make, unsigned partition, const char *const *words) {
    keys_buffer key;
    command_begin(&s->command, name);
    if (sub) command_word(&s->command, sub);
    command_copy(&s->command, key, make(key, s->book, partition));
    for (; words && *words; words++) command_word(&s->command, *words);
    redis_append(s->redis, &s->command);
}

/* Nil when it was refused; the connection may be lost then. */
static struct reply next(struct survey *s) {
    struct reply reply = {NULL};
    if (redis_is_lost(s->redis) || redis_unanswered(s->redis) == 0) {
        s->up = false;
    } else if (redis_next(s->redis, &reply)) {
        s->up = s->up && !redis_is_lost(s->redis);
        reply = (struct reply){NULL};
    }
    return reply;
}

static bool is_served(const struct survey *s, unsigned p) { return atomic_load(&s->metrics->lanes[p].owned); }

static int64_t age_ms(const struct survey *s, uint64_t since_ms) { return s->now_ms > since_ms ? (int64_t)(s->now_ms - since_ms) : 0; }

static void ask(struct survey *s, unsigned p) {
    static const char *const group[] = {KEYS_GROUP, NULL}, *const applied[] = {"applied", NULL};
    static const char *const first[] = {"-inf", "+inf", "WITHSCORES", "LIMIT", "0", "1", NULL};
    static const char *const archive[] = {"archived:intents", "archive", NULL};
    append(s, "XINFO", "GROUPS", keys_intents, p, NULL);
    append(s, "XINFO", "STREAM", keys_intents, p, NULL);
    append(s, "XPENDING", NULL, keys_intents, p, group);
    append(s, "HGET", NULL, keys_meta, p, applied);
    append(s, "ZRANGEBYSCORE", NULL, keys_due, p, first);
    append(s, "XLEN", NULL, keys_dead, p, NULL);
    append(s, "HMGET", NULL, keys_trimmed, p, archive);
}

static void take_group(int64_t *value, struct reply groups) {
    for (size_t n = 0; n < reply_count(groups); n++) {
        struct reply group = reply_at(groups, n), lag = reply_field(group, "lag");
        if (!reply_is(reply_field(group, "name"), KEYS_GROUP) || reply_type(lag) != REPLY_INTEGER) continue;
        value[BACKLOG] = reply_integer(lag) + reply_integer(reply_field(group, "pending"));
    }
}

static void take(struct survey *s, unsigned p) {
    int64_t *value = s->values[p];
    struct entry_id oldest;
    size_t size;
    const char *text;
    take_group(value, next(s));
    struct reply stream = next(s), entries_added = reply_field(stream, "entries-added");
    text = reply_text(reply_at(reply_field(stream, "first-entry"), 0), &size);
    bool trims = s->kept_ms != CONFIG_KEEP && reply_type(stream) == REPLY_ARRAY;
    if (trims) value[TRIM_LAG] = entry_id_parse(text, size, &oldest) ? age_ms(s, oldest.ms + s->kept_ms) : 0;
    int64_t added = reply_type(entries_added) == REPLY_INTEGER ? reply_integer(entries_added) : UNKNOWN;
    struct reply reply = next(s);
    text = reply_text(reply_at(reply, 1), &size);
    if (reply_type(reply) == REPLY_ARRAY) value[PENDING_AGE] = entry_id_parse(text, size, &oldest) ? age_ms(s, oldest.ms) : 0;
    text = reply_text(next(s), &size);
    if (!entry_id_parse(text, size, &s->applied[p])) s->applied[p] = (struct entry_id){0, 0};
    reply = next(s);
    if (reply_type(reply) == REPLY_ARRAY)
        value[DUE_AGE] = reply_count(reply) > 1 ? age_ms(s, strtoull(reply_text(reply_at(reply, 1), NULL), NULL, 10)) : 0;
    reply = next(s);
    if (reply_type(reply) == REPLY_INTEGER) value[DEAD] = reply_integer(reply);
    reply = next(s);
    bool archived = reply_type(reply_at(reply, 0)) == REPLY_TEXT;
    if (archived && added != UNKNOWN) value[ARCHIVE_LAG] = added - reply_integer(reply_at(reply, 0));
    if (archived || reply_type(reply_at(reply, 1)) == REPLY_TEXT) value[ARCHIVE_FAULT] = *reply_text(reply_at(reply, 1), NULL) != '\0';
}

static void ask_head(struct survey *s, unsigned p) {
    char from[ENTRY_TEXT_MAX + 1];
    entry_id_format(entry_id_after(s->applied[p]), from);
    keys_buffer key;
    command_begin(&s->command, "XRANGE");
    command_copy(&s->command, key, keys_intents(key, s->book, p));
    command_copy(&s->command, from, strlen(from));
    command_word(&s->command, "+");
    command_word(&s->command, "COUNT");
    command_word(&s->command, "1");
    redis_append(s->redis, &s->command);
}

static void take_head(struct survey *s, unsigned p) {
    struct entry_id first;
    size_t size;
    struct reply reply = next(s);
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    if (reply_type(reply) == REPLY_ARRAY) s->values[p][HEAD_AGE] = entry_id_parse(text, size, &first) ? age_ms(s, first.ms) : 0;
}

static void for_each(struct survey *s, void (*visit)(struct survey *s, unsigned p), const bool *served) {
    for (unsigned p = 0; p < s->book->partitions; p++)
        if (served[p]) visit(s, p);
}

static void survey(struct survey *s, const bool *served) {
    struct reply time;
    command_begin(&s->command, "TIME");
    s->up = redis_call(s->redis, &s->command, &time) == REDIS_OK;
    if (!s->up) return;
    s->now_ms = (uint64_t)reply_integer(reply_at(time, 0)) * 1000 + (uint64_t)reply_integer(reply_at(time, 1)) / 1000;
    for_each(s, ask, served);
    for_each(s, take, served);
    for_each(s, ask_head, served);
    for_each(s, take_head, served);
}

static void print(const struct survey *s, enum gauge gauge, FILE *out) {
    bool known = false;
    for (unsigned p = 0; p < s->book->partitions; p++) {
        int64_t value = s->values[p][gauge];
        if (value == UNKNOWN) continue;
        if (!known) metrics_print_head(out, gauges[gauge].name, "gauge", gauges[gauge].help);
        known = true;
        if (gauges[gauge].is_age) fprintf(out, "%s{partition=\"%u\"} %.3f\n", gauges[gauge].name, p, (double)value / 1000);
        else fprintf(out, "%s{partition=\"%u\"} %" PRId64 "\n", gauges[gauge].name, p, value);
    }
}

void gauges_print(struct redis *redis, const struct book *book, const struct metrics *metrics, uint64_t kept_ms, FILE *out) {
    struct survey s = {.redis = redis, .book = book, .metrics = metrics, .kept_ms = kept_ms};
    s.values = calloc(book->partitions, sizeof *s.values);
    s.applied = calloc(book->partitions, sizeof *s.applied);
    bool *served = calloc(book->partitions, sizeof *served);
    assert(s.values && s.applied && served && "out of memory");
    command_init(&s.command);
    for (unsigned p = 0; p < book->partitions; p++) {
        served[p] = is_served(&s, p);
        for (enum gauge g = 0; g < GAUGE_COUNT; g++) s.values[p][g] = UNKNOWN;
    }
    survey(&s, served);
    metrics_print_head(out, "till_redis_up", "gauge", "1 when Redis answers.");
    fprintf(out, "till_redis_up %d\n", s.up);
    for (enum gauge g = 0; g < GAUGE_COUNT; g++) print(&s, g, out);
    command_clear(&s.command);
    free(s.values);
    free(s.applied);
    free(served);
}

enum redis_err gauges_try_write(struct redis *redis, const struct book *book, const char *worker) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    command_init(&c);
    command_begin(&c, "ZADD");
    command_copy(&c, key, keys_workers(key, book));
    command_word(&c, "XX");
    command_word(&c, "GT");
    command_word(&c, "0");
    command_word(&c, worker);
    enum redis_err err = redis_call(redis, &c, &reply);
    command_clear(&c);
    return err;
}
