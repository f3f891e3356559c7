/* The fold under test: its Redis, its lanes, its turns. */
#include "tests/worker/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/process.h"
#include "worker/log.h"

enum { TURNS_MAX = 200, BLOCK_MS = 1, MAX_ATTEMPTS = 3, LEASE_TTL_MS = 600000 };

static void begin(struct fold *fold) {
    fold->clock_ms = FOLD_CLOCK_MS;
    fold->seq = 0;
    fold->keys_made = 0;
    fold->sent_count = 0;
    for (unsigned p = 0; p < fold->door.book.partitions; p++) lane_free(fold->lanes[p]);
    memset(fold->lanes, 0, sizeof fold->lanes);
    fold_take_over(fold);
}

void fold_start(struct fold *fold, unsigned partitions, unsigned batch) {
    memset(fold, 0, sizeof *fold);
    server_start(&fold->server, &(struct server_options){.extra = {"--hz", "500"}}); /* a wait of 1 ms ends after 2, not after 100 */
    log_configure((enum log_level)-1, false);
    struct redis_options *o = &fold->shared.redis;
    if (redis_url_parse(fold->server.url, &o->url)) process_die(NULL, "url");
    o->connect_timeout_ms = 2000;
    o->timeout_ms = 20000;
    fold->shared.settings = &fold->settings;
    fold->shared.worker = "fold";
    fold->shared.lease_ttl_ms = LEASE_TTL_MS;
    atomic_store(&fold->settings.block_ms, BLOCK_MS);
    atomic_store(&fold->settings.max_attempts, MAX_ATTEMPTS);
    atomic_store(&fold->settings.halt_on_loss, true);
    memcpy(fold->door.book.name, "till", 5);
    fold->door.book.partitions = partitions;
    fold_set_batch(fold, batch);
    command_init(&fold->command);
    if (redis_open(&fold->redis, o)) process_die(NULL, "redis_open: %s", redis_error(fold->redis));
    begin(fold);
}

void fold_stop(struct fold *fold) {
    for (unsigned p = 0; p < fold->door.book.partitions; p++) lane_free(fold->lanes[p]);
    redis_close(fold->redis);
    command_clear(&fold->command);
    server_stop(&fold->server);
}

void fold_reset(struct fold *fold) {
    server_text(&fold->server, "FLUSHALL", NULL);
    begin(fold);
}

/* Raises the epoch as `lease take` does. */
static struct lane *take_partition(struct fold *fold, unsigned p) {
    struct lane_lease lease = {0};
    struct mark mark = {0};
    struct door door = fold->door;
    door.partition = p;
    server_text(&fold->server, "DEL", fold_key(fold, p, "lease"), NULL);
    lease.epoch = (uint64_t)server_integer(&fold->server, "HINCRBY", fold_key(fold, p, "meta"), "epoch", "1", NULL);
    if (lease.epoch == 0) process_die(NULL, "no epoch: %s", fold->server.text);
    const char *applied = server_text(&fold->server, "HGET", fold_key(fold, p, "meta"), "applied", NULL);
    if (*applied && !entry_id_parse(applied, strlen(applied), &lease.applied)) process_die(NULL, "applied is %s", applied);
    return lane_new(&fold->shared, &door, &lease, &mark);
}

void fold_take_over(struct fold *fold) {
    fold->shared.redis.functions = fold->takeovers++ % 3 != 1;
    for (unsigned p = 0; p < fold->door.book.partitions; p++) {
        lane_free(fold->lanes[p]);
        fold->lanes[p] = take_partition(fold, p);
    }
}

void fold_set_batch(struct fold *fold, unsigned batch) { atomic_store(&fold->settings.batch, batch); }

void fold_set_secret(struct fold *fold, uint8_t byte) {
    fold->door.has_secret = byte != 0;
    memset(fold->door.secret, byte, sizeof fold->door.secret);
    fold_take_over(fold);
}

enum redis_err fold_try(struct fold *fold, unsigned partition) { return lane_catch_up(fold->lanes[partition]); }

/* What waits in the partition: undelivered and pending entries. */
static int64_t waiting_in(struct fold *fold, unsigned p) {
    const char *key = fold_key(fold, p, "intents");
    int64_t pending = strtoll(server_text(&fold->server, "XPENDING", key, "workers", NULL), NULL, 10);
    const char *groups = server_text(&fold->server, "XINFO", "GROUPS", key, NULL), *lag = strstr(groups, "\nlag\n");
    if (!lag) process_die(NULL, "no lag of %s: %s", key, groups);
    return pending + strtoll(lag + 5, NULL, 10);
}

static bool waits(struct fold *fold) {
    for (unsigned p = 0; p < fold->door.book.partitions; p++)
        if (waiting_in(fold, p)) return true;
    return false;
}

void fold_run(struct fold *fold) {
    for (int turn = 0; turn == 0 || waits(fold); turn++) {
        if (turn == TURNS_MAX) process_die(NULL, "%d turns and still not done", turn);
        for (unsigned p = 0; p < fold->door.book.partitions; p++) {
            enum redis_err err = fold_try(fold, p);
            if (err && err != REDIS_BROKEN)
                process_die(NULL, "partition %u: %s: %s", p, redis_err_word(err), redis_error(fold->lanes[p]->redis));
        }
    }
    if (fold->door.book.partitions > 1) fold->clock_ms++; /* a follow-up may have taken the next ID of this millisecond */
}

const char *fold_key(const struct fold *fold, unsigned partition, const char *rest) {
    static char keys[4][KEYS_SIZE_MAX + 64];
    static unsigned turn;
    char *key = keys[turn++ % 4];
    snprintf(key, sizeof keys[0], "{%s:%u}:%s", fold->door.book.name, partition, rest);
    return key;
}

unsigned fold_partition_of(const struct fold *fold, const char *account) {
    return keys_partition(&fold->door.book, account, strlen(account));
}
