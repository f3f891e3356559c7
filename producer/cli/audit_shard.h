/* Where a merchant's shard is not as the merchant is at home. */
#ifndef CLI_AUDIT_SHARD_H
#define CLI_AUDIT_SHARD_H

#include "producer/cli/audit.h"

struct audit_shard {
    char merchant[70], currency[4], status[16]; /* as at home */
    char here[16];                              /* its shard's status; "" when there is none */
    unsigned home, partition;
};

struct audit_shards {
    uint64_t *sum; /* by partition */
    struct audit_shard *list; /* of those that differed when they were read */
    size_t count, capacity;
};

/* Is a merchant's shard of another status than the merchant is at home, or not there? Asked now, of home first. */
int audit_shard_differs(struct connection *c, const char *merchant, unsigned home, unsigned partition, bool *differs)
    __attribute__((warn_unused_result));

#endif
