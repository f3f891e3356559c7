/* How many answers lie in Redis: the lengths of their streams. */
#include "tests/traffic/written.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext *redis;

static _Noreturn void die(const char *why) {
    fprintf(stderr, "traffic: cannot count answers: %s\n", why);
    exit(111);
}

static redisContext *connect_once(const char *url) {
    if (redis) return redis;
    if (strncmp(url, "unix:", 5) != 0) die("--late wants a unix: url");
    redis = redisConnectUnix(url + 5);
    if (!redis || redis->err) die(redis ? redis->errstr : "out of memory");
    return redis;
}

uint64_t written_count(struct play *play) {
    unsigned partitions = till_partitions(play->till);
    uint64_t count = 0;
    connect_once(play->url);
    for (unsigned p = 0; p < partitions; p++) redisAppendCommand(redis, "XLEN {till:%u}:responses:%s", p, PLAN_SOURCE);
    for (unsigned p = 0; p < partitions; p++) {
        redisReply *reply;
        if (redisGetReply(redis, (void **)&reply) != REDIS_OK) die(redis->errstr);
        if (reply->type != REDIS_REPLY_INTEGER) die(reply->str ? reply->str : "XLEN is not as expected");
        count += (uint64_t)reply->integer;
        freeReplyObject(reply);
    }
    return count;
}
