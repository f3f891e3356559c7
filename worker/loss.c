/* Loss detection beyond the numbers. */
#include "worker/loss.h"

#include <stdio.h>

static void append_range(struct redis *redis, struct command *c, const struct book *book, unsigned partition, const char *from,
                         const char *to) {
    keys_buffer key;
    command_begin(c, "XRANGE");
    command_copy(c, key, keys_intents(key, book, partition));
    command_word(c, from);
    command_word(c, to);
    command_word(c, "COUNT");
    command_word(c, "1");
    redis_append(redis, c);
}

enum redis_err loss_find(struct redis *redis, struct command *c, const struct book *book, unsigned partition, const struct mark *mark,
                         bool *gone) {
    char id[ENTRY_TEXT_MAX + 1];
    struct reply reply;
    struct entry_id first;
    size_t size;
    *gone = false;
    if (mark->applied.ms == 0) return REDIS_OK;
    entry_id_format(mark->applied, id);
    append_range(redis, c, book, partition, id, id);
    append_range(redis, c, book, partition, "-", "+");
    enum redis_err err = redis_next(redis, &reply);
    bool there = reply_count(reply) > 0;
    enum redis_err err_first = redis_next(redis, &reply);
    if (err || err_first) return err ? err : err_first;
    const char *text = reply_text(reply_at(reply_at(reply, 0), 0), &size);
    *gone = !there && entry_id_parse(text, size, &first) && entry_id_compare(first, mark->applied) < 0;
    return REDIS_OK;
}

void loss_describe(const struct mark *mark, char *out, size_t capacity) {
    char id[ENTRY_TEXT_MAX + 1];
    entry_id_format(mark->applied, id);
    snprintf(out, capacity, "entry %s was applied and is gone, and with it what came just before", id);
}

enum redis_err loss_look(struct redis *redis, struct command *c, const struct book *book, unsigned partition, const struct mark *mark,
                         char *out, size_t capacity) {
    struct reply reply;
    struct entry_id applied = {0, 0};
    keys_buffer key;
    size_t size;
    bool gone;
    out[0] = '\0';
    command_begin(c, "HMGET");
    command_copy(c, key, keys_meta(key, book, partition));
    command_word(c, "applied");
    command_word(c, "bill");
    enum redis_err err = redis_call(redis, c, &reply);
    if (err) return err;
    const char *text = reply_text(reply_at(reply, 0), &size);
    if (size && !entry_id_parse_whole(text, size, &applied)) return REDIS_GARBLED;
    if (mark_missing(mark, applied, (uint64_t)reply_integer(reply_at(reply, 1)), out, capacity)) return REDIS_OK;
    err = loss_find(redis, c, book, partition, mark, &gone);
    if (!err && gone) loss_describe(mark, out, capacity);
    return err;
}
