/* The thread that keeps a worker's partitions in order: writes their intents and ledger to the archive (archiver_part.h) and trims their
 * streams (trim.h), over a connection of its own. Payments never wait for it: a disk that is slow or full, or a Redis that refuses it,
 * only makes the archive late and the streams long.
 *
 *     main:    archiver_start -> { archiver_hold, archiver_drop }* -> archiver_close          told by ownership.c, with each lane
 *     thread:  { what is held now? close, open -> read and sync -> trim -> wait }*
 */
#ifndef WORKER_ARCHIVER_H
#define WORKER_ARCHIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/archive_writer.h"
#include "producer/redis.h"
#include "worker/settings.h"
#include "worker/sources.h"

struct archiver_options {
    struct redis_options redis;
    struct gate *gate;
    const struct settings *settings;
    struct book book;
    const char *dir; /* of the archive; "" none: trims only */
    struct archive_options archive;
};

struct archiver;

/* `options` are copied; what they point to must outlive the archiver. */
struct archiver *archiver_start(const struct archiver_options *options);
/* One place per partition, where its lane notes sources. */
struct sources *archiver_sources(struct archiver *archiver);
/* This worker serves the partition from now on, or no longer. NULL is fine. Return at once. */
void archiver_hold(struct archiver *archiver, unsigned partition, uint64_t epoch);
void archiver_drop(struct archiver *archiver, unsigned partition);
/* Drops its connection; it opens another. NULL is fine. */
void archiver_disconnect(struct archiver *archiver);
/* All is dropped from now on because the worker ends: the last rounds wait for archiver_close, when no lane adds to any stream. */
void archiver_end(struct archiver *archiver);
/* Reads what is left for a moment, syncs, ends; by `deadline_ms` (lane_now_ms clock). False when the thread hangs (in a disk that does not
 * answer): nothing is freed then, and the process should just end: the archive goes on from what is on the disk. NULL is fine. */
bool archiver_close(struct archiver *archiver, uint64_t deadline_ms);

#endif
