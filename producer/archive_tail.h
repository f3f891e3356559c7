/* Brings a stream's new entries into its archive, in rounds, and finds out whether any was trimmed before it got there: the stream counts
 * what was ever added to it, and that must be what is archived plus what is still to be read. No I/O with Redis here; the caller sends and
 * reads.
 *
 *     { ask: XINFO STREAM -> info ; while behind: want: XRANGE -> page }*
 */
#ifndef PRODUCER_ARCHIVE_TAIL_H
#define PRODUCER_ARCHIVE_TAIL_H

#include "producer/archive_writer.h"
#include "producer/redis.h"

enum { ARCHIVE_PAGE = 500 /* entries at most in one reply; fewer when they are large */ };

struct archive_tail {
    struct archive_writer *writer;
    keys_buffer key;
    size_t key_size;
    struct entry_id read_to; /* everything up to here was read */
    struct entry_id checked; /* up to here nothing is missing but what is known */
    struct entry_id target;  /* of this round: the stream's last ID when it was asked */
    uint64_t added;          /* and how many entries it had ever had then */
    uint64_t taken;          /* entries archived since init */
    uint32_t page;           /* how many are asked for at once */
    uint64_t gap_count;      /* found since init */
    struct segment_gap gap;  /* the last one of those */
};

void archive_tail_init(struct archive_tail *t, struct archive_writer *writer, const struct book *book);

/* Begins a round: the command, and what came of it. Its error reply "no such key" is an answer too: hand it over. */
void archive_tail_ask(struct archive_tail *t, struct command *c);
bool archive_tail_is_answer(struct reply reply);
enum archive_err archive_tail_info(struct archive_tail *t, struct reply reply, struct archive_fault *fault)
    __attribute__((warn_unused_result));
/* Is there something to read in this round? */
bool archive_tail_behind(const struct archive_tail *t);
void archive_tail_want(struct archive_tail *t, struct command *c);
enum archive_err archive_tail_page(struct archive_tail *t, struct reply reply, struct archive_fault *fault)
    __attribute__((warn_unused_result));

#endif
