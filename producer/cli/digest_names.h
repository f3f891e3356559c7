/* The names of a book's keys by partition, kept in a file without a name, so that a book of any size can be listed: a SCAN goes through all
 * partitions at once, and what reads them wants one after the other, each name once. */
#ifndef CLI_DIGEST_NAMES_H
#define CLI_DIGEST_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "producer/cli/connect.h"

enum { DIGEST_NAMES_BLOCK = 4096 };

/* The names of one partition, what stands behind "{B:p}:", sorted. */
struct digest_list_of_names {
    char *text;
    const char **names;
    size_t count;
};

struct digest_names {
    struct names_place *places; /* per partition */
    unsigned partitions;
    int fd;
    size_t blocks;              /* in the file */
};

/* Lists what the wanted partitions have. digest_names_clear in any case. CLI_OK or an exit code, said. */
int digest_names_scan(struct digest_names *names, struct connection *c, const bool *wanted) __attribute__((warn_unused_result));
/* False, errno: the file cannot be read. digest_names_free in any case. */
bool digest_names_of(const struct digest_names *names, unsigned partition, struct digest_list_of_names *list);
void digest_names_free(struct digest_list_of_names *list);
void digest_names_clear(struct digest_names *names);

#endif
