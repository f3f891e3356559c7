/* Scripts by their SHA1, or as a function by its name; loaded when Redis does not have them. */
#include "producer/redis.h"

#include <string.h>

#include "producer/redis_inside.h"

enum { LOADS_MAX = 8 }; /* somebody may flush them in between */

void redis_script_begin(struct command *c, const struct script *script, unsigned keys) {
    command_begin(c, "EVALSHA");
    command_word(c, script->sha1);
    command_uint(c, keys);
}

static void load_append(struct redis *redis, struct command *c, const struct script *script, unsigned node) {
    command_begin(c, "SCRIPT");
    command_word(c, "LOAD");
    command_borrow(c, script->body, script->size);
    redis_append_to(redis, c, node);
}

/* A node that is away, or not to be asked, is found out by the command that needs the script. */
static enum redis_err load_next(struct redis *redis) {
    struct reply reply;
    enum redis_err err = redis_next(redis, &reply);
    return err == REDIS_AWAY ? REDIS_OK : err;
}

enum redis_err redis_script_load(struct redis *redis, const struct script *script) {
    struct command c;
    unsigned count = 0;
    enum redis_err err = redis_is_lost(redis) ? REDIS_LOST : REDIS_OK;
    command_init(&c);
    for (unsigned node = 0; redis_node_next(redis, &node); node++, count++) load_append(redis, &c, script, node);
    for (; count > 0 && !redis_is_lost(redis); count--) {
        enum redis_err one = load_next(redis);
        if (one && !err) err = one;
    }
    command_clear(&c);
    return err;
}

enum redis_err redis_script_call(struct redis *redis, const struct script *script, struct command *c, struct reply *reply) {
    struct command load;
    enum redis_err err = redis_call(redis, c, reply);
    command_init(&load);
    for (unsigned tries = 0; err == REDIS_NOSCRIPT && tries < LOADS_MAX; tries++) {
        load_append(redis, &load, script, redis_node_last(redis));
        err = redis_next(redis, reply);
        *reply = (struct reply){NULL};
        if (!err) err = redis_call(redis, c, reply);
    }
    command_clear(&load);
    return err;
}

void redis_function_begin(struct command *c, const struct script *script, unsigned keys) {
    command_begin(c, "FCALL");
    command_word(c, script->function);
    command_uint(c, keys);
}

/* Without arguments it does nothing, but Redis looks whether it is there and whether we may. */
static enum redis_err function_try(struct redis *redis, const struct script *script, const char *key, size_t size) {
    struct command c;
    struct reply reply;
    command_init(&c);
    redis_function_begin(&c, script, 1);
    command_copy(&c, key, size);
    enum redis_err err = redis_call(redis, &c, &reply);
    command_clear(&c);
    return err;
}

/* Never with REPLACE: a library of this name has this text. That somebody was faster is as good. */
static enum redis_err function_load(struct redis *redis, const struct script *script) {
    static const char THERE[] = "ERR Library '";
    struct command c;
    struct reply reply;
    command_init(&c);
    command_begin(&c, "FUNCTION");
    command_word(&c, "LOAD");
    command_borrow(&c, script->library, script->library_size);
    redis_append_to(redis, &c, redis_node_last(redis));
    enum redis_err err = redis_next(redis, &reply);
    command_clear(&c);
    const char *text = redis_error(redis);
    bool faster = err == REDIS_REFUSED && strncmp(text, THERE, sizeof THERE - 1) == 0 && strstr(text, "already exists");
    return faster ? REDIS_OK : err;
}

enum redis_err redis_function_find(struct redis *redis, const struct script *script, const char *key, size_t size, enum redis_err *why) {
    *why = REDIS_REFUSED;
    if (!redis->options.functions || !script->function) return REDIS_OK;
    *why = function_try(redis, script, key, size);
    if (*why == REDIS_NOSCRIPT) *why = function_load(redis, script);
    return redis_is_lost(redis) ? *why : REDIS_OK;
}
