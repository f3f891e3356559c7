/* One partition's archive: lock, manifest, two writers, and when to sync. */
#include "producer/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { TELL_EVERY_MS = 1000 };

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum archive_err lock(struct archive *a, struct archive_fault *fault) {
    archive_path file;
    snprintf(file, sizeof file, "%.1000s/lock", a->dir);
    a->lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->lock < 0) return archive_fail_errno(fault, file, "write");
    if (flock(a->lock, LOCK_EX | LOCK_NB) == 0) return ARCHIVE_OK;
    if (errno != EWOULDBLOCK) return archive_fail_errno(fault, file, "lock");
    return archive_fail(fault, ARCHIVE_TAKEN, file, "another process is archiving this partition here");
}

static enum archive_err check_manifest(struct archive *a, const struct book *book, unsigned partition, struct archive_fault *fault) {
    const struct archive_manifest *m = &a->manifest;
    if (strcmp(m->book.name, book->name) == 0 && m->book.partitions == book->partitions && m->partition == partition) return ARCHIVE_OK;
    return archive_fail(fault, ARCHIVE_CORRUPT, a->dir,
                        "is the archive of partition %u of %u of book '%s', not of partition %u of %u of book '%s'", m->partition,
                        m->book.partitions, m->book.name, partition, book->partitions, book->name);
}

static enum archive_err open_writers(struct archive *a, const struct book *book, unsigned partition, struct archive_fault *fault) {
    bool known = a->manifest.present;
    enum archive_err err = archive_writer_open(&a->intents, &a->options, a->dir, book, partition, SEGMENT_INTENTS,
                                               known ? &a->manifest.intents : NULL, fault);
    if (!err)
        err = archive_writer_open(&a->ledger, &a->options, a->dir, book, partition, SEGMENT_LEDGER, known ? &a->manifest.ledger : NULL,
                                  fault);
    return err;
}

enum archive_err archive_open(struct archive *a, const char *dir, const struct archive_options *options, const struct book *book,
                              unsigned partition, struct archive_fault *fault) {
    memset(a, 0, sizeof *a);
    a->options = *options;
    a->lock = a->intents.fd = a->ledger.fd = -1;
    if (!archive_path_partition(a->dir, dir, partition)) return archive_fail(fault, ARCHIVE_SYSTEM, dir, "the name is too long");
    enum archive_err err = archive_make_dir(dir, fault);
    if (!err) err = archive_make_dir(a->dir, fault);
    if (!err) err = lock(a, fault);
    if (!err) err = archive_manifest_read(a->dir, &a->manifest, fault);
    if (!err && a->manifest.present) err = check_manifest(a, book, partition, fault);
    if (!err) err = open_writers(a, book, partition, fault);
    if (err) return err;
    a->manifest.book = *book;
    a->manifest.partition = partition;
    return archive_settle(a, fault);
}

static enum archive_err sync_both(struct archive *a, struct archive_fault *fault) {
    a->synced_at_ms = clock_ms(CLOCK_MONOTONIC);
    enum archive_err err = archive_writer_sync(&a->intents, fault);
    return err ? err : archive_writer_sync(&a->ledger, fault);
}

static enum archive_err tell(struct archive *a, struct archive_fault *fault) {
    struct archive_manifest manifest = a->manifest;
    archive_writer_mark(&a->intents, &manifest.intents);
    archive_writer_mark(&a->ledger, &manifest.ledger);
    manifest.present = true;
    a->told_at_ms = clock_ms(CLOCK_MONOTONIC);
    bool same = a->manifest.present && memcmp(&manifest.intents, &a->manifest.intents, sizeof manifest.intents) == 0 &&
                memcmp(&manifest.ledger, &a->manifest.ledger, sizeof manifest.ledger) == 0;
    enum archive_err err = same ? ARCHIVE_OK : archive_manifest_write(a->dir, &manifest, fault);
    if (!err) a->manifest = manifest;
    return err;
}

enum archive_err archive_settle(struct archive *a, struct archive_fault *fault) {
    enum archive_err err = sync_both(a, fault);
    return err ? err : tell(a, fault);
}

enum archive_err archive_tick(struct archive *a, struct archive_fault *fault) {
    uint64_t wall_ms = (uint64_t)clock_ms(CLOCK_REALTIME);
    int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    enum archive_err err = archive_writer_seal_old(&a->intents, wall_ms, fault);
    if (!err) err = archive_writer_seal_old(&a->ledger, wall_ms, fault);
    if (!err) err = archive_writer_flush(&a->intents, fault);
    if (!err) err = archive_writer_flush(&a->ledger, fault);
    if (err || now_ms - a->synced_at_ms < (int64_t)a->options.fsync_every_ms) return err;
    err = sync_both(a, fault);
    return err || now_ms - a->told_at_ms < TELL_EVERY_MS ? err : tell(a, fault);
}

void archive_close(struct archive *a) {
    archive_writer_close(&a->intents);
    archive_writer_close(&a->ledger);
    if (a->lock >= 0) close(a->lock);
    a->lock = -1;
}
