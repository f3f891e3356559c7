/* Reads archived streams. */
#include "producer/replay_source.h"

#include <string.h>

/* Up to where the segments before this one reach. */
static enum archive_err read_before(const char *partition_dir, enum segment_stream stream, uint64_t number, struct entry_id *before,
                                    struct archive_fault *fault) {
    struct archive_reader reader;
    archive_path file;
    archive_path_segment(file, partition_dir, stream, number);
    enum archive_err err = archive_reader_open(&reader, file, fault);
    *before = reader.header.last;
    archive_reader_close(&reader);
    return err;
}

enum archive_err replay_source_find(const char *partition_dir, enum segment_stream stream, struct entry_id from, uint64_t *number,
                                    uint64_t *highest, struct archive_fault *fault) {
    uint64_t lowest, count;
    struct entry_id before;
    enum archive_err err = archive_segments(partition_dir, stream, &lowest, highest, &count, fault);
    *number = *highest > 0;
    for (uint64_t low = 2, high = *highest; !err && low <= high;) { /* headers ascend: halve what is left */
        uint64_t middle = low + (high - low) / 2;
        err = read_before(partition_dir, stream, middle, &before, fault);
        if (err) break;
        if (entry_id_compare(before, from) < 0) {
            *number = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    return err;
}

enum archive_err replay_source_open(struct replay_source *s, const char *dir, unsigned partition, enum segment_stream stream,
                                    struct entry_id from, struct archive_fault *fault) {
    memset(s, 0, sizeof *s);
    s->stream = stream;
    s->from = from;
    if (!archive_path_partition(s->dir, dir, partition)) return archive_fail(fault, ARCHIVE_SYSTEM, dir, "the name is too long");
    return replay_source_find(s->dir, stream, from, &s->number, &s->highest, fault);
}

void replay_source_close(struct replay_source *s) {
    if (s->open) archive_reader_close(&s->reader);
    s->open = false;
}

static enum archive_err open_segment(struct replay_source *s, struct archive_fault *fault) {
    archive_path file;
    archive_path_segment(file, s->dir, s->stream, s->number);
    s->open = true;
    enum archive_err err = archive_reader_open(&s->reader, file, fault);
    s->entries = s->reader.header.entries;
    s->missing = s->reader.header.missing;
    return err;
}

enum archive_err replay_source_next(struct replay_source *s, struct segment_record *entry, bool *more, struct archive_fault *fault) {
    const uint8_t *bytes;
    while (s->number > 0 && s->number <= s->highest) {
        enum archive_err err = s->open ? ARCHIVE_OK : open_segment(s, fault);
        if (err) return err;
        enum archive_got got = archive_reader_next(&s->reader, entry, &bytes, fault);
        if (got == ARCHIVE_GOT_FAULT) return fault->err;
        if (got == ARCHIVE_GOT_TORN && s->number < s->highest)
            return archive_fail_at(fault, s->reader.file, s->reader.offset,
                                   "the file ends within a record, though another segment follows");
        *more = true;
        s->entries += got == ARCHIVE_GOT_RECORD && entry->type == SEGMENT_ENTRY;
        if (got == ARCHIVE_GOT_RECORD && entry->type == SEGMENT_GAP) s->missing += entry->gap.missing;
        if (got == ARCHIVE_GOT_RECORD && entry->type == SEGMENT_ENTRY && entry_id_compare(entry->id, s->from) >= 0) return ARCHIVE_OK;
        if (got == ARCHIVE_GOT_RECORD) continue;
        replay_source_close(s);
        s->number++;
    }
    *more = false;
    return ARCHIVE_OK;
}
