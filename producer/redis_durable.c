/* WAIT and WAITAOF. */
#include "producer/redis_durable.h"

#include <stdio.h>
#include <string.h>

bool redis_durable_is_none(const struct redis_durable *want) { return want->replicas == 0 && !want->aof; }

/* The n-th command of the question; false behind the last. */
static bool question(struct command *c, const struct redis_durable *want, unsigned n, unsigned timeout_ms) {
    if (n == 0 && want->replicas > 0) {
        command_begin(c, "WAIT");
        command_uint(c, want->replicas);
    } else if (want->aof && n == (want->replicas > 0)) {
        command_begin(c, "WAITAOF");
        command_word(c, "1");
        command_word(c, "0"); /* the replicas' files are not asked: being on a replica is enough */
    } else {
        return false;
    }
    command_uint(c, timeout_ms);
    return true;
}

unsigned redis_durable_append(struct redis *redis, struct command *c, const struct redis_durable *want, unsigned timeout_ms) {
    unsigned n = 0;
    for (; question(c, want, n, timeout_ms); n++) redis_append(redis, c);
    return n;
}

unsigned redis_durable_append_to(struct redis *redis, struct command *c, const struct redis_durable *want, unsigned timeout_ms,
                                 unsigned node) {
    unsigned n = 0;
    for (; question(c, want, n, timeout_ms); n++) redis_append_to(redis, c, node);
    return n;
}

void redis_durable_take(const struct redis_durable *want, unsigned n, struct reply reply, struct redis_durable *have) {
    int64_t replicas = reply_integer(reply);
    if (n == 0 && want->replicas > 0) have->replicas = replicas > 0 ? (unsigned)replicas : 0;
    else have->aof = reply_integer(reply_at(reply, 0)) > 0;
}

bool redis_durable_reached(const struct redis_durable *want, const struct redis_durable *have, char text[REDIS_DURABLE_TEXT_SIZE]) {
    if (have->replicas < want->replicas || (want->aof && !have->aof)) return false;
    if (want->aof) snprintf(text, REDIS_DURABLE_TEXT_SIZE, "disk");
    else if (want->replicas > 0) snprintf(text, REDIS_DURABLE_TEXT_SIZE, "replica(%u)", have->replicas);
    else snprintf(text, REDIS_DURABLE_TEXT_SIZE, "memory");
    return true;
}

void redis_durable_describe(const struct redis_durable *want, const struct redis_durable *have, char *out, size_t capacity) {
    const char *disk = !want->aof ? "" : have->aof ? "on disk" : "not on disk";
    if (want->replicas == 0) snprintf(out, capacity, "%s", disk);
    else snprintf(out, capacity, "on %u of %u replicas%s%s", have->replicas, want->replicas, want->aof ? ", " : "", disk);
}

static const char no_command[] =
    "durability.aof: this server has no WAITAOF, Redis from 7.2 on has. Leave it at no; for a log that is on the disk before every reply "
    "run Redis with appendonly yes and appendfsync always";
static const char no_file[] = "durability.aof: this server keeps no append-only file; run it with appendonly yes";

enum redis_err redis_durable_probe(struct redis *redis, const struct redis_durable *want, char *out, size_t capacity) {
    struct command c;
    struct reply reply;
    enum redis_err err = REDIS_OK, one;
    command_init(&c);
    *out = '\0';
    unsigned left = 0;
    for (unsigned node = 0; redis_node_next(redis, &node); node++) left += redis_durable_append_to(redis, &c, want, 1, node);
    for (; left > 0; left--) {
        one = redis_next(redis, &reply);
        if (!one || err || one == REDIS_AWAY) continue;
        const char *why = redis_error(redis);
        err = one;
        snprintf(out, capacity, "%s%s", strstr(why, "unknown command") ? no_command : strstr(why, "appendonly") ? no_file : "durability: ",
                 strstr(why, "unknown command") || strstr(why, "appendonly") ? "" : why);
        if (redis_is_lost(redis)) break;
    }
    command_clear(&c);
    return err;
}
