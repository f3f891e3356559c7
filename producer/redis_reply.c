/* Reading replies without trusting their shape: what is not there is nil, "" or 0. */
#include "producer/redis.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const redisReply *reply_node(struct reply r) { return r.node; }

enum reply_type reply_type(struct reply r) {
    if (!r.node) return REPLY_NIL;
    switch (reply_node(r)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return REPLY_TEXT;
    case REDIS_REPLY_INTEGER: return REPLY_INTEGER;
    case REDIS_REPLY_ARRAY: return REPLY_ARRAY;
    case REDIS_REPLY_ERROR: return REPLY_ERROR;
    default: return REPLY_NIL; /* those of RESP3, which we never ask for, too */
    }
}

size_t reply_count(struct reply r) { return reply_type(r) == REPLY_ARRAY ? reply_node(r)->elements : 0; }

struct reply reply_at(struct reply r, size_t index) {
    return index < reply_count(r) ? (struct reply){reply_node(r)->element[index]} : (struct reply){NULL};
}

const char *reply_text(struct reply r, size_t *size) {
    enum reply_type type = reply_type(r);
    bool has_text = type == REPLY_TEXT || type == REPLY_ERROR;
    if (size) *size = has_text ? reply_node(r)->len : 0;
    return has_text ? reply_node(r)->str : "";
}

bool reply_is(struct reply r, const char *text) {
    size_t size;
    const char *own = reply_text(r, &size);
    return reply_type(r) == REPLY_TEXT && size == strlen(text) && memcmp(own, text, size) == 0;
}

struct reply reply_field(struct reply pairs, const char *name) {
    for (size_t n = 0; n + 1 < reply_count(pairs); n += 2)
        if (reply_is(reply_at(pairs, n), name)) return reply_at(pairs, n + 1);
    return (struct reply){NULL};
}

static int64_t reply_parse(const char *text, size_t size) {
    if (size == 0 || !(*text == '-' || (*text >= '0' && *text <= '9'))) return 0; /* strtoll would skip spaces */
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    return errno || end != text + size ? 0 : n;
}

int64_t reply_integer(struct reply r) {
    if (reply_type(r) == REPLY_INTEGER) return reply_node(r)->integer;
    if (reply_type(r) != REPLY_TEXT) return 0;
    return reply_parse(reply_node(r)->str, reply_node(r)->len);
}

void reply_release(struct reply r) {
    if (r.node) freeReplyObject((void *)(uintptr_t)r.node); /* const only for those who read */
}
