/* A partition whose book is being rebuilt from recorded streams (`till replay`), which meta's field `replaying` says. The streams contain
 * already what follows from their entries, so a lane sends no follow-ups and puts nothing that has fallen due on its stream.
 *
 * Only at the very end of the recording something may be missing: the follow-ups of entries applied last. `replaying` is the list of what
 * is there, "p:ENTRY p:ENTRY ...": partition p's recorded stream contains what the entries up to ENTRY of this one sent there; of those
 * not listed nothing is recorded. An entry with a follow-up beyond that is put aside: acknowledged, its answer kept. When the partition is
 * taken out of this state, schema/lua/rebuild.lua makes those pending again, and the next owner sends what they owe as after any crash. */
#ifndef WORKER_REPLAYING_H
#define WORKER_REPLAYING_H

#include <stdbool.h>

#include "producer/redis.h"
#include "schema/entry.h"

struct lane;

struct replaying {
    bool on;
    struct entry_id *recorded; /* per partition: up to which entry of ours its stream is complete; NULL while off */
};

/* Takes over the field's text; nil turns it off. REDIS_GARBLED when it is none of ours. */
enum redis_err replaying_read(struct lane *lane, struct reply text) __attribute__((warn_unused_result));
void replaying_clear(struct replaying *r); /* frees */

/* In place of sending follow-ups: puts aside the items of the outbox that still owe some, and takes them out of it. */
enum redis_err replaying_put_aside(struct lane *lane) __attribute__((warn_unused_result));

#endif
