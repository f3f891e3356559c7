/* From the text of an error reply to what to do next, by the table in redis_error.def. */
#include "producer/redis.h"

#include <assert.h>
#include <string.h>

enum { WAIT_AFTER_NONE_MS = 20 };

struct redis_prefix {
    const char *text;
    size_t size;
    enum redis_err err;
};

static const struct redis_prefix prefixes[] = {
#define REDIS_PREFIX(text, class) {text, sizeof text - 1, REDIS_##class},
#include "producer/redis_error.def"
#undef REDIS_PREFIX
};

/* Whole words only: BUSYGROUP is not BUSY. */
static bool prefix_fits(const struct redis_prefix *prefix, const char *text, size_t size) {
    if (size < prefix->size || memcmp(text, prefix->text, prefix->size) != 0) return false;
    return size == prefix->size || text[prefix->size] == ' ';
}

enum redis_err redis_classify(const char *text, size_t size) {
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (prefix_fits(&prefixes[i], text, size)) return prefixes[i].err;
    return REDIS_REFUSED;
}

/* In the order of the enum, from REDIS_OK on. */
static const struct redis_class classes[REDIS_ERR_COUNT] = {
    {"ok", REDIS_POLICY_NONE, 0, 0, ""},
#define REDIS_CLASS(name, word, policy, first_ms, last_ms, advice) {word, REDIS_POLICY_##policy, first_ms, last_ms, advice},
#include "producer/redis_error.def"
#undef REDIS_CLASS
};

const struct redis_class *redis_err_class(enum redis_err err) {
    assert((unsigned)err < REDIS_ERR_COUNT);
    return &classes[err];
}

const char *redis_err_word(enum redis_err err) { return redis_err_class(err)->word; }
const char *redis_err_advice(enum redis_err err) { return redis_err_class(err)->advice; }

bool redis_err_heals(enum redis_err err) {
    enum redis_policy policy = redis_err_class(err)->policy;
    return policy == REDIS_POLICY_RECONNECT || policy == REDIS_POLICY_AGAIN || policy == REDIS_POLICY_REROUTE;
}

int redis_err_wait_ms(enum redis_err err, unsigned failures) {
    const struct redis_class *class = redis_err_class(err);
    int wait_ms = class->first_ms;
    for (unsigned n = 1; n < failures && wait_ms < class->last_ms; n++) wait_ms = wait_ms ? 2 * wait_ms : WAIT_AFTER_NONE_MS;
    return wait_ms < class->last_ms ? wait_ms : class->last_ms;
}
