/* The archive of one partition: its intents and its ledger, in a directory that one process at a time may write (a lock that ends with the
 * process). DIR is made when it is not there; several processes may write different partitions in one DIR.
 *
 *     open -> { records to .intents and .ledger -> archive_tick }* -> close
 */
#ifndef PRODUCER_ARCHIVE_H
#define PRODUCER_ARCHIVE_H

#include "producer/archive_writer.h"

struct archive {
    struct archive_options options;
    archive_path dir; /* of the partition */
    int lock;
    struct archive_manifest manifest; /* what it says; .intents.last and .ledger.last are durable */
    struct archive_writer intents, ledger;
    int64_t synced_at_ms, told_at_ms; /* monotonic: of the last sync, of the last manifest */
};

/* archive_close in any case. */
enum archive_err archive_open(struct archive *a, const char *dir, const struct archive_options *options, const struct book *book,
                              unsigned partition, struct archive_fault *fault) __attribute__((warn_unused_result));
/* After a batch, and now and then when there is none: hands over what was made, finishes old segments, syncs and replaces the manifest
 * (at most once a second) when it is time. */
enum archive_err archive_tick(struct archive *a, struct archive_fault *fault) __attribute__((warn_unused_result));
/* Syncs and replaces the manifest now. */
enum archive_err archive_settle(struct archive *a, struct archive_fault *fault) __attribute__((warn_unused_result));
/* Without archive_settle, what was not synced is left to the operating system. */
void archive_close(struct archive *a);

#endif
