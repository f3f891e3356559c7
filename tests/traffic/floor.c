/* floor SOCKET N: the native floor, the naked commands that N payments need, pipelined over one connection, without Lua:
 * XADD intent | XREADGROUP COUNT 256 | SET seen NX EX | 2 x HINCRBY | XADD journal | XADD response | XACK (one for a batch).
 * Enqueues first, then processes; and then an upstream reads the responses: XREAD COUNT 256. Prints one JSON object; the CPU is Redis' own
 * count, in microseconds a payment. redis_us is without that reading, redis_read_us is what it adds. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, ACCOUNTS = 1000, MERCHANTS = 10 };

static redisContext *redis;

static _Noreturn void die(const char *why) {
    fprintf(stderr, "floor: %s\n", why);
    exit(111);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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
    for (unsigned long i = 0; i < count; i += BATCH) {
        size_t k = 0;
        for (; k < BATCH && i + k < count; k++) {
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

static size_t read_batch(char last[64]) {
    redisAppendCommand(redis, "XREAD COUNT %d STREAMS resp %s", BATCH, last);
    redisReply *reply = next_reply();
    if (reply->type != REDIS_REPLY_ARRAY) die("responses are missing");
    const redisReply *messages = reply->element[0]->element[1];
    size_t count = messages->elements;
    snprintf(last, 64, "%s", messages->element[count - 1]->element[0]->str);
    freeReplyObject(reply);
    return count;
}

int main(int argc, char **argv) {
    unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, done = 0, were_read = 0;
    char last[64] = "0";
    if (!count) die("usage: floor SOCKET N");
    redis = redisConnectUnix(argv[1]);
    if (!redis || redis->err) die("no connection");
    redisAppendCommand(redis, "XGROUP CREATE in g 0 MKSTREAM");
    skip_replies(1);
    double began = now_s(), cpu = redis_cpu_s();
    enqueue(count);
    double enqueued = now_s(), enqueued_cpu = redis_cpu_s();
    while (done < count) done += process_batch();
    double ended = now_s(), ended_cpu = redis_cpu_s(), n = (double)count;
    while (were_read < count) were_read += read_batch(last);
    double read_cpu = redis_cpu_s();
    printf("{\"count\":%lu,\"enqueue_per_s\":%.0f,\"process_per_s\":%.0f,", count, n / (enqueued - began), n / (ended - enqueued));
    printf("\"enqueue_redis_us\":%.2f,\"process_redis_us\":%.2f,\"redis_us\":%.2f,\"redis_read_us\":%.2f}\n",
           (enqueued_cpu - cpu) / n * 1e6, (ended_cpu - enqueued_cpu) / n * 1e6, (ended_cpu - cpu) / n * 1e6,
           (read_cpu - ended_cpu) / n * 1e6);
    redisFree(redis);
    return 0;
}
