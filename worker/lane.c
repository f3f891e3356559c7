/* A lane's thread and its phases. */
#include "worker/lane.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/failpoint.h"
#include "worker/follow_ups.h"
#include "worker/lane_apply.h"
#include "worker/lane_takeover.h"
#include "worker/log.h"
#include "worker/trim.h"

enum { NAP_MS = 20, GATE_NAP_MS = 50 };

static uint64_t clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t lane_now_us(void) { return clock_us(CLOCK_MONOTONIC); }

uint64_t lane_now_ms(void) { return lane_now_us() / 1000; }

uint64_t lane_wall_us(void) { return clock_us(CLOCK_REALTIME); }

/* Sleeps in slices, so that a stop is noticed. */
static void nap(const struct lane *lane, uint64_t ms) {
    uint64_t until = lane_now_ms() + ms;
    while (!atomic_load(&lane->stop) && lane_now_ms() < until) nanosleep(&(struct timespec){0, NAP_MS * 1000000L}, NULL);
}

enum redis_err lane_connect(struct lane *lane, _Atomic(struct redis *) *place) {
    struct redis *redis = atomic_load(place);
    keys_buffer key;
    enum redis_err err = REDIS_OK;
    if (!redis) {
        err = redis_open(&redis, &lane->shared->redis);
        atomic_store(place, redis);
    } else if (redis_is_lost(redis)) {
        err = redis_reopen(redis);
    }
    return err ? err : redis_home(redis, key, keys_intents(key, &lane->door.book, lane->door.partition));
}

static bool is_beside(struct lane *lane, struct redis *other) {
    return strcmp(redis_where(lane->redis), redis_where(other)) == 0;
}

enum redis_err lane_connect_beside(struct lane *lane, _Atomic(struct redis *) *place) {
    enum redis_err err = lane_connect(lane, place);
    if (err || is_beside(lane, *place)) return err;
    err = redis_reopen(*place); /* it may be the one that was left behind */
    if (!err) err = lane_connect(lane, place);
    if (err || is_beside(lane, *place)) return err;
    lane_disconnect(lane);
    return REDIS_LOST;
}

/* How apply.lua is called on this connection. The first lane that goes another way than the log says has it said. */
static enum redis_err find_function(struct lane *lane) {
    enum { UNKNOWN, BY_SCRIPT, BY_FUNCTION };
    keys_buffer key;
    size_t size = keys_meta(key, &lane->door.book, lane->door.partition);
    enum redis_err why, err = redis_function_find(lane->redis, &script_apply, key, size, &why);
    lane->function = why == REDIS_OK;
    int way = lane->function ? BY_FUNCTION : BY_SCRIPT;
    if (err || !lane->shared->applies_by || redis_err_heals(why)) return err; /* what passes is not worth a line */
    if (atomic_exchange(lane->shared->applies_by, way) == way) return err;
    const char *because = lane->shared->redis.functions ? redis_error(lane->redis) : "redis.functions: no";
    if (lane->function) log_event(LOG_INFO, "applies_by", {"way", LOG_S("function")}, {"name", LOG_S(script_apply.function)});
    else log_event(LOG_INFO, "applies_by", {"way", LOG_S("script")}, {"because", LOG_S(because)});
    return REDIS_OK;
}

static enum redis_err connect_lane(struct lane *lane) {
    enum redis_err err = lane_connect(lane, &lane->redis);
    lane->reading = false;
    for (size_t n = 0; script_all[n] && !err; n++) err = redis_script_load(lane->redis, script_all[n]);
    if (!err) err = find_function(lane);
    if (!err) atomic_store(&lane->client_id, redis_client_id(lane->redis));
    return err;
}

enum redis_err lane_note_sources(struct lane *lane) {
    struct sources *s = lane->shared->sources ? &lane->shared->sources[lane->door.partition] : NULL;
    unsigned n = s ? atomic_load(&s->count) : 0;
    enum redis_err err = REDIS_OK;
    sources_note(s, lane->entries, lane->entry_count);
    for (; s && n < atomic_load(&s->count) && !err; n++)
        err = trim_note_source(lane->redis, &lane->batch.command, &lane->door, lane->epoch_text, s->name[n]);
    return err;
}

/* Until there is something to be read; meanwhile what was applied is answered as soon as it is durable. Redis answers one or the other
 * within a moment, or not at all: then the read finds out. */
static enum redis_err await_read(struct lane *lane) {
    enum redis_err err = redis_flush(lane->redis);
    bool there = false;
    while (!err && !there && outbox_waits(lane)) {
        struct redis *const either[] = {lane->redis, lane->durable};
        there = redis_is_readable(lane->redis) || !redis_wait_any(either, 2, lane->shared->redis.timeout_ms / 2);
        if (!there) err = outbox_send(lane);
    }
    return err;
}

/* One turn of serving: the answer to the read under way, applied with the next read behind it. */
static enum redis_err serve_once(struct lane *lane) {
    struct reply reply;
    bool stopping = atomic_load(&lane->stop);
    enum redis_err err = stopping ? REDIS_OK : overdue_turn(lane);
    if (!err && !stopping) err = settler_turn(lane);
    if (err) return err;
    if (!lane->reading) {
        if (stopping) return REDIS_OK;
        if (lane->gather.pause_us) nanosleep(&(struct timespec){0, lane->gather.pause_us * 1000L}, NULL);
        lane_append_read(lane);
    }
    uint64_t asked_at_us = lane_now_us();
    err = await_read(lane);
    if (err) return err;
    err = redis_next(lane->redis, &reply);
    uint64_t waited_us = lane_now_us() - asked_at_us;
    lane->reading = false;
    if (err) return err;
    if (follow_ups_may_go_on(lane)) return lane_take_over(lane); /* what was just read is pending as well */
    struct reply entries = reply_at(reply_at(reply, 0), 1);
    struct reply none = {NULL};
    FAILPOINT("after_read");
    lane->idle = reply_count(entries) == 0;
    if (lane->idle) overdue_note_empty(lane);
    if (!lane->idle) {
        err = lane_take_entries(lane, entries, none);
        uint32_t pause_us = gather_next(&lane->gather, lane->entry_count, atomic_load(&lane->shared->settings->batch), waited_us,
                                        lane->took_us);
        if (!err) err = lane_note_sources(lane);
        return err ? err : lane_apply_entries(lane, pause_us == 0 && !atomic_load(&lane->stop));
    }
    return lane_renewal_due(lane) && !outbox_waits(lane) ? lane_rest(lane) : REDIS_OK; /* what waits is pending, and renewed by asking */
}

/* Replies nobody waits for any more: what was read is pending and will be claimed. */
static void drain(struct lane *lane) {
    struct reply reply;
    while (lane->redis && !redis_is_lost(lane->redis) && redis_unanswered(lane->redis) > 0) {
        enum redis_err ignored = redis_next(lane->redis, &reply);
        (void)ignored;
    }
    lane->reading = false;
}

struct trouble {
    uint64_t since_ms, count;
    unsigned tries;          /* since something was written last: how long to wait */
    struct entry_id applied; /* the highest then */
    enum redis_err told;     /* what the log has a line of that people should see */
};

/* Refused before anything was asked: a password or a certificate, of which main says the same. In a cluster it may be one node's. */
static bool is_unwelcome(const struct lane *lane, enum redis_err err) {
    bool outside = (lane->redis && redis_is_lost(lane->redis)) || (lane->side && redis_is_lost(lane->side)) ||
                   (lane->durable && redis_is_lost(lane->durable));
    return err == REDIS_REFUSED && outside && lane->shared->redis.url.kind != REDIS_URL_CLUSTER;
}

/* One line when trouble starts or changes, one when it is over. That Redis is away, or takes no writes from anybody, is said once by main,
 * not by every lane: what may heal is a lane's own trouble only when it happens again right after a write. */
static void report_trouble(const struct lane *lane, struct trouble *t, enum redis_err err, const char *text) {
    bool heals = redis_err_heals(err) || is_unwelcome(lane, err), own = !heals || (err != REDIS_LOST && lane->renewed && t->count > 0);
    if (t->count == 0) t->since_ms = lane_now_ms();
    if (t->count++ == 0 || (own && t->told != err))
        log_event(!own ? LOG_DEBUG : heals ? LOG_WARN : LOG_ERROR, "partition_waits", {"partition", LOG_N(lane->door.partition)},
                  {"class", LOG_S(redis_err_word(err))}, {"error", LOG_S(text)});
    if (own) t->told = err;
}

static void report_recovery(const struct lane *lane, struct trouble *t) {
    if (t->count)
        log_event(t->told ? LOG_INFO : LOG_DEBUG, "partition_resumes",
                  {"partition", LOG_N(lane->door.partition)}, {"failures", LOG_N(t->count)},
                  {"after_ms", LOG_N(lane_now_ms() - t->since_ms)});
    *t = (struct trouble){.applied = lane->mark.applied};
}

/* Not so long that the lease lapses, which is renewed when going back to what is pending. */
static void back_off(const struct lane *lane, struct trouble *t, enum redis_err err) {
    uint64_t third = lane->shared->lease_ttl_ms / 3, now_ms = lane_now_ms();
    if (entry_id_compare(lane->mark.applied, t->applied) > 0) t->tries = 0;
    t->applied = lane->mark.applied;
    uint64_t wait_ms = (uint64_t)redis_err_wait_ms(err, ++t->tries);
    if (wait_ms > third) wait_ms = third;
    nap(lane, wait_ms / 2 + (now_ms + 7919 * lane->door.partition) * 2654435761u % (wait_ms / 2 + 1));
}

/* While Redis is away one thread of the worker tries it at a time. */
static void wait_at_gate(const struct lane *lane) {
    while (!atomic_load(&lane->stop) && !gate_enter(lane->shared->gate, lane_now_ms()))
        nanosleep(&(struct timespec){0, GATE_NAP_MS * 1000000L}, NULL);
}

static void tell_gate(const struct lane *lane, enum redis_err err) {
    bool unreachable = !lane->redis || redis_is_lost(lane->redis) || redis_err_heals(err);
    if (lane->renewed) gate_open(lane->shared->gate);
    else if (err && unreachable) gate_shut(lane->shared->gate, lane_now_ms());
}

/* Nothing came for a while: what it took to work goes back. */
static void give_back(struct lane *lane) {
    if (!lane->entries || lane->outbox.count > 0) return;
    free(lane->entries);
    lane->entries = NULL;
    lane->entry_count = lane->entry_capacity = 0;
    arena_clear(&lane->texts);
    batch_clear(&lane->batch);
    batch_init(&lane->batch, &lane->door);
}

static enum redis_err serve(struct lane *lane, struct trouble *trouble) {
    enum redis_err err = REDIS_OK;
    while (!err && !lane->paused && !(atomic_load(&lane->stop) && !lane->reading)) {
        err = serve_once(lane);
        if (!err && lane->idle) give_back(lane);
        if (!err && trouble->tries) report_recovery(lane, trouble);
    }
    if (err && err != REDIS_BUSY) return err; /* busy: or paused, and nothing more is applied. What was is answered */
    enum redis_err finished = outbox_finish(lane);
    return err ? err : finished;
}

static const char *error_text(const struct lane *lane) {
    const char *text = lane->redis ? redis_error(lane->redis) : "";
    if (!*text && lane->side) text = redis_error(lane->side);
    return !*text && lane->durable ? redis_error(lane->durable) : text;
}

/* Takes over and serves until told to stop or fenced; comes back from everything else by taking over again, from being paused too. */
static enum redis_err run_phases(struct lane *lane) {
    struct trouble trouble = {.applied = lane->mark.applied};
    while (!atomic_load(&lane->stop)) {
        lane->renewed = false;
        enum redis_err err = connect_lane(lane);
        if (!err) err = lane_take_over(lane);
        tell_gate(lane, err);
        if (!err) err = serve(lane, &trouble);
        if (err == REDIS_FENCED) return err;
        if (!err && lane->paused) drain(lane);
        if (!err) continue; /* paused, or to stop */
        gate_count(lane->shared->gate, err);
        if (err != REDIS_BROKEN && err != REDIS_NOSCRIPT) report_trouble(lane, &trouble, err, error_text(lane));
        drain(lane);
        back_off(lane, &trouble, err);
        wait_at_gate(lane);
    }
    return REDIS_OK;
}

static void release_lease(struct lane *lane) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    keys_buffer key;
    if (!lane->redis || redis_is_lost(lane->redis)) return;
    drain(lane);
    FAILPOINT("before_release");
    redis_script_begin(c, &script_lease, 2);
    command_copy(c, key, keys_lease(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_word(c, "release");
    command_word(c, lane->shared->worker);
    command_word(c, "0");
    command_word(c, lane->epoch_text);
    enum redis_err ignored = redis_script_call(lane->redis, &script_lease, c, &reply); /* else it lapses */
    (void)ignored;
}

static void *lane_run(void *argument) {
    struct lane *lane = argument;
    enum redis_err err = run_phases(lane);
    if (err == REDIS_FENCED)
        log_event(LOG_WARN, "fenced", {"partition", LOG_N(lane->door.partition)}, {"epoch", LOG_N(lane->epoch)},
                  {"by", LOG_S(error_text(lane))});
    else
        release_lease(lane);
    durable_forget(lane);
    metrics_note_end(lane->metrics, err == REDIS_FENCED);
    atomic_store(&lane->client_id, 0);
    atomic_store(&lane->ended, true);
    return NULL;
}

enum redis_err lane_catch_up(struct lane *lane) {
    drain(lane); /* of a turn that failed */
    enum redis_err err = connect_lane(lane);
    if (!err) err = lane_take_over(lane);
    do {
        if (!err) err = serve_once(lane);
    } while (!err && !lane->idle);
    return err ? err : outbox_finish(lane);
}

struct lane *lane_new(const struct lane_shared *shared, const struct door *door, const struct lane_lease *lease, const struct mark *mark) {
    struct lane *lane = calloc(1, sizeof *lane);
    assert(lane && "out of memory");
    lane->shared = shared;
    lane->door = *door;
    lane->mark = *mark;
    lane->epoch = lease->epoch;
    lane->loss_accepted = lease->loss_accepted;
    lane->taken_at = lease->applied;
    lane->metrics = shared->metrics ? &shared->metrics->lanes[door->partition] : NULL;
    snprintf(lane->epoch_text, sizeof lane->epoch_text, "%llu", (unsigned long long)lease->epoch);
    lane->renewed_at_ms = lane_now_ms();
    batch_init(&lane->batch, &lane->door);
    outbox_init(&lane->outbox);
    lane->keep = (struct batch_keep){keys_day(lease->applied.ms), BATCH_BILLS_KEEP_DAYS, 0, 0};
    lane->referrals = malloc(BATCH_CELLS_MAX * sizeof *lane->referrals);
    assert(lane->referrals && "out of memory");
    return lane;
}

struct lane *lane_start(const struct lane_shared *shared, const struct door *door, const struct lane_lease *lease,
                        const struct mark *mark) {
    struct lane *lane = lane_new(shared, door, lease, mark);
    int failed = pthread_create(&lane->thread, NULL, lane_run, lane);
    assert(!failed);
    return lane;
}

void lane_stop(struct lane *lane) { atomic_store(&lane->stop, true); }

/* The pointers are set once by the lane's thread and closed by lane_join only, so a look at them is safe. */
void lane_disconnect(struct lane *lane) {
    struct redis *const all[] = {atomic_load(&lane->redis), atomic_load(&lane->side), atomic_load(&lane->durable)};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++)
        if (all[n]) redis_interrupt(all[n]);
}

void lane_abandon(struct lane *lane) {
    lane_stop(lane);
    lane_disconnect(lane);
}

bool lane_ended(const struct lane *lane) { return atomic_load(&lane->ended); }

void lane_free(struct lane *lane) {
    if (!lane) return;
    reply_release(lane->page);
    redis_close(lane->redis);
    redis_close(lane->side);
    redis_close(lane->durable);
    batch_clear(&lane->batch);
    free(lane->entries);
    arena_clear(&lane->texts);
    free(lane->lone);
    free(lane->referrals);
    credentials_clear(&lane->credentials);
    replaying_clear(&lane->replaying);
    outbox_clear(&lane->outbox, lane->door.book.partitions);
    free(lane);
}

void lane_join(struct lane *lane, struct mark *mark) {
    pthread_join(lane->thread, NULL);
    *mark = lane->mark;
    lane_free(lane);
}
