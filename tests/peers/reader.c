/* The upstream of the peers: reads N answers from a stream of Redis, and notes when each could be read.
 * reader SOCKET STREAM N FILE SECONDS */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* "key time code" of each entry; `last` becomes the last one's ID. */
static long take(const redisReply *entries, FILE *out, char last[64]) {
    long long now = now_ns();
    for (size_t n = 0; n < entries->elements; n++) {
        const redisReply *entry = entries->element[n], *fields = entry->element[1];
        snprintf(last, 64, "%s", entry->element[0]->str);
        fprintf(out, "%s %lld %s\n", fields->element[1]->str, now, fields->element[3]->str);
    }
    return (long)entries->elements;
}

int main(int count, char **words) {
    char last[64] = "0-0";
    if (count != 6) return 100;
    long wanted = strtol(words[3], NULL, 10), got = 0;
    long long until = now_ns() + strtol(words[5], NULL, 10) * 1000000000LL;
    redisContext *redis = redisConnectUnix(words[1]);
    FILE *out = fopen(words[4], "w");
    if (!redis || redis->err || !out) return 111;
    while (got < wanted && now_ns() < until) {
        redisReply *reply = redisCommand(redis, "XREAD COUNT 1000 BLOCK 500 STREAMS %s %s", words[2], last);
        if (!reply) return 111;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements) got += take(reply->element[0]->element[1], out, last);
        freeReplyObject(reply);
    }
    redisFree(redis);
    return fclose(out) || got < wanted;
}
