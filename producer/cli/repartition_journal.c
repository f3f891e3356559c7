/* What {B}:book says of a repartition, and the partitions that are closed meanwhile.
 *
 *     version 1  partitions P                                  a book like any
 *     version 0  partitions P   repartition "building P2 C"    the old one is closed, the new one being built
 *                               repartition "clearing P2 C"    the new one is proven; the old keys go
 *                               repartition "renaming P2 C"    they are gone; the new ones get their names
 *                               repartition "moved P2 C URL"   the new one is elsewhere, and this one stays closed
 *     version 1  partitions P2                                 done
 *
 * Whoever reads a version it does not know refuses to work, releases from before this one too. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/repartition.h"

static const char *const words[] = {
    [REPARTITION_BUILDING] = "building", [REPARTITION_CLEARING] = "clearing", [REPARTITION_RENAMING] = "renaming",
    [REPARTITION_MOVED] = "moved"};

static void begin_book(struct repartition *r, const char *command) {
    keys_buffer key;
    command_begin(&r->side.command, command);
    command_copy(&r->side.command, key, keys_book(key, &r->side.book));
}

static int take_state(struct repartition *r, const char *text) {
    char word[16], id[ENTRY_TEXT_MAX + 1];
    unsigned partitions;
    if (sscanf(text, "%15s %u %41s", word, &partitions, id) != 3 || !entry_id_parse(id, strlen(id), &r->carried))
        return cli_usage(r->cli, "book '%s': its field `repartition` is malformed: '%.60s'", r->from.book.name, text);
    for (r->state = REPARTITION_BUILDING; r->state < REPARTITION_MOVED && strcmp(words[r->state], word) != 0;) r->state++;
    if (r->partitions == 0) r->partitions = partitions;
    if (r->partitions == partitions) return CLI_OK;
    return cli_usage(r->cli, "book '%s' is being given %u partitions: go on with --to %u, or --undo", r->from.book.name, partitions,
                     partitions);
}

int repartition_read(struct repartition *r) {
    struct reply reply;
    begin_book(r, "HMGET");
    command_word(&r->side.command, "version");
    command_word(&r->side.command, "partitions");
    command_word(&r->side.command, "created");
    command_word(&r->side.command, "repartition");
    command_word(&r->side.command, "bulk");
    int code = connect_call(&r->side, "reading the book", &reply);
    if (code) return code;
    r->bulk = reply_is(reply_at(reply, 4), "1");
    int64_t version = reply_integer(reply_at(reply, 0)), partitions = reply_integer(reply_at(reply, 1));
    if (reply_type(reply_at(reply, 1)) == REPLY_NIL)
        return cli_usage(r->cli, "there is no book '%s' in Redis at %s", r->from.book.name, r->from.shown);
    if (partitions < 1 || partitions > KEYS_PARTITIONS_MAX)
        return cli_usage(r->cli, "book '%s' has an unusable number of partitions: %lld", r->from.book.name, (long long)partitions);
    bool marked = reply_type(reply_at(reply, 3)) == REPLY_TEXT;
    if (version != (marked ? 0 : KEYS_BOOK_VERSION))
        return cli_usage(r->cli, "book '%s' has version %lld, this program is for version %d", r->from.book.name, (long long)version,
                         KEYS_BOOK_VERSION);
    r->from.book.partitions = r->side.book.partitions = (unsigned)partitions;
    r->created_ms = (uint64_t)reply_integer(reply_at(reply, 2));
    return marked ? take_state(r, reply_text(reply_at(reply, 3), NULL)) : CLI_OK;
}

int repartition_mark(struct repartition *r, enum repartition_state state) {
    struct reply reply;
    char text[300], id[ENTRY_TEXT_MAX + 1];
    entry_id_format(r->carried, id);
    int size = snprintf(text, sizeof text, "%s %u %s%s%s", words[state], r->partitions, id, state == REPARTITION_MOVED ? " " : "",
                        state == REPARTITION_MOVED ? r->to.shown : "");
    int code = repartition_hold(r);
    if (code) return code;
    begin_book(r, "HSET");
    command_word(&r->side.command, "version");
    command_word(&r->side.command, "0");
    command_word(&r->side.command, "repartition");
    command_copy(&r->side.command, text, size < (int)sizeof text ? (size_t)size : sizeof text - 1);
    code = connect_call(&r->side, "marking the book", &reply);
    if (!code) r->state = state;
    return code;
}

int repartition_unmark(struct repartition *r) {
    struct reply reply;
    begin_book(r, "HSET");
    command_word(&r->side.command, "version");
    command_uint(&r->side.command, KEYS_BOOK_VERSION);
    int code = connect_call(&r->side, "opening the book", &reply);
    begin_book(r, "HDEL");
    command_word(&r->side.command, "repartition");
    if (!code) code = connect_call(&r->side, "opening the book", &reply);
    if (!code) r->state = REPARTITION_NONE;
    return code;
}

static int call_close(struct repartition *r, unsigned p, const char *action, struct reply *reply) {
    struct command *c = &r->side.command;
    char text[120], expected[ENTRY_TEXT_MAX + 24] = "";
    keys_buffer key;
    if (r->looked) snprintf(expected, sizeof expected, "%s %llu", r->applied[p], (unsigned long long)r->applied_bill[p]);
    snprintf(text, sizeof text, "book %.32s is being given %u partitions by `till repartition`", r->side.book.name, r->partitions);
    redis_script_begin(c, &script_close, 5);
    command_copy(c, key, keys_meta(key, &r->side.book, p));
    command_copy(c, key, keys_intents(key, &r->side.book, p));
    command_copy(c, key, keys_lease(key, &r->side.book, p));
    command_copy(c, key, keys_unanswered(key, &r->side.book, p));
    command_copy(c, key, keys_closed(key, &r->side.book, p));
    command_word(c, action);
    command_word(c, text);
    command_word(c, expected);
    enum redis_err err = redis_script_call(r->side.redis, &script_close, c, reply);
    return err ? connect_failed(&r->side, err, "closing a partition") : CLI_OK;
}

int repartition_close(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct reply reply;
        code = call_close(r, p, "close", &reply);
        if (code || reply_is(reply_at(reply, 0), "closed")) continue;
        if (reply_is(reply_at(reply, 0), "leased"))
            cli_say(r->cli, "partition %u: %s holds its lease: end that worker, then type it again", p,
                    reply_text(reply_at(reply, 1), NULL));
        else cli_say(r->cli, "partition %u: something came in meanwhile (%s): end whoever enqueues, let a worker apply it (`till status`)"
                             " and end that too, then type it again", p, reply_text(reply_at(reply, 0), NULL));
        code = CLI_FOUND;
    }
    return code;
}

int repartition_reopen(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct reply reply;
        code = call_close(r, p, "open", &reply);
    }
    return code;
}
