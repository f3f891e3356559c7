/* Asks by INFO: CONFIG GET would be a right to read the server's passwords. */
#include "worker/eviction.h"

#include <stdio.h>
#include <string.h>

#include "worker/lane_apply.h"
#include "worker/log.h"

enum { LOOK_MS = 3000 };

static bool node_evicts(struct redis *redis, unsigned node, bool say) {
    static const char field[] = "maxmemory_policy:";
    struct command c;
    struct reply reply;
    char policy[32] = "noeviction";
    command_init(&c);
    command_begin(&c, "INFO");
    command_word(&c, "memory");
    redis_append_to(redis, &c, node);
    if (redis_next(redis, &reply) == REDIS_OK) {
        const char *found = strstr(reply_text(reply, NULL), field);
        if (found) snprintf(policy, sizeof policy, "%.*s", (int)strcspn(found + strlen(field), "\r\n"), found + strlen(field));
    }
    command_clear(&c);
    bool evicts = strcmp(policy, "noeviction") != 0;
    if (evicts && say)
        log_event(LOG_ERROR, "eviction_policy", {"at", LOG_S(redis_node_where(redis, node))}, {"is", LOG_S(policy)},
                  {"must_be", LOG_S("noeviction")}, {"next", LOG_S("nothing is applied until it is")},
                  {"fix", LOG_S("CONFIG SET maxmemory-policy noeviction")});
    return evicts;
}

bool eviction_look(struct eviction *e, struct redis *redis) {
    bool evicts = false;
    if (!redis || redis_is_lost(redis) || lane_now_ms() < e->look_at_ms) return e->evicts;
    e->look_at_ms = lane_now_ms() + LOOK_MS;
    for (unsigned node = 0; !redis_is_lost(redis) && redis_node_next(redis, &node); node++)
        evicts = node_evicts(redis, node, !e->evicts) || evicts;
    if (redis_is_lost(redis)) return e->evicts;
    if (e->evicts && !evicts) log_event(LOG_INFO, "eviction_policy", {"is", LOG_S("noeviction")}, {"next", LOG_S("going on")});
    return e->evicts = evicts;
}
