/* The native floor: the naked commands of payments. */
#include "tests/traffic/floor.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/traffic/measure.h"

enum { BATCH = 256, ACCOUNTS = 1000, MERCHANTS = 10 };

static redisContext *redis;
static unsigned long done;
static char last_read[64] = "0";

static _Noreturn void die(const char *why) {
    fprintf(stderr, "floor: %s\n", why);
    exit(111);
}

static redisReply *next_reply(void) {
    void *reply;
    if (redisGetReply(redis, &reply) != REDIS_OK) die(redis->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) die(((redisReply *)reply)->str);
    return reply;
}

static void skip_replies(size_t count) {
    while (count--) freeReplyObject(next_reply());
}

static double cpu_of(const char *info, const char *name) {
    const char *line = strstr(info, name);
    if (!line) die("INFO cpu is not as expected");
    return strtod(line + strlen(name), NULL);
}

static double redis_cpu_s(void) {
    redisAppendCommand(redis, "INFO cpu");
    redisReply *reply = next_reply();
    double total = cpu_of(reply->str, "used_cpu_sys:") + cpu_of(reply->str, "used_cpu_user:");
    freeReplyObject(reply);
    return total;
}

static void enqueue(unsigned long count) {
    for (unsigned long i = done; i < done + count; i += BATCH) {
        size_t k = 0;
        for (; k < BATCH && i + k < done + count; k++) {
            unsigned h = (unsigned)(i + k) * 2654435761u;
            redisAppendCommand(redis, "XADD in * k key-%08lu-aaaa-bbbb-cccc a acct%u m merch%u n %u", i + k, (h >> 8) % ACCOUNTS,
                               h % MERCHANTS, (h >> 4) % 5000 + 1);
        }
        skip_replies(k);
    }
}

static const char *field(const redisReply *message, size_t place) { return message->element[1]->element[place]->str; }

static void acknowledge(const redisReply *messages) {
    const char *words[BATCH + 3] = {"XACK", "in", "g"};
    for (size_t i = 0; i < messages->elements; i++) words[3 + i] = messages->element[i]->element[0]->str;
    redisAppendCommandArgv(redis, (int)messages->elements + 3, words, NULL);
    skip_replies(1);
}

static size_t process_batch(void) {
    redisAppendCommand(redis, "XREADGROUP GROUP g w COUNT %d STREAMS in >", BATCH);
    redisReply *reply = next_reply();
    if (reply->type != REDIS_REPLY_ARRAY) die("entries are missing");
    const redisReply *messages = reply->element[0]->element[1];
    size_t count = messages->elements;
    for (size_t i = 0; i < count; i++) {
        const redisReply *m = messages->element[i];
        redisAppendCommand(redis, "SET idem:%s ok:1000000000:%s NX EX 86400", field(m, 1), m->element[0]->str);
    }
    skip_replies(count);
    for (size_t i = 0; i < count; i++) {
        const redisReply *m = messages->element[i];
        redisAppendCommand(redis, "HINCRBY acct %s -%s", field(m, 3), field(m, 7));
        redisAppendCommand(redis, "HINCRBY merch %s %s", field(m, 5), field(m, 7));
        redisAppendCommand(redis, "XADD journal * k %s a %s m %s n %s b 1000000000", field(m, 1), field(m, 3), field(m, 5), field(m, 7));
        redisAppendCommand(redis, "XADD resp * k %s s ok b 1000000000", field(m, 1));
    }
    skip_replies(4 * count);
    acknowledge(messages);
    freeReplyObject(reply);
    return count;
}

static size_t read_batch(void) {
    redisAppendCommand(redis, "XREAD COUNT %d STREAMS resp %s", BATCH, last_read);
    redisReply *reply = next_reply();
    if (reply->type != REDIS_REPLY_ARRAY) die("responses are missing");
    const redisReply *messages = reply->element[0]->element[1];
    size_t count = messages->elements;
    snprintf(last_read, sizeof last_read, "%s", messages->element[count - 1]->element[0]->str);
    freeReplyObject(reply);
    return count;
}

void floor_open(const char *socket) {
    redis = redisConnectUnix(socket);
    if (!redis || redis->err) die("no connection");
    redisAppendCommand(redis, "XGROUP CREATE in g 0 MKSTREAM");
    skip_replies(1);
}

struct floor_took floor_pay(unsigned long count) {
    unsigned long applied = 0, were_read = 0;
    int64_t began_ns = measure_now_ns();
    double cpu_s = redis_cpu_s();
    enqueue(count);
    double enqueued_s = redis_cpu_s();
    int64_t enqueued_ns = measure_now_ns();
    while (applied < count) applied += process_batch();
    double applied_s = redis_cpu_s();
    int64_t applied_ns = measure_now_ns();
    while (were_read < count) were_read += read_batch();
    done += count;
    return (struct floor_took){.count = count, .enqueue_s = (double)(enqueued_ns - began_ns) / 1e9,
                               .process_s = (double)(applied_ns - enqueued_ns) / 1e9, .enqueue_us = (enqueued_s - cpu_s) * 1e6,
                               .process_us = (applied_s - enqueued_s) * 1e6, .read_us = (redis_cpu_s() - applied_s) * 1e6};
}
