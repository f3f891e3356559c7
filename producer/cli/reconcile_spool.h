/* Rows on their way to being compared, dealt into buckets by a hash so that one bucket at a time fits into memory. What does not fit into
 * the buckets' buffers lies in one temporary file in TMPDIR (else /tmp), unlinked as soon as it is made. */
#ifndef CLI_RECONCILE_SPOOL_H
#define CLI_RECONCILE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/intent.h"

enum { SPOOL_BUCKETS = 256, SPOOL_BLOCK = 16384 };

/* A row of the file, or a bill. As in memory so in the file, cut off behind the key. */
struct spool_row {
    int64_t amount_minor; /* -1: none */
    uint64_t place;       /* of the file: line; of a bill: its partition and number, BILL_PLACE, or 0 */
    int16_t code;
    uint8_t op;           /* of a bill: enum op */
    bool is_bill;
    uint8_t account_size, key_size;
    char text[INTENT_ACCOUNT_MAX + INTENT_KEY_MAX]; /* account and key, without NULs */
};

struct spool_bucket {
    char *buffer;     /* SPOOL_BLOCK, once there is anything */
    size_t used;
    uint32_t *blocks; /* places in the file, in units of SPOOL_BLOCK */
    size_t block_count, block_capacity, next;
    size_t at, end;   /* while reading */
};

struct spool {
    int fd; /* -1: nothing was written out yet */
    uint32_t block_count;
    uint64_t rows;
    struct spool_bucket bucket[SPOOL_BUCKETS];
    char *block; /* while reading */
    char error[160];
};

/* How much of a row counts. */
size_t spool_row_size(const struct spool_row *row);

/* False, here and below: the temporary file does not take or give it; `error` says why. Running out of memory aborts. */
void spool_init(struct spool *s);
void spool_clear(struct spool *s);
bool spool_put(struct spool *s, uint32_t hash, const struct spool_row *row) __attribute__((warn_unused_result));
/* The rows of one bucket in the order they were put; each may be read once. *row is NULL behind the last, and valid until the next call. */
bool spool_next(struct spool *s, unsigned bucket, const struct spool_row **row) __attribute__((warn_unused_result));

#endif
