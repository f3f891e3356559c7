/* Fair shares of partitions: as many for each live worker, and one more for the first of them by name when it does not divide. A worker
 * counts as live while its heartbeat is younger than the lease. */
#include "worker/ownership.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "worker/failpoint.h"
#include "worker/free_lease.h"
#include "worker/keyset.h"
#include "worker/lane_apply.h"
#include "worker/log.h"
#include "worker/loss.h"

enum { BEAT_MS = 250, VERIFY_MS = 1000, DOUBT_MS = 60000, LOOK_MS = 250, NUDGE_MS = 50,
       CONTROL_MS = 500, HUNG_MS = 200, ABANDONED_MS = 300 };

void ownership_init(struct ownership *o, const struct lane_shared *shared, const struct door *door) {
    memset(o, 0, sizeof *o);
    o->shared = shared;
    o->door = *door;
    o->control = shared->redis; /* main waits on it, and main alone sees signals: it must not wait as long as a lane may */
    if (o->control.timeout_ms > CONTROL_MS) o->control.timeout_ms = CONTROL_MS;
    if (o->control.connect_timeout_ms > CONTROL_MS) o->control.connect_timeout_ms = CONTROL_MS;
    o->lanes = calloc(door->book.partitions, sizeof(struct lane *));
    o->marks = calloc(door->book.partitions, sizeof *o->marks);
    o->places = calloc(door->book.partitions, sizeof *o->places);
    assert(o->lanes && o->marks && o->places && "out of memory");
    o->first = keyset_hash(shared->worker, strlen(shared->worker)) % door->book.partitions;
    o->live_workers = 1;
}

/* In a cluster each partition has a master of its own. */
static void leave_old_masters(struct ownership *o) {
    for (unsigned p = 0; p < o->door.book.partitions; p++) {
        struct ownership_place now;
        keys_buffer key;
        unsigned node = redis_node_of(o->redis, key, keys_meta(key, &o->door.book, p));
        snprintf(now.where, sizeof now.where, "%.63s", redis_node_where(o->redis, node));
        if (!now.where[0] || strcmp(o->places[p].where, now.where) == 0) continue;
        if (o->places[p].where[0] && o->lanes[p]) {
            log_event(LOG_INFO, "redis_moved", {"partition", LOG_N(p)}, {"from", LOG_S(o->places[p].where)}, {"to", LOG_S(now.where)});
            lane_disconnect(o->lanes[p]);
        }
        o->places[p] = now;
    }
}

/* There is another master: whoever still talks to the one before must not wait for it to notice. */
static void leave_old_master(struct ownership *o) {
    if (o->control.url.kind == REDIS_URL_CLUSTER) {
        leave_old_masters(o);
        return;
    }
    const char *where = redis_where(o->redis);
    if (strcmp(o->where, where) == 0) return;
    if (o->where[0]) {
        log_event(LOG_INFO, "redis_moved", {"from", LOG_S(o->where)}, {"to", LOG_S(where)});
        for (unsigned p = 0; p < o->door.book.partitions; p++)
            if (o->lanes[p]) lane_disconnect(o->lanes[p]);
        archiver_disconnect(o->archiver);
    }
    snprintf(o->where, sizeof o->where, "%s", where);
}

static enum redis_err connect_control(struct ownership *o) {
    uint64_t now_ms = lane_now_ms();
    enum redis_err err = REDIS_OK;
    if (o->redis && !redis_is_lost(o->redis)) {
        if (now_ms - o->verified_at_ms < VERIFY_MS) return REDIS_OK;
        o->verified_at_ms = now_ms;
        err = redis_verify(o->redis);
    }
    if (!o->redis) err = redis_open(&o->redis, &o->control);
    else if (redis_is_lost(o->redis)) err = redis_reopen(o->redis);
    else {
        if (!err) leave_old_master(o);
        return err;
    }
    o->verified_at_ms = o->connected_at_ms = now_ms;
    o->doubtful = true;
    if (!err) leave_old_master(o);
    return err;
}

/* Creates the book if there is none. Reply: version, partitions, created. */
static enum redis_err call_book(struct ownership *o, struct reply *reply) {
    struct command c;
    keys_buffer key;
    command_init(&c);
    redis_script_begin(&c, &script_book, 1);
    command_copy(&c, key, keys_book(key, &o->door.book));
    command_uint(&c, KEYS_BOOK_VERSION);
    command_uint(&c, o->door.book.partitions);
    enum redis_err err = redis_script_call(o->redis, &script_book, &c, reply);
    command_clear(&c);
    return err;
}

const char *ownership_open_book(struct ownership *o, enum redis_err *err) {
    static char text[200];
    struct reply reply;
    *err = connect_control(o);
    if (!*err) *err = call_book(o, &reply);
    if (*err) return redis_error(o->redis);
    o->created_ms = reply_integer(reply_at(reply, 2));
    int64_t version = reply_integer(reply_at(reply, 0)), partitions = reply_integer(reply_at(reply, 1));
    if (version == KEYS_BOOK_VERSION && partitions == (int64_t)o->door.book.partitions) return NULL;
    snprintf(text, sizeof text,
             "book %s has version %lld and %lld partitions, this worker is for version %d and %u partitions (book.partitions)",
             o->door.book.name, (long long)version, (long long)partitions, KEYS_BOOK_VERSION, o->door.book.partitions);
    *err = REDIS_REFUSED;
    return text;
}

static enum redis_err heartbeat(struct ownership *o, const char *how) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    command_init(&c);
    redis_script_begin(&c, &script_heartbeat, 1);
    command_copy(&c, key, keys_workers(key, &o->door.book));
    command_word(&c, o->shared->worker);
    command_uint(&c, o->shared->lease_ttl_ms);
    command_word(&c, how);
    enum redis_err err = redis_script_call(o->redis, &script_heartbeat, &c, &reply);
    command_clear(&c);
    if (err) return err;
    o->live_workers = reply_count(reply) ? (unsigned)reply_count(reply) : 1;
    for (o->rank = 0; o->rank + 1 < o->live_workers && !reply_is(reply_at(reply, o->rank), o->shared->worker);) o->rank++;
    return REDIS_OK;
}

static enum redis_err beat_when_due(struct ownership *o) {
    uint64_t now_ms = lane_now_ms();
    if (o->refused) return REDIS_OK;
    uint64_t third_ms = o->shared->lease_ttl_ms / 3; /* often enough that a share set free is taken at once */
    if (o->beat_at_ms && now_ms - o->beat_at_ms < (third_ms < BEAT_MS ? third_ms : BEAT_MS)) return REDIS_OK;
    enum redis_err err = heartbeat(o, o->quiet ? "quiet" : "alive");
    if (err) return err;
    o->beat_at_ms = now_ms;
    gate_open(o->shared->gate); /* it was a write */
    return REDIS_OK;
}

static void join_ended(struct ownership *o) {
    for (unsigned p = 0; p < o->door.book.partitions; p++) {
        if (!o->lanes[p] || !lane_ended(o->lanes[p])) continue;
        lane_join(o->lanes[p], &o->marks[p]);
        archiver_drop(o->archiver, p);
        o->lanes[p] = NULL;
        if (lane_now_ms() - o->connected_at_ms < DOUBT_MS) o->doubtful = true; /* fenced, maybe, by one who saw less */
    }
}

static unsigned lanes_held(const struct ownership *o) {
    unsigned held = 0;
    for (unsigned p = 0; p < o->door.book.partitions; p++) held += o->lanes[p] && !atomic_load(&o->lanes[p]->stop);
    return held;
}

/* Tells a lane to stop and ends its wait, so that it notices at once. */
static void stop_lane(struct ownership *o, struct lane *lane) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    int64_t id = atomic_load(&lane->client_id);
    lane_stop(lane);
    if (!id || !o->redis || redis_is_lost(o->redis)) return;
    command_init(&c);
    command_begin(&c, "CLIENT");
    command_word(&c, "UNBLOCK");
    command_uint(&c, (uint64_t)id);
    redis_append_for(o->redis, &c, key, keys_intents(key, &o->door.book, lane->door.partition));
    enum redis_err ignored = redis_next(o->redis, &reply); /* without the right to, it notices after its wait */
    (void)ignored;
    command_clear(&c);
}

static void hand_back(struct ownership *o, unsigned over) {
    for (unsigned n = o->door.book.partitions; n > 0 && over > 0; n--) {
        struct lane *lane = o->lanes[(o->first + n - 1) % o->door.book.partitions];
        if (!lane || atomic_load(&lane->stop)) continue;
        log_event(LOG_INFO, "partition_handed_back", {"partition", LOG_N(lane->door.partition)}, {"live_workers", LOG_N(o->live_workers)});
        stop_lane(o, lane);
        over--;
    }
}

static enum redis_err take_lease(struct ownership *o, unsigned p, struct lane_lease *lease) {
    struct command c;
    struct reply reply;
    keys_buffer key;
    size_t size;
    memset(lease, 0, sizeof *lease);
    command_init(&c);
    redis_script_begin(&c, &script_lease, 2);
    command_copy(&c, key, keys_lease(key, &o->door.book, p));
    command_copy(&c, key, keys_meta(key, &o->door.book, p));
    command_word(&c, "take");
    command_word(&c, o->shared->worker);
    command_uint(&c, o->shared->lease_ttl_ms);
    command_uint(&c, config_param_max(CONFIG_worker_lease_ttl_ms));
    enum redis_err err = redis_script_call(o->redis, &script_lease, &c, &reply);
    command_clear(&c);
    if (err) return err;
    lease->epoch = (uint64_t)reply_integer(reply_at(reply, 0));
    if (lease->epoch == 0) return REDIS_OK; /* somebody was faster */
    const char *applied = reply_text(reply_at(reply, 1), &size);
    if (!entry_id_parse(applied, size, &lease->applied)) return REDIS_GARBLED;
    lease->bill = (uint64_t)reply_integer(reply_at(reply, 2));
    lease->loss_accepted = (uint64_t)reply_integer(reply_at(reply, 3));
    return REDIS_OK;
}

static enum redis_err start_lane(struct ownership *o, unsigned p, bool *started) {
    struct lane_lease lease;
    enum redis_err err = take_lease(o, p, &lease);
    *started = !err && lease.epoch != 0;
    if (!*started) return err;
    FAILPOINT("after_take");
    log_event(LOG_INFO, "partition_taken", {"partition", LOG_N(p)}, {"epoch", LOG_N(lease.epoch)});
    struct door door = o->door;
    door.partition = p;
    o->lanes[p] = lane_start(o->shared, &door, &lease, &o->marks[p]);
    archiver_hold(o->archiver, p, lease.epoch);
    return REDIS_OK;
}

bool ownership_concerns_one(const struct ownership *o, enum redis_err err) {
    if (err == REDIS_REFUSED || err == REDIS_AWAY) return true;
    return o->control.url.kind == REDIS_URL_CLUSTER && (err == REDIS_BUSY || err == REDIS_HELD);
}

/* A worker that slept through a repartition must not serve what came of it, nor be counted among those who do. */
static enum redis_err refuse_book(struct ownership *o, struct reply book) {
    if (o->refused) return REDIS_REFUSED;
    log_event(LOG_ERROR, "book_refused", {"book", LOG_S(o->door.book.name)}, {"version", LOG_N(reply_integer(reply_at(book, 0)))},
              {"partitions", LOG_N(reply_integer(reply_at(book, 1)))});
    o->refused = true;
    enum redis_err err = heartbeat(o, "leave");
    return err ? err : REDIS_REFUSED;
}

/* Before anything is taken: is it still the book it was? If not, everything is lost, also what only other workers had seen. */
static enum redis_err check_book(struct ownership *o) {
    struct reply reply;
    enum redis_err err = call_book(o, &reply);
    if (err) return err;
    bool ours = reply_integer(reply_at(reply, 0)) == KEYS_BOOK_VERSION && reply_integer(reply_at(reply, 1)) == o->door.book.partitions;
    if (!ours) return refuse_book(o, reply);
    o->refused = false;
    int64_t created_ms = reply_integer(reply_at(reply, 2));
    if (created_ms == o->created_ms) return REDIS_OK;
    log_event(LOG_ERROR, "data_loss_suspected", {"book", LOG_S(o->door.book.name)},
              {"what", LOG_S("the book is gone, another was created")});
    o->created_ms = created_ms;
    for (unsigned p = 0; p < o->door.book.partitions; p++)
        if (o->marks[p].applied.ms == 0) o->marks[p] = (struct mark){.applied = {0, 1}};
    return REDIS_OK;
}

static enum redis_err pick_up(struct ownership *o, unsigned room) {
    unsigned partitions = o->door.book.partitions;
    bool *free_places = calloc(partitions, sizeof *free_places);
    assert(free_places && "out of memory");
    enum redis_err err = check_book(o);
    if (!err) err = free_lease_find(o, free_places);
    for (unsigned n = 0; n < partitions && room > 0 && !err; n++) {
        unsigned p = (o->first + n) % partitions;
        bool started = false;
        if (!free_places[p]) continue;
        enum redis_err one = start_lane(o, p, &started);
        if (started) room--;
        if (one && one != REDIS_GARBLED && !ownership_concerns_one(o, one)) err = one;
    }
    free(free_places);
    return err;
}

static unsigned fair_share(const struct ownership *o) {
    return o->door.book.partitions / o->live_workers + (o->rank < o->door.book.partitions % o->live_workers);
}

static enum redis_err balance(struct ownership *o) {
    unsigned held = lanes_held(o), share = o->quiet ? 0 : fair_share(o);
    if (held > share) hand_back(o, held - share);
    if (held >= share || (o->looked_at_ms && lane_now_ms() - o->looked_at_ms < LOOK_MS)) return REDIS_OK;
    o->looked_at_ms = lane_now_ms();
    return pick_up(o, share - held);
}

static enum redis_err is_held(struct ownership *o, struct command *c, unsigned p, bool *held) {
    struct reply reply;
    keys_buffer key;
    command_begin(c, "GET");
    command_copy(c, key, keys_lease(key, &o->door.book, p));
    enum redis_err err = redis_call(o->redis, c, &reply);
    *held = !err && reply_type(reply) != REPLY_NIL;
    return err;
}

static enum redis_err look_for_loss(struct ownership *o, struct command *c, unsigned p) {
    bool held;
    char what[160];
    enum redis_err err = is_held(o, c, p, &held);
    if (err || !held) return err; /* whoever takes it next finds out, or we do */
    err = loss_look(o->redis, c, &o->door.book, p, &o->marks[p], what, sizeof what);
    if (err || !what[0]) return err;
    log_event(LOG_ERROR, "data_loss_suspected", {"partition", LOG_N(p)}, {"what", LOG_S(what)},
              {"next", LOG_S("another worker saw nothing of it and goes on: have what is unanswered sent again")});
    o->marks[p].told = true;
    return REDIS_OK;
}

/* What a lane of ours finds out at its takeover, for the partitions that others took before us: they never saw what is missing. */
static enum redis_err look_for_losses(struct ownership *o) {
    enum redis_err err = REDIS_OK;
    struct command c;
    command_init(&c);
    bool unseen = false;
    for (unsigned p = 0; p < o->door.book.partitions && o->doubtful && !err; p++) {
        if (o->lanes[p] || o->marks[p].told || !o->marks[p].applied.ms) continue;
        err = look_for_loss(o, &c, p);
        if (err == REDIS_REFUSED || !ownership_concerns_one(o, err)) continue;
        unseen = true;
        err = REDIS_OK;
    }
    command_clear(&c);
    if ((!err && !unseen) || err == REDIS_REFUSED) o->doubtful = false;
    return err == REDIS_REFUSED ? REDIS_OK : err;
}

static void note_away(struct ownership *o, enum redis_err err) {
    uint64_t now_ms = lane_now_ms();
    if (!o->away || (o->away_as != err && !redis_err_heals(err))) { /* lost, say, and then refused, which a person must see */
        log_event(LOG_WARN, "redis_away", {"class", LOG_S(redis_err_word(err))}, {"error", LOG_S(redis_error(o->redis))});
        o->away_as = err;
    }
    if (!o->away) {
        o->away_at_ms = now_ms;
        o->failures_before = gate_failures(o->shared->gate);
    }
    gate_count(o->shared->gate, err);
    if (redis_is_lost(o->redis) || redis_err_heals(err)) gate_shut(o->shared->gate, now_ms);
    o->away = true;
    o->beat_at_ms = 0; /* it is back when it has taken a write */
    o->retry_at_ms = now_ms + (uint64_t)redis_err_wait_ms(err, ++o->tries);
}

static void note_back(struct ownership *o) {
    log_event(LOG_INFO, "redis_back", {"at", LOG_S(redis_where(o->redis))}, {"after_ms", LOG_N(lane_now_ms() - o->away_at_ms)},
              {"failures", LOG_N(gate_failures(o->shared->gate) - o->failures_before)});
    o->away = false;
    o->tries = 0;
}

void ownership_turn(struct ownership *o) {
    join_ended(o);
    if (!o->away && o->redis && redis_is_lost(o->redis)) note_away(o, REDIS_LOST); /* somebody else asked first */
    if (o->away && gate_is_shut(o->shared->gate) && lane_now_ms() < o->retry_at_ms) return;
    enum redis_err err = connect_control(o);
    if (!err) err = beat_when_due(o);
    if (!err) err = look_for_losses(o);
    if (!err) err = balance(o);
    if (err) note_away(o, err);
    else if (o->away) note_back(o);
}

void ownership_quiet(struct ownership *o, bool quiet) {
    o->quiet = quiet;
    o->beat_at_ms = o->looked_at_ms = 0; /* the others are to hear of it before anything is handed back */
}

static unsigned lanes_running(const struct ownership *o) {
    unsigned running = 0;
    for (unsigned p = 0; p < o->door.book.partitions; p++) running += o->lanes[p] != NULL;
    return running;
}

static void abandon_lanes(struct ownership *o) {
    for (unsigned p = 0; p < o->door.book.partitions; p++)
        if (o->lanes[p]) lane_abandon(o->lanes[p]);
}

static void stop_lanes(struct ownership *o) {
    for (unsigned p = 0; p < o->door.book.partitions; p++)
        if (o->lanes[p]) stop_lane(o, o->lanes[p]);
}

/* A lane may have begun its wait just after it was told to stop: it is nudged until it ends. */
static void wait_for_lanes(struct ownership *o, uint64_t deadline_ms) {
    uint64_t nudged_at_ms = lane_now_ms();
    for (join_ended(o); lanes_running(o) && lane_now_ms() < deadline_ms; join_ended(o)) {
        nanosleep(&(struct timespec){0, 2 * 1000000L}, NULL);
        if (lane_now_ms() - nudged_at_ms < NUDGE_MS) continue;
        stop_lanes(o);
        nudged_at_ms = lane_now_ms();
    }
}

/* The others hear of it first, so that they take what is released at once. False when Redis does not answer: it may have been only the
 * connection that was lost, so a new one is tried, but not when the old one was waited for in vain: there are 2 s for everything. */
static bool say_goodbye(struct ownership *o) {
    uint64_t began_ms = lane_now_ms();
    if (!o->redis) return false;
    if (!redis_is_lost(o->redis) && heartbeat(o, "leave") == REDIS_OK) return true;
    if (!redis_is_lost(o->redis) || lane_now_ms() - began_ms >= CONTROL_MS / 2) return false;
    return redis_reopen(o->redis) == REDIS_OK && heartbeat(o, "leave") == REDIS_OK;
}

bool ownership_close(struct ownership *o, uint64_t deadline_ms) {
    bool answers = say_goodbye(o); /* else it is forgotten with its last beat */
    stop_lanes(o);
    wait_for_lanes(o, answers ? deadline_ms : lane_now_ms() + HUNG_MS);
    if (lanes_running(o)) {
        abandon_lanes(o);
        wait_for_lanes(o, lane_now_ms() + ABANDONED_MS);
    }
    if (lanes_running(o)) return false;
    redis_close(o->redis);
    free(o->lanes);
    free(o->marks);
    free(o->places);
    return true;
}
