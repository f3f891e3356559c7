/* Where keys lie in a Redis Cluster. */
#include "producer/redis_slot.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint16_t crc16(const char *bytes, size_t size) {
    uint16_t crc = 0;
    for (size_t n = 0; n < size; n++) {
        crc ^= (uint16_t)((uint16_t)(unsigned char)bytes[n] << 8);
        for (int bit = 0; bit < 8; bit++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

unsigned redis_slot(const char *key, size_t size) {
    const char *open = memchr(key, '{', size), *tag = open ? open + 1 : NULL;
    const char *end = tag ? memchr(tag, '}', size - (size_t)(tag - key)) : NULL;
    if (end && end > tag) return crc16(tag, (size_t)(end - tag)) % REDIS_SLOTS;
    return crc16(key, size) % REDIS_SLOTS;
}

static bool argument_is(const struct command *c, int index, const char *word) {
    return c->sizes[index] == strlen(word) && strncasecmp(c->argv[index], word, c->sizes[index]) == 0;
}

static bool is_one_of(const struct command *c, const char *const *words) {
    for (; *words; words++)
        if (argument_is(c, 0, *words)) return true;
    return false;
}

/* The place of the first key, 0: there is none. */
static int first_key(const struct command *c) {
    static const char *const keyless[] = {"PING", "ECHO", "TIME", "INFO", "CLIENT", "CONFIG", "COMMAND", "ACL", "MULTI", "EXEC", "DISCARD",
                                          "SCRIPT", "SCAN", "WAIT", "WAITAOF", "ROLE", "CLUSTER", "ASKING", "DEBUG", "DBSIZE", "FLUSHALL",
                                          "HELLO", "AUTH", "SELECT", "FUNCTION", "LATENCY", "SLOWLOG", NULL};
    static const char *const second[] = {"XINFO", "XGROUP", "OBJECT", "MEMORY", NULL};
    static const char *const counted[] = {"EVALSHA", "EVAL", "FCALL", NULL};
    static const char *const streams[] = {"XREAD", "XREADGROUP", NULL};
    if (is_one_of(c, keyless)) return 0;
    if (is_one_of(c, second)) return 2;
    if (is_one_of(c, counted)) return c->count > 2 && !argument_is(c, 2, "0") ? 3 : 0;
    if (!is_one_of(c, streams)) return 1;
    for (int n = argument_is(c, 0, "XREAD") ? 1 : 4; n < c->count; n++) /* behind group and consumer, whatever these are called */
        if (argument_is(c, n, "STREAMS")) return n + 1;
    return 0;
}

bool redis_slot_waits(const struct command *c) { return argument_is(c, 0, "WAIT") || argument_is(c, 0, "WAITAOF"); }

bool redis_slot_writes(const struct command *c) { return argument_is(c, 0, "XADD") || argument_is(c, 0, "EVALSHA"); }

unsigned redis_slot_of(const struct command *c) {
    int place = first_key(c);
    return place > 0 && place < c->count ? redis_slot(c->argv[place], c->sizes[place]) : REDIS_SLOT_NONE;
}
