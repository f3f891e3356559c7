/* Checks an archive without Redis, also while it is being written. */
#ifndef PRODUCER_ARCHIVE_VERIFY_H
#define PRODUCER_ARCHIVE_VERIFY_H

#include "producer/archive_scan.h"

/* What is there of one stream of one partition. */
struct archive_verified {
    unsigned partition;
    enum segment_stream stream;
    uint64_t segments, entries, missing;
    struct entry_id first, last; /* entries */
    uint64_t torn;               /* bytes of a write under way, or cut short; the next archiver cuts them */
    bool sound;
};

struct archive_verify {
    struct book book; /* out: of the archive */
    unsigned partitions; /* out: how many of them are there */
    void (*verified)(void *context, const struct archive_verified *verified);
    void (*finding)(void *context, const struct archive_fault *fault);
    void *context;
    uint64_t found; /* out: how many findings */
};

/* Everything under `dir`. What is wrong is told as findings; ARCHIVE_SYSTEM only when the directory itself cannot be read. */
enum archive_err archive_verify(struct archive_verify *v, const char *dir, struct archive_fault *fault) __attribute__((warn_unused_result));

#endif
