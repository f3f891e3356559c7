/* How many entries wait for their answers: those the workers' group has not got, and has not acknowledged. */
#include "tests/traffic/waiting.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext *redis;

static _Noreturn void die(const char *why) {
    fprintf(stderr, "traffic: cannot count what waits: %s\n", why);
    exit(111);
}

static void connect_once(const char *url) {
    if (redis) return;
    if (strncmp(url, "unix:", 5) != 0) die("--ways wants a unix: url");
    redis = redisConnectUnix(url + 5);
    if (!redis || redis->err) die(redis ? redis->errstr : "out of memory");
}

/* A field of the one group of a stream. */
static uint64_t field(const redisReply *groups, const char *name) {
    const redisReply *group = groups->type == REDIS_REPLY_ARRAY && groups->elements == 1 ? groups->element[0] : NULL;
    for (size_t n = 0; group && n + 1 < group->elements; n += 2)
        if (strcmp(group->element[n]->str, name) == 0 && group->element[n + 1]->type == REDIS_REPLY_INTEGER)
            return (uint64_t)group->element[n + 1]->integer;
    die(groups->type == REDIS_REPLY_ERROR ? groups->str : "XINFO GROUPS is not as expected");
}

uint64_t waiting_count(struct play *play) {
    unsigned partitions = till_partitions(play->till);
    uint64_t count = 0;
    connect_once(play->url);
    for (unsigned p = 0; p < partitions; p++) redisAppendCommand(redis, "XINFO GROUPS {till:%u}:intents", p);
    for (unsigned p = 0; p < partitions; p++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply) != REDIS_OK) die(redis->errstr);
        count += field(reply, "lag") + field(reply, "pending");
        freeReplyObject(reply);
    }
    return count;
}
