/* Goes through all partitions, streams and segments of an archive. */
#include "producer/archive_verify.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One stream under way. */
struct walk {
    struct archive_verify *verify;
    struct archive_verified result;
    const char *dir;
    const struct archive_mark *mark;
};

static void find(struct archive_verify *v, const struct archive_fault *fault) {
    v->found++;
    v->finding(v->context, fault);
}

/* A gap is a finding: what was trimmed before it was archived cannot be brought back from here. */
static enum archive_err see(void *context, const struct archive_reader *reader, const struct segment_record *record,
                            struct archive_fault *fault) {
    struct walk *w = context;
    char after[ENTRY_TEXT_MAX + 1], upto[ENTRY_TEXT_MAX + 1], text[ARCHIVE_TEXT_MAX + 1];
    (void)fault;
    if (record->type != SEGMENT_GAP) return ARCHIVE_OK;
    struct archive_fault gap;
    entry_id_format(record->gap.after, after);
    entry_id_format(record->gap.upto, upto);
    snprintf(text, sizeof text, "%" PRIu64 " entries were removed from the stream before they were archived: after %s, up to %s",
             record->gap.missing, after, upto);
    archive_fail_at(&gap, reader->file, reader->offset, text);
    find(w->verify, &gap);
    w->result.sound = false;
    return ARCHIVE_OK;
}

static enum archive_err check_numbers(const struct walk *w, uint64_t *highest, struct archive_fault *fault) {
    uint64_t lowest, count, number;
    enum archive_err err = archive_segments(w->dir, w->result.stream, &lowest, highest, &count, fault);
    if (err) return err;
    if (w->mark->number > *highest) *highest = w->mark->number;
    if (*highest == 0 || (lowest == 1 && count == *highest)) return ARCHIVE_OK;
    archive_path file;
    for (number = 1; number < *highest; number++) {
        archive_path_segment(file, w->dir, w->result.stream, number);
        if (!archive_has_segment(file)) break;
    }
    archive_path_segment(file, w->dir, w->result.stream, number);
    return archive_fail(fault, ARCHIVE_CORRUPT, file, "is missing");
}

static enum archive_err walk_segments(struct walk *w, struct segment_chain *chain, struct archive_fault *fault) {
    uint64_t highest;
    enum archive_err err = check_numbers(w, &highest, fault);
    for (uint64_t number = 1; number <= highest && !err; number++) {
        struct archive_scan scan = {.partition_dir = w->dir, .number = number, .mark = w->mark, .each = see, .context = w};
        err = archive_scan(&scan, chain, number < highest, fault);
        if (err) break;
        w->result.segments++;
        w->result.torn = scan.torn;
    }
    return err;
}

static void verify_stream(struct archive_verify *v, const char *dir, const struct archive_manifest *m, enum segment_stream stream) {
    struct walk w = {.verify = v, .dir = dir, .mark = stream == SEGMENT_INTENTS ? &m->intents : &m->ledger};
    struct segment_chain chain;
    struct archive_fault fault;
    w.result = (struct archive_verified){.partition = m->partition, .stream = stream, .sound = true};
    segment_chain_init(&chain, &m->book, m->partition, stream);
    if (walk_segments(&w, &chain, &fault) != ARCHIVE_OK) {
        find(v, &fault);
        w.result.sound = false;
    }
    w.result.entries = chain.entries;
    w.result.missing = chain.missing;
    w.result.first = chain.first;
    w.result.last = chain.last;
    v->verified(v->context, &w.result);
}

/* Whoever began it came no further than its directory. */
static bool is_empty(const char *dir) {
    struct archive_fault ignored;
    uint64_t lowest, highest, intents = 1, ledger = 1;
    return archive_segments(dir, SEGMENT_INTENTS, &lowest, &highest, &intents, &ignored) == ARCHIVE_OK && intents == 0 &&
           archive_segments(dir, SEGMENT_LEDGER, &lowest, &highest, &ledger, &ignored) == ARCHIVE_OK && ledger == 0;
}

static void verify_partition(struct archive_verify *v, const char *dir, unsigned partition) {
    struct archive_manifest m;
    struct archive_fault fault;
    archive_path where;
    if (!archive_path_partition(where, dir, partition)) return;
    v->partitions++;
    if (archive_manifest_read(where, &m, &fault) != ARCHIVE_OK) {
        find(v, &fault);
        return;
    }
    if (!m.present && is_empty(where)) return;
    if (!m.present) archive_fail(&fault, ARCHIVE_CORRUPT, where, "there is no manifest");
    else if (m.partition != partition) archive_fail(&fault, ARCHIVE_CORRUPT, where, "the manifest is that of partition %u", m.partition);
    else if (v->partitions > 1 && v->book.partitions && memcmp(&m.book, &v->book, sizeof m.book) != 0)
        archive_fail(&fault, ARCHIVE_CORRUPT, where, "is of another book than the partitions before");
    else {
        v->book = m.book;
        verify_stream(v, where, &m, SEGMENT_INTENTS);
        verify_stream(v, where, &m, SEGMENT_LEDGER);
        return;
    }
    find(v, &fault);
}

enum archive_err archive_verify(struct archive_verify *v, const char *dir, struct archive_fault *fault) {
    bool there[KEYS_PARTITIONS_MAX] = {false};
    DIR *entries = opendir(dir);
    if (!entries) return archive_fail_errno(fault, dir, "read the directory");
    for (const struct dirent *entry; (entry = readdir(entries));) {
        unsigned partition;
        char again[16];
        if (sscanf(entry->d_name, "%4u", &partition) != 1 || partition >= KEYS_PARTITIONS_MAX) continue;
        snprintf(again, sizeof again, "%04u", partition);
        if (strcmp(again, entry->d_name) == 0) there[partition] = true;
    }
    closedir(entries);
    v->book = (struct book){0};
    v->partitions = 0;
    v->found = 0;
    for (unsigned p = 0; p < KEYS_PARTITIONS_MAX; p++)
        if (there[p]) verify_partition(v, dir, p);
    if (v->partitions == 0) return archive_fail(fault, ARCHIVE_SYSTEM, dir, "there is no archive");
    return ARCHIVE_OK;
}
