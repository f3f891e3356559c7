/* Keeps what applied batches owe, as long as it has to wait, and gives the answers. */
#include "worker/outbox.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "worker/durable.h"
#include "worker/failpoint.h"
#include "worker/follow_ups.h"
#include "worker/lane_apply.h"
#include "worker/tracing.h"

enum { FIXED_KEYS = 3 };

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
    free(box->owed);
    free(box->spans);
    free(box->blob);
}

/* Room for `needed` of this size; at least twice what there was. */
static void *grow(void *old, size_t needed, size_t *capacity, size_t size) {
    if (needed <= *capacity) return old;
    *capacity = needed > 2 * *capacity ? needed : 2 * *capacity;
    void *fresh = realloc(old, *capacity * size);
    assert(fresh && "out of memory");
    return fresh;
}

bool outbox_goes_to(const struct outbox_item *item, unsigned target) {
    return item->owed_size > 0 && (item->target == target || item->target == OUTBOX_EVERYWHERE);
}

bool outbox_waits(const struct lane *lane) { return lane->outbox.count > 0; }

/* What apply.lua says of an entry that may have consequences. */
struct todo {
    int code;
    bool merchant;
    const char *detail; /* of its answer, where a follow-up needs it */
};

static bool derive(const struct lane *lane, const struct entry *e, const struct todo *todo, unsigned target, struct intent *follow_up) {
    if (!followup_derive(e->gist.intent, todo->code, todo->merchant, e->text, &lane->door.book, lane->door.partition, target, todo->detail,
                         follow_up))
        return false;
    if (e->original[0]) memcpy(follow_up->entry, e->original, strlen(e->original) + 1); /* put off: it is about the first entry */
    return true;
}

static void keep_owed(struct lane *lane, const struct entry *e, const struct intent *follow_up, struct outbox_item *item) {
    struct outbox *box = &lane->outbox;
    size_t intent_size;
    box->owed = grow(box->owed, box->owed_size + FOLLOW_UPS_SIZE_MAX + TRACE_SIZE + 1, &box->owed_capacity, 1);
    uint8_t *place = box->owed + box->owed_size;
    size_t size = follow_ups_encode(&lane->door, follow_up, place, &intent_size);
    trace_child(e->trace, lane->door.partition, e->text, e->part, (char *)place + size);
    item->intent_size = (uint32_t)intent_size;
    item->owed_size = (uint32_t)(size + strlen((const char *)place + size));
    box->owed_size += item->owed_size;
}

/* The follow-up of an item is the same wherever it goes. */
static void owe(struct lane *lane, const struct entry *e, const struct todo *todo, struct outbox_item *item) {
    struct intent follow_up;
    unsigned places = 0;
    for (unsigned target = 0; target < lane->door.book.partitions && places < 2; target++) {
        if (!derive(lane, e, todo, target, &follow_up)) continue;
        if (places == 0) keep_owed(lane, e, &follow_up, item);
        item->target = places++ ? OUTBOX_EVERYWHERE : target;
    }
}

/* On the stream of its source, or of that of the intent that it is the end of. */
static void name_source(const struct entry *e, struct outbox_item *item) {
    struct followup_original of;
    bool late = e->gist.op == OP_settled || e->gist.op == OP_bounce;
    if (late && followup_original(e->gist.intent, &of)) memcpy(item->source, of.source, sizeof of.source);
    else if (!late && e->answerable) snprintf(item->source, sizeof item->source, "%s", e->gist.source);
}

static void add_item(struct lane *lane, const struct entry *e, const struct todo *todo) {
    struct outbox_item *item = &lane->outbox.items[lane->outbox.count++];
    *item = (struct outbox_item){.id = e->id, .part = e->part};
    name_source(e, item);
    if (!todo) return;
    item->code = todo->code;
    owe(lane, e, todo, item);
}

/* Those that may have consequences, in their order; under durability the others come in between. False: not what apply.lua says. */
static bool take_items(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count, bool durable) {
    uint32_t todos = (uint32_t)(reply_count(reply) / 4), next = 0;
    for (uint32_t n = 0; n <= todos; n++) {
        int64_t number = n < todos ? reply_integer(reply_at(reply, 2 + 4 * n)) : (int64_t)count + 1;
        if (number <= next || (n < todos && number > count)) return false;
        for (; durable && next + 1 < number; next++) add_item(lane, &entries[next], NULL);
        if (n == todos) break;
        struct todo todo = {(int)reply_integer(reply_at(reply, 3 + 4 * n)), reply_integer(reply_at(reply, 4 + 4 * n)) != 0,
                            reply_text(reply_at(reply, 5 + 4 * n), NULL)};
        add_item(lane, &entries[number - 1], &todo);
        next = (uint32_t)number;
    }
    return true;
}

enum redis_err outbox_take(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count, bool durable) {
    struct outbox *box = &lane->outbox;
    if (reply_type(reply) != REPLY_ARRAY || reply_count(reply) % 4 != 2) return REDIS_GARBLED;
    lane->mark.bill = (uint64_t)reply_integer(reply_at(reply, 0));
    metrics_note_answers(lane->metrics, reply_at(reply, 1));
    box->items = grow(box->items, box->count + count, &box->capacity, sizeof *box->items);
    if (box->count == 0) box->since_us = lane_now_us();
    box->taken = box->count;
    return take_items(lane, reply, entries, count, durable) ? REDIS_OK : REDIS_GARBLED;
}

void outbox_keep_span(struct outbox *box, struct outbox_item *item, const struct span *span) {
    box->spans = grow(box->spans, box->span_count + 1, &box->span_capacity, sizeof *box->spans);
    box->spans[box->span_count++] = *span;
    item->traced = true;
}

/* Where the items of the entry that begins with item n end. */
static uint32_t entry_end(const struct outbox *box, uint32_t n, uint32_t count) {
    uint32_t end = n + 1;
    while (end < count && entry_id_compare(box->items[end].id, box->items[n].id) == 0) end++;
    return end;
}

void outbox_stay_whole(struct outbox *box, uint32_t count) {
    for (uint32_t n = 0, end; n < count; n = end) {
        bool stays = false;
        end = entry_end(box, n, count);
        for (uint32_t m = n; m < end; m++) stays |= box->items[m].stays;
        for (uint32_t m = n; m < end; m++) box->items[m].stays = stays;
    }
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

/* One call for the entries of items[first..end), but for those that stay. */
static enum redis_err answer_some(struct lane *lane, struct command *c, uint32_t first, uint32_t end, const char *durable) {
    const struct door *door = &lane->door;
    struct outbox *box = &lane->outbox;
    struct keyset *keys = &box->keys;
    struct reply reply;
    char text[ENTRY_TEXT_MAX + 1];
    keys_buffer key;
    uint32_t entries = 0;
    keyset_reset(keys);
    keyset_push(keys, key, keys_meta(key, &door->book, door->partition));
    keyset_push(keys, key, keys_intents(key, &door->book, door->partition));
    keyset_push(keys, key, keys_unanswered(key, &door->book, door->partition));
    for (uint32_t n = first; n < end; n++)
        if (box->items[n].source[0] && !box->items[n].stays)
            keyset_add(keys, key, keys_responses(key, &door->book, door->partition, box->items[n].source));
    size_t size = pack_places(lane);
    redis_script_begin(c, &script_answer, keys->count);
    keyset_borrow(keys, c);
    command_word(c, lane->epoch_text);
    command_word(c, durable);
    command_borrow(c, (const char *)box->blob, size);
    for (uint32_t n = first; n < end; n = entry_end(box, n, end)) {
        if (box->items[n].stays) continue;
        command_copy(c, text, entry_id_format(box->items[n].id, text));
        entries++;
    }
    if (entries == 0) return REDIS_OK;
    enum redis_err err = redis_script_call(lane->side, &script_answer, c, &reply);
    if (!err) metrics_note_answers(lane->metrics, reply);
    return err;
}

/* In their order, a batch at a time: a call goes out when the one before it has succeeded. */
static enum redis_err give_answers(struct lane *lane, struct command *c, uint32_t count, const char *durable) {
    uint32_t max = atomic_load(&lane->shared->settings->batch);
    enum redis_err err = REDIS_OK;
    for (uint32_t first = 0, end; first < count && !err; first = end) {
        for (end = first; end < count && end - first < max;) end = entry_end(&lane->outbox, end, count);
        err = answer_some(lane, c, first, end, durable);
        if (end < count) FAILPOINT("amid_answers");
    }
    return err;
}

/* Those behind the first `count` were taken after the last question was asked. */
static void forget_first(struct outbox *box, uint32_t count) {
    size_t owed_size = 0;
    uint32_t spans = 0;
    for (uint32_t n = 0; n < count; n++) {
        owed_size += box->items[n].owed_size;
        spans += box->items[n].traced;
    }
    box->count -= count;
    box->owed_size -= owed_size;
    box->span_count -= spans;
    if (box->count) memmove(box->items, box->items + count, box->count * sizeof *box->items);
    if (box->owed_size) memmove(box->owed, box->owed + owed_size, box->owed_size);
    if (box->span_count) memmove(box->spans, box->spans + spans, box->span_count * sizeof *box->spans);
    box->since_us = box->asked_at_us;
}

static enum redis_err send_first(struct lane *lane, uint32_t count, const char *durable) {
    struct command c, aside;
    command_init(&c);
    command_init(&aside);
    enum redis_err err = lane_connect_beside(lane, &lane->side);
    FAILPOINT("after_durable");
    if (lane->replaying.on) replaying_put_aside(lane, &aside, count);
    else if (!err) err = follow_ups_send(lane, count);
    FAILPOINT("after_follow_ups");
    if (!err) err = give_answers(lane, &c, count, durable);
    FAILPOINT("after_answer");
    if (!err) tracing_note_sent(lane, count);
    if (!err && lane->replaying.on) err = replaying_send_aside(lane, &aside);
    command_clear(&c);
    command_clear(&aside);
    if (!err) forget_first(&lane->outbox, count);
    return err;
}

static enum redis_err ask(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    box->asked = box->count;
    box->asked_at_us = lane_now_us();
    return durable_ask(lane);
}

static enum redis_err hear(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    char durable[REDIS_DURABLE_TEXT_SIZE];
    bool reached = false;
    uint32_t asked = box->asked;
    box->asked = 0;
    enum redis_err err = durable_hear(lane, box->since_us, &reached, durable);
    if (err || reached) return err ? err : send_first(lane, asked, durable);
    return atomic_load(&lane->stop) ? REDIS_HELD : REDIS_OK;
}

static void forget_all(struct outbox *box) {
    box->count = box->asked = box->span_count = 0;
    box->owed_size = 0;
}

static bool is_full(const struct outbox *box) { return box->count >= OUTBOX_ITEMS_MAX || box->owed_size >= OUTBOX_OWED_MAX; }

static enum redis_err go_on(struct lane *lane, bool to_the_end) {
    struct outbox *box = &lane->outbox;
    enum redis_err err = REDIS_OK;
    while (!err && box->count > 0) {
        if (box->asked == 0) err = ask(lane);
        if (!err && !to_the_end && !is_full(box) && !durable_may_hear(lane)) break;
        if (!err) err = hear(lane);
    }
    if (err) forget_all(box);
    return err;
}

enum redis_err outbox_send(struct lane *lane) { return go_on(lane, false); }

enum redis_err outbox_finish(struct lane *lane) { return go_on(lane, true); }

void outbox_release(struct lane *lane) {
    forget_all(&lane->outbox);
    durable_drop(lane);
    follow_ups_release(lane);
}
