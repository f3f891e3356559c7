/* Reading replies without trusting their shape: what is not there is nil, "" or 0. */
#include "producer/redis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "producer/redis_tree.h"

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
    if (reply_type(r) == REPLY_INTEGER) return r.node->integer;
    if (reply_type(r) != REPLY_TEXT) return 0;
    return reply_parse(r.node->text, r.node->size);
}

void reply_release(struct reply r) { redis_tree_free(r.node); }
