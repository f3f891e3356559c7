/* Is this a Redis to keep money in? Version, memory, persistence, clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/args.h"
#include "producer/cli/doctor.h"
#include "producer/cli/server_info.h"
#include "producer/cli/when.h"

enum { CLOCK_NOTE_MS = 1000, CLOCK_WRONG_MS = 60000, MIB = 1 << 20 };

static void find_version(struct doctor *d, const char *info) {
    char version[SERVER_INFO_SIZE], valkey[SERVER_INFO_SIZE], role[SERVER_INFO_SIZE];
    server_info_value(info, "redis_version", version);
    server_info_value(info, "valkey_version", valkey);
    doctor_find(d, DOCTOR_GOOD, "server", "%s %s at %s", *valkey ? "Valkey" : "Redis", *valkey ? valkey : version, d->c.shown);
    if (strcmp(server_info_value(info, "role", role), "slave") == 0) {
        doctor_find(d, DOCTOR_WRONG, "server", "it is a replica, which cannot be written");
        doctor_fix(d, "point redis.url at the primary");
    }
}

static void find_policy(struct doctor *d, const char *info) {
    char policy[SERVER_INFO_SIZE];
    server_info_value(info, "maxmemory_policy", policy);
    if (*policy && strcmp(policy, "noeviction") != 0) {
        doctor_find(d, DOCTOR_WRONG, "memory", "maxmemory-policy is %s: a full Redis would throw money away", policy);
        doctor_fix(d, "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf");
    } else if (*policy) {
        doctor_find(d, DOCTOR_GOOD, "memory", "maxmemory-policy is noeviction");
    }
}

static void find_memory(struct doctor *d, const char *info) {
    uint64_t used = server_info_number(info, "used_memory"), most = server_info_number(info, "maxmemory");
    uint64_t limit = d->c.config.backlog_memory_high_water, all = server_info_number(info, "total_system_memory");
    double used_mib = (double)used / MIB, most_mib = (double)most / MIB;
    if (most == 0) {
        doctor_find(d, DOCTOR_NOTE, "memory", "no maxmemory (%.1f MiB in use): producers are not held back before the machine is full",
                    used_mib);
        doctor_fix(d, "CONFIG SET maxmemory %llumb (three quarters of the machine), and the same in redis.conf",
                   (unsigned long long)(all / MIB * 3 / 4));
    } else if (used >= most / 100 * limit) {
        doctor_find(d, DOCTOR_WRONG, "memory", "%.1f of %.1f MiB in use, above backlog.memory_high_water (%llu %%): producers are refused",
                    used_mib, most_mib, (unsigned long long)limit);
        doctor_fix(d, "CONFIG SET maxmemory %llumb, if the machine has it, and the same in redis.conf",
                   (unsigned long long)(most / MIB * 2 + 1));
    } else {
        doctor_find(d, DOCTOR_GOOD, "memory", "%.1f of %.1f MiB in use", used_mib, most_mib);
    }
}

static int config_get(struct doctor *d, const char *name, char out[SERVER_INFO_SIZE]) {
    struct reply reply;
    bool refused;
    out[0] = '\0';
    command_begin(&d->c.command, "CONFIG");
    command_word(&d->c.command, "GET");
    command_word(&d->c.command, name);
    int code = doctor_ask(d, &reply, &refused);
    if (!code && !refused) snprintf(out, SERVER_INFO_SIZE, "%s", reply_text(reply_at(reply, 1), NULL));
    return code;
}

static void find_fsync(struct doctor *d, const char *fsync) {
    if (strcmp(fsync, "always") == 0) doctor_find(d, DOCTOR_GOOD, "persistence", "appendonly, fsync at every write");
    else if (strcmp(fsync, "everysec") == 0)
        doctor_find(d, DOCTOR_GOOD, "persistence", "appendonly, fsync every second: a power failure may lose one second");
    else if (*fsync == '\0')
        doctor_find(d, DOCTOR_NOTE, "persistence", "appendonly; appendfsync cannot be read (CONFIG GET is not allowed)");
    else {
        doctor_find(d, DOCTOR_WRONG, "persistence", "appendfsync is %s: a power failure loses what the system had not written, some 30 s",
                    fsync);
        doctor_fix(d, "CONFIG SET appendfsync everysec, and the same in redis.conf");
    }
}

static int find_persistence(struct doctor *d, bool aof, bool written, bool saved) {
    char fsync[SERVER_INFO_SIZE], save[SERVER_INFO_SIZE];
    int code = config_get(d, "appendfsync", fsync);
    if (!code) code = config_get(d, "save", save);
    if (code) return code;
    if (aof) {
        find_fsync(d, fsync);
    } else {
        doctor_find(d, DOCTOR_WRONG, "persistence", "appendonly is off (save: %s): a restart loses %s", *save ? save : "none",
                    *save ? "everything since the last snapshot" : "everything");
        doctor_fix(d, "CONFIG SET appendonly yes, and the same in redis.conf");
    }
    if (!written) {
        doctor_find(d, DOCTOR_WRONG, "persistence", "the last write of the append-only file failed: Redis refuses to be written");
        doctor_fix(d, "look at the Redis log and the free space on its disk");
    }
    if (!saved) {
        doctor_find(d, DOCTOR_WRONG, "persistence", "the last snapshot failed");
        doctor_fix(d, "look at the Redis log and the free space on its disk; then BGSAVE");
    }
    return CLI_OK;
}

static int ask_info(struct doctor *d) {
    struct reply reply;
    bool refused;
    char status[SERVER_INFO_SIZE];
    command_begin(&d->c.command, "INFO");
    int code = doctor_ask(d, &reply, &refused);
    if (code || refused) return code; /* the rights say so */
    const char *info = reply_text(reply, NULL);
    find_version(d, info);
    find_policy(d, info);
    find_memory(d, info);
    bool aof = server_info_number(info, "aof_enabled") == 1;
    bool written = strcmp(server_info_value(info, "aof_last_write_status", status), "err") != 0;
    bool saved = strcmp(server_info_value(info, "rdb_last_bgsave_status", status), "err") != 0;
    uint64_t replicas = server_info_number(info, "connected_slaves");
    code = find_persistence(d, aof, written, saved);
    if (code || d->c.options.url.kind != REDIS_URL_CLUSTER) return code;
    code = config_get(d, "cluster-require-full-coverage", status);
    if (!code) doctor_cluster_node(d, (unsigned)replicas, status);
    return code;
}

/* Local clock against the server's, less half of the way. */
static int find_clock(struct doctor *d) {
    struct reply reply;
    bool refused;
    uint64_t before_ms = when_now_ms();
    command_begin(&d->c.command, "TIME");
    int code = doctor_ask(d, &reply, &refused);
    if (code || refused) return code; /* the rights say so */
    uint64_t server_ms = (uint64_t)reply_integer(reply_at(reply, 0)) * 1000 + (uint64_t)reply_integer(reply_at(reply, 1)) / 1000;
    uint64_t here_ms = before_ms + (when_now_ms() - before_ms) / 2;
    int64_t ahead_ms = (int64_t)here_ms - (int64_t)server_ms, off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    enum doctor_level level = off_ms >= CLOCK_WRONG_MS ? DOCTOR_WRONG : off_ms >= CLOCK_NOTE_MS ? DOCTOR_NOTE : DOCTOR_GOOD;
    doctor_find(d, level, "clock", "this machine's clock is %lld ms %s the server's", (long long)off_ms,
                ahead_ms < 0 ? "behind" : "ahead of");
    if (level != DOCTOR_GOOD)
        doctor_fix(d, "run NTP on both: an intent created more than 5 min in the future is refused, one more than 23 h old is stale");
    return CLI_OK;
}

int doctor_server(struct doctor *d) {
    int code = ask_info(d);
    if (!code) code = doctor_abilities(d);
    return code ? code : find_clock(d);
}
