/* Pages of streams, hashes, sets, sorted sets and the keyspace, one ahead. */
#include "producer/cli/pages.h"

#include <stdio.h>
#include <string.h>

static void begin(struct pages *p, struct connection *c, const char *doing, enum pages_kind kind, const char *key, unsigned count) {
    *p = (struct pages){.c = c, .doing = doing, .kind = kind, .count = count, .cursor = "0", .from = "-", .to = "+"};
    p->key_size = (size_t)snprintf(p->key, sizeof p->key, "%s", key);
}

static void set_from(struct pages *p, struct entry_id after) { entry_id_format(entry_id_after(after), p->from); }

void pages_stream(struct pages *p, struct connection *c, const char *doing, const char *key, struct entry_id after, const char *to,
                  unsigned count) {
    begin(p, c, doing, PAGES_STREAM, key, count);
    p->last = after;
    set_from(p, after);
    snprintf(p->to, sizeof p->to, "%s", to);
}

void pages_hash(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count) {
    begin(p, c, doing, PAGES_HASH, key, count);
}

void pages_set(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count) {
    begin(p, c, doing, PAGES_SET, key, count);
}

void pages_members(struct pages *p, struct connection *c, const char *doing, const char *key, unsigned count) {
    begin(p, c, doing, PAGES_MEMBERS, key, count);
}

void pages_keys(struct pages *p, struct connection *c, const char *doing, const char *pattern, unsigned count) {
    begin(p, c, doing, PAGES_KEYS, pattern, count);
    p->ended = !redis_node_next(c->redis, &p->node);
}

static void send_stream(struct pages *p, struct command *c) {
    command_begin(c, "XRANGE");
    command_borrow(c, p->key, p->key_size);
    command_word(c, p->from);
    command_word(c, p->to);
}

static void send_scan(struct pages *p, struct command *c) {
    static const char *const words[] = {[PAGES_HASH] = "HSCAN", [PAGES_SET] = "ZSCAN", [PAGES_MEMBERS] = "SSCAN", [PAGES_KEYS] = "SCAN"};
    command_begin(c, words[p->kind]);
    if (p->kind != PAGES_KEYS) command_borrow(c, p->key, p->key_size);
    command_word(c, p->cursor);
    if (p->kind == PAGES_KEYS) {
        command_word(c, "MATCH");
        command_borrow(c, p->key, p->key_size);
    }
}

static void send_next(struct pages *p) {
    struct command *c = &p->c->command;
    if (p->kind == PAGES_STREAM) send_stream(p, c);
    else send_scan(p, c);
    command_word(c, "COUNT");
    command_uint(c, p->count);
    if (p->kind == PAGES_KEYS) redis_append_to(p->c->redis, c, p->node);
    else redis_append(p->c->redis, c);
    p->flying = true;
}

/* Where the page after this one begins; `ended` when there is none. */
static void move_on(struct pages *p, struct reply *items) {
    if (p->kind == PAGES_STREAM) {
        size_t count = reply_count(*items), size = 0;
        const char *last = count ? reply_text(reply_at(reply_at(*items, count - 1), 0), &size) : "";
        if (count && entry_id_parse(last, size, &p->last)) set_from(p, p->last);
        p->ended = count < p->count;
    } else {
        const char *cursor = reply_text(reply_at(*items, 0), NULL);
        snprintf(p->cursor, sizeof p->cursor, "%s", cursor);
        p->ended = *cursor == '\0' || strcmp(cursor, "0") == 0;
        if (p->ended && p->kind == PAGES_KEYS) p->ended = (p->node++, !redis_node_next(p->c->redis, &p->node));
        *items = reply_at(*items, 1);
    }
}

int pages_next(struct pages *p, struct reply *items, bool *more) {
    reply_release(p->page);
    p->page = (struct reply){0};
    *items = p->page;
    *more = false;
    if (p->ended) return CLI_OK;
    if (!p->flying) send_next(p);
    p->flying = false;
    int code = connect_next(p->c, p->doing, items);
    if (code) {
        p->ended = true;
        return code;
    }
    p->page = redis_detach(p->c->redis);
    *items = p->page;
    *more = true;
    move_on(p, items);
    if (!p->ended) send_next(p);
    if (p->flying && redis_flush(p->c->redis) != REDIS_OK) return CLI_OK; /* the next call will say it */
    return CLI_OK;
}

void pages_end(struct pages *p) {
    struct reply reply;
    if (!p->c) return;
    if (p->flying && redis_next(p->c->redis, &reply) != REDIS_OK) p->flying = false;
    p->flying = false;
    reply_release(p->page);
    p->page = (struct reply){0};
}
