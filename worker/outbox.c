/* Sends follow-ups and gives the answers that waited for them.
 *
 * Strict order matters: the receiver ignores an origin at or below the last one it saw. Were the follow-ups of two entries under way at
 * once and the first refused while the second got through, the first would be ignored for ever when it is sent again. So those of one entry
 * go out together (each to another partition) and must all have arrived before those of the next. */
#include "worker/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/code.h"
#include "schema/followup.h"
#include "worker/failpoint.h"
#include "worker/lane_apply.h"

enum redis_err outbox_take(struct lane *lane, struct reply reply, const struct entry *entries, uint32_t count) {
    struct outbox *box = &lane->outbox;
    size_t numbers = reply_count(reply);
    if (reply_type(reply) != REPLY_ARRAY || numbers % 3 != 1) return REDIS_GARBLED;
    lane->mark.bill = (uint64_t)reply_integer(reply_at(reply, 0));
    box->count = (uint32_t)(numbers / 3);
    if (box->count > box->capacity) {
        box->items = realloc(box->items, box->count * sizeof *box->items);
        assert(box->items && "out of memory");
        box->capacity = box->count;
    }
    for (uint32_t n = 0; n < box->count; n++) {
        int64_t number = reply_integer(reply_at(reply, 1 + 3 * n));
        if (number < 1 || number > (int64_t)count) return REDIS_GARBLED;
        box->items[n] = (struct outbox_item){&entries[number - 1], (int)reply_integer(reply_at(reply, 2 + 3 * n)),
                                             reply_integer(reply_at(reply, 3 + 3 * n)) != 0};
    }
    return REDIS_OK;
}

static void append_follow_up(struct lane *lane, struct command *c, const struct intent *intent, unsigned target) {
    uint8_t bytes[INTENT_SIZE_MAX], sig[SIGN_SIZE];
    size_t size;
    keys_buffer key;
    bool encoded = intent_encode(intent, bytes, sizeof bytes, &size);
    assert(encoded);
    command_begin(c, "XADD");
    command_copy(c, key, keys_intents(key, &lane->door.book, target));
    command_word(c, "*");
    command_word(c, "intent");
    command_borrow(c, (const char *)bytes, size);
    if (lane->door.has_secret) {
        sign_make(lane->door.secret, bytes, size, sig);
        command_word(c, "sig");
        command_borrow(c, (const char *)sig, sizeof sig);
    }
    redis_append(lane->side, c);
}

/* The follow-ups of one entry, each to another partition, all arrived when this returns REDIS_OK. */
static enum redis_err send_follow_ups(struct lane *lane, struct command *c, const struct outbox_item *item) {
    unsigned sent = 0, from = lane->door.partition;
    struct intent follow_up;
    struct reply reply;
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        if (target == from || !followup_derive(&item->entry->intent, item->code, item->merchant, item->entry->text, &lane->door.book, from,
                                               target, &follow_up))
            continue;
        append_follow_up(lane, c, &follow_up, target);
        sent++;
    }
    enum redis_err first = REDIS_OK;
    for (; sent > 0; sent--) {
        enum redis_err err = redis_next(lane->side, &reply);
        FAILPOINT("amid_follow_ups");
        if (err && !first) first = err;
    }
    return first;
}

static enum redis_err give_answer(struct lane *lane, struct command *c, const struct entry *entry) {
    const struct door *door = &lane->door;
    uint8_t blob[128];
    struct pack_writer w;
    struct reply reply;
    keys_buffer key;
    pack_writer_init(&w, blob, sizeof blob);
    pack_array(&w, 1);
    pack_array(&w, 2);
    pack_text(&w, entry->text, strlen(entry->text));
    pack_uint(&w, 4);
    redis_script_begin(c, &script_answer, 4);
    command_copy(c, key, keys_meta(key, &door->book, door->partition));
    command_copy(c, key, keys_intents(key, &door->book, door->partition));
    command_copy(c, key, keys_unanswered(key, &door->book, door->partition));
    command_copy(c, key, keys_responses(key, &door->book, door->partition, entry->intent.source));
    command_word(c, lane->epoch_text);
    command_borrow(c, (const char *)w.data, w.size);
    return redis_script_call(lane->side, &script_answer, c, &reply);
}

enum redis_err outbox_send(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    if (box->count == 0) return REDIS_OK;
    struct command c;
    command_init(&c);
    enum redis_err err = lane_connect(lane, &lane->side);
    for (uint32_t n = 0; n < box->count && !err; n++) {
        err = send_follow_ups(lane, &c, &box->items[n]);
        if (err) break;
        FAILPOINT("after_follow_ups");
        err = give_answer(lane, &c, box->items[n].entry);
        FAILPOINT("after_answer");
    }
    box->count = 0;
    command_clear(&c);
    return err;
}
