/* What the payments of `till bench` cost Redis, by its own account: CPU, and memory by kinds of keys. */
#include <stdio.h>
#include <string.h>

#include "producer/cli/bench.h"
#include "producer/cli/own_book.h"
#include "producer/cli/server_info.h"

enum { SAMPLES = 1000 };

/* INFO, or what else is in the command, of one master. */
static int ask(struct bench *b, unsigned node, struct reply *reply) {
    redis_append_to(b->c.redis, &b->c.command, node);
    return connect_next(&b->c, "asking what it took", reply);
}

static int read_all(struct bench *b, struct bench_reading *sum) {
    struct reply reply;
    *sum = (struct bench_reading){0};
    for (unsigned node = 0; redis_node_next(b->c.redis, &node); node++) {
        command_begin(&b->c.command, "INFO");
        int code = ask(b, node, &reply);
        if (code) return code;
        const char *info = reply_text(reply, NULL);
        sum->cpu_us += server_info_cpu_us(info);
        sum->memory += server_info_number(info, "used_memory");
    }
    return CLI_OK;
}

double bench_read(void *bench) {
    struct bench *b = bench;
    struct bench_reading sum;
    int code = read_all(b, &sum);
    if (code) b->code = code;
    if (b->reading_count < BENCH_READINGS_MAX) b->readings[b->reading_count++] = sum;
    return sum.cpu_us;
}

/* Not everybody may CONFIG GET: then it is not known. */
static void fsync_of(struct bench *b, unsigned node, char out[SERVER_INFO_SIZE]) {
    struct reply reply;
    command_begin(&b->c.command, "CONFIG");
    command_word(&b->c.command, "GET");
    command_word(&b->c.command, "appendfsync");
    redis_append_to(b->c.redis, &b->c.command, node);
    bool known = redis_next(b->c.redis, &reply) == REDIS_OK;
    snprintf(out, SERVER_INFO_SIZE, "%s", known ? reply_text(reply_at(reply, 1), NULL) : "yes");
}

static void describe(struct bench *b, const char *info, const char *fsync, unsigned masters) {
    static const char *const ways[] = {[REDIS_URL_UNIX] = "a unix socket", [REDIS_URL_TCP] = "TCP", [REDIS_URL_SENTINEL] = "Sentinel",
                                       [REDIS_URL_CLUSTER] = "Redis Cluster"};
    char version[SERVER_INFO_SIZE], valkey[SERVER_INFO_SIZE], policy[SERVER_INFO_SIZE];
    server_info_value(info, "redis_version", version);
    server_info_value(info, "valkey_version", valkey);
    server_info_value(info, "maxmemory_policy", policy);
    uint64_t replicas = server_info_number(info, "connected_slaves");
    bool aof = server_info_number(info, "aof_enabled") == 1;
    snprintf(b->server, sizeof b->server, "%s %.20s over %s, %u master%s, %u replica%s", *valkey ? "Valkey" : "Redis",
             *valkey ? valkey : version, ways[b->c.options.url.kind], masters, masters == 1 ? "" : "s", (unsigned)replicas,
             replicas == 1 ? "" : "s");
    snprintf(b->settings, sizeof b->settings, "append-only file: %.20s; maxmemory-policy %.20s", aof ? fsync : "no", policy);
}

int bench_look(struct bench *b) {
    struct reply reply;
    char fsync[SERVER_INFO_SIZE];
    unsigned masters = 0, first = 0;
    for (unsigned node = 0; redis_node_next(b->c.redis, &node); node++)
        if (masters++ == 0) first = node;
    fsync_of(b, first, fsync);
    command_begin(&b->c.command, "INFO");
    int code = ask(b, first, &reply);
    if (!code) describe(b, reply_text(reply, NULL), fsync, masters);
    return code;
}

/* {BOOK:7}:bills:20261121 -> BENCH_bills; BENCH_PART_COUNT: none of those that are weighed. */
static enum bench_part part_of(const char *key) {
    static const char *const names[] = {
#define NAME(name, text) #name,
        BENCH_PARTS(NAME)};
    const char *at = strstr(key, "}:");
    enum bench_part part = 0;
    for (; at && part < BENCH_PART_COUNT; part++) {
        size_t size = strlen(names[part]);
        if (strncmp(at + 2, names[part], size) == 0 && strchr(":", at[2 + size])) return part;
    }
    return BENCH_PART_COUNT;
}

static int weigh_some(void *with, struct reply keys, struct connection *c) {
    struct bench *b = with;
    int code = CLI_OK;
    struct reply reply;
    for (size_t n = 0; n < reply_count(keys); n++) {
        const char *key = reply_text(reply_at(keys, n), NULL);
        if (part_of(key) == BENCH_PART_COUNT) continue;
        command_begin(&c->command, "MEMORY");
        command_word(&c->command, "USAGE");
        command_word(&c->command, key);
        command_word(&c->command, "SAMPLES");
        command_uint(&c->command, SAMPLES);
        redis_append(c->redis, &c->command);
    }
    for (size_t n = 0; n < reply_count(keys) && !code; n++) {
        enum bench_part part = part_of(reply_text(reply_at(keys, n), NULL));
        if (part == BENCH_PART_COUNT) continue;
        code = connect_next(c, "weighing the book", &reply);
        if (!code) b->part[part] += (uint64_t)reply_integer(reply);
    }
    return code;
}

int bench_weigh(struct bench *b) { return own_book_keys(&b->c, weigh_some, b); }
