/* Sends follow-ups and gives the answers that waited for them, or for durability.
 *
 * Strict order matters: the receiver ignores an origin at or below the last one it saw. Were one follow-up refused while a later one got
 * through, the first would be ignored for ever when it is sent again. So all that a batch sends to one partition goes in one script, all or
 * none; and nothing is answered before every partition that it goes to has taken its part. */
#include "worker/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "worker/durable.h"
#include "worker/failpoint.h"
#include "worker/lane_apply.h"
#include "worker/log.h"
#include "worker/tracing.h"

enum { FIXED_KEYS = 3, PROBE_FIRST_MS = 100, PROBE_LAST_MS = 1000 };

void outbox_init(struct outbox *box) {
    memset(box, 0, sizeof *box);
    keyset_init(&box->keys);
}

void outbox_clear(struct outbox *box, unsigned partitions) {
    for (unsigned p = 0; box->targets && p < partitions; p++) command_clear(&box->targets[p]);
    free(box->targets);
    free(box->held);
    free(box->told);
    free(box->nodes);
    keyset_clear(&box->keys);
    free(box->items);
    free(box->blob);
}

static void reserve_items(struct outbox *box, uint32_t count) {
    if (count <= box->capacity) return;
    box->items = realloc(box->items, count * sizeof *box->items);
    assert(box->items && "out of memory");
    box->capacity = count;
}

/* Those that may have consequences, in their order; under durability the others come in between. False: not what apply.lua says. */
static bool take_items(struct outbox *box, struct reply reply, const struct entry *entries, uint32_t count, bool durable) {
    uint32_t todo = (uint32_t)(reply_count(reply) / 4), next = 0;
    for (uint32_t n = 0; n <= todo; n++) {
        int64_t number = n < todo ? reply_integer(reply_at(reply, 2 + 4 * n)) : (int64_t)count + 1;
        if (number <= next || (n < todo && number > count)) return false;
        for (; durable && next + 1 < number; next++)
            box->items[box->count++] = (struct outbox_item){.entry = &entries[next], .plain = true};
        if (n == todo) break;
        struct outbox_item *item = &box->items[box->count++];
        *item = (struct outbox_item){&entries[number - 1], (int)reply_integer(reply_at(reply, 3 + 4 * n)),
                                     reply_integer(reply_at(reply, 4 + 4 * n)) != 0, false, ""};
        size_t size;
        const char *detail = reply_text(reply_at(reply, 5 + 4 * n), &size);
        if (size < sizeof item->detail) memcpy(item->detail, detail, size + 1);
        next = (uint32_t)number;
    }
    return true;
}

enum redis_err outbox_take(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count, bool durable) {
    if (reply_type(reply) != REPLY_ARRAY || reply_count(reply) % 4 != 2) return REDIS_GARBLED;
    lane->mark.bill = (uint64_t)reply_integer(reply_at(reply, 0));
    metrics_note_answers(lane->metrics, reply_at(reply, 1));
    reserve_items(&lane->outbox, count);
    lane->outbox.count = 0;
    if (take_items(&lane->outbox, reply, entries, count, durable)) return REDIS_OK;
    lane->outbox.count = 0;
    return REDIS_GARBLED;
}

void outbox_add_follow_up(const struct door *door, struct command *c, const struct intent *intent, const char *trace) {
    uint8_t bytes[INTENT_FOLLOW_UP_SIZE_MAX], sig[SIGN_SIZE];
    size_t size;
    bool encoded = intent_encode(intent, bytes, sizeof bytes, &size);
    assert(encoded);
    command_copy(c, (const char *)bytes, size);
    if (door->has_secret) sign_make(door->secret, bytes, size, sig);
    command_copy(c, (const char *)sig, door->has_secret ? sizeof sig : 0);
    command_copy(c, trace, strlen(trace));
}

bool outbox_derive(const struct lane *lane, const struct outbox_item *item, unsigned target, struct intent *follow_up) {
    const struct entry *e = item->entry;
    if (item->plain) return false;
    if (!followup_derive(e->gist.intent, item->code, item->merchant, e->text, &lane->door.book, lane->door.partition, target, item->detail,
                         follow_up))
        return false;
    if (e->original[0]) memcpy(follow_up->entry, e->original, strlen(e->original) + 1); /* put off: it is about the first entry */
    return true;
}

/* The call for one partition; how many follow-ups are in it. */
static uint32_t build_target(struct lane *lane, unsigned target) {
    struct command *c = &lane->outbox.targets[target];
    struct intent follow_up;
    char trace[TRACE_SIZE + 1];
    keys_buffer key;
    uint32_t count = 0;
    for (uint32_t n = 0; n < lane->outbox.count; n++) {
        const struct entry *e = lane->outbox.items[n].entry;
        if (!outbox_derive(lane, &lane->outbox.items[n], target, &follow_up)) continue;
        if (count++ == 0) {
            redis_script_begin(c, &script_enqueue, 1);
            command_copy(c, key, keys_intents(key, &lane->door.book, target));
        }
        trace_child(e->trace, lane->door.partition, e->text, e->part, trace);
        outbox_add_follow_up(&lane->door, c, &follow_up, trace);
    }
    return count;
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

static void hold(struct lane *lane, unsigned target, enum redis_err err) {
    struct outbox *box = &lane->outbox;
    if (!box->told[target])
        log_event(LOG_WARN, "follow_ups_held", {"partition", LOG_N(lane->door.partition)}, {"target", LOG_N(target)},
                  {"class", LOG_S(redis_err_word(err))}, {"error", LOG_S(redis_error(lane->side))});
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
    if (is_targets_own(lane, err)) hold(lane, target, err);
    else if (!err && lane->outbox.told[target]) note_sent(lane, target);
    return *unknown || lane->outbox.held[target] ? REDIS_OK : err;
}

static enum redis_err send_again(struct lane *lane, unsigned target) {
    struct reply reply;
    enum redis_err err = redis_script_call(lane->side, &script_enqueue, &lane->outbox.targets[target], &reply);
    lane->outbox.nodes[target] = redis_node_last(lane->side);
    if (!is_targets_own(lane, err)) return err;
    hold(lane, target, err);
    return REDIS_OK;
}

/* Leaves out of the outbox what goes to where nothing can go: it stays pending, its answer is kept. */
static void put_held_aside(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    struct intent follow_up;
    uint32_t kept = 0;
    for (uint32_t n = 0; n < box->count; n++) {
        bool waits = false;
        for (unsigned target = 0; target < lane->door.book.partitions && !waits; target++)
            waits = box->held[target] && outbox_derive(lane, &box->items[n], target, &follow_up);
        if (!waits) box->items[kept++] = box->items[n];
    }
    box->count = kept;
}

/* In a cluster: a master that took follow-ups may fail over to a replica that never got them, and who is acknowledged here does not send
 * them again. Those on this very node are in front of the acknowledgement on its replicas as well. */
static enum redis_err wait_elsewhere(struct lane *lane, const bool *sent) {
    static _Thread_local unsigned nodes[KEYS_PARTITIONS_MAX];
    struct outbox *box = &lane->outbox;
    struct command c;
    keys_buffer key;
    unsigned count = 0;
    if (!durable_wanted(lane)) return REDIS_OK;
    unsigned home = redis_node_of(lane->side, key, keys_intents(key, &lane->door.book, lane->door.partition));
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        bool counts = sent[target] && !box->held[target] && box->nodes[target] != home;
        for (unsigned n = 0; n < count && counts; n++) counts = nodes[n] != box->nodes[target];
        if (counts) nodes[count++] = box->nodes[target];
    }
    command_init(&c);
    enum redis_err err = durable_wait_at(lane, &c, nodes, count);
    command_clear(&c);
    return err;
}

/* All follow-ups of the batch, one call per partition, all of which have succeeded when this returns REDIS_OK, but for what is held. */
static enum redis_err send_follow_ups(struct lane *lane) {
    static _Thread_local bool sent[KEYS_PARTITIONS_MAX], unknown[KEYS_PARTITIONS_MAX];
    unsigned partitions = lane->door.book.partitions;
    prepare_targets(lane);
    for (unsigned target = 0; target < partitions; target++) {
        unknown[target] = false;
        sent[target] = target != lane->door.partition && !lane->outbox.held[target] && build_target(lane, target) > 0;
        if (sent[target]) redis_append(lane->side, &lane->outbox.targets[target]);
    }
    enum redis_err first = REDIS_OK;
    for (unsigned target = 0; target < partitions; target++) {
        enum redis_err err = sent[target] ? next_target(lane, target, &unknown[target]) : REDIS_OK;
        if (err && !first) first = err;
    }
    for (unsigned target = 0; target < partitions && !first; target++)
        if (unknown[target]) first = send_again(lane, target);
    if (!first && lane->outbox.holding) put_held_aside(lane);
    return first ? first : wait_elsewhere(lane, sent);
}

bool outbox_may_go_on(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    struct command c;
    struct reply reply;
    keys_buffer key;
    bool reached = false;
    if (!box->holding || lane_now_ms() < box->probe_at_ms || lane_connect(lane, &lane->side)) return false;
    command_init(&c);
    for (unsigned target = 0; target < lane->door.book.partitions && !reached && !redis_is_lost(lane->side); target++) {
        if (!box->held[target]) continue;
        command_begin(&c, "XLEN");
        command_copy(&c, key, keys_intents(key, &lane->door.book, target));
        reached = redis_call(lane->side, &c, &reply) == REDIS_OK;
    }
    command_clear(&c);
    box->probe_ms = 2 * box->probe_ms < PROBE_LAST_MS ? 2 * box->probe_ms : PROBE_LAST_MS;
    box->probe_at_ms = lane_now_ms() + box->probe_ms;
    return reached;
}

void outbox_release(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    if (!box->holding) return;
    memset(box->held, 0, lane->door.book.partitions * sizeof *box->held);
    box->holding = false;
}

/* Declares where an entry's answers go: on the stream of its source, or of that of the intent that it is the end of. */
static void add_stream(struct lane *lane, const struct entry *e) {
    const struct door *door = &lane->door;
    struct followup_original of;
    keys_buffer key;
    bool late = e->gist.op == OP_settled || e->gist.op == OP_bounce;
    if (!(late ? followup_original(e->gist.intent, &of) : e->answerable)) return;
    keyset_add(&lane->outbox.keys, key, keys_responses(key, &door->book, door->partition, late ? of.source : e->gist.source));
}

/* [source, place of its stream in KEYS, ...]: a stream's key ends with its source. */
static size_t pack_places(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    struct pack_writer w;
    keys_buffer key;
    size_t prefix = keys_responses(key, &lane->door.book, lane->door.partition, ""), size;
    size_t room = 16 + (size_t)box->keys.count * (INTENT_SOURCE_MAX + 16);
    if (room > box->blob_capacity) {
        free(box->blob);
        box->blob = malloc(box->blob_capacity = room);
        assert(box->blob && "out of memory");
    }
    pack_writer_init(&w, box->blob, box->blob_capacity);
    pack_array(&w, 2 * (box->keys.count - FIXED_KEYS));
    for (uint32_t place = FIXED_KEYS + 1; place <= box->keys.count; place++) {
        const char *text = keyset_at(&box->keys, place, &size);
        pack_text(&w, text + prefix, size - prefix);
        pack_uint(&w, place);
    }
    assert(!w.full);
    return w.size;
}

static enum redis_err give_answers(struct lane *lane, struct command *c, const char *durable) {
    const struct door *door = &lane->door;
    struct outbox *box = &lane->outbox;
    struct keyset *keys = &box->keys;
    struct reply reply;
    keys_buffer key;
    keyset_reset(keys);
    keyset_push(keys, key, keys_meta(key, &door->book, door->partition));
    keyset_push(keys, key, keys_intents(key, &door->book, door->partition));
    keyset_push(keys, key, keys_unanswered(key, &door->book, door->partition));
    for (uint32_t n = 0; n < box->count; n++) add_stream(lane, box->items[n].entry);
    size_t size = pack_places(lane);
    redis_script_begin(c, &script_answer, keys->count);
    keyset_borrow(keys, c);
    command_word(c, lane->epoch_text);
    command_word(c, durable);
    command_borrow(c, (const char *)box->blob, size);
    for (uint32_t n = 0; n < box->count; n++)
        if (n == 0 || entry_id_compare(box->items[n].entry->id, box->items[n - 1].entry->id) != 0) /* of a bulk entry once */
            command_borrow(c, box->items[n].entry->text, strlen(box->items[n].entry->text));
    enum redis_err err = redis_script_call(lane->side, &script_answer, c, &reply);
    if (!err) metrics_note_answers(lane->metrics, reply);
    return err;
}

enum redis_err outbox_send(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    if (box->count == 0) return REDIS_OK;
    char durable[REDIS_DURABLE_TEXT_SIZE];
    struct command c, aside;
    command_init(&c);
    command_init(&aside);
    enum redis_err err = lane_connect(lane, &lane->side);
    if (!err) err = durable_wait(lane, &c, durable);
    FAILPOINT("after_durable");
    if (lane->replaying.on) replaying_put_aside(lane, &aside);
    else if (!err) err = send_follow_ups(lane);
    FAILPOINT("after_follow_ups");
    if (!err && box->count > 0) err = give_answers(lane, &c, durable);
    FAILPOINT("after_answer");
    if (!err) tracing_note_sent(lane);
    if (!err && lane->replaying.on) err = replaying_send_aside(lane, &aside);
    box->count = 0;
    command_clear(&c);
    command_clear(&aside);
    return err;
}
