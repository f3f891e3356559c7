/* Puts what has fallen due on the partition's own stream. */
#include "worker/overdue.h"

#include "schema/followup.h"
#include "worker/failpoint.h"
#include "worker/follow_ups.h"
#include "worker/lane_apply.h"
#include "worker/log.h"

enum {
    LOOK_AT_LEAST_MS = 1000, /* nothing known to fall due: who knows what an owner before left */
    LOOK_AGAIN_MS = 5,       /* more is due than may be under way */
    COST_US = 20,            /* of Redis, for applying one */
    SHARE = 4,               /* all partitions together take at most a quarter of one Redis */
};

void overdue_note(struct lane *lane, uint32_t applied) {
    struct overdue *o = &lane->overdue;
    o->under_way -= applied < o->under_way ? applied : o->under_way;
}

void overdue_note_empty(struct lane *lane) { lane->overdue.under_way = 0; }

void overdue_expect(struct lane *lane, uint64_t in_ms) {
    uint64_t at_ms = lane_now_ms() + in_ms + 1;
    if (at_ms < lane->overdue.look_at_ms) lane->overdue.look_at_ms = at_ms;
}

unsigned overdue_patience_ms(const struct lane *lane, unsigned block_ms) {
    uint64_t now_ms = lane_now_ms(), at_ms = lane->overdue.look_at_ms;
    if (lane->replaying.on || !atomic_load(&lane->shared->settings->sweep_due)) return block_ms;
    uint64_t left_ms = at_ms > now_ms ? at_ms - now_ms : 1;
    return left_ms < block_ms ? (unsigned)left_ms : block_ms;
}

static enum redis_err look(struct lane *lane, struct command *c, struct reply *reply) {
    keys_buffer key;
    redis_script_begin(c, &script_overdue, 2);
    command_copy(c, key, keys_due(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_scheduled(key, &lane->door.book, lane->door.partition));
    command_uint(c, lane->overdue.under_way);
    command_uint(c, OVERDUE_MOST - lane->overdue.under_way);
    return redis_script_call(lane->side, &script_overdue, c, reply);
}

/* Adds a follow-up per member; how many. A member or bytes that are none of ours stay where they are, and are told of. */
static uint32_t build(struct lane *lane, struct command *c, struct reply reply) {
    uint32_t count = 0;
    keys_buffer key;
    redis_script_begin(c, &script_enqueue, 1);
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    for (size_t n = 1; n + 1 < reply_count(reply); n += 2) {
        size_t member_size, bytes_size;
        const char *member = reply_text(reply_at(reply, n), &member_size), *bytes = reply_text(reply_at(reply, n + 1), &bytes_size);
        struct intent follow_up;
        if (followup_own(member, member_size, bytes, bytes_size, &follow_up)) {
            follow_ups_add(&lane->door, c, &follow_up);
            count++;
        } else {
            log_event(LOG_ERROR, "due_unreadable", {"partition", LOG_N(lane->door.partition)}, {"member", LOG_S(member)});
        }
    }
    return count;
}

static enum redis_err put_on_stream(struct lane *lane, struct command *c, struct reply reply, uint32_t *count) {
    uint32_t added = build(lane, c, reply);
    if (added == 0) return REDIS_OK;
    enum redis_err err = redis_call(lane->side, c, &reply);
    if (!err) *count = added;
    FAILPOINT("after_due");
    return err;
}

/* Keys that are not what they should be, or rights that are missing, stop what falls due and nothing else: payments go on. */
static enum redis_err note_refusal(struct lane *lane, enum redis_err err) {
    struct overdue *o = &lane->overdue;
    if (err != REDIS_REFUSED || redis_is_lost(lane->side)) { /* not even connected: as everywhere */
        o->refused = o->refused && err;
        return err;
    }
    if (!o->refused)
        log_event(LOG_ERROR, "due_refused", {"partition", LOG_N(lane->door.partition)}, {"error", LOG_S(redis_error(lane->side))});
    o->refused = true;
    o->look_at_ms = lane_now_ms() + LOOK_AT_LEAST_MS;
    return REDIS_OK;
}

enum redis_err overdue_turn(struct lane *lane) {
    struct overdue *o = &lane->overdue;
    uint64_t now_ms = lane_now_ms();
    uint32_t count = 0;
    if (lane->replaying.on) return REDIS_OK;
    if (now_ms < o->look_at_ms || o->under_way > OVERDUE_MOST / 2 || !atomic_load(&lane->shared->settings->sweep_due)) return REDIS_OK;
    struct command c;
    struct reply reply = {NULL};
    command_init(&c);
    enum redis_err err = lane_connect(lane, &lane->side);
    if (!err) err = look(lane, &c, &reply);
    if (!err) {
        int64_t next_ms = reply_integer(reply_at(reply, 0));
        uint64_t wait_ms = next_ms < 0 || next_ms > LOOK_AT_LEAST_MS ? LOOK_AT_LEAST_MS : (uint64_t)next_ms + 1;
        if (reply_count(reply) > OVERDUE_MOST) wait_ms = LOOK_AGAIN_MS;
        err = put_on_stream(lane, &c, reply, &count);
        o->under_way += count;
        uint64_t share_ms = (uint64_t)count * COST_US * SHARE * lane->door.book.partitions / 1000;
        o->look_at_ms = now_ms + (wait_ms > share_ms ? wait_ms : share_ms);
    }
    command_clear(&c);
    return note_refusal(lane, err);
}
