/* Sums up what status_read read. */
#include "producer/cli/status_sum.h"

#include <stdio.h>
#include <string.h>

uint64_t status_age_ms(const struct book_status *s, uint64_t at_ms) { return s->now_ms > at_ms ? s->now_ms - at_ms : 0; }

bool status_alive(const struct connection *c, const struct book_status *s, const struct status_worker *w) {
    return status_age_ms(s, w->seen_ms) < c->config.worker_lease_ttl_ms;
}

const char *status_worker_state(const struct connection *c, const struct book_status *s, const struct status_worker *w) {
    return !status_alive(c, s, w) ? "gone" : w->quiet ? "quiet" : "alive";
}

void status_partition_state(const struct status_partition *p, char out[STATUS_STATE_MAX]) {
    if (p->away[0]) snprintf(out, STATUS_STATE_MAX, "away: %s", p->away);
    else if (p->halted[0]) snprintf(out, STATUS_STATE_MAX, "halted: %s", p->halted);
    else if (p->paused_ms) snprintf(out, STATUS_STATE_MAX, "paused %s", p->paused);
    else if (p->replaying) snprintf(out, STATUS_STATE_MAX, "replayed");
    else snprintf(out, STATUS_STATE_MAX, "%s", p->owner[0] ? "served" : "free");
}

void status_sum(const struct connection *c, const struct book_status *s, struct status_totals *t) {
    t->knows_undelivered = true;
    for (unsigned n = 0; n < s->partition_count; n++) {
        const struct status_partition *p = &s->partitions[n];
        t->undelivered += p->undelivered;
        t->knows_undelivered = t->knows_undelivered && p->knows_undelivered;
        t->pending += p->pending;
        t->dead += p->dead;
        t->unanswered += p->unanswered;
        t->bills += p->bills;
        t->owned += p->owner[0] != '\0';
        t->halted += p->halted[0] != '\0';
        t->paused += p->paused_ms != 0;
        t->replaying += p->replaying;
        t->away += p->away[0] != '\0';
        if (p->oldest_ms && (!t->oldest_ms || p->oldest_ms < t->oldest_ms)) t->oldest_ms = p->oldest_ms;
    }
    for (size_t n = 0; n < s->worker_count; n++) t->live += status_alive(c, s, &s->workers[n]);
}

void status_rate(const struct book_status *before, const struct book_status *after, struct status_totals *t) {
    uint64_t added = 0, read = 0, spent_ms = after->now_ms - before->now_ms;
    for (unsigned n = 0; n < after->partition_count; n++) {
        const struct status_partition *b = &before->partitions[n], *a = &after->partitions[n];
        added += a->added > b->added ? a->added - b->added : 0;
        read += a->read > b->read ? a->read - b->read : 0;
    }
    t->rated = spent_ms > 0 && after->now_ms > before->now_ms;
    if (!t->rated) return;
    t->added_per_s = added * 1000 / spent_ms;
    t->read_per_s = read * 1000 / spent_ms;
}
