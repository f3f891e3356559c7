/* Asks Redis whether what this worker saw applied is there still. Another worker may have gone on since on a server that never had it, past
 * the numbers by which mark_missing tells: then the entry itself is missing from its stream. */
#ifndef WORKER_LOSS_H
#define WORKER_LOSS_H

#include "producer/redis.h"
#include "schema/keys.h"
#include "worker/mark.h"

/* *gone: the stream has entries from before mark->applied, but not that one. Entries leave a stream only by trimming, from its beginning
 * on. */
enum redis_err loss_find(struct redis *redis, struct command *c, const struct book *book, unsigned partition, const struct mark *mark,
                         bool *gone) __attribute__((warn_unused_result));
/* The same and mark_missing, by what meta says now: "" in `out` when nothing is missing. */
enum redis_err loss_look(struct redis *redis, struct command *c, const struct book *book, unsigned partition, const struct mark *mark,
                         char *out, size_t capacity) __attribute__((warn_unused_result));
/* In words. */
void loss_describe(const struct mark *mark, char *out, size_t capacity);

#endif
