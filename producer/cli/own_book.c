/* A book of a command's own: its name, whether it is there, its end. */
#include "producer/cli/own_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/cli/pages.h"

enum { SCAN_COUNT = 1000, NAME_MAX_SIZE = 32 };

static int refuse_embedded(const struct cli *cli) {
    static const char embedded[] = "embedded:";
    struct config config;
    int code = connect_config(cli, &config);
    if (code || strncmp(config.redis_url, embedded, strlen(embedded)) != 0) return code;
    return cli_usage(cli, "an embedded Redis dies with its worker: name another with redis.url or TILL_REDIS_URL");
}

int own_book_choose(const struct cli *cli, const char *own, uint64_t seed, unsigned partitions) {
    char name[NAME_MAX_SIZE + 1], count[12];
    if (own && strlen(own) > NAME_MAX_SIZE) return cli_usage(cli, "--book: at most %d characters", NAME_MAX_SIZE);
    unsigned long long number = (seed ^ ((uint64_t)getpid() << 20)) & 0xffffffffu;
    if (own) snprintf(name, sizeof name, "%s", own);
    else snprintf(name, sizeof name, "%s-%llx", cli->command->name, number);
    snprintf(count, sizeof count, "%u", partitions);
    setenv("TILL_BOOK_NAME", name, 1);
    setenv("TILL_BOOK_PARTITIONS", count, 1);
    return refuse_embedded(cli);
}

/* EXISTS of a key of the book's: *there becomes true. */
static int look_for(struct connection *c, const char *key, bool *there) {
    struct reply reply;
    command_begin(&c->command, "EXISTS");
    command_word(&c->command, key);
    int code = connect_call(c, "looking for the book", &reply);
    *there = *there || (!code && reply_integer(reply) > 0);
    return code;
}

int own_book_refuse(struct connection *c) {
    keys_buffer key;
    bool there = false;
    keys_book(key, &c->book);
    int code = look_for(c, key, &there);
    for (unsigned p = 0; p < c->book.partitions && !code && !there; p++) {
        keys_intents(key, &c->book, p);
        code = look_for(c, key, &there);
        keys_meta(key, &c->book, p);
        if (!code) code = look_for(c, key, &there);
    }
    if (code || !there) return code;
    return cli_usage(c->cli, "there is a book '%s' already: %s wants one of its own, and deletes it afterwards", c->book.name,
                     c->cli->command->name);
}

int own_book_is_served(struct connection *c, bool *served) {
    keys_buffer key;
    int code = CLI_OK;
    *served = true;
    for (unsigned p = 0; p < c->book.partitions && !code && *served; p++) {
        *served = false;
        keys_lease(key, &c->book, p);
        code = look_for(c, key, served);
    }
    return code;
}

static bool is_of_book(const struct connection *c, const char *key, size_t length) {
    size_t size = strlen(c->book.name);
    return length > size + 1 && key[0] == '{' && memcmp(key + 1, c->book.name, size) == 0 && strchr(":}", key[size + 1]);
}

static int unlink_some(void *with, struct reply keys, struct connection *c) {
    const struct connection *of = with;
    struct reply reply;
    unsigned found = 0;
    int code = CLI_OK;
    for (size_t n = 0; n < reply_count(keys); n++) {
        size_t length;
        const char *key = reply_text(reply_at(keys, n), &length);
        if (!is_of_book(of, key, length)) continue;
        command_begin(&c->command, "UNLINK");
        command_copy(&c->command, key, length);
        redis_append(c->redis, &c->command);
        found++;
    }
    while (found-- > 0 && !code) code = connect_next(c, "deleting the book", &reply);
    return code;
}

int own_book_keys(struct connection *c, own_book_take_fn *take, void *with) {
    struct connection second; /* the first is busy with the names */
    struct pages pages;
    struct reply keys;
    char pattern[64];
    bool more = true;
    int code = connect_like(c, &second);
    snprintf(pattern, sizeof pattern, "{%s[:}]*", c->book.name);
    pages_keys(&pages, c, "looking for the book's keys", pattern, SCAN_COUNT);
    while (!code && !(code = pages_next(&pages, &keys, &more)) && more) code = take(with, keys, &second);
    pages_end(&pages);
    connect_close(&second);
    return code;
}

int own_book_delete(struct connection *c) { return own_book_keys(c, unlink_some, c); }
