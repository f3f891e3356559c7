/* What the state of a book comes to: sums over its partitions, rates between two looks, a word for each worker and partition. */
#ifndef CLI_STATUS_SUM_H
#define CLI_STATUS_SUM_H

#include "producer/cli/status_read.h"

enum { STATUS_STATE_MAX = STATUS_PAUSED_MAX + 20 };

struct status_totals {
    uint64_t undelivered, pending, dead, unanswered, bills, oldest_ms;
    unsigned live, owned, halted, paused, replaying, away;
    bool rated, knows_undelivered;
    uint64_t added_per_s, read_per_s;
};

void status_sum(const struct connection *c, const struct book_status *s, struct status_totals *t);
/* Per second, from two looks; the counts only grow, unless a stream was deleted in between. */
void status_rate(const struct book_status *before, const struct book_status *after, struct status_totals *t);
/* Since a time of the server. */
uint64_t status_age_ms(const struct book_status *s, uint64_t at_ms);
bool status_alive(const struct connection *c, const struct book_status *s, const struct status_worker *w);
/* "alive", "quiet", "gone". */
const char *status_worker_state(const struct connection *c, const struct book_status *s, const struct status_worker *w);
/* "served", "free", "paused by ...", "halted: ...", "away: ...". */
void status_partition_state(const struct status_partition *p, char out[STATUS_STATE_MAX]);

#endif
