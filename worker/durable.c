/* Waiting for replicas and for the disk. */
#include "worker/durable.h"

#include <inttypes.h>
#include <string.h>

#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

/* A wait is cut into slices, so that a stop is noticed and the lease kept; short ones, as what is applied meanwhile waits for the next. */
enum { SLICE_MAX_MS = 100 };

static struct redis_durable wanted_level(const struct lane *lane) {
    const struct settings *s = lane->shared->settings;
    return (struct redis_durable){atomic_load(&s->durable_replicas), atomic_load(&s->durable_aof)};
}

bool durable_wanted(const struct lane *lane) {
    struct redis_durable want = wanted_level(lane);
    return !redis_durable_is_none(&want);
}

unsigned durable_timeout_ms(const struct lane *lane) { return atomic_load(&lane->shared->settings->durable_timeout_ms); }

static unsigned slice_ms(const struct lane *lane) {
    unsigned slice = durable_timeout_ms(lane), third = lane->shared->lease_ttl_ms / 3, half = (unsigned)lane->shared->redis.timeout_ms / 2;
    if (slice > third) slice = third;
    if (slice > half) slice = half;
    return slice > SLICE_MAX_MS ? SLICE_MAX_MS : slice > 0 ? slice : 1; /* 0 would be for ever */
}

static void note_behind(struct lane *lane, const struct redis_durable *want, const struct redis_durable *have) {
    struct durable *d = lane->shared->durable;
    char what[80];
    if (lane->behind) return;
    lane->behind = true;
    if (!d) return;
    atomic_fetch_add(&d->missed, 1);
    if (atomic_load(&d->behind) == 0) atomic_store(&d->behind_since_ms, lane_now_ms()); /* before anybody looks at it */
    if (atomic_fetch_add(&d->behind, 1) > 0) return;
    redis_durable_describe(want, have, what, sizeof what);
    log_event(LOG_WARN, "durability_missed", {"partition", LOG_N(lane->door.partition)}, {"is", LOG_S(what)},
              {"after_ms", LOG_N(durable_timeout_ms(lane))}, {"next", LOG_S("nothing is answered until it is reached")});
}

static void note_waited(struct durable *d, uint64_t us) {
    uint64_t longest = atomic_load(&d->longest_us);
    metrics_observe(&d->waited, us);
    while (us > longest && !atomic_compare_exchange_weak(&d->longest_us, &longest, us)) continue;
}

static void note_reached(struct lane *lane, uint64_t since_us) {
    struct durable *d = lane->shared->durable;
    if (d) note_waited(d, lane_now_us() - since_us);
    if (lane->behind && d && atomic_fetch_sub(&d->behind, 1) == 1)
        log_event(LOG_INFO, "durability_back", {"after_ms", LOG_N(lane_now_ms() - atomic_load(&d->behind_since_ms))});
    lane->behind = false;
}

void durable_forget(struct lane *lane) {
    if (lane->behind && lane->shared->durable) atomic_fetch_sub(&lane->shared->durable->behind, 1);
    lane->behind = false;
}

enum redis_err durable_connect(struct lane *lane) {
    struct redis *redis = atomic_load(&lane->durable);
    if (redis && !redis_is_lost(redis)) return REDIS_OK;
    if (outbox_waits(lane)) return REDIS_LOST;
    return lane_connect_beside(lane, &lane->durable);
}

enum redis_err durable_ask(struct lane *lane) {
    struct durable_question *q = &lane->question;
    q->want = wanted_level(lane); /* an operator may lower it while it is waited for */
    q->have = (struct redis_durable){0};
    q->left = 0;
    q->err = REDIS_OK;
    if (redis_durable_is_none(&q->want)) return REDIS_OK;
    struct command c;
    command_init(&c);
    q->renewed_at_ms = lane_now_ms();
    lane_append_renewal(lane, lane->durable, &c);
    q->waits = redis_durable_append(lane->durable, &c, &q->want, slice_ms(lane));
    q->left = 1 + q->waits;
    command_clear(&c);
    enum redis_err err = redis_flush(lane->durable);
    if (err) q->left = 0;
    return err;
}

/* The renewal was then, however late its reply is read. */
static enum redis_err take_renewal(struct lane *lane) {
    uint64_t before_ms = lane->renewed_at_ms, then_ms = lane->question.renewed_at_ms;
    enum redis_err err = lane_next_renewal(lane, lane->durable);
    if (!err) lane->renewed_at_ms = then_ms > before_ms ? then_ms : before_ms;
    FAILPOINT("amid_durable");
    return err;
}

/* One reply; all are read, or the connection is lost. */
static void take_reply(struct lane *lane) {
    struct durable_question *q = &lane->question;
    struct reply reply;
    bool first = q->left == 1 + q->waits;
    enum redis_err err = first ? take_renewal(lane) : redis_next(lane->durable, &reply);
    if (!err && !first) redis_durable_take(&q->want, q->waits - q->left, reply, &q->have);
    if (!q->err) q->err = err;
    q->left--;
}

bool durable_may_hear(struct lane *lane) {
    while (lane->question.left > 0 && redis_is_readable(lane->durable)) take_reply(lane);
    return lane->question.left == 0;
}

/* What there is of it now: is it enough? */
static bool judge(struct lane *lane, uint64_t since_us, const struct redis_durable *want, const struct redis_durable *have,
                  char text[REDIS_DURABLE_TEXT_SIZE]) {
    bool reached = redis_durable_reached(want, have, text);
    if (reached && (!redis_durable_is_none(want) || lane->behind)) note_reached(lane, since_us);
    if (!reached && lane_now_us() - since_us >= 1000 * (uint64_t)durable_timeout_ms(lane)) note_behind(lane, want, have);
    return reached;
}

enum redis_err durable_hear(struct lane *lane, uint64_t since_us, bool *reached, char text[REDIS_DURABLE_TEXT_SIZE]) {
    struct durable_question *q = &lane->question;
    while (q->left > 0) take_reply(lane);
    if (!q->err) *reached = judge(lane, since_us, &q->want, &q->have, text);
    return q->err;
}

void durable_drop(struct lane *lane) {
    while (lane->question.left > 0) take_reply(lane);
}

/* One look at others, as long as a slice. `missing`: how many are not there yet. */
static enum redis_err ask_at(struct lane *lane, struct command *c, struct durable_place *places, unsigned count, unsigned *missing) {
    struct redis_durable want = wanted_level(lane);
    char ignored[REDIS_DURABLE_TEXT_SIZE];
    struct reply reply;
    unsigned each = 0;
    *missing = 0;
    lane_append_renewal(lane, lane->side, c);
    for (unsigned n = 0; n < count; n++) each = redis_durable_append_to(lane->side, c, &want, slice_ms(lane), places[n].node);
    enum redis_err first = lane_next_renewal(lane, lane->side);
    for (unsigned n = 0; n < count; n++) {
        struct redis_durable have = {0};
        for (unsigned m = 0; m < each; m++) {
            enum redis_err err = redis_next(lane->side, &reply);
            if (!err) redis_durable_take(&want, m, reply, &have);
            if (!first) first = err;
        }
        places[n].reached = redis_durable_reached(&want, &have, ignored);
        *missing += !places[n].reached;
    }
    return first;
}

enum redis_err durable_wait_at(struct lane *lane, struct command *c, struct durable_place *places, unsigned count, unsigned patience_ms) {
    uint64_t until_ms = lane_now_ms() + patience_ms;
    unsigned missing = count;
    enum redis_err err = REDIS_OK;
    do err = missing ? ask_at(lane, c, places, count, &missing) : REDIS_OK;
    while (!err && missing && lane_now_ms() < until_ms && !atomic_load(&lane->stop));
    return err;
}

void durable_print(const struct durable *d, FILE *out) {
    unsigned behind = atomic_load(&d->behind);
    uint64_t now_ms = lane_now_ms(), since_ms = behind ? atomic_load(&d->behind_since_ms) : now_ms;
    metrics_print_histogram(out, "till_durable_wait_seconds", "Waits of a batch until it is as durable as is asked.", &d->waited, 1, 0);
    metrics_print_head(out, "till_durable_missed_total", "counter", "Batches that waited longer than durability.timeout.");
    fprintf(out, "till_durable_missed_total %" PRIu64 "\n", atomic_load(&d->missed));
    metrics_print_head(out, "till_durable_longest_wait_seconds", "gauge", "The longest of these waits since the start.");
    fprintf(out, "till_durable_longest_wait_seconds %.6f\n", (double)atomic_load(&d->longest_us) / 1e6);
    metrics_print_head(out, "till_durable_behind", "gauge", "Partitions that have waited longer than durability.timeout just now.");
    fprintf(out, "till_durable_behind %u\n", behind);
    metrics_print_head(out, "till_durable_behind_seconds", "gauge", "For how long the first of them has.");
    fprintf(out, "till_durable_behind_seconds %.3f\n", now_ms > since_ms ? (double)(now_ms - since_ms) / 1000 : 0.0);
}
