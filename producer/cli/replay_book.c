/* The book that is being rebuilt: what is there of it, and the state in which its workers send nothing. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/archive_tail.h"
#include "producer/cli/replay.h"
#include "producer/replay_source.h"
#include "schema/script.h"

#define CAREFUL "careful "

enum { POLL_MS = 20, HOLD_MS = 60000, SILENT_MS = 30000 };

static struct entry_id id_of(struct reply text) {
    struct entry_id id = {0, 0};
    size_t size;
    const char *digits = reply_text(text, &size);
    return entry_id_parse(digits, size, &id) ? id : (struct entry_id){0, 0};
}

/* Is it one of as many partitions, if there is any? */
static int check_book(struct replay *r) {
    struct reply reply;
    keys_buffer key;
    command_begin(&r->c.command, "HMGET");
    command_copy(&r->c.command, key, keys_book(key, &r->c.book));
    command_word(&r->c.command, "version");
    command_word(&r->c.command, "partitions");
    int code = connect_call(&r->c, "reading the book", &reply);
    if (code || reply_type(reply_at(reply, 0)) == REPLY_NIL) return code;
    int64_t version = reply_integer(reply_at(reply, 0)), partitions = reply_integer(reply_at(reply, 1));
    if (version == KEYS_BOOK_VERSION && partitions == (int64_t)r->c.book.partitions) return CLI_OK;
    return cli_usage(r->cli, "the book '%s' that is there has version %lld and %lld partitions, the archive's has %d and %u",
                     r->c.book.name, (long long)version, (long long)partitions, KEYS_BOOK_VERSION, r->c.book.partitions);
}

static int create_book(struct replay *r) {
    struct reply reply;
    keys_buffer key;
    redis_script_begin(&r->c.command, &script_book, 1);
    command_copy(&r->c.command, key, keys_book(key, &r->c.book));
    command_uint(&r->c.command, KEYS_BOOK_VERSION);
    command_uint(&r->c.command, r->c.book.partitions);
    enum redis_err err = redis_script_call(r->c.redis, &script_book, &r->c.command, &reply);
    return err ? connect_failed(&r->c, err, "creating the book") : CLI_OK;
}

static void take_meta(struct replay *r, unsigned p, struct reply meta) {
    struct replay_stream *s = &r->survey.streams[p];
    struct replay_part *part = &r->parts[p];
    s->applied = id_of(reply_field(meta, "applied"));
    struct reply marker = reply_field(meta, "replaying");
    part->replaying = reply_type(marker) == REPLY_TEXT;
    if (part->replaying && !(part->marker = strdup(reply_text(marker, NULL)))) abort();
    for (size_t n = 0; n + 1 < reply_count(meta); n += 2) {
        const char *name = reply_text(reply_at(meta, n), NULL);
        if (strncmp(name, "from:", 5) != 0) continue;
        unsigned long from = strtoul(name + 5, NULL, 10);
        if (from < r->c.book.partitions) *replay_survey_recorded(&r->survey, (unsigned)from, p) = id_of(reply_at(meta, n + 1));
    }
}

int replay_look(struct replay *r) {
    struct command *c = &r->c.command;
    struct reply reply;
    keys_buffer key;
    int code = check_book(r);
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        command_begin(c, "XINFO");
        command_word(c, "STREAM");
        command_copy(c, key, keys_intents(key, &r->c.book, p));
        redis_append(r->c.redis, c);
        command_begin(c, "HGETALL");
        command_copy(c, key, keys_meta(key, &r->c.book, p));
        redis_append(r->c.redis, c);
    }
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        enum redis_err err = redis_next(r->c.redis, &reply);
        if (err && !archive_tail_is_answer(reply)) return connect_failed(&r->c, err, "looking at the streams");
        r->survey.streams[p].there = r->parts[p].fed = err ? (struct entry_id){0, 0} : id_of(reply_field(reply, "last-generated-id"));
        r->parts[p].ever = err ? 0 : (uint64_t)reply_integer(reply_field(reply, "entries-added"));
        code = connect_next(&r->c, "reading meta", &reply);
        if (!code) take_meta(r, p, reply);
    }
    return code;
}

/* Is the archived entry what is there under this ID? One that was trimmed since counts as being there. */
static int same_there(struct replay *r, unsigned p, const struct segment_record *entry, bool *same) {
    struct reply reply;
    keys_buffer key;
    const char *text, *value;
    char id[ENTRY_TEXT_MAX + 1];
    size_t at = 0, size, got;
    entry_id_format(entry->id, id);
    command_begin(&r->c.command, "XRANGE");
    command_copy(&r->c.command, key, keys_intents(key, &r->c.book, p));
    command_word(&r->c.command, id);
    command_word(&r->c.command, "+");
    command_word(&r->c.command, "COUNT");
    command_word(&r->c.command, "1");
    int code = connect_call(&r->c, "reading an intent", &reply);
    struct reply found = reply_at(reply, 0), fields = reply_at(found, 1);
    if (code || reply_count(reply) == 0) return code;
    *same = reply_is(reply_at(found, 0), id) || r->parts[p].ever >= r->survey.streams[p].total;
    for (size_t n = 0; *same && reply_is(reply_at(found, 0), id) && n < reply_count(fields); n++) {
        value = reply_text(reply_at(fields, n), &got);
        *same = segment_record_string(entry, &at, &text, &size) && got == size && memcmp(value, text, size) == 0;
    }
    return code;
}

/* What is there must be the archive's, as far as both go: else it is another book's stream, or this one's after it went another way. */
static int check_last(struct replay *r, unsigned p) {
    struct replay_stream *s = &r->survey.streams[p];
    struct replay_source source;
    struct segment_record entry;
    struct archive_fault fault;
    bool more = false, beyond = entry_id_compare(s->there, s->last) > 0;
    struct entry_id common = beyond ? s->last : s->there;
    char id[ENTRY_TEXT_MAX + 1];
    if (common.ms == 0) return CLI_OK;
    entry_id_format(s->there, id);
    enum archive_err err = replay_source_open(&source, r->survey.dir, p, SEGMENT_INTENTS, common, &fault);
    if (!err) err = replay_source_next(&source, &entry, &more, &fault);
    int code = err ? replay_archive_failed(r, &fault) : CLI_OK;
    bool same = more && entry_id_compare(entry.id, common) == 0 && (!beyond || r->parts[p].ever >= s->total);
    if (!code && same) code = same_there(r, p, &entry, &same);
    replay_source_close(&source);
    if (code || same) return code;
    return cli_usage(r->cli, "partition %u: what is there, up to entry %s, is not what was archived: it is another book, or was worked on"
                     " since. Empty that Redis first", p, id);
}

static int check_partition(struct replay *r, unsigned p) {
    const struct replay_stream *s = &r->survey.streams[p];
    if (s->there.ms == 0 && s->applied.ms > 0)
        return cli_usage(r->cli, "partition %u has a state, but no stream: empty that Redis first", p);
    if (entry_id_compare(s->there, r->survey.bound) > 0)
        return cli_usage(r->cli, "partition %u: what is there goes beyond --until already: empty that Redis first", p);
    return check_last(r, p);
}

/* What the recorded streams contain of a partition, as its lanes read it. */
static char *make_marker(struct replay *r, unsigned from) {
    char *text = NULL, id[ENTRY_TEXT_MAX + 1];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    long list = r->careful ? fprintf(out, CAREFUL) : 0;
    for (unsigned to = 0; to < r->c.book.partitions; to++) {
        struct entry_id recorded = *replay_survey_recorded(&r->survey, from, to);
        if (to == from || recorded.ms == 0) continue;
        entry_id_format(recorded, id);
        fprintf(out, "%s%u:%s", ftell(out) > list ? " " : "", to, id);
    }
    if (fclose(out) != 0 || !text) abort();
    return text;
}

/* Going on with less than before would lose what was held to be recorded. */
static int check_marker(struct replay *r, unsigned p) {
    const char *at = r->parts[p].marker;
    unsigned to;
    char text[ENTRY_TEXT_MAX + 1];
    if (at && strncmp(at, CAREFUL, strlen(CAREFUL)) == 0) at += strlen(CAREFUL);
    for (int size; at && sscanf(at, "%u:%41[0-9-] %n", &to, text, &size) == 2; at += size) {
        struct entry_id id;
        if (to < r->c.book.partitions && entry_id_parse(text, strlen(text), &id) &&
            entry_id_compare(id, *replay_survey_recorded(&r->survey, p, to)) > 0)
            return cli_usage(r->cli, "this goes on with a replay that was begun with more than now: a longer archive, or a later --until."
                             " Give it that again, or empty that Redis");
    }
    return CLI_OK;
}

int replay_check(struct replay *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        code = check_partition(r, p);
        if (!code) code = check_marker(r, p);
    }
    return code;
}

static void append_rebuild(struct replay *r, unsigned p, const char *action, const char *argument) {
    struct command *c = &r->c.command;
    keys_buffer key;
    redis_script_begin(c, &script_rebuild, 4);
    command_copy(c, key, keys_meta(key, &r->c.book, p));
    command_copy(c, key, keys_lease(key, &r->c.book, p));
    command_copy(c, key, keys_intents(key, &r->c.book, p));
    command_copy(c, key, keys_unanswered(key, &r->c.book, p));
    command_word(c, action);
    command_word(c, argument);
}

static int call_rebuild(struct replay *r, unsigned p, const char *action, const char *argument, int64_t *again) {
    struct reply reply;
    append_rebuild(r, p, action, argument);
    enum redis_err err = redis_script_call(r->c.redis, &script_rebuild, &r->c.command, &reply);
    *again = err ? 0 : reply_integer(reply);
    return err ? connect_failed(&r->c, err, "taking a partition") : CLI_OK;
}

int replay_begin(struct replay *r) {
    int64_t none;
    int code = create_book(r);
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        char *marker = make_marker(r, p);
        code = call_rebuild(r, p, "begin", marker, &none);
        free(marker);
    }
    return code;
}

int replay_hold(struct replay *r, unsigned partition) {
    char text[16];
    int64_t none;
    snprintf(text, sizeof text, "%d", HOLD_MS);
    return call_rebuild(r, partition, "hold", text, &none);
}

int replay_end(struct replay *r, unsigned partition) {
    int64_t again;
    int code = call_rebuild(r, partition, "end", "", &again);
    r->pending_again += (uint64_t)again;
    return code;
}

/* How the partitions stand that are not done yet. Done is one where all is applied, and the answers still kept are those put aside.
 * `stand` changes as long as anything moves. */
static int look_again(struct replay *r, unsigned *open, uint64_t *stand) {
    struct command *c = &r->c.command;
    struct reply reply;
    keys_buffer key;
    int code = CLI_OK;
    *open = 0;
    for (unsigned p = 0; p < r->c.book.partitions; p++) {
        if (r->parts[p].done) continue;
        command_begin(c, "HMGET");
        command_copy(c, key, keys_meta(key, &r->c.book, p));
        command_word(c, "applied");
        command_word(c, "aside");
        redis_append(r->c.redis, c);
        command_begin(c, "HLEN");
        command_copy(c, key, keys_unanswered(key, &r->c.book, p));
        redis_append(r->c.redis, c);
    }
    for (unsigned p = 0; p < r->c.book.partitions && !code; p++) {
        struct replay_part *part = &r->parts[p];
        if (part->done) continue;
        if ((code = connect_next(&r->c, "looking how far it is", &reply))) break;
        struct entry_id applied = id_of(reply_at(reply, 0));
        int64_t aside = reply_integer(reply_at(reply, 1));
        if ((code = connect_next(&r->c, "looking how far it is", &reply))) break;
        part->done = entry_id_compare(applied, part->fed) >= 0 && reply_integer(reply) == aside;
        *stand = (*stand * 31 + applied.ms) * 31 + applied.seq;
        *open += !part->done;
    }
    return code;
}

int replay_wait(struct replay *r) {
    unsigned open = 1, partitions = r->c.book.partitions;
    uint64_t before = 0;
    int64_t moved_ms = progress_now_ms();
    int code = CLI_OK;
    for (unsigned p = 0; p < partitions; p++) r->parts[p].done = r->parts[p].fed.ms == 0;
    progress_start(&r->progress, "partitions applied", partitions);
    for (;;) {
        uint64_t stand = 0;
        if ((code = look_again(r, &open, &stand)) || open == 0) break;
        r->progress.done = partitions - open;
        progress_add(&r->progress, 0);
        if (stand != before) moved_ms = progress_now_ms();
        before = stand;
        if (progress_now_ms() - moved_ms > SILENT_MS) {
            cli_say(r->cli, "nothing moves: %u partitions wait; are there workers? see their log, `till status`", open);
            moved_ms = progress_now_ms();
        }
        poll(NULL, 0, POLL_MS);
        if ((code = replay_pool_turn(r))) break;
    }
    progress_end(&r->progress);
    return code;
}
