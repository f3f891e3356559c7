/* Reads and shows what is in the streams of a book, and what no longer is. */
#include "producer/cli/status_streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "producer/cli/table.h"
#include "producer/cli/when.h"
#include "schema/entry.h"

static struct status_stream *stream_of(struct status_streams *s, const char *name) {
    for (size_t n = 0; n < s->count; n++)
        if (strcmp(s->list[n].name, name) == 0) return &s->list[n];
    s->list = realloc(s->list, (s->count + 1) * sizeof *s->list);
    if (!s->list) abort();
    struct status_stream *stream = &s->list[s->count++];
    *stream = (struct status_stream){0};
    snprintf(stream->name, sizeof stream->name, "%s", name);
    return stream;
}

static void add_fault(struct status_streams *s, unsigned partition, const char *text) {
    s->faults = realloc(s->faults, (s->fault_count + 1) * sizeof *s->faults);
    if (!s->faults) abort();
    struct status_archive_fault *fault = &s->faults[s->fault_count++];
    *fault = (struct status_archive_fault){.partition = partition};
    snprintf(fault->text, sizeof fault->text, "%s", text);
}

/* A field of {B:p}:trimmed: "cut:intents", "held:responses:shop". */
static void take_field(struct status_streams *s, unsigned partition, const char *field, struct reply value) {
    const char *name = strchr(field, ':');
    uint64_t number = (uint64_t)reply_integer(value);
    if (strcmp(field, "archive") == 0) add_fault(s, partition, reply_text(value, NULL));
    if (!name || strlen(++name) > STATUS_STREAM_NAME_MAX) return;
    struct status_stream *stream = stream_of(s, name);
    if (strncmp(field, "cut:", 4) == 0) stream->cut += number;
    else if (strncmp(field, "behind:", 7) == 0) stream->unread += number;
    else if (strncmp(field, "archived:", 9) == 0) {
        stream->archived += number;
        stream->archives++;
    } else if (strncmp(field, "held:", 5) == 0) {
        stream->held++;
        snprintf(stream->holder, sizeof stream->holder, "%s", reply_text(value, NULL));
    }
}

static int read_trimmed(struct connection *c, struct status_streams *s) {
    struct reply hash;
    keys_buffer key;
    for (unsigned p = 0; p < c->book.partitions; p++) {
        command_begin(&c->command, "HGETALL");
        command_copy(&c->command, key, keys_trimmed(key, &c->book, p));
        redis_append(c->redis, &c->command);
    }
    for (unsigned p = 0; p < c->book.partitions; p++) {
        int code = connect_next_partly(c, "reading what was trimmed", &hash);
        if (code) return code;
        for (size_t n = 0; n + 1 < reply_count(hash); n += 2) take_field(s, p, reply_text(reply_at(hash, n), NULL), reply_at(hash, n + 1));
    }
    return CLI_OK;
}

static void append(struct connection *c, const char *command, const char *word, unsigned partition, const char *name) {
    char key[KEYS_SIZE_MAX + STATUS_STREAM_NAME_MAX];
    command_begin(&c->command, command);
    if (word) command_word(&c->command, word);
    command_copy(&c->command, key, (size_t)snprintf(key, sizeof key, "{%s:%u}:%s", c->book.name, partition, name));
}

/* Asks for length, first entry and, where it is archived, how many entries it ever had; of one partition. */
static void ask(struct connection *c, unsigned partition, const struct status_stream *s) {
    append(c, "XLEN", NULL, partition, s->name);
    redis_append(c->redis, &c->command);
    append(c, "XRANGE", NULL, partition, s->name);
    command_word(&c->command, "-");
    command_word(&c->command, "+");
    command_word(&c->command, "COUNT");
    command_word(&c->command, "1");
    redis_append(c->redis, &c->command);
    if (!s->archives) return;
    append(c, "XINFO", "STREAM", partition, s->name);
    redis_append(c->redis, &c->command);
}

static int take(struct connection *c, struct status_stream *s) {
    struct reply reply;
    struct entry_id first;
    size_t size;
    int code = connect_next_partly(c, "reading the streams", &reply);
    if (code) return code;
    s->length += (uint64_t)reply_integer(reply);
    if ((code = connect_next_partly(c, "reading the streams", &reply))) return code;
    const char *id = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    if (entry_id_parse(id, size, &first) && (!s->oldest_ms || first.ms < s->oldest_ms)) s->oldest_ms = first.ms;
    if (!s->archives) return CLI_OK;
    enum redis_err err = redis_next(c->redis, &reply);
    bool none = connect_without(c, err) || (err && strstr(redis_error(c->redis), "no such key"));
    if (err && !none) return connect_failed(c, err, "reading the streams");
    for (size_t n = 0; !err && n + 1 < reply_count(reply); n += 2)
        if (reply_is(reply_at(reply, n), "entries-added")) s->added += (uint64_t)reply_integer(reply_at(reply, n + 1));
    return CLI_OK;
}

int status_streams_read(struct connection *c, struct status_streams *s) {
    static const char *const always[] = {"intents", "ledger", "dead", "discarded"};
    *s = (struct status_streams){0};
    for (size_t n = 0; n < sizeof always / sizeof always[0]; n++) stream_of(s, always[n]);
    int code = connect_server_ms(c, &s->now_ms);
    if (!code) code = read_trimmed(c, s);
    for (unsigned p = 0; !code && p < c->book.partitions; p++) {
        for (size_t n = 0; n < s->count; n++) ask(c, p, &s->list[n]);
        for (size_t n = 0; !code && n < s->count; n++) code = take(c, &s->list[n]);
    }
    return code;
}

void status_streams_clear(struct status_streams *s) {
    free(s->list);
    free(s->faults);
    *s = (struct status_streams){0};
}

/* By this command's configuration. */
static uint64_t kept_ms(const struct config *config, const struct status_stream *s) {
    if (strcmp(s->name, "intents") == 0) return config->retention_intents_ms;
    if (strcmp(s->name, "ledger") == 0) return config->retention_ledger_ms;
    if (strcmp(s->name, "dead") == 0) return config->retention_dead_ms;
    if (strcmp(s->name, "discarded") == 0) return config->retention_discarded_ms;
    return config->retention_responses_ms;
}

/* Entries that are not in the archive; it may be counted later than they were. */
static uint64_t unarchived(const struct status_stream *s) { return s->added > s->archived ? s->added - s->archived : 0; }

static void print_row(const struct connection *c, const struct status_streams *s, const struct status_stream *stream, struct table *table) {
    char age[WHEN_AGE_SIZE] = "", kept[UNITS_SHOW_MAX] = "keep";
    uint64_t ms = kept_ms(&c->config, stream);
    if (stream->oldest_ms) when_age(s->now_ms > stream->oldest_ms ? s->now_ms - stream->oldest_ms : 0, age);
    if (ms != CONFIG_KEEP) units_show_duration(ms, kept);
    table_add(table, stream->name);
    table_addf(table, "%" PRIu64, stream->length);
    table_add(table, age);
    table_add(table, kept);
    table_addf(table, "%" PRIu64, stream->cut);
    table_addf(table, "%" PRIu64, stream->unread);
    if (stream->archives) table_addf(table, "%" PRIu64, unarchived(stream));
    else table_add(table, "-");
    table_add(table, stream->holder);
}

void status_streams_print(const struct connection *c, const struct status_streams *s) {
    static const struct table_column columns[] = {{"STREAM", false}, {"ENTRIES", true},      {"OLDEST", true},
                                                  {"KEPT", true},    {"CUT", true},          {"UNREAD", true},
                                                  {"NOT ARCHIVED", true}, {"HELD BY", false}, {NULL, false}};
    struct table table;
    table_init(&table, columns);
    for (size_t n = 0; n < s->count; n++) print_row(c, s, &s->list[n], &table);
    table_flush(&table);
    table_clear(&table);
    for (size_t n = 0; n < s->fault_count; n++) {
        printf("partition %u is not archived: ", s->faults[n].partition);
        table_print_safe(s->faults[n].text);
        putchar('\n');
    }
}

void status_streams_json(const struct connection *c, const struct status_streams *s, json_t *object) {
    json_t *streams = json_out_array(), *faults = json_out_array();
    for (size_t n = 0; n < s->count; n++) {
        const struct status_stream *stream = &s->list[n];
        json_t *one = json_out_object();
        uint64_t ms = kept_ms(&c->config, stream), age = s->now_ms > stream->oldest_ms ? s->now_ms - stream->oldest_ms : 0;
        json_out_text(one, "stream", stream->name);
        json_out_number(one, "entries", (int64_t)stream->length);
        json_out_optional(one, "oldest_ms", stream->oldest_ms != 0, (int64_t)age);
        json_out_optional(one, "kept_ms", ms != CONFIG_KEEP, (int64_t)ms);
        json_out_number(one, "cut", (int64_t)stream->cut);
        json_out_number(one, "unread", (int64_t)stream->unread);
        json_out_optional(one, "unarchived", stream->archives > 0, (int64_t)unarchived(stream));
        json_out_value(one, "held_by", stream->held ? json_out_string(stream->holder, strlen(stream->holder)) : json_null());
        json_out_number(one, "held", stream->held);
        json_out_append(streams, one);
    }
    for (size_t n = 0; n < s->fault_count; n++) {
        json_t *fault = json_out_object();
        json_out_number(fault, "partition", s->faults[n].partition);
        json_out_text(fault, "text", s->faults[n].text);
        json_out_append(faults, fault);
    }
    json_out_value(object, "streams", streams);
    json_out_value(object, "archive_faults", faults);
}
