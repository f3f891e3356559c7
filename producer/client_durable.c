/* Waiting for replicas and for the disk, on the side of those who send. */
#include "producer/client_durable.h"

#include <stdio.h>
#include <string.h>

enum { COARSE_MS = 120 }; /* Redis ends such a wait by a clock of 10 Hz */

bool client_durable_wanted(const struct till *till) {
    return !redis_durable_is_none(&till->durable);
}

/* So that the last reply is there before the deadline and before the socket gives up. */
static unsigned wait_ms(const struct till *till, int64_t deadline_ms) {
    int64_t left = deadline_ms - client_now_ms(), parts = till->durable.replicas > 0 && till->durable.aof ? 2 : 1;
    left = ((left < till->timeout_ms ? left : till->timeout_ms) - COARSE_MS) / parts;
    if (left > till->durable_timeout_ms / parts)
        left = till->durable_timeout_ms / parts;
    return left > 0 ? (unsigned)left : 1;
}

void client_durable_append(struct till *till, int64_t deadline_ms) {
    till->durable_replies = redis_durable_append(till->redis, &till->command, &till->durable, wait_ms(till, deadline_ms));
}

enum redis_err client_durable_next(struct till *till, int64_t deadline_ms, bool *reached) {
    struct redis_durable have = {0};
    struct reply reply;
    enum redis_err first = REDIS_OK;
    char text[REDIS_DURABLE_TEXT_SIZE];
    for (unsigned n = 0; n < till->durable_replies; n++) {
        enum redis_err err = client_next(till, deadline_ms, &reply);
        if (err == REDIS_OK)
            redis_durable_take(&till->durable, n, reply, &have);
        else if (first == REDIS_OK)
            first = err;
        if (err == REDIS_LOST || err == REDIS_GARBLED)
            return err;
    }
    *reached = first == REDIS_OK && redis_durable_reached(&till->durable, &have, text);
    if (first != REDIS_OK || *reached)
        return first;
    char what[80];
    redis_durable_describe(&till->durable, &have, what, sizeof what);
    client_fail(till, "it is %s; send it again, that is safe", what);
    return REDIS_OK;
}

int client_durable_check(struct till *till) {
    enum redis_err err = redis_durable_probe(till->redis, &till->durable, till->error, sizeof till->error);
    if (err == REDIS_OK)
        return TILL_OK;
    if (err != REDIS_REFUSED)
        return TILL_READ_FAILED;
    return strncmp(till->error, "durability.aof", 14) == 0 ? TILL_INVALID : TILL_NOT_PERMITTED;
}
