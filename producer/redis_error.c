/* From the text of an error reply to what to do next, by the table in redis_error.def. */
#include "producer/redis.h"

#include <string.h>

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

const char *redis_err_word(enum redis_err err) {
    switch (err) {
    case REDIS_OK: return "ok";
#define REDIS_CLASS(name, word, advice) \
    case REDIS_##name: return word;
#include "producer/redis_error.def"
#undef REDIS_CLASS
    }
    return "unknown";
}

const char *redis_err_advice(enum redis_err err) {
    switch (err) {
    case REDIS_OK: return "";
#define REDIS_CLASS(name, word, advice) \
    case REDIS_##name: return advice;
#include "producer/redis_error.def"
#undef REDIS_CLASS
    }
    return "";
}
