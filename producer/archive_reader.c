/* Reads a segment file record by record, and tells a torn tail from bytes that went bad. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/archive_file.h"

enum { READ_SIZE = 1 << 18 };

/* Reads until `size` bytes are there behind `from`, or the file ends. False: errno. */
static bool fill(struct archive_reader *r, size_t size) {
    struct segment_bytes *b = &r->bytes;
    memmove(b->data, b->data + r->from, b->size - r->from); /* never empty: the header was read before */
    b->size -= r->from;
    r->from = 0;
    if (size < READ_SIZE) size = READ_SIZE;
    if (size > b->size) segment_bytes_reserve(b, size - b->size);
    while (b->size < size) {
        uint64_t at = r->offset + b->size;
        size_t want = size - b->size;
        if (at >= r->file_size) return true;
        if (want > r->file_size - at) want = (size_t)(r->file_size - at);
        ssize_t got = pread(r->fd, b->data + b->size, want, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) r->file_size = at; /* it was cut meanwhile */
        b->size += (size_t)got;
    }
    return true;
}

enum archive_err archive_reader_open(struct archive_reader *r, const char *file, struct archive_fault *fault) {
    struct stat found;
    memset(r, 0, sizeof *r);
    snprintf(r->file, sizeof r->file, "%s", file);
    r->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &found) != 0) return archive_fail_errno(fault, file, "read");
    r->file_size = (uint64_t)found.st_size;
    segment_bytes_reserve(&r->bytes, READ_SIZE);
    if (!fill(r, SEGMENT_HEADER_SIZE)) return archive_fail_errno(fault, file, "read");
    const char *wrong = segment_header_decode(r->bytes.data, r->bytes.size, &r->header);
    if (wrong) return archive_fail_at(fault, file, 0, wrong);
    r->record_size = SEGMENT_HEADER_SIZE;
    return ARCHIVE_OK;
}

void archive_reader_close(struct archive_reader *r) {
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    segment_bytes_clear(&r->bytes);
}

/* Nothing but zeros from here on: a file that grew before its bytes came, when the machine went down. */
static bool zeros_follow(struct archive_reader *r) {
    uint64_t began = r->offset;
    bool zeros = true;
    do {
        for (size_t n = r->from; n < r->bytes.size && zeros; n++) zeros = r->bytes.data[n] == 0;
        r->offset += r->bytes.size - r->from;
        r->from = r->bytes.size;
    } while (zeros && r->offset < r->file_size && fill(r, READ_SIZE));
    zeros = zeros && r->offset >= r->file_size;
    r->offset = began;
    return zeros;
}

enum archive_got archive_reader_next(struct archive_reader *r, struct segment_record *record, const uint8_t **bytes,
                                     struct archive_fault *fault) {
    const char *wrong = NULL;
    r->from += r->record_size;
    r->offset += r->record_size;
    r->record_size = 0;
    for (;;) {
        size_t there = r->bytes.size - r->from;
        *bytes = r->bytes.data + r->from;
        enum segment_got got = segment_record_read(*bytes, there, record, &wrong);
        if (got == SEGMENT_RECORD) break;
        if (got == SEGMENT_BAD) {
            if (zeros_follow(r)) return ARCHIVE_GOT_TORN;
            archive_fail_at(fault, r->file, r->offset, wrong);
            return ARCHIVE_GOT_FAULT;
        }
        if (r->offset == r->file_size) return ARCHIVE_GOT_ALL;
        if (r->offset + record->size > r->file_size) return ARCHIVE_GOT_TORN;
        if (!fill(r, record->size)) {
            archive_fail_errno(fault, r->file, "read");
            return ARCHIVE_GOT_FAULT;
        }
    }
    r->record_size = record->size;
    return ARCHIVE_GOT_RECORD;
}
