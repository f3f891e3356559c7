/* Files of an archive: their names, writing whole and durably, reading a segment record by record, and how trouble is told.
 *
 *     DIR/0003/lock  manifest  intents-00000001.seg.zst  intents-00000002.seg  ledger-00000001.seg   a directory per partition
 */
#ifndef PRODUCER_ARCHIVE_FILE_H
#define PRODUCER_ARCHIVE_FILE_H

#include "schema/segment.h"

enum { ARCHIVE_PATH_MAX = 1023, ARCHIVE_TEXT_MAX = 255 };
typedef char archive_path[ARCHIVE_PATH_MAX + 1];

enum archive_err {
    ARCHIVE_OK = 0,
    ARCHIVE_SYSTEM,  /* the file system refuses: full, no rights, broken */
    ARCHIVE_TAKEN,   /* another process writes there */
    ARCHIVE_CORRUPT, /* what is there is not what was written; nothing was changed */
    ARCHIVE_REWOUND, /* Redis has less than is archived already */
};

/* What went wrong, where. */
struct archive_fault {
    enum archive_err err;
    archive_path file;
    bool placed; /* `offset` says where in the file */
    uint64_t offset;
    char text[ARCHIVE_TEXT_MAX + 1];
};
/* Each gives `err`, for `return archive_fail(...)`. archive_fail_errno: "cannot DOING: No space left on device". */
enum archive_err archive_fail(struct archive_fault *fault, enum archive_err err, const char *file, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
enum archive_err archive_fail_at(struct archive_fault *fault, const char *file, uint64_t offset, const char *text);
enum archive_err archive_fail_errno(struct archive_fault *fault, const char *file, const char *doing);

/* False when the path would be too long. */
bool archive_path_partition(archive_path out, const char *dir, unsigned partition);
void archive_path_segment(archive_path out, const char *partition_dir, enum segment_stream stream, uint64_t number);
bool archive_has_segment(const char *file); /* as it is, or packed (producer/archive_pack.h) */
/* The number of a stream's segment by its file's name; 0: it is none. */
uint64_t archive_segment_number(const char *name, enum segment_stream stream);
/* The lowest and highest number of a stream's segments, and how many there are; zeros: none. */
enum archive_err archive_segments(const char *partition_dir, enum segment_stream stream, uint64_t *lowest, uint64_t *highest,
                                  uint64_t *count, struct archive_fault *fault) __attribute__((warn_unused_result));

/* All of it, or errno. */
bool archive_write(int fd, const void *bytes, size_t size) __attribute__((warn_unused_result));
/* A file that is there whole and durably, or not at all: written beside its place, synced, renamed, the directory synced. */
enum archive_err archive_place(const char *dir, const char *file, const void *bytes, size_t size, struct archive_fault *fault)
    __attribute__((warn_unused_result));
bool archive_sync_dir(const char *dir) __attribute__((warn_unused_result)); /* or errno */
/* The directory, made if it is not there. */
enum archive_err archive_make_dir(const char *dir, struct archive_fault *fault) __attribute__((warn_unused_result));

/* Reads a segment as long as it was when it was opened. */
struct archive_reader {
    archive_path file;   /* with .zst behind it when it is packed */
    int fd;              /* -1: not open, or packed */
    struct archive_unpack *unpack;
    const char *wrong;   /* with the packed bytes */
    uint64_t file_size;  /* and offsets: of what is packed */
    uint64_t offset;     /* where the last record read begins; then also where reading ended */
    struct segment_header header;
    struct segment_bytes bytes; /* `size` of them read; those before `from` are done with */
    size_t from;
    size_t record_size;  /* of the last record read */
};
enum archive_got {
    ARCHIVE_GOT_RECORD,
    ARCHIVE_GOT_ALL,  /* the file ended behind a record */
    ARCHIVE_GOT_TORN, /* the file ends within a record, or in zeros: a write that was cut short; `offset` says where it began */
    ARCHIVE_GOT_FAULT,
};
/* Opens it and reads its header. archive_reader_close in any case. */
enum archive_err archive_reader_open(struct archive_reader *r, const char *file, struct archive_fault *fault)
    __attribute__((warn_unused_result));
void archive_reader_close(struct archive_reader *r);
/* The next record, valid until the next call, and its bytes (record->size of them). */
enum archive_got archive_reader_next(struct archive_reader *r, struct segment_record *record, const uint8_t **bytes,
                                     struct archive_fault *fault) __attribute__((warn_unused_result));

#endif
