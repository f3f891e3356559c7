/* Puts archived intents back into their streams, with the IDs they had. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/replay.h"
#include "producer/replay_source.h"
#include "schema/script.h"

/* A page is what a worker of the replay takes as one batch: the larger it is, the less often an account is read and written. */
#define FEEDING "putting intents into the streams"
enum { AT_ONCE = 64, PAGE = 1024, PAGE_SIZE = 1 << 20, ROUNDS = 16 };

/* A partition being fed. */
struct feeder {
    unsigned partition;
    struct replay_source source;
    struct page {
        struct entry_id last;
        unsigned count, replies;
    } flying, next; /* sent, but not known to be there; being sent behind that */
    bool open, more;
};

static int open_feeder(struct replay *r, struct feeder *f, unsigned partition) {
    struct archive_fault fault;
    struct entry_id from = entry_id_after(r->parts[partition].fed);
    *f = (struct feeder){.partition = partition, .open = true, .more = true};
    if (replay_source_open(&f->source, r->survey.dir, partition, SEGMENT_INTENTS, from, &fault) == ARCHIVE_OK) return CLI_OK;
    return replay_archive_failed(r, &fault);
}

static size_t add_entry(struct command *c, const struct segment_record *entry, bool counted) {
    char id[ENTRY_TEXT_MAX + 1];
    const char *text;
    size_t at = 0, size;
    command_copy(c, id, entry_id_format(entry->id, id));
    if (counted) command_uint(c, entry->string_count);
    while (segment_record_string(entry, &at, &text, &size)) command_copy(c, text, size);
    return entry->size;
}

static void append_page(struct replay *r, struct feeder *f) {
    if (f->next.count == 0) return;
    redis_append(r->c.redis, &r->c.command);
    f->next.replies++;
}

/* Somebody's mistake, which the script could not put back: by itself, behind what the page has. */
static void append_huge(struct replay *r, struct feeder *f, const struct segment_record *entry, const char *key, size_t size) {
    append_page(r, f);
    command_begin(&r->c.command, "XADD");
    command_copy(&r->c.command, key, size);
    add_entry(&r->c.command, entry, false);
    redis_append(r->c.redis, &r->c.command);
    f->next.replies++;
}

/* A page of entries on its way. */
static int send_page(struct replay *r, struct feeder *f) {
    struct command *c = &r->c.command;
    struct archive_fault fault;
    struct segment_record entry;
    keys_buffer key;
    size_t bytes = 0, key_size = keys_intents(key, &r->c.book, f->partition);
    bool huge = false;
    redis_script_begin(c, &script_feed, 1);
    command_copy(c, key, key_size);
    f->next = (struct page){0};
    while (f->more && !huge && f->next.count < PAGE && bytes < PAGE_SIZE) {
        if (replay_source_next(&f->source, &entry, &f->more, &fault) != ARCHIVE_OK) return replay_archive_failed(r, &fault);
        f->more = f->more && entry_id_compare(entry.id, r->parts[f->partition].stop) <= 0;
        if (!f->more) break;
        huge = entry.string_count > SCRIPT_UNPACK_MAX;
        if (huge) append_huge(r, f, &entry, key, key_size);
        else bytes += add_entry(c, &entry, true);
        f->next.last = entry.id;
        f->next.count++;
    }
    if (!huge) append_page(r, f);
    return CLI_OK;
}

static int refused(struct replay *r, unsigned partition, enum redis_err err) {
    if (strstr(redis_error(r->c.redis), "equal or smaller") == NULL)
        return connect_failed(&r->c, err, FEEDING);
    return cli_usage(r->cli,
                     "somebody else writes into partition %u: keep checkouts and other workers away from it until it is rebuilt. It cannot"
                     " be any more: empty that Redis and begin anew",
                     partition);
}

static int take_page(struct replay *r, struct feeder *f) {
    struct replay_part *part = &r->parts[f->partition];
    struct reply reply;
    uint64_t count = f->flying.count;
    enum redis_err err = REDIS_OK;
    for (; f->flying.replies > 0 && !err; f->flying.replies--) err = redis_next(r->c.redis, &reply);
    if (err) return refused(r, f->partition, err);
    if (count > 0) part->fed = f->flying.last;
    f->flying = f->next;
    f->next = (struct page){0};
    part->added += count;
    r->fed += count;
    progress_add(&r->progress, count);
    return CLI_OK;
}

/* Some partitions at once, so that all lanes have something to do, and a page ahead, so that the server has. */
static int feed_some(struct replay *r, struct feeder *feeders, unsigned count) {
    bool more = true;
    unsigned rounds = 0;
    int code = CLI_OK;
    while (more && !code) {
        more = false;
        for (unsigned n = 0; n < count && !code; n++) code = send_page(r, &feeders[n]);
        for (unsigned n = 0; n < count && !code; n++) {
            code = take_page(r, &feeders[n]);
            more = more || feeders[n].more || feeders[n].flying.count > 0;
        }
        if (++rounds % ROUNDS != 0 && more) continue;
        for (unsigned n = 0; n < count && !code; n++) code = take_page(r, &feeders[n]); /* what looks after workers asks the server too */
        if (!code) code = replay_pool_turn(r);
    }
    return code;
}

int replay_feed(struct replay *r) {
    static struct feeder feeders[AT_ONCE];
    unsigned partitions = r->c.book.partitions;
    int code = CLI_OK;
    enum redis_err err = redis_script_load(r->c.redis, &script_feed);
    if (err) return connect_failed(&r->c, err, FEEDING);
    progress_start(&r->progress, "intents put into the streams", 0);
    for (unsigned p = 0; p < partitions; p++) r->progress.total += r->survey.streams[p].entries;
    r->progress.done = r->fed;
    for (unsigned first = 0; first < partitions && !code; first += AT_ONCE) {
        unsigned count = partitions - first < AT_ONCE ? partitions - first : AT_ONCE;
        for (unsigned n = 0; n < count; n++) feeders[n] = (struct feeder){.open = false};
        for (unsigned n = 0; n < count && !code; n++) code = open_feeder(r, &feeders[n], first + n);
        if (!code) code = feed_some(r, feeders, count);
        for (unsigned n = 0; n < count; n++)
            if (feeders[n].open) replay_source_close(&feeders[n].source);
    }
    progress_end(&r->progress);
    return code;
}
