/* An archive that workers write, held against the streams it is of. */
#ifndef TESTS_FLOW_ARCHIVES_H
#define TESTS_FLOW_ARCHIVES_H

#include "tests/flow/flow.h"

/* What is in it, over all partitions. */
struct archives {
    uint64_t entries, missing, found, torn; /* found: findings of the verifier; the last one is said on stderr */
    unsigned partitions;
};
struct archives archives_read(const char *dir);
/* Every entry that was ever added to intents and ledgers is in it, once and in order, and what is still in the streams is the same there.
 * "" or what is wrong. Valid until the next call. */
const char *archives_compare(struct flow *flow, const char *dir);
/* The same, waiting for it; asserts. */
void archives_expect_all(struct flow *flow, const char *dir, const char *name);

#endif
