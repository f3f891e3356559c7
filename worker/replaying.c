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
    const char *at = reply_text(text, NULL), *careful = "careful";
    r->careful = strncmp(at, careful, strlen(careful)) == 0;
    if (r->careful) at += strlen(careful);
    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
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
    for (unsigned target = 0; target < lane->door.book.partitions; target++) {
        bool recorded = entry_id_compare(item->id, lane->replaying.recorded[target]) <= 0;
        if (target != lane->door.partition && !recorded && outbox_goes_to(item, target)) return true;
    }
    return false;
}

static void begin(const struct lane *lane, struct command *c, const struct script *script) {
    keys_buffer key;
    redis_script_begin(c, script, 3);
    command_copy(c, key, keys_meta(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_intents(key, &lane->door.book, lane->door.partition));
    command_copy(c, key, keys_unanswered(key, &lane->door.book, lane->door.partition));
    command_word(c, lane->epoch_text);
}

enum redis_err replaying_recall(struct lane *lane) {
    struct command *c = &lane->batch.command;
    struct reply reply;
    if (!lane->replaying.on) return REDIS_OK;
    begin(lane, c, &script_recall);
    command_word(c, lane->shared->worker);
    return redis_script_call(lane->redis, &script_recall, c, &reply);
}

bool replaying_reads_on(const struct lane *lane, char text[ENTRY_TEXT_MAX + 1]) {
    const struct replaying *r = &lane->replaying;
    bool ahead = entry_id_compare(r->read, lane->mark.applied) > 0; /* of what is being applied */
    if (r->on && !r->careful) entry_id_format(ahead ? r->read : lane->mark.applied, text);
    return r->on && !r->careful;
}

void replaying_note_read(struct lane *lane, struct reply entries) {
    size_t size, count = reply_count(entries);
    const char *last = reply_text(reply_at(reply_at(entries, count - 1), 0), &size);
    bool known = lane->replaying.on && count > 0 && entry_id_parse(last, size, &lane->replaying.read);
    if (!known) lane->replaying.read = (struct entry_id){0, 0};
}

void replaying_put_aside(struct lane *lane, struct command *aside, uint32_t count) {
    struct outbox_item *items = lane->outbox.items;
    char text[ENTRY_TEXT_MAX + 1];
    begin(lane, aside, &script_aside);
    for (uint32_t n = 0; n < count; n++) items[n].stays = owes(lane, &items[n]);
    outbox_stay_whole(&lane->outbox, count);
    for (uint32_t n = 0; n < count; n++)
        if (items[n].stays && items[n].part == 0) command_copy(aside, text, entry_id_format(items[n].id, text));
}

enum redis_err replaying_send_aside(struct lane *lane, struct command *aside) {
    struct reply reply;
    enum redis_err err = redis_script_call(lane->side, &script_aside, aside, &reply);
    FAILPOINT("after_aside");
    return err;
}
