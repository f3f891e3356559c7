/* Strict order matters: the receiver ignores an origin at or below the last one it saw. Were one follow-up refused while a later one got
 * through, the first would be ignored for ever when it is sent again. So all that leaves for one partition at a time goes in one script,
 * all or none; and nothing is answered before every partition that it goes to has taken its part. */
#include "worker/follow_ups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/followup.h"
#include "worker/durable.h"
#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

/* Trying again those that are away costs a healthy lane at most a tenth of its time. */
enum { PROBE_FIRST_MS = 100, PROBE_LAST_MS = 1000, PROBE_PATIENCE_MS = 500, PROBE_SHARE = 10 };
enum { LATE_US = 100000, MOMENT_US = 100000 };

size_t follow_ups_encode(const struct door *door, const struct intent *intent, uint8_t out[FOLLOW_UPS_SIZE_MAX], size_t *intent_size) {
    bool encoded = intent_encode(intent, out, INTENT_FOLLOW_UP_SIZE_MAX, intent_size);
    assert(encoded);
    if (!door->has_secret) return *intent_size;
    sign_make(door->secret, out, *intent_size, out + *intent_size);
    return *intent_size + SIGN_SIZE;
}

void follow_ups_add(const struct door *door, struct command *c, const struct intent *intent) {
    uint8_t bytes[FOLLOW_UPS_SIZE_MAX];
    size_t intent_size, size = follow_ups_encode(door, intent, bytes, &intent_size);
    command_copy(c, (const char *)bytes, intent_size);
    command_copy(c, (const char *)bytes + intent_size, size - intent_size);
    command_word(c, "");
}

/* The call for one partition, of what the first `count` items owe it; how many follow-ups are in it. */
static uint32_t build_target(struct lane *lane, uint32_t count, unsigned target) {
    struct outbox *box = &lane->outbox;
    struct command *c = &box->targets[target];
    size_t sig_size = lane->door.has_secret ? SIGN_SIZE : 0;
    keys_buffer key;
    uint32_t added = 0;
    const char *owed = (const char *)box->owed;
    for (const struct outbox_item *item = box->items; item < box->items + count; owed += item++->owed_size) {
        if (!outbox_goes_to(item, target)) continue;
        if (added++ == 0) {
            redis_script_begin(c, &script_enqueue, 1);
            command_copy(c, key, keys_intents(key, &lane->door.book, target));
        }
        size_t head = item->intent_size + sig_size;
        command_borrow(c, owed, item->intent_size);
        command_borrow(c, owed + item->intent_size, sig_size);
        command_borrow(c, owed + head, item->owed_size - head);
    }
    return added;
}

static void prepare_targets(struct lane *lane) {
    if (lane->outbox.targets) return;
    lane->outbox.targets = calloc(lane->door.book.partitions, sizeof *lane->outbox.targets);
    lane->outbox.held = calloc(lane->door.book.partitions, sizeof *lane->outbox.held);
    lane->outbox.told = calloc(lane->door.book.partitions, sizeof *lane->outbox.told);
    lane->outbox.nodes = calloc(lane->door.book.partitions, sizeof *lane->outbox.nodes);
    assert(lane->outbox.targets && lane->outbox.held && lane->outbox.told && lane->outbox.nodes && "out of memory");
    for (unsigned p = 0; p < lane->door.book.partitions; p++) command_init(&lane->outbox.targets[p]);
}

static void hold(struct lane *lane, unsigned target, enum redis_err err, const char *why) {
    struct outbox *box = &lane->outbox;
    if (!box->told[target])
        log_event(LOG_WARN, "follow_ups_held", {"partition", LOG_N(lane->door.partition)}, {"target", LOG_N(target)},
                  {"class", LOG_S(redis_err_word(err))}, {"error", LOG_S(why)});
    box->told[target] = box->held[target] = box->holding = true;
    box->probe_ms = PROBE_FIRST_MS;
    box->probe_at_ms = lane_now_ms() + PROBE_FIRST_MS;
}

static void note_sent(struct lane *lane, unsigned target) {
    log_event(LOG_INFO, "follow_ups_resume", {"partition", LOG_N(lane->door.partition)}, {"target", LOG_N(target)});
    lane->outbox.told[target] = false;
}

/* Whether a failure concerns this target and not all. */
static bool is_targets_own(const struct lane *lane, enum redis_err err) {
    return lane->shared->redis.url.kind == REDIS_URL_CLUSTER && (err == REDIS_AWAY || err == REDIS_BUSY || err == REDIS_HELD);
}

/* The reply of one target. A node that does not know the script yet has done nothing: it is given the script. */
static enum redis_err next_target(struct lane *lane, unsigned target, bool *unknown) {
    struct reply reply;
    enum redis_err err = redis_next(lane->side, &reply);
    FAILPOINT("amid_follow_ups");
    *unknown = err == REDIS_NOSCRIPT;
    lane->outbox.nodes[target] = redis_node_last(lane->side);
    if (is_targets_own(lane, err)) hold(lane, target, err, redis_error(lane->side));
    return *unknown || lane->outbox.held[target] ? REDIS_OK : err;
}

static enum redis_err send_again(struct lane *lane, unsigned target) {
    struct reply reply;
    enum redis_err err = redis_script_call(lane->side, &script_enqueue, &lane->outbox.targets[target], &reply);
    lane->outbox.nodes[target] = redis_node_last(lane->side);
    if (!is_targets_own(lane, err)) return err;
    hold(lane, target, err, redis_error(lane->side));
    return REDIS_OK;
}

/* What goes to where nothing can go stays pending, its answer kept. No intent of a bulk entry has a follow-up: an item is an entry. */
static void mark_staying(struct outbox *box, uint32_t count, unsigned partitions) {
    for (uint32_t n = 0; n < count; n++) {
        struct outbox_item *item = &box->items[n];
        for (unsigned target = 0; target < partitions; target++) item->stays |= box->held[target] && outbox_goes_to(item, target);
        box->staying += item->stays;
    }
}

/* Does everything that was sent still lie where it was taken, by the word of those nodes? */
static bool ask_again(struct lane *lane, const bool *sent) {
    struct outbox *box = &lane->outbox;
    struct command c;
    struct reply reply;
    keys_buffer key;
    bool there = true;
    command_init(&c);
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        if (!sent[target] || box->held[target]) continue;
        command_begin(&c, "XLEN");
        command_copy(&c, key, keys_intents(key, &lane->door.book, target));
        redis_append(lane->side, &c);
    }
    command_clear(&c);
    for (unsigned target = 0; target < lane->door.book.partitions; target++)
        if (sent[target] && !box->held[target])
            there &= !redis_next(lane->side, &reply) && redis_node_last(lane->side) == box->nodes[target];
    return there;
}

/* A master that froze and was replaced meanwhile wakes up, does what it was asked before it hears of that, and says so: when it took long,
 * it is given a moment to hear of it, and asked again, and so is one's own master. */
static bool is_gone(struct lane *lane, const bool *sent, uint64_t since_us) {
    struct outbox *box = &lane->outbox;
    uint64_t took_us = lane_now_us() - since_us, moment_us = took_us / 10 < MOMENT_US ? took_us / 10 : MOMENT_US;
    keys_buffer key;
    if (lane->shared->redis.url.kind != REDIS_URL_CLUSTER || took_us < LATE_US) return false;
    nanosleep(&(struct timespec){0, (long)moment_us * 1000}, NULL);
    bool gone = !ask_again(lane, sent);
    redis_node_review(lane->side);
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        size_t size = keys_intents(key, &lane->door.book, target);
        gone |= sent[target] && !box->held[target] && redis_node_of(lane->side, key, size) != box->nodes[target];
    }
    return gone;
}

/* The nodes, but for the lane's own, that took what was sent. Those on this very node are in front of the acknowledgement on its replicas
 * as well. */
static unsigned find_elsewhere(struct lane *lane, const bool *sent, struct durable_place *places) {
    struct outbox *box = &lane->outbox;
    keys_buffer key;
    unsigned count = 0, home = redis_node_of(lane->side, key, keys_intents(key, &lane->door.book, lane->door.partition));
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        bool counts = sent[target] && !box->held[target] && box->nodes[target] != home;
        for (unsigned n = 0; n < count && counts; n++) counts = places[n].node != box->nodes[target];
        if (counts) places[count++] = (struct durable_place){box->nodes[target], false};
    }
    return count;
}

/* In a cluster: a master that took follow-ups may fail over to a replica that never got them, and who is acknowledged here does not send
 * them again. Where that lasts, those are held as if they could not be sent. */
static enum redis_err wait_elsewhere(struct lane *lane, const bool *sent) {
    static _Thread_local struct durable_place places[KEYS_PARTITIONS_MAX];
    struct outbox *box = &lane->outbox;
    struct command c;
    unsigned count = durable_wanted(lane) ? find_elsewhere(lane, sent, places) : 0;
    if (count == 0) return REDIS_OK;
    command_init(&c);
    enum redis_err err = durable_wait_at(lane, &c, places, count, durable_timeout_ms(lane));
    command_clear(&c);
    for (unsigned n = 0; n < count && !err; n++)
        for (unsigned target = 0; target < lane->door.book.partitions && !places[n].reached; target++)
            if (sent[target] && !box->held[target] && box->nodes[target] == places[n].node)
                hold(lane, target, REDIS_HELD, "not as durable there as durability asks");
    return err;
}

static bool owe_any(const struct outbox *box, uint32_t count) {
    for (uint32_t n = 0; n < count; n++)
        if (box->items[n].owed_size) return true;
    return false;
}

enum redis_err follow_ups_send(struct lane *lane, uint32_t count) {
    static _Thread_local bool sent[KEYS_PARTITIONS_MAX], unknown[KEYS_PARTITIONS_MAX];
    unsigned partitions = lane->door.book.partitions;
    if (!owe_any(&lane->outbox, count)) return REDIS_OK;
    prepare_targets(lane);
    for (unsigned target = 0; target < partitions; target++) {
        unknown[target] = false;
        sent[target] = target != lane->door.partition && !lane->outbox.held[target] && build_target(lane, count, target) > 0;
        if (sent[target]) redis_append(lane->side, &lane->outbox.targets[target]);
    }
    uint64_t since_us = lane_now_us();
    enum redis_err first = REDIS_OK;
    for (unsigned target = 0; target < partitions; target++) {
        enum redis_err err = sent[target] ? next_target(lane, target, &unknown[target]) : REDIS_OK;
        if (err && !first) first = err;
    }
    for (unsigned target = 0; target < partitions && !first; target++)
        if (unknown[target]) first = send_again(lane, target);
    if (!first && is_gone(lane, sent, since_us)) first = REDIS_DEMOTED;
    if (!first) first = wait_elsewhere(lane, sent);
    for (unsigned target = 0; target < partitions && !first; target++)
        if (sent[target] && !lane->outbox.held[target] && lane->outbox.told[target]) note_sent(lane, target);
    if (!first && lane->outbox.holding) mark_staying(&lane->outbox, count, partitions);
    return first;
}

/* Could a follow-up be sent there now, and be as durable as is asked? */
static bool is_back(struct lane *lane, struct command *c, unsigned target) {
    struct durable_place place = {.reached = true};
    struct reply reply;
    keys_buffer key;
    size_t size = keys_intents(key, &lane->door.book, target);
    if (!redis_node_answers(lane->side, key, size, PROBE_PATIENCE_MS)) return false;
    command_begin(c, "XLEN");
    command_copy(c, key, size);
    if (redis_call(lane->side, c, &reply)) return false;
    place.node = redis_node_last(lane->side);
    return !durable_wanted(lane) || (durable_wait_at(lane, c, &place, 1, 0) == REDIS_OK && place.reached);
}

bool follow_ups_may_go_on(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    struct command c;
    bool back = false;
    uint64_t began_ms = lane_now_ms(), rest_ms;
    if (!box->holding || began_ms < box->probe_at_ms || lane_connect(lane, &lane->side)) return false;
    command_init(&c);
    for (unsigned target = 0; target < lane->door.book.partitions && !back && !redis_is_lost(lane->side); target++)
        back = box->held[target] && is_back(lane, &c, target);
    command_clear(&c);
    box->probe_ms = 2 * box->probe_ms < PROBE_LAST_MS ? 2 * box->probe_ms : PROBE_LAST_MS;
    rest_ms = PROBE_SHARE * (lane_now_ms() - began_ms);
    box->probe_at_ms = lane_now_ms() + (rest_ms > box->probe_ms ? rest_ms : box->probe_ms);
    return back;
}

void follow_ups_release(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    if (!box->holding) return;
    memset(box->held, 0, lane->door.book.partitions * sizeof *box->held);
    box->holding = false;
    box->staying = 0;
}
