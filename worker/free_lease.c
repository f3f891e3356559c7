/* Partitions that nobody holds: a question for each, in one go. */
#include "worker/free_lease.h"

#include <string.h>

#include "config/config.h"
#include "schema/keys.h"

enum { NO_KEY = -2 };

/* No lease is as long as one of before Redis' clock was set back: lease.lua. */
static bool is_free(const struct ownership *o, struct reply reply) {
    if (o->no_pttl) return reply_type(reply) == REPLY_NIL;
    return reply_integer(reply) == NO_KEY || reply_integer(reply) > (int64_t)config_param_max(CONFIG_worker_lease_ttl_ms);
}

enum redis_err free_lease_find(struct ownership *o, bool *free_places) {
    unsigned partitions = o->door.book.partitions;
    struct command c;
    struct reply reply;
    keys_buffer key;
    enum redis_err err = REDIS_OK;
    bool asked_pttl = !o->no_pttl;
    command_init(&c);
    for (unsigned p = 0; p < partitions; p++) {
        command_begin(&c, o->no_pttl ? "GET" : "PTTL");
        command_copy(&c, key, keys_lease(key, &o->door.book, p));
        redis_append(o->redis, &c);
    }
    command_clear(&c);
    for (unsigned p = 0; p < partitions; p++) {
        enum redis_err one = redis_next(o->redis, &reply);
        free_places[p] = !one && is_free(o, reply) && !o->lanes[p];
        o->no_pttl = o->no_pttl || (one == REDIS_REFUSED && strncmp(redis_error(o->redis), "NOPERM", 6) == 0);
        if (one && !ownership_concerns_one(o, one)) err = one;
    }
    return asked_pttl && o->no_pttl ? free_lease_find(o, free_places) : err;
}
