/* The new book in place of the old one, in the same Redis: the old keys go, the new ones get their names. Each half is done until nothing
 * is left to do, so that it may be broken off anywhere and begun again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/pages.h"
#include "producer/cli/repartition.h"

enum { SCAN_COUNT = 500 };

/* What is done to a page of keys: adds how many it dealt with. */
typedef int page_worker(struct repartition *r, struct reply keys, uint64_t *done);

/* "{B:p}:REST" of this very book. */
static const char *rest_of(const struct book *book, const char *key, unsigned long *partition) {
    size_t size = strlen(book->name);
    char *end;
    if (key[0] != '{' || strncmp(key + 1, book->name, size) != 0 || key[1 + size] != ':') return NULL;
    *partition = strtoul(key + size + 2, &end, 10);
    return strncmp(end, "}:", 2) == 0 && end != key + size + 2 ? end + 2 : NULL;
}

/* Goes through the keys of a book where the new one is, again and again, until a whole round found nothing. */
static int until_none(struct repartition *r, const struct book *book, page_worker *work) {
    struct connection list;
    char pattern[80];
    uint64_t done = 1;
    int code = connect_like(&r->to, &list);
    snprintf(pattern, sizeof pattern, "{%s:*}:*", book->name);
    while (done > 0 && !code) {
        struct pages pages;
        struct reply keys;
        bool more = true;
        done = 0;
        pages_keys(&pages, &list, "listing keys", pattern, SCAN_COUNT);
        while (!code && !(code = pages_next(&pages, &keys, &more)) && more) {
            code = repartition_hold(r);
            if (!code) code = work(r, keys, &done);
        }
        pages_end(&pages);
    }
    connect_close(&list);
    return code;
}

/* One by one: in a cluster they lie in many slots. */
static int unlink_page(struct repartition *r, struct reply keys, const struct book *book, uint64_t *done) {
    struct reply reply;
    unsigned long partition;
    size_t count = 0;
    for (size_t n = 0; n < reply_count(keys); n++) {
        size_t size;
        const char *key = reply_text(reply_at(keys, n), &size);
        if (!rest_of(book, key, &partition)) continue;
        command_begin(&r->to.command, "UNLINK");
        command_copy(&r->to.command, key, size);
        redis_append(r->to.redis, &r->to.command);
        count++;
    }
    for (size_t n = 0; n < count; n++) {
        int code = connect_next(&r->to, "clearing keys", &reply);
        if (code) return code;
        *done += (uint64_t)reply_integer(reply);
    }
    progress_add(&r->progress, count);
    return CLI_OK;
}

static int unlink_new(struct repartition *r, struct reply keys, uint64_t *done) { return unlink_page(r, keys, &r->to.book, done); }

static int unlink_old(struct repartition *r, struct reply keys, uint64_t *done) { return unlink_page(r, keys, &r->side.book, done); }

int repartition_clear_new(struct repartition *r) { return until_none(r, &r->to.book, unlink_new); }

/* The new keys of a page, then what they shall be called. */
static int rename_page(struct repartition *r, struct reply keys, uint64_t *done) {
    struct command *c = &r->to.command;
    struct reply reply;
    unsigned long partition;
    unsigned count = 0;
    for (size_t n = 0; n < reply_count(keys); n++) count += rest_of(&r->to.book, reply_text(reply_at(keys, n), NULL), &partition) != NULL;
    if (count == 0) return CLI_OK;
    redis_script_begin(c, &script_move, 2 * count);
    for (unsigned half = 0; half < 2; half++)
        for (size_t n = 0; n < reply_count(keys); n++) {
            char name[600];
            const char *key = reply_text(reply_at(keys, n), NULL), *rest = rest_of(&r->to.book, key, &partition);
            const char *book = half ? r->side.book.name : r->to.book.name;
            if (!rest) continue;
            int size = snprintf(name, sizeof name, "{%s:%lu}:%s", book, partition, rest);
            command_copy(c, name, size < (int)sizeof name ? (size_t)size : sizeof name - 1);
        }
    enum redis_err err = redis_script_call(r->to.redis, &script_move, c, &reply);
    *done += err ? 0 : (uint64_t)reply_integer(reply);
    progress_add(&r->progress, count);
    return err ? connect_failed(&r->to, err, "renaming keys") : CLI_OK;
}

/* Where there were more partitions than there are, whoever has not heard of it is refused. */
static int leave_word(struct repartition *r) {
    struct reply reply;
    char text[120];
    int code = CLI_OK;
    snprintf(text, sizeof text, "book %.32s has %u partitions since `till repartition`", r->side.book.name, r->partitions);
    for (unsigned p = r->partitions; p < r->side.book.partitions && !code; p++) {
        command_begin(&r->side.command, "SET");
        repartition_key(&r->side, p, "intents", "");
        command_word(&r->side.command, text);
        code = connect_call(&r->side, "leaving word", &reply);
    }
    return code;
}

/* The one command that makes it a book again. */
static int open_new(struct repartition *r) {
    struct command *c = &r->to.command;
    struct reply reply;
    keys_buffer key;
    struct book book = r->in_place ? r->side.book : r->to.book;
    int code = repartition_hold(r);
    if (code) return code;
    command_begin(c, "HSET");
    command_copy(c, key, keys_book(key, &book));
    command_word(c, "partitions");
    command_uint(c, r->partitions);
    command_word(c, "created");
    command_uint(c, r->created_ms);
    command_word(c, "version");
    command_uint(c, KEYS_BOOK_VERSION);
    if (r->bulk) {
        command_word(c, "bulk");
        command_word(c, "1");
    }
    code = connect_call(&r->to, "opening the new book", &reply);
    command_begin(c, "HDEL");
    command_copy(c, key, keys_book(key, &book));
    command_word(c, "repartition");
    return code ? code : connect_call(&r->to, "opening the new book", &reply);
}

static int swap_in_place(struct repartition *r) {
    int code = CLI_OK;
    if (r->state == REPARTITION_BUILDING) code = repartition_mark(r, REPARTITION_CLEARING);
    if (!code && r->state == REPARTITION_CLEARING) {
        progress_start(&r->progress, "old keys cleared", 0);
        code = until_none(r, &r->side.book, unlink_old);
        progress_end(&r->progress);
        if (!code) code = repartition_mark(r, REPARTITION_RENAMING);
    }
    if (code) return code;
    progress_start(&r->progress, "keys renamed", 0);
    code = until_none(r, &r->to.book, rename_page);
    progress_end(&r->progress);
    if (!code) code = leave_word(r);
    return code ? code : open_new(r);
}

/* The old one is closed for good before the new one is opened: never are there two. */
static int swap_into(struct repartition *r) {
    int code = r->state == REPARTITION_BUILDING ? repartition_mark(r, REPARTITION_MOVED) : CLI_OK;
    return code ? code : open_new(r);
}

int repartition_swap(struct repartition *r) { return r->in_place ? swap_in_place(r) : swap_into(r); }
