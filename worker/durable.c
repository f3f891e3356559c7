/* Waiting for replicas and for the disk. */
#include "worker/durable.h"

#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum { SLICE_MAX_MS = 400 }; /* a wait is cut into slices, so that a stop is noticed and the lease kept */

static struct redis_durable wanted_level(const struct lane *lane) {
    const struct settings *s = lane->shared->settings;
    return (struct redis_durable){atomic_load(&s->durable_replicas), atomic_load(&s->durable_aof)};
}

bool durable_wanted(const struct lane *lane) {
    struct redis_durable want = wanted_level(lane);
    return !redis_durable_is_none(&want);
}

static unsigned timeout_ms(const struct lane *lane) { return atomic_load(&lane->shared->settings->durable_timeout_ms); }

static unsigned slice_ms(const struct lane *lane) {
    unsigned slice = timeout_ms(lane), third = lane->shared->lease_ttl_ms / 3, half = (unsigned)lane->shared->redis.timeout_ms / 2;
    if (slice > third) slice = third;
    if (slice > half) slice = half;
    return slice > SLICE_MAX_MS ? SLICE_MAX_MS : slice > 0 ? slice : 1; /* 0 would be for ever */
}

/* One look, as long as a slice: what there is of it. All replies are read, or the connection is lost. */
static enum redis_err ask(struct lane *lane, struct command *c, const struct redis_durable *want, struct redis_durable *have) {
    struct reply reply;
    *have = (struct redis_durable){0};
    lane_append_renewal(lane, lane->side, c);
    unsigned count = redis_durable_append(lane->side, c, want, slice_ms(lane));
    enum redis_err first = lane_next_renewal(lane, lane->side);
    FAILPOINT("amid_durable");
    for (unsigned n = 0; n < count; n++) {
        enum redis_err err = redis_next(lane->side, &reply);
        if (!err) redis_durable_take(want, n, reply, have);
        if (!first) first = err;
    }
    return first;
}

static void note_behind(struct lane *lane, const struct redis_durable *want, const struct redis_durable *have) {
    struct durable *d = lane->shared->durable;
    char what[80];
    if (lane->behind) return;
    lane->behind = true;
    if (!d) return;
    atomic_fetch_add(&d->missed, 1);
    if (atomic_fetch_add(&d->behind, 1) > 0) return;
    atomic_store(&d->behind_since_ms, lane_now_ms());
    redis_durable_describe(want, have, what, sizeof what);
    log_event(LOG_WARN, "durability_missed", {"partition", LOG_N(lane->door.partition)}, {"is", LOG_S(what)},
              {"after_ms", LOG_N(timeout_ms(lane))}, {"next", LOG_S("nothing is answered until it is reached")});
}

static void note_reached(struct lane *lane, uint64_t since_us) {
    struct durable *d = lane->shared->durable;
    if (d) {
        atomic_fetch_add(&d->waits, 1);
        atomic_fetch_add(&d->waited_us, lane_now_us() - since_us);
    }
    if (lane->behind && d && atomic_fetch_sub(&d->behind, 1) == 1)
        log_event(LOG_INFO, "durability_back", {"after_ms", LOG_N(lane_now_ms() - atomic_load(&d->behind_since_ms))});
    lane->behind = false;
}

void durable_forget(struct lane *lane) {
    if (lane->behind && lane->shared->durable) atomic_fetch_sub(&lane->shared->durable->behind, 1);
    lane->behind = false;
}

enum redis_err durable_wait(struct lane *lane, struct command *c, char text[REDIS_DURABLE_TEXT_SIZE]) {
    uint64_t since_us = lane_now_us();
    for (;;) {
        struct redis_durable want = wanted_level(lane), have = {0}; /* an operator may lower it meanwhile */
        enum redis_err err = redis_durable_is_none(&want) ? REDIS_OK : ask(lane, c, &want, &have);
        if (err) return err;
        if (redis_durable_reached(&want, &have, text)) {
            if (!redis_durable_is_none(&want) || lane->behind) note_reached(lane, since_us);
            return REDIS_OK;
        }
        if (lane_now_us() - since_us >= 1000 * (uint64_t)timeout_ms(lane)) note_behind(lane, &want, &have);
        if (atomic_load(&lane->stop)) return REDIS_HELD;
    }
}
