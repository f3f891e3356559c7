/* Reads how a book stands. */
#include "producer/cli/status_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/entry.h"

typedef size_t key_maker(keys_buffer out, const struct book *book, unsigned partition);

static void append(struct connection *c, const char *command, const char *word, key_maker *make, unsigned partition,
                   const char *const *more) {
    keys_buffer key;
    command_begin(&c->command, command);
    if (word) command_word(&c->command, word);
    command_copy(&c->command, key, make(key, &c->book, partition));
    for (; more && *more; more++) command_word(&c->command, *more);
    redis_append(c->redis, &c->command);
}

/* Like connect_next, but a stream that is not there yet, or has no group, is just empty; and so is what is away, of which `away` tells. */
static int next_or_none(struct connection *c, char away[STATUS_AWAY_MAX], struct reply *reply) {
    enum redis_err err = redis_next(c->redis, reply);
    if (!err) return CLI_OK;
    if (connect_without(c, err)) snprintf(away, STATUS_AWAY_MAX, "%s", redis_error(c->redis));
    else if (err != REDIS_NOGROUP && !strstr(redis_error(c->redis), "no such key")) return connect_failed(c, err, "reading the status");
    *reply = (struct reply){0};
    return CLI_OK;
}

static void append_partition(struct connection *c, unsigned p) {
    static const char *const meta[] = {"epoch", "bill", "halted", "paused", "paused_by", "paused_reason", "replaying", NULL},
                             *const group[] = {KEYS_GROUP, NULL};
    append(c, "XINFO", "GROUPS", keys_intents, p, NULL);
    append(c, "XINFO", "STREAM", keys_intents, p, NULL);
    append(c, "XPENDING", NULL, keys_intents, p, group);
    append(c, "XLEN", NULL, keys_dead, p, NULL);
    append(c, "HMGET", NULL, keys_meta, p, meta);
    append(c, "GET", NULL, keys_lease, p, NULL);
    append(c, "HLEN", NULL, keys_unanswered, p, NULL);
}

static void take_group(struct status_partition *p, struct reply groups) {
    for (size_t n = 0; n < reply_count(groups); n++) {
        struct reply group = reply_at(groups, n), lag = reply_field(group, "lag");
        if (!reply_is(reply_field(group, "name"), KEYS_GROUP)) continue;
        p->knows_undelivered = reply_type(lag) == REPLY_INTEGER;
        p->undelivered = (uint64_t)reply_integer(lag);
        p->read = (uint64_t)reply_integer(reply_field(group, "entries-read"));
        snprintf(p->last_delivered, sizeof p->last_delivered, "(%s", reply_text(reply_field(group, "last-delivered-id"), NULL));
    }
    if (reply_count(groups) == 0) p->knows_undelivered = true;
}

static void take_pending(struct status_partition *p, struct reply pending) {
    struct entry_id oldest;
    size_t size;
    const char *text = reply_text(reply_at(pending, 1), &size);
    p->pending = (uint64_t)reply_integer(reply_at(pending, 0));
    if (p->pending && entry_id_parse(text, size, &oldest)) p->oldest_ms = oldest.ms;
}

static void take_meta(struct status_partition *p, struct reply meta) {
    p->epoch = (uint64_t)reply_integer(reply_at(meta, 0));
    p->replaying = reply_type(reply_at(meta, 6)) != REPLY_NIL;
    p->bills = (uint64_t)reply_integer(reply_at(meta, 1));
    snprintf(p->halted, sizeof p->halted, "%s", reply_text(reply_at(meta, 2), NULL));
    if (reply_type(reply_at(meta, 3)) == REPLY_NIL) return;
    const char *reason = reply_text(reply_at(meta, 5), NULL);
    int64_t since_ms = reply_integer(reply_at(meta, 3));
    p->paused_ms = since_ms > 0 ? (uint64_t)since_ms : 1; /* whatever stands there, it is paused */
    snprintf(p->paused, sizeof p->paused, "by %.200s%s%.200s", reply_text(reply_at(meta, 4), NULL), *reason ? ": " : "", reason);
}

static void take_lease(struct status_partition *p, struct reply lease) {
    const char *text = reply_text(lease, NULL), *colon = strchr(text, ':');
    snprintf(p->owner, sizeof p->owner, "%s", colon ? colon + 1 : "");
}

static int take_partition(struct connection *c, struct status_partition *p) {
    struct reply reply;
    int code = next_or_none(c, p->away, &reply);
    if (code) return code;
    take_group(p, reply);
    if ((code = next_or_none(c, p->away, &reply))) return code;
    p->added = (uint64_t)reply_integer(reply_field(reply, "entries-added"));
    if (!p->last_delivered[0]) p->undelivered = (uint64_t)reply_integer(reply_field(reply, "length")); /* no group yet: all of it waits */
    if ((code = next_or_none(c, p->away, &reply))) return code;
    take_pending(p, reply);
    if ((code = next_or_none(c, p->away, &reply))) return code;
    p->dead = (uint64_t)reply_integer(reply);
    if ((code = next_or_none(c, p->away, &reply))) return code;
    take_meta(p, reply);
    if ((code = next_or_none(c, p->away, &reply))) return code;
    take_lease(p, reply);
    if ((code = next_or_none(c, p->away, &reply))) return code;
    p->unanswered = (uint64_t)reply_integer(reply);
    return CLI_OK;
}

/* What little came of it may be half of it. */
static struct status_partition forget(const struct status_partition *p) {
    struct status_partition nothing = {0};
    memcpy(nothing.away, p->away, sizeof nothing.away);
    return nothing;
}

/* The first entry that no worker was given yet may be older than all pending ones, or the only one. */
static int read_oldest(struct connection *c, struct book_status *s) {
    for (unsigned n = 0; n < s->partition_count; n++) {
        struct status_partition *p = &s->partitions[n];
        const char *const range[] = {p->last_delivered[0] ? p->last_delivered : "-", "+", "COUNT", "1", NULL};
        append(c, "XRANGE", NULL, keys_intents, n, range);
    }
    for (unsigned n = 0; n < s->partition_count; n++) {
        struct status_partition *p = &s->partitions[n];
        struct reply reply;
        struct entry_id id;
        size_t size;
        int code = next_or_none(c, p->away, &reply);
        if (code) return code;
        const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
        if (entry_id_parse(text, size, &id) && (p->oldest_ms == 0 || id.ms < p->oldest_ms)) p->oldest_ms = id.ms;
        if (p->away[0]) *p = forget(p);
        else if (reply_count(reply) == 0) { /* certain, even where Redis keeps no count */
            p->knows_undelivered = true;
            p->undelivered = 0;
        }
    }
    return CLI_OK;
}

static int read_workers(struct connection *c, struct book_status *s) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "ZRANGE");
    command_copy(&c->command, key, keys_workers(key, &c->book));
    command_word(&c->command, "0");
    command_word(&c->command, "-1");
    command_word(&c->command, "WITHSCORES");
    int code = connect_call_partly(c, "reading the workers", &reply);
    if (code || reply_type(reply) == REPLY_NIL) return code;
    s->knows_workers = true;
    s->workers = calloc(reply_count(reply) / 2 + 1, sizeof *s->workers);
    if (!s->workers) abort();
    for (size_t n = 0; n + 1 < reply_count(reply); n += 2) {
        struct status_worker *w = &s->workers[s->worker_count++];
        snprintf(w->name, sizeof w->name, "%s", reply_text(reply_at(reply, n), NULL));
        double seen_ms = strtod(reply_text(reply_at(reply, n + 1), NULL), NULL);
        w->seen_ms = (uint64_t)seen_ms;
        w->quiet = seen_ms != (double)w->seen_ms;
        for (unsigned p = 0; p < s->partition_count; p++) w->partitions += strcmp(s->partitions[p].owner, w->name) == 0;
    }
    return CLI_OK;
}

static int read_server(struct connection *c, struct book_status *s) {
    struct reply reply;
    command_begin(&c->command, "INFO");
    command_word(&c->command, "server");
    int code = connect_call_partly(c, "asking for the server's version", &reply);
    if (code) return code;
    const char *at = strstr(reply_text(reply, NULL), "redis_version:");
    if (at) snprintf(s->server, sizeof s->server, "%.*s", (int)strcspn(at + 14, "\r\n"), at + 14);
    return CLI_OK;
}

/* "connected_slaves:1", then "slave0:ip=...,state=online,offset=1,lag=0" for each. */
static void take_replication(struct book_status *s, const char *info) {
    unsigned online = 0;
    for (const char *at = info; (at = strstr(at, "\nslave")); at++) {
        char line[200];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 1, "\r\n"), at + 1);
        const char *lag = strstr(line, ",lag=");
        if (!lag || !strstr(line, "state=online")) continue;
        unsigned lag_s = (unsigned)strtoul(lag + 5, NULL, 10);
        online++;
        if (lag_s > s->replica_lag_s) s->replica_lag_s = lag_s;
    }
    if (online < s->replicas) s->replicas = online;
}

/* Only where it matters: what durability waits for. */
static int read_replication(struct connection *c, struct book_status *s) {
    struct reply reply;
    enum redis_err err = REDIS_OK;
    if (c->config.durability_replicas == 0) return CLI_OK;
    s->replicas = UINT_MAX;
    for (unsigned node = 0; !err && redis_node_next(c->redis, &node); node++) {
        command_begin(&c->command, "INFO");
        command_word(&c->command, "replication");
        redis_append_to(c->redis, &c->command, node);
        err = redis_next(c->redis, &reply);
        if (!err) take_replication(s, reply_text(reply, NULL));
        else if (err == REDIS_AWAY) err = REDIS_OK;
    }
    return err ? connect_failed(c, err, "asking for the replicas") : CLI_OK;
}

int status_read(struct connection *c, struct book_status *s) {
    *s = (struct book_status){.partition_count = c->book.partitions};
    s->partitions = calloc(c->book.partitions, sizeof *s->partitions);
    if (!s->partitions) abort();
    int code = connect_server_ms(c, &s->now_ms);
    for (unsigned p = 0; !code && p < s->partition_count; p++) append_partition(c, p);
    for (unsigned p = 0; !code && p < s->partition_count; p++) code = take_partition(c, &s->partitions[p]);
    if (!code) code = read_oldest(c, s);
    if (!code) code = read_workers(c, s);
    if (!code) code = read_server(c, s);
    if (!code) code = read_replication(c, s);
    return code;
}

void status_clear(struct book_status *s) {
    free(s->partitions);
    free(s->workers);
    s->partitions = NULL;
    s->workers = NULL;
}
