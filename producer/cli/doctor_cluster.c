/* Is the Redis Cluster laid out for Till? Whose the partitions are, who follows them, what one missing node would stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/doctor.h"

static void add_share(char *out, size_t capacity, const char *where, unsigned partitions) {
    size_t size = strlen(out);
    snprintf(out + size, capacity - size, "%s%s %u", size ? ", " : "", where, partitions);
}

static unsigned count_partitions(const struct doctor *d, unsigned node) {
    unsigned count = 0;
    for (unsigned p = 0; p < d->c.book.partitions; p++) {
        keys_buffer key;
        count += redis_node_of(d->c.redis, key, keys_meta(key, &d->c.book, p)) == node;
    }
    return count;
}

void doctor_cluster(struct doctor *d) {
    char shares[DOCTOR_TEXT_MAX / 2] = "";
    unsigned served = 0, nodes = 0, most = 0;
    keys_buffer key;
    for (unsigned node = 0; redis_node_next(d->c.redis, &node); node++, nodes++) {
        unsigned count = count_partitions(d, node);
        add_share(shares, sizeof shares, redis_node_where(d->c.redis, node), count);
        served += count;
        if (count > most) most = count;
    }
    if (served < d->c.book.partitions) {
        doctor_find(d, DOCTOR_WRONG, "cluster", "%u of %u partitions have a slot that is nobody's (%s)", d->c.book.partitions - served,
                    d->c.book.partitions, shares);
        doctor_fix(d, "redis-cli --cluster check HOST:PORT; then --cluster fix, or CLUSTER ADDSLOTS");
        return;
    }
    bool uneven = nodes > 1 && d->c.book.partitions >= 2 * nodes && most > 2 * (d->c.book.partitions / nodes);
    doctor_find(d, uneven ? DOCTOR_NOTE : DOCTOR_GOOD, "cluster", "%u masters; partitions: %s", nodes, shares);
    if (uneven)
        doctor_fix(d, "move slots (redis-cli --cluster reshard): CLUSTER KEYSLOT '{%s:0}' is that of partition 0, and so on",
                   d->c.book.name);
    unsigned node = redis_node_of(d->c.redis, key, keys_book(key, &d->c.book));
    doctor_find(d, DOCTOR_GOOD, "cluster", "the list of workers lies at %s: while it is away what runs goes on, and nothing changes hands",
                redis_node_where(d->c.redis, node));
}

void doctor_cluster_node(struct doctor *d, unsigned replicas, const char *full_coverage) {
    if (replicas == 0) {
        doctor_find(d, DOCTOR_NOTE, "cluster", "nobody follows it: should it die, its partitions stand still until it is back");
        doctor_fix(d, "redis-cli --cluster add-node NEW:PORT HOST:PORT --cluster-slave");
    }
    if (strcmp(full_coverage, "yes") != 0) return;
    doctor_find(d, DOCTOR_NOTE, "cluster", "cluster-require-full-coverage is yes: one node that is away stops all partitions");
    doctor_fix(d, "CONFIG SET cluster-require-full-coverage no, and the same in redis.conf");
}
