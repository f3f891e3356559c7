/* Appending to segments, finishing them, beginning the next. */
#include "producer/archive_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producer/archive_pack.h"

enum { FLUSH_SIZE = 1 << 20 };

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A packed segment has to be gone through to its end. */
static bool go_to_end(struct archive_reader *r, struct segment_record *last) {
    const uint8_t *bytes;
    struct archive_fault ignored;
    struct segment_record record;
    enum archive_got got;
    while ((got = archive_reader_next(r, &record, &bytes, &ignored)) == ARCHIVE_GOT_RECORD) *last = record;
    return got == ARCHIVE_GOT_ALL;
}

/* The last record of a segment, if it is its end. */
static bool read_end(struct archive_reader *r, struct segment_record *record) {
    uint8_t bytes[SEGMENT_END_SIZE];
    const char *wrong;
    if (r->unpack) return go_to_end(r, record) && record->type == SEGMENT_END;
    ssize_t got = r->file_size < sizeof bytes ? 0 : pread(r->fd, bytes, sizeof bytes, (off_t)(r->file_size - sizeof bytes));
    return got == (ssize_t)sizeof bytes && segment_record_read(bytes, sizeof bytes, record, &wrong) == SEGMENT_RECORD &&
           record->type == SEGMENT_END;
}

/* The digest in the end of the segment before must be the one that this segment's header names. */
static enum archive_err check_previous(const struct archive_writer *w, struct archive_fault *fault) {
    archive_path file;
    struct archive_reader before, reader;
    struct segment_record record = {0};
    struct segment_header header;
    if (w->chain.number == 1) return ARCHIVE_OK;
    archive_path_segment(file, w->dir, w->chain.stream, w->chain.number - 1);
    enum archive_err err = archive_reader_open(&before, file, fault);
    if (!err && !read_end(&before, &record))
        err = archive_fail_at(fault, before.file, before.file_size, "does not end like a finished segment");
    archive_reader_close(&before);
    if (err) return err;
    err = archive_reader_open(&reader, w->file, fault);
    header = reader.header;
    archive_reader_close(&reader);
    if (err) return err;
    return memcmp(header.previous, record.end.digest, sizeof record.end.digest) == 0
               ? ARCHIVE_OK
               : archive_fail_at(fault, w->file, 0, "does not follow the segment before: the chain is broken");
}

/* What was finished, but not packed before its writer died, or when it was not wanted yet. */
static enum archive_err pack_last(const struct archive_writer *w, struct archive_fault *fault) {
    bool plain = w->chain.ended && access(w->file, F_OK) == 0;
    return plain && w->options->pack ? archive_pack(w->dir, w->file, fault) : ARCHIVE_OK;
}

static enum archive_err go_on(struct archive_writer *w, const struct archive_scan *scan, struct archive_fault *fault) {
    w->size = scan->good;
    w->torn = scan->torn;
    if (w->chain.ended) return ARCHIVE_OK;
    w->fd = open(w->file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (w->fd < 0) return archive_fail_errno(fault, w->file, "write");
    if (w->torn && ftruncate(w->fd, (off_t)w->size) != 0) return archive_fail_errno(fault, w->file, "cut the torn tail");
    return fdatasync(w->fd) == 0 ? ARCHIVE_OK : archive_fail_errno(fault, w->file, "sync");
}

static enum archive_err open_last(struct archive_writer *w, uint64_t number, const struct archive_mark *mark, struct archive_fault *fault) {
    struct archive_scan scan = {.partition_dir = w->dir, .number = number, .mark = mark, .trust = true};
    archive_path_segment(w->file, w->dir, w->chain.stream, number);
    enum archive_err err = archive_scan(&scan, &w->chain, false, fault);
    if (!err) err = check_previous(w, fault);
    if (!err) err = go_on(w, &scan, fault);
    if (!err) err = pack_last(w, fault);
    w->synced = w->size;
    return err;
}

enum archive_err archive_writer_open(struct archive_writer *w, const struct archive_options *options, const char *partition_dir,
                                     const struct book *book, unsigned partition, enum segment_stream stream,
                                     const struct archive_mark *mark, struct archive_fault *fault) {
    uint64_t lowest, highest, count;
    memset(w, 0, sizeof *w);
    w->options = options;
    w->fd = -1;
    snprintf(w->dir, sizeof w->dir, "%s", partition_dir);
    segment_chain_init(&w->chain, book, partition, stream);
    enum archive_err err = archive_segments(w->dir, stream, &lowest, &highest, &count, fault);
    if (err) return err;
    if (highest && !mark)
        return archive_fail(fault, ARCHIVE_CORRUPT, w->dir, "there are segments, but no manifest that says how far they should reach");
    if (mark && highest < mark->number) {
        archive_path_segment(w->file, w->dir, stream, mark->number);
        return archive_fail(fault, ARCHIVE_CORRUPT, w->file, "is missing, but the manifest says it was written");
    }
    return highest ? open_last(w, highest, mark, fault) : ARCHIVE_OK;
}

void archive_writer_close(struct archive_writer *w) {
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
    segment_bytes_clear(&w->bytes);
}

static enum archive_err break_down(struct archive_writer *w, const char *doing, struct archive_fault *fault) {
    archive_fail_errno(fault, w->file, doing);
    w->broken = *fault;
    return fault->err;
}

static enum archive_err begin_segment(struct archive_writer *w, struct archive_fault *fault) {
    struct segment_header header;
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    segment_chain_header(&w->chain, now_ms(), &header);
    segment_header_encode(&header, bytes);
    archive_path_segment(w->file, w->dir, w->chain.stream, header.number);
    enum archive_err err = archive_place(w->dir, w->file, bytes, sizeof bytes, fault);
    if (err) {
        w->broken = *fault;
        return err;
    }
    w->fd = open(w->file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (w->fd < 0) return break_down(w, "write", fault);
    const char *wrong = segment_chain_open(&w->chain, &header);
    assert(wrong == NULL);
    segment_chain_bytes(&w->chain, bytes, sizeof bytes);
    w->size = w->synced = sizeof bytes;
    return ARCHIVE_OK;
}

/* All of it is written, or none of it is left in the file. */
enum archive_err archive_writer_flush(struct archive_writer *w, struct archive_fault *fault) {
    if (w->broken.err) {
        *fault = w->broken;
        return fault->err;
    }
    if (w->bytes.size == 0) return ARCHIVE_OK;
    assert(w->fd >= 0);
    if (!archive_write(w->fd, w->bytes.data, w->bytes.size)) {
        break_down(w, "write", fault);
        if (ftruncate(w->fd, (off_t)w->size) != 0) snprintf(w->broken.text, sizeof w->broken.text, "%s", "left a torn tail behind");
        return fault->err;
    }
    w->size += w->bytes.size;
    w->bytes.size = 0;
    return ARCHIVE_OK;
}

enum archive_err archive_writer_sync(struct archive_writer *w, struct archive_fault *fault) {
    enum archive_err err = archive_writer_flush(w, fault);
    if (err || w->fd < 0 || w->synced == w->size) return err;
    if (fdatasync(w->fd) != 0) return break_down(w, "sync", fault); /* what became of the bytes is not known: no second try */
    w->synced = w->size;
    return ARCHIVE_OK;
}

/* What was just made belongs to the chain from now on. */
static void take(struct archive_writer *w, const struct segment_record *record) {
    const char *wrong = segment_chain_take(&w->chain, record);
    assert(wrong == NULL);
    segment_chain_bytes(&w->chain, w->bytes.data + w->bytes.record, w->bytes.size - w->bytes.record);
}

static enum archive_err seal(struct archive_writer *w, struct archive_fault *fault) {
    struct segment_record record = {.type = SEGMENT_END};
    segment_chain_seal(&w->chain, &record.end);
    segment_end_add(&w->bytes, &record.end);
    take(w, &record);
    enum archive_err err = archive_writer_sync(w, fault);
    if (err) return err;
    close(w->fd);
    w->fd = -1;
    err = pack_last(w, fault);
    if (err) w->broken = *fault;
    return err;
}

/* Makes sure that there is a segment with room. */
static enum archive_err ready(struct archive_writer *w, struct archive_fault *fault) {
    enum archive_err err = ARCHIVE_OK;
    if (w->broken.err || w->bytes.size >= FLUSH_SIZE) err = archive_writer_flush(w, fault);
    uint64_t size = w->size + w->bytes.size;
    if (!err && w->fd >= 0 && size >= w->options->segment_size && size > SEGMENT_HEADER_SIZE) err = seal(w, fault);
    if (!err && w->fd < 0) err = begin_segment(w, fault);
    return err;
}

enum archive_err archive_writer_entry_begin(struct archive_writer *w, struct entry_id id, uint32_t string_count,
                                            struct archive_fault *fault) {
    if (entry_id_compare(id, w->chain.last) <= 0) {
        char text[ENTRY_TEXT_MAX + 1];
        entry_id_format(id, text);
        return archive_fail(fault, ARCHIVE_REWOUND, w->dir, "entry %s comes after what is archived already", text);
    }
    enum archive_err err = ready(w, fault);
    if (err) return err;
    segment_entry_begin(&w->bytes, id, string_count);
    return ARCHIVE_OK;
}

void archive_writer_entry_string(struct archive_writer *w, const void *text, size_t size) { segment_entry_string(&w->bytes, text, size); }

enum archive_err archive_writer_entry_finish(struct archive_writer *w, struct archive_fault *fault) {
    struct segment_record record;
    const char *wrong = NULL;
    if (!segment_entry_finish(&w->bytes)) return archive_fail(fault, ARCHIVE_SYSTEM, w->file, "an entry is too large for a segment");
    enum segment_got got = segment_record_read(w->bytes.data + w->bytes.record, w->bytes.size - w->bytes.record, &record, &wrong);
    assert(got == SEGMENT_RECORD); /* what was made can be read: checked before it is relied upon */
    take(w, &record);
    return ARCHIVE_OK;
}

enum archive_err archive_writer_gap(struct archive_writer *w, const struct segment_gap *gap, struct archive_fault *fault) {
    struct segment_record record = {.type = SEGMENT_GAP, .gap = *gap};
    enum archive_err err = ready(w, fault);
    if (err) return err;
    segment_gap_add(&w->bytes, gap);
    take(w, &record);
    return ARCHIVE_OK;
}

enum archive_err archive_writer_seal_old(struct archive_writer *w, uint64_t at_ms, struct archive_fault *fault) {
    bool old = at_ms > w->chain.created_ms && at_ms - w->chain.created_ms >= w->options->segment_age_ms;
    bool filled = w->size + w->bytes.size > SEGMENT_HEADER_SIZE;
    return w->fd >= 0 && filled && old ? seal(w, fault) : ARCHIVE_OK;
}

void archive_writer_mark(const struct archive_writer *w, struct archive_mark *mark) {
    assert(w->synced == w->size && w->bytes.size == 0);
    *mark = (struct archive_mark){
        .number = w->chain.number,
        .size = w->synced,
        .entries = w->chain.entries,
        .missing = w->chain.missing,
        .last = w->chain.last,
    };
}
