/* What a lane does otherwise while its book is rebuilt. */
#include "worker/replaying.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/failpoint.h"
#include "worker/lane.h"

/* One "p:ENTRY" into the list. */
static bool take_word(struct replaying *r, unsigned partitions, const char *word, size_t size) {
    char *end;
    unsigned long partition = strtoul(word, &end, 10);
    size_t head = (size_t)(end - word) + 1;
    if (*end != ':' || head >= size || partition >= partitions) return false;
    return entry_id_parse(end + 1, size - head, &r->recorded[partition]);
}

enum redis_err replaying_read(struct lane *lane, struct reply text) {
    struct replaying *r = &lane->replaying;
    unsigned partitions = lane->door.book.partitions;
    replaying_clear(r);
    if (reply_type(text) == REPLY_NIL) return REDIS_OK;
    r->on = true;
    r->recorded = calloc(partitions, sizeof *r->recorded);
    assert(r->recorded && "out of memory");
    for (const char *at = reply_text(text, NULL); *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        if (!take_word(r, partitions, at, size)) return REDIS_GARBLED;
        at += size;
    }
    return REDIS_OK;
}

void replaying_clear(struct replaying *r) {
    free(r->recorded);
    *r = (struct replaying){0};
}

/* Does a follow-up of this item lie beyond what is recorded? */
static bool owes(const struct lane *lane, const struct outbox_item *item) {
    struct intent follow_up;
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        bool recorded = entry_id_compare(item->entry->id, lane->replaying.recorded[target]) <= 0;
        if (target != lane->door.partition && !recorded && outbox_derive(lane, item, target, &follow_up)) return true;
    }
    return false;
}

enum redis_err replaying_put_aside(struct lane *lane) {
    struct outbox *box = &lane->outbox;
    struct command c;
    struct reply reply;
    keys_buffer key;
    uint32_t kept = 0, count = box->count;
    command_init(&c);
    redis_script_begin(&c, &script_aside, 2);
    command_copy(&c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_copy(&c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_word(&c, lane->epoch_text);
    for (uint32_t n = 0; n < count; n++) {
        if (owes(lane, &box->items[n])) command_word(&c, box->items[n].entry->text);
        else box->items[kept++] = box->items[n];
    }
    box->count = kept;
    enum redis_err err = kept < count ? redis_script_call(lane->side, &script_aside, &c, &reply) : REDIS_OK;
    FAILPOINT("after_aside");
    command_clear(&c);
    return err;
}
