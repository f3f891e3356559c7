/* The parts of a partition's digest being read: what those who read keys and those who read streams share. */
#ifndef CLI_DIGEST_READER_H
#define CLI_DIGEST_READER_H

#include "producer/cli/digest_names.h"
#include "producer/cli/digest_read.h"
#include "producer/cli/progress.h"

struct digest_reader {
    struct connection *c;
    struct digest_element element; /* scratch */
    struct pack_tree *tree;
    struct digest_names names;
    struct progress progress;

    unsigned partition;            /* at hand, and what of it */
    struct digest_list_of_names list;
    struct digest_partition *out;
    const char *word, *name;       /* of the elements being made */
    struct digest_set set;
    struct digest_bag answers;
    FILE *said;                    /* where the answers are written too, or NULL */
};

/* The key of a partition by its NAME in it, as the command's next argument. */
void digest_reader_key(struct digest_reader *r, unsigned partition, const char *name);
/* A reply as the next text of the element. */
void digest_reader_text(struct digest_reader *r, struct reply text);
/* The element at hand is an answer. */
void digest_reader_answer(struct digest_reader *r);
/* The element of a whole hash: its word, its name, then its fields by name. `wanted`: which ones, NULL: all. */
void digest_reader_hash(struct digest_reader *r, const char *word, const char *name, struct reply fields,
                        bool (*wanted)(const char *field));
/* What comes behind the prefix; NULL when it does not begin so. */
const char *digest_reader_name_behind(const char *name, const char *prefix);

/* digest_keys.c: accounts, bills, orders, stock, merchants, due, scheduled. digest_streams.c: ledger, answers. Both of the partition at
 * hand; CLI_OK or an exit code. */
int digest_keys_read(struct digest_reader *r) __attribute__((warn_unused_result));
int digest_streams_read(struct digest_reader *r) __attribute__((warn_unused_result));

#endif
