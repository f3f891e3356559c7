/* Goes through one segment file, record by record. */
#include "producer/archive_scan.h"

#include <inttypes.h>
#include <string.h>

/* Where the manifest's promise ends there must be the end of a record, with as much before it as was promised. */
static bool keeps_promise(const struct archive_scan *s, const struct segment_chain *c, uint64_t size) {
    if (s->number != s->mark->number || size != s->mark->size) return true;
    return c->entries == s->mark->entries && c->missing == s->mark->missing && entry_id_compare(c->last, s->mark->last) == 0;
}

static enum archive_err broken_promise(const struct archive_reader *r, uint64_t offset, struct archive_fault *fault) {
    return archive_fail_at(fault, r->file, offset, "what is before here is not what the manifest says was written");
}

static enum archive_err take_header(const struct archive_scan *s, struct segment_chain *c, const struct archive_reader *r,
                                    struct archive_fault *fault) {
    if (r->header.number != s->number) return archive_fail_at(fault, r->file, 0, "the header has another number than the file's name");
    const char *wrong = s->trust ? segment_chain_trust(c, &r->header) : segment_chain_open(c, &r->header);
    if (wrong) return archive_fail_at(fault, r->file, 0, wrong);
    segment_chain_bytes(c, r->bytes.data, SEGMENT_HEADER_SIZE);
    return keeps_promise(s, c, SEGMENT_HEADER_SIZE) ? ARCHIVE_OK : broken_promise(r, SEGMENT_HEADER_SIZE, fault);
}

static enum archive_err take_record(struct archive_scan *s, struct segment_chain *c, const struct archive_reader *r,
                                    const struct segment_record *record, const uint8_t *bytes, struct archive_fault *fault) {
    const char *wrong = segment_chain_take(c, record);
    if (wrong) return archive_fail_at(fault, r->file, r->offset, wrong);
    segment_chain_bytes(c, bytes, record->size);
    if (!keeps_promise(s, c, r->offset + record->size)) return broken_promise(r, r->offset + record->size, fault);
    return s->each && record->type != SEGMENT_END ? s->each(s->context, r, record, fault) : ARCHIVE_OK;
}

/* The file was read to its end, or to its torn tail. */
static enum archive_err check_end(struct archive_scan *s, const struct segment_chain *c, const struct archive_reader *r, bool whole,
                                  struct archive_fault *fault) {
    s->good = r->offset;
    s->torn = r->file_size - r->offset;
    if (s->number == s->mark->number && s->good < s->mark->size)
        return archive_fail_at(fault, r->file, s->good, "the file ends here, but the manifest says that more of it was on the disk");
    if (c->ended && s->torn) return archive_fail_at(fault, r->file, s->good, "there is something behind the segment's end");
    if (whole && s->torn) return archive_fail_at(fault, r->file, s->good, "the file ends within a record, though another segment follows");
    if (whole && !c->ended) return archive_fail_at(fault, r->file, s->good, "the segment has no end, though another one follows");
    return ARCHIVE_OK;
}

enum archive_err archive_scan(struct archive_scan *s, struct segment_chain *c, bool whole, struct archive_fault *fault) {
    struct archive_reader reader;
    struct segment_record record;
    const uint8_t *bytes;
    archive_path file;
    archive_path_segment(file, s->partition_dir, c->stream, s->number);
    enum archive_got got = ARCHIVE_GOT_RECORD;
    enum archive_err err = archive_reader_open(&reader, file, fault);
    if (!err) err = take_header(s, c, &reader, fault);
    while (!err && (got = archive_reader_next(&reader, &record, &bytes, fault)) == ARCHIVE_GOT_RECORD)
        err = take_record(s, c, &reader, &record, bytes, fault);
    if (!err && got == ARCHIVE_GOT_FAULT) err = fault->err;
    if (!err) err = check_end(s, c, &reader, whole, fault);
    archive_reader_close(&reader);
    return err;
}
