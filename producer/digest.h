/* The canonical digest of a book, as schema/README.md defines it under "Digest": the same for the same state, whatever way it came about.
 * What is hashed is put in here element by element, in any order where the order says nothing. Pure; a value belongs to one thread. */
#ifndef PRODUCER_DIGEST_H
#define PRODUCER_DIGEST_H

#include <stdalign.h>
#include <stdbool.h>

#include "schema/segment.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 2 * DIGEST_SIZE + 1, DIGEST_STATE_SIZE = 384 };

/* One element: texts, in order. Zeros: none begun; digest_element_clear at last. */
struct digest_element {
    struct segment_bytes bytes;
};
void digest_begin(struct digest_element *e, const char *word); /* empties it; its first text */
void digest_text(struct digest_element *e, const void *text, size_t size);
void digest_number(struct digest_element *e, int64_t number);  /* as decimal text */
void digest_element_clear(struct digest_element *e);

/* A set: the order does not matter, nor how often an element is put in. */
struct digest_set {
    uint8_t (*hashes)[DIGEST_SIZE];
    size_t count, capacity;
};
void digest_set_add(struct digest_set *s, const struct digest_element *e);
/* Its digest; how many elements. Empties it; nothing is left to be freed. */
uint64_t digest_set_finish(struct digest_set *s, uint8_t out[DIGEST_SIZE]);

/* A list: the order matters. */
struct digest_list {
    alignas(64) uint8_t state[DIGEST_STATE_SIZE];
    uint64_t count;
};
void digest_list_init(struct digest_list *l);
void digest_list_add(struct digest_list *l, const struct digest_element *e);
void digest_list_finish(struct digest_list *l, uint8_t out[DIGEST_SIZE]);

/* A bag: the order does not matter, but how often an element is put in does. The sum of the elements' hashes, modulo 2^256. */
struct digest_bag {
    uint8_t sum[DIGEST_SIZE];
    uint64_t count;
};
void digest_bag_add(struct digest_bag *b, const struct digest_element *e);

/* What a partition's digest is made of, in this order. */
#define DIGEST_PARTS(X) \
    X(meta) X(accounts) X(bills) X(orders) X(stock) X(merchants) X(due) X(scheduled) X(ledger) X(answers)
enum digest_part_name {
#define X(name) DIGEST_##name,
    DIGEST_PARTS(X)
#undef X
        DIGEST_PART_COUNT
};
const char *digest_part_word(enum digest_part_name part);

struct digest_part {
    uint64_t count;
    uint8_t digest[DIGEST_SIZE];
    bool trimmed; /* some of it is not there any more: of a stream */
};

struct digest_partition {
    unsigned partition;
    struct entry_id applied;
    uint64_t bill; /* the last bill number */
    struct digest_part part[DIGEST_PART_COUNT];
    bool moved; /* it changed while it was read: not a digest of anything */
    uint8_t digest[DIGEST_SIZE];
};
void digest_partition_finish(struct digest_partition *p);
/* Of the whole book. */
void digest_book(const struct digest_partition *partitions, unsigned count, uint8_t out[DIGEST_SIZE]);

void digest_hex(const uint8_t digest[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]);
bool digest_parse_hex(const char *text, uint8_t digest[DIGEST_SIZE]);

#endif
