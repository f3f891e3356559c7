/* Reads a segment file record by record, and tells a torn tail from bytes that went bad. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/archive_pack.h"

enum { READ_SIZE = 1 << 18 };

/* Sequential when it is packed: `at` is where reading ended. */
static ssize_t read_at(struct archive_reader *r, uint8_t *out, size_t want, uint64_t at) {
    if (!r->unpack) return pread(r->fd, out, want, (off_t)at);
    return archive_unpack_read(r->unpack, out, want, &r->wrong) ? (ssize_t)want : -1;
}

static enum archive_err read_failed(const struct archive_reader *r, struct archive_fault *fault) {
    return r->wrong ? archive_fail_at(fault, r->file, r->offset, r->wrong) : archive_fail_errno(fault, r->file, "read");
}

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
        ssize_t got = read_at(r, b->data + b->size, want, at);
        if (got < 0 && !r->wrong && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) r->file_size = at; /* it was cut meanwhile */
        b->size += (size_t)got;
    }
    return true;
}

/* The file, or the packed one in its place. */
static enum archive_err open_file(struct archive_reader *r, const char *file, struct archive_fault *fault) {
    struct stat found;
    char packed[ARCHIVE_PATH_MAX + 8];
    snprintf(packed, sizeof packed, "%s" ARCHIVE_PACK_SUFFIX, file);
    snprintf(r->file, sizeof r->file, "%s", file);
    r->fd = open(file, O_RDONLY | O_CLOEXEC);
    bool absent = r->fd < 0 && errno == ENOENT;
    int fd = absent ? open(packed, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        snprintf(r->file, sizeof r->file, "%.1023s", packed);
        return archive_unpack_open(&r->unpack, fd, r->file, &r->file_size, fault);
    }
    if (r->fd < 0 || fstat(r->fd, &found) != 0) return archive_fail_errno(fault, file, "read");
    r->file_size = (uint64_t)found.st_size;
    return ARCHIVE_OK;
}

enum archive_err archive_reader_open(struct archive_reader *r, const char *file, struct archive_fault *fault) {
    memset(r, 0, sizeof *r);
    enum archive_err err = open_file(r, file, fault);
    if (err) return err;
    segment_bytes_reserve(&r->bytes, READ_SIZE);
    if (!fill(r, SEGMENT_HEADER_SIZE)) return read_failed(r, fault);
    const char *wrong = segment_header_decode(r->bytes.data, r->bytes.size, &r->header);
    if (wrong) return archive_fail_at(fault, r->file, 0, wrong);
    r->record_size = SEGMENT_HEADER_SIZE;
    return ARCHIVE_OK;
}

void archive_reader_close(struct archive_reader *r) {
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    archive_unpack_close(r->unpack);
    r->unpack = NULL;
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
            (void)read_failed(r, fault);
            return ARCHIVE_GOT_FAULT;
        }
    }
    r->record_size = record->size;
    return ARCHIVE_GOT_RECORD;
}
