/* The manifest of a partition: up to where its segments are known to be on the disk. Replaced whole, so it is never half-written. What it
 * promises must be there: a torn tail may only be cut behind it, and streams may only be trimmed below it. */
#ifndef PRODUCER_ARCHIVE_MANIFEST_H
#define PRODUCER_ARCHIVE_MANIFEST_H

#include "producer/archive_file.h"

/* How far a stream's archive reaches durably. */
struct archive_mark {
    uint64_t number;           /* the last segment; 0: none yet */
    uint64_t size;             /* of its file */
    uint64_t entries, missing; /* up to there, in all segments */
    struct entry_id last;
};

struct archive_manifest {
    bool present;
    struct book book;
    unsigned partition;
    struct archive_mark intents, ledger;
};

/* Of a partition's directory. One that is not there is no fault: present is false. */
enum archive_err archive_manifest_read(const char *partition_dir, struct archive_manifest *manifest, struct archive_fault *fault)
    __attribute__((warn_unused_result));
enum archive_err archive_manifest_write(const char *partition_dir, const struct archive_manifest *manifest, struct archive_fault *fault)
    __attribute__((warn_unused_result));

#endif
