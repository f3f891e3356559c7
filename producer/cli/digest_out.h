/* Digests as tables, as JSON, in files; two of them held against each other. */
#ifndef CLI_DIGEST_OUT_H
#define CLI_DIGEST_OUT_H

#include <jansson.h>

#include "producer/cli/cli.h"
#include "producer/digest.h"
#include "schema/keys.h"

/* The digests of a book, or of some of its partitions. */
struct digest_record {
    struct book book;
    struct digest_partition *partitions; /* in ascending order */
    unsigned count;
    uint8_t digest[DIGEST_SIZE]; /* of the book, when all partitions are there and none moved */
    bool whole;
};
/* Takes those that are wanted out of a list by partition. digest_record_clear in any case. */
void digest_record_make(struct digest_record *r, const struct book *book, const bool *wanted, const struct digest_partition *list);
void digest_record_clear(struct digest_record *r);
const struct digest_partition *digest_record_of(const struct digest_record *r, unsigned partition); /* NULL: not there */
bool digest_record_moved(const struct digest_record *r); /* any partition */

json_t *digest_record_json(const struct digest_record *r);
/* What such JSON says, from a file. NULL, or what is wrong: static text. */
const char *digest_record_load(struct digest_record *r, const char *file);
/* A line of that JSON into a file, whole or not at all. False, and said. */
bool digest_record_save(const struct cli *cli, const struct digest_record *r, const char *dir, const char *file);

void digest_out(const struct cli *cli, const struct digest_record *r);

/* Holds a partition against what it should be. What differs is said by `differs`, part by part; parts of which something was trimmed on
 * either side are left out and named in `*left_out`, a bit each. True when nothing differs. */
bool digest_out_compare(const struct digest_partition *wanted, const struct digest_partition *got,
                        void (*differs)(void *context, unsigned partition, const char *text), void *context, unsigned *left_out);

#endif
