/* Is the book served? Its number of partitions, workers alive, partitions without an owner, halted and paused ones, dead entries. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/doctor.h"
#include "producer/cli/status_read.h"

static void find_workers(struct doctor *d, const struct book_status *s, unsigned *live) {
    unsigned quiet = 0;
    *live = 0;
    for (size_t n = 0; n < s->worker_count; n++) {
        if (s->now_ms >= s->workers[n].seen_ms + d->c.config.worker_lease_ttl_ms) continue;
        *live += !s->workers[n].quiet;
        quiet += s->workers[n].quiet;
    }
    if (quiet) doctor_find(d, *live ? DOCTOR_NOTE : DOCTOR_WRONG, "workers", "%u quiet: they take no partitions", quiet);
    if (quiet) doctor_fix(d, "send them SIGCONT: systemctl kill -s CONT till-worker");
    doctor_find(d, *live ? DOCTOR_GOOD : DOCTOR_WRONG, "workers", *live ? "%u alive" : "none is alive, nothing is being applied", *live);
    if (!*live) doctor_fix(d, "till-worker -c %s", connect_config_path(d->c.cli) ? connect_config_path(d->c.cli) : "config/till.yaml");
}

static void find_partitions(struct doctor *d, const struct book_status *s, unsigned live) {
    unsigned owned = 0;
    uint64_t dead = 0;
    for (unsigned n = 0; n < s->partition_count; n++) {
        const struct status_partition *p = &s->partitions[n];
        owned += p->owner[0] != '\0';
        dead += p->dead;
        if (p->paused_ms) {
            doctor_find(d, DOCTOR_NOTE, "book", "partition %u is paused %.300s", n, p->paused);
            doctor_fix(d, "till resume --partition %u", n);
        }
        if (!p->halted[0]) continue;
        doctor_find(d, DOCTOR_WRONG, "book", "partition %u is halted: %s", n, p->halted);
        doctor_fix(d, "bring the data back if you can; then till accept-loss --partition %u", n);
    }
    if (live) {
        doctor_find(d, owned == s->partition_count ? DOCTOR_GOOD : DOCTOR_WRONG, "workers", "%u of %u partitions are served", owned,
                    s->partition_count);
        if (owned != s->partition_count) doctor_fix(d, "ask again in a few seconds; then look at the workers' logs");
    }
    if (dead) {
        doctor_find(d, DOCTOR_NOTE, "book", "%llu dead entries", (unsigned long long)dead);
        doctor_fix(d, "till dead list");
    }
}

/* The book's number of partitions against ours. *same: it is there and the same. */
static int find_book(struct doctor *d, bool *same) {
    struct reply reply;
    keys_buffer key;
    *same = false;
    command_begin(&d->c.command, "HGET");
    command_copy(&d->c.command, key, keys_book(key, &d->c.book));
    command_word(&d->c.command, "partitions");
    enum redis_err err = redis_call(d->c.redis, &d->c.command, &reply); /* wherever it lies */
    *same = connect_without(&d->c, err); /* found before; what is elsewhere can be examined */
    if (*same) return CLI_OK;
    if (err == REDIS_LOST || err == REDIS_GARBLED || err == REDIS_AWAY) return connect_failed(&d->c, err, "examining");
    if (err) return CLI_OK;
    long long partitions = reply_integer(reply);
    *same = partitions == (long long)d->c.book.partitions;
    if (partitions == 0) {
        doctor_find(d, DOCTOR_WRONG, "book", "there is no book '%s' yet", d->c.book.name);
        doctor_fix(d, "till-worker -c %s creates it; or correct redis.url or book.name",
                   connect_config_path(d->c.cli) ? connect_config_path(d->c.cli) : "config/till.yaml");
    } else if (!*same) {
        doctor_find(d, DOCTOR_WRONG, "book", "book '%s' has %lld partitions, the configuration says %u", d->c.book.name, partitions,
                    d->c.book.partitions);
        doctor_fix(d, "set book.partitions to %lld (now from: %s)", partitions, d->c.config.origin[CONFIG_book_partitions]);
    } else {
        doctor_find(d, DOCTOR_GOOD, "book", "book '%s' has %u partitions, as configured", d->c.book.name, d->c.book.partitions);
    }
    return CLI_OK;
}

int doctor_book(struct doctor *d) {
    struct book_status status = {0};
    unsigned live = 0;
    bool same;
    int code = find_book(d, &same);
    if (code || !same) return code;
    code = status_read(&d->c, &status);
    if (!code) {
        if (status.knows_workers) find_workers(d, &status, &live);
        find_partitions(d, &status, live);
    }
    status_clear(&status);
    return code;
}
