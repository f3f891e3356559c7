/* Reads archives back, beside the streams. */
#include "tests/flow/archives.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "producer/archive_verify.h"

static void skip(void *context, const struct archive_verified *v) {
    struct archives *a = context;
    a->entries += v->entries;
    a->missing += v->missing;
    a->torn += v->torn;
}

static void say(void *context, const struct archive_fault *fault) {
    (void)context;
    fprintf(stderr, "archive: %s: at %llu: %s\n", fault->file, (unsigned long long)fault->offset, fault->text);
}

struct archives archives_read(const char *dir) {
    struct archives a = {0};
    struct archive_fault fault;
    struct archive_verify v = {.verified = skip, .finding = say, .context = &a};
    if (archive_verify(&v, dir, &fault) != ARCHIVE_OK) say(NULL, &fault);
    a.found = v.found;
    a.partitions = v.partitions;
    return a;
}

/* Entries as one number: those from `from` on, in their order. */
struct sum {
    struct entry_id from;
    uint64_t entries, all; /* all: also those before `from` */
    unsigned long crc;
};

static void add(struct sum *s, const void *bytes, size_t size) { s->crc = crc32(s->crc, bytes, (unsigned)size); }

static enum archive_err add_record(void *context, const struct archive_reader *reader, const struct segment_record *record,
                                   struct archive_fault *fault) {
    struct sum *s = context;
    const char *text;
    size_t at = 0, size;
    (void)reader;
    (void)fault;
    if (record->type != SEGMENT_ENTRY) return ARCHIVE_OK;
    s->all++;
    if (entry_id_compare(record->id, s->from) < 0) return ARCHIVE_OK;
    s->entries++;
    add(s, &record->id, sizeof record->id);
    while (segment_record_string(record, &at, &text, &size)) {
        add(s, &size, sizeof size);
        add(s, text, size);
    }
    return ARCHIVE_OK;
}

static enum archive_err sum_archive(struct flow *flow, const char *dir, unsigned p, enum segment_stream stream, struct sum *s,
                                    struct archive_fault *fault) {
    archive_path where;
    struct archive_manifest m;
    struct segment_chain chain;
    uint64_t lowest, highest, count;
    cr_assert(archive_path_partition(where, dir, p));
    enum archive_err err = archive_manifest_read(where, &m, fault);
    if (!err) err = archive_segments(where, stream, &lowest, &highest, &count, fault);
    segment_chain_init(&chain, &flow->book, p, stream);
    for (uint64_t n = 1; !err && n <= highest; n++) {
        const struct archive_mark *mark = stream == SEGMENT_INTENTS ? &m.intents : &m.ledger;
        struct archive_scan scan = {.partition_dir = where, .number = n, .mark = mark, .each = add_record, .context = s};
        err = archive_scan(&scan, &chain, n < highest, fault);
    }
    return err;
}

static void add_entry(struct sum *s, struct reply entry) {
    struct reply strings = reply_at(entry, 1);
    struct entry_id id;
    size_t size;
    const char *text = reply_text(reply_at(entry, 0), &size);
    cr_assert(entry_id_parse(text, size, &id));
    if (s->entries++ == 0) s->from = id;
    add(s, &id, sizeof id);
    for (size_t n = 0; n < reply_count(strings); n++) {
        text = reply_text(reply_at(strings, n), &size);
        add(s, &size, sizeof size);
        add(s, text, size);
    }
}

static void sum_stream(struct flow *flow, const char *key, struct sum *s) {
    char from[ENTRY_TEXT_MAX + 2] = "-";
    struct reply page, info;
    do {
        cr_assert_eq(flow_call(flow, &page, "XRANGE", key, from, "+", "COUNT", "500", NULL), REDIS_OK);
        for (size_t n = 0; n < reply_count(page); n++) {
            add_entry(s, reply_at(page, n));
            snprintf(from, sizeof from, "(%s", reply_text(reply_at(reply_at(page, n), 0), NULL));
        }
    } while (reply_count(page) > 0);
    if (flow_call(flow, &info, "XINFO", "STREAM", key, NULL)) return; /* there is none */
    for (size_t n = 0; n + 1 < reply_count(info); n += 2)
        if (reply_is(reply_at(info, n), "entries-added")) s->all = (uint64_t)reply_integer(reply_at(info, n + 1));
}

const char *archives_compare(struct flow *flow, const char *dir) {
    static char text[600];
    for (unsigned n = 0; n < 2 * flow->book.partitions; n++) {
        unsigned p = n / 2;
        enum segment_stream stream = n % 2 ? SEGMENT_LEDGER : SEGMENT_INTENTS;
        const char *key = flow_key(flow, n % 2 ? keys_ledger : keys_intents, p);
        struct sum there = {0}, here = {0};
        struct archive_fault fault;
        sum_stream(flow, key, &there);
        here.from = there.entries ? there.from : (struct entry_id){UINT64_MAX, UINT64_MAX};
        snprintf(text, sizeof text, "%s: ", key);
        if (sum_archive(flow, dir, p, stream, &here, &fault) != ARCHIVE_OK) {
            snprintf(text + strlen(text), sizeof text - strlen(text), "%.200s: %s", fault.file, fault.text);
            return text;
        }
        if (here.all == there.all && here.entries == there.entries && here.crc == there.crc) continue;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%llu of %llu archived; of the %llu still there %llu, crc %lx and %lx",
                 (unsigned long long)here.all, (unsigned long long)there.all, (unsigned long long)there.entries,
                 (unsigned long long)here.entries, there.crc, here.crc);
        return text;
    }
    return "";
}

void archives_expect_all(struct flow *flow, const char *dir, const char *name) {
    if (!WAIT_UNTIL(*archives_compare(flow, dir) == '\0', 30000)) cr_assert_fail("%s: %s", name, archives_compare(flow, dir));
    struct archives a = archives_read(dir);
    cr_assert(a.found == 0 && a.missing == 0 && a.partitions == flow->book.partitions, "%s: %d findings, %d missing, %u partitions", name,
              (int)a.found, (int)a.missing, a.partitions);
}
