/* Checks one segment file from its first byte to its last, against what came before it and what the manifest promised. */
#ifndef PRODUCER_ARCHIVE_SCAN_H
#define PRODUCER_ARCHIVE_SCAN_H

#include "producer/archive_manifest.h"
#include "schema/segment_chain.h"

struct archive_scan {
    const char *partition_dir;
    uint64_t number;                 /* which segment of chain->stream */
    const struct archive_mark *mark; /* what the manifest says of this stream */
    bool trust;                      /* the header about what came before: `chain` knows nothing of it */
    /* NULL, or called for each gap and entry; what it gives but ARCHIVE_OK ends the scan, with the fault it has told. */
    enum archive_err (*each)(void *context, const struct archive_reader *reader, const struct segment_record *record,
                             struct archive_fault *fault);
    void *context;
    uint64_t good, torn; /* out: bytes that are sound, and those behind them of a write that was cut short */
};

/* `chain`: of the segments before. A torn tail is no fault here, unless the manifest promised
 * those bytes or `whole` says that another segment follows. */
enum archive_err archive_scan(struct archive_scan *scan, struct segment_chain *chain, bool whole, struct archive_fault *fault)
    __attribute__((warn_unused_result));

#endif
