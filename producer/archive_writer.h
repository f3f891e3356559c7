/* Appends one stream of one partition to its segments.
 *
 *     open -> { entry_begin, entry_string..., entry_finish | gap | seal_old | sync }* -> close
 *
 * A write that fails leaves the file as it was before and the writer broken: what is tried then fails the same way; close it and open
 * another, which goes on from what is in the files. */
#ifndef PRODUCER_ARCHIVE_WRITER_H
#define PRODUCER_ARCHIVE_WRITER_H

#include "producer/archive_scan.h"

struct archive_options {
    uint64_t segment_size;   /* a segment is finished when it is larger than this */
    uint64_t segment_age_ms; /* or older, if there is anything in it */
    uint64_t fsync_every_ms; /* 0: after every batch */
    bool pack;               /* finished segments */
};

struct archive_writer {
    const struct archive_options *options;
    archive_path dir;  /* of the partition */
    archive_path file; /* the segment at hand */
    struct segment_chain chain;
    int fd;                     /* of it; -1: none, the next record begins one */
    uint64_t size;              /* of it, as written */
    uint64_t synced;            /* of that, on the disk */
    struct segment_bytes bytes; /* made but not written yet */
    struct archive_fault broken; /* err: what broke it */
    uint64_t torn;              /* bytes of a torn tail that were cut off when it was opened */
};

/* Checks the last segment whole, and that it follows the one before; cuts a torn tail. `mark` is the manifest's, NULL: there is none, then
 * no segment may be there. archive_writer_close in any case. */
enum archive_err archive_writer_open(struct archive_writer *w, const struct archive_options *options, const char *partition_dir,
                                     const struct book *book, unsigned partition, enum segment_stream stream,
                                     const struct archive_mark *mark, struct archive_fault *fault) __attribute__((warn_unused_result));
/* Forgets what was not synced. */
void archive_writer_close(struct archive_writer *w);

/* An entry, as in schema/segment.h. Fields and values need not stay. */
enum archive_err archive_writer_entry_begin(struct archive_writer *w, struct entry_id id, uint32_t string_count,
                                            struct archive_fault *fault) __attribute__((warn_unused_result));
void archive_writer_entry_string(struct archive_writer *w, const void *text, size_t size);
enum archive_err archive_writer_entry_finish(struct archive_writer *w, struct archive_fault *fault) __attribute__((warn_unused_result));
enum archive_err archive_writer_gap(struct archive_writer *w, const struct segment_gap *gap, struct archive_fault *fault)
    __attribute__((warn_unused_result));
/* Finishes a segment that is old. */
enum archive_err archive_writer_seal_old(struct archive_writer *w, uint64_t now_ms, struct archive_fault *fault)
    __attribute__((warn_unused_result));
/* Hands what was made to the operating system: it outlives this process then. sync: to the disk. */
enum archive_err archive_writer_flush(struct archive_writer *w, struct archive_fault *fault) __attribute__((warn_unused_result));
enum archive_err archive_writer_sync(struct archive_writer *w, struct archive_fault *fault) __attribute__((warn_unused_result));
/* What is on the disk. Only right after a sync. */
void archive_writer_mark(const struct archive_writer *w, struct archive_mark *mark);

#endif
