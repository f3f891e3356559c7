/* A partition whose book is being rebuilt from recorded streams (`till replay`), which meta's field `replaying` says. The streams contain
 * already what follows from their entries, so a lane sends no follow-ups and puts nothing that has fallen due on its stream.
 *
 * Only at the very end of the recording something may be missing: the follow-ups of entries applied last. `replaying` is the list of what
 * is there, "p:ENTRY p:ENTRY ...": partition p's recorded stream contains what the entries up to ENTRY of this one sent there; of those
 * not listed nothing is recorded. An entry with a follow-up beyond that is put aside: acknowledged, its answer kept. When the partition is
 * taken out of this state, schema/lua/rebuild.lua makes those pending again, and the next owner sends what they owe as after any crash.
 *
 * There is nobody who could be given an entry that another has: entries are read from the watermark on, past the group, which costs less
 * than to be handed them. Nothing is pending then but what was before, and what was applied and not answered is found by `unanswered`.
 * With the word "careful" in front of the list the group hands them out as always, and counts how often: the replay says so once a worker
 * has died, in case an entry did it. */
#ifndef WORKER_REPLAYING_H
#define WORKER_REPLAYING_H

#include <stdbool.h>

#include "producer/redis.h"
#include "schema/entry.h"

struct lane;

struct replaying {
    bool on, careful;
    struct entry_id read;      /* the last one taken from the stream; 0-0: none since it was taken over */
    struct entry_id *recorded; /* per partition: up to which entry of ours its stream is complete; NULL while off */
};

/* Takes over the field's text; nil turns it off. REDIS_GARBLED when it is none of ours. */
enum redis_err replaying_read(struct lane *lane, struct reply text) __attribute__((warn_unused_result));
void replaying_clear(struct replaying *r); /* frees */

/* Before what is pending is claimed: makes pending what was applied, but not answered. */
enum redis_err replaying_recall(struct lane *lane) __attribute__((warn_unused_result));

/* Are entries read past the group? Then behind `text`. */
bool replaying_reads_on(const struct lane *lane, char text[ENTRY_TEXT_MAX + 1]);
/* Up to the last of these is being worked on. */
void replaying_note_read(struct lane *lane, struct reply entries);

/* In place of sending follow-ups: those of the outbox's first `count` items that still owe some stay, and go into `aside`, to be sent once
 * the others are answered. Then meta's field `aside` says how many answers of all that are kept are kept for that. */
void replaying_put_aside(struct lane *lane, struct command *aside, uint32_t count);
enum redis_err replaying_send_aside(struct lane *lane, struct command *aside) __attribute__((warn_unused_result));

#endif
