/* What must hold from record to record and from segment to segment: IDs ascend, counts add up, each segment names the digest of the one
 * before. One chain follows one stream of one partition; writer and checker go the same way, so that what is written is what is wanted.
 *
 *     init -> { open -> { entry | gap }* -> end }*       and bytes, along with each, of what stands in the file
 *
 * Pure. A value of the caller's; belongs to one thread. */
#ifndef SCHEMA_SEGMENT_CHAIN_H
#define SCHEMA_SEGMENT_CHAIN_H

#include <stdalign.h>

#include "schema/segment.h"

enum { SEGMENT_CHAIN_HASH_SIZE = 384 };

struct segment_chain {
    char book[KEYS_BOOK_NAME_MAX + 1];
    uint32_t partition, partitions;
    enum segment_stream stream;
    uint64_t number;                       /* of the segment at hand; 0: none yet */
    bool ended;                            /* it is: the next one may be opened */
    uint64_t entries, missing;             /* so far, in all segments */
    uint64_t first_number;                 /* the first segment that was opened; entries before it were taken on trust */
    struct entry_id first, last;           /* of the entries seen; `last` also moves with gaps */
    struct entry_id before;                /* where the segment at hand begins: `last` of its header */
    uint64_t created_ms;                   /* of the segment at hand */
    uint8_t digest[SEGMENT_DIGEST_SIZE];   /* of the last ended segment */
    alignas(64) uint8_t hash[SEGMENT_CHAIN_HASH_SIZE]; /* of the segment at hand so far */
};

void segment_chain_init(struct segment_chain *c, const struct book *book, unsigned partition, enum segment_stream stream);
/* The header of the next segment. */
void segment_chain_header(const struct segment_chain *c, uint64_t created_ms, struct segment_header *header);
/* The end of the segment at hand. */
void segment_chain_seal(const struct segment_chain *c, struct segment_end *end);

/* Each gives NULL, or what is wrong with what comes next: static text; the chain is unchanged then. */
const char *segment_chain_open(struct segment_chain *c, const struct segment_header *header) __attribute__((warn_unused_result));
/* For who begins in the middle: believes the header about what came before. */
const char *segment_chain_trust(struct segment_chain *c, const struct segment_header *header) __attribute__((warn_unused_result));
const char *segment_chain_take(struct segment_chain *c, const struct segment_record *record) __attribute__((warn_unused_result));
/* The bytes of the header and of each record, in order: after `open`, after `take`. */
void segment_chain_bytes(struct segment_chain *c, const void *bytes, size_t size);

#endif
