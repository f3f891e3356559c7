/* One archived stream, entry by entry, across its segments, from some ID on. The chain of digests is replay_survey's to check; here every
 * record's own checksum is. */
#ifndef PRODUCER_REPLAY_SOURCE_H
#define PRODUCER_REPLAY_SOURCE_H

#include "producer/archive_file.h"

struct replay_source {
    archive_path dir; /* of the partition */
    enum segment_stream stream;
    struct entry_id from;
    uint64_t number, highest; /* of segments: at hand, and the last one */
    bool open;
    struct archive_reader reader;
    uint64_t entries, missing; /* of the stream, up to where it was read */
};

/* Entries at or above `from`; segments that end before it are not read. replay_source_close in any case. */
enum archive_err replay_source_open(struct replay_source *s, const char *dir, unsigned partition, enum segment_stream stream,
                                    struct entry_id from, struct archive_fault *fault) __attribute__((warn_unused_result));
void replay_source_close(struct replay_source *s);
/* The next entry, valid until the next call; *more is false behind the last. Gaps are gone over. */
enum archive_err replay_source_next(struct replay_source *s, struct segment_record *entry, bool *more, struct archive_fault *fault)
    __attribute__((warn_unused_result));

/* The last segment before which everything lies below `from`, at least 1; 0: there is none at all. `highest`: the last one. */
enum archive_err replay_source_find(const char *partition_dir, enum segment_stream stream, struct entry_id from, uint64_t *number,
                                    uint64_t *highest, struct archive_fault *fault) __attribute__((warn_unused_result));

#endif
