/* Scripts by their SHA1, loaded when Redis does not have them. */
#include "producer/redis.h"

void redis_script_begin(struct command *c, const struct script *script, unsigned keys) {
    command_begin(c, "EVALSHA");
    command_word(c, script->sha1);
    command_uint(c, keys);
}

enum redis_err redis_script_load(struct redis *redis, const struct script *script) {
    struct command c;
    struct reply reply;
    command_init(&c);
    command_begin(&c, "SCRIPT");
    command_word(&c, "LOAD");
    command_borrow(&c, script->body, script->size);
    enum redis_err err = redis_call(redis, &c, &reply);
    command_clear(&c);
    return err;
}

enum redis_err redis_script_call(struct redis *redis, const struct script *script, struct command *c, struct reply *reply) {
    enum redis_err err = redis_call(redis, c, reply);
    if (err != REDIS_NOSCRIPT) return err;
    *reply = (struct reply){NULL};
    err = redis_script_load(redis, script);
    return err ? err : redis_call(redis, c, reply);
}
