/* Merchants' shards, over all partitions: each has one everywhere, of its status. Of each partition names and status of all its merchants
 * are summed up by their hashes as its accounts are read; only where the sums differ is it asked which.
 *
 * A merchant is known at home first, and its shards follow from there by `adopt` and `mark`. So where home and shard differ while nothing
 * waits at either, and they still do, what would have told the shard is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit_shard.h"
#include "producer/cli/pages.h"

enum { PAGE = 200 };

void audit_shard_note(struct audit *a, const char *merchant, struct reply hash) {
    char text[100];
    const char *status = reply_text(audit_group_field(hash, "status"), NULL);
    int size = snprintf(text, sizeof text, "%.70s %.16s", merchant, status);
    if (!a->shards) a->shards = calloc(1, sizeof *a->shards);
    if (a->shards && !a->shards->sum) a->shards->sum = calloc(a->c->book.partitions, sizeof *a->shards->sum);
    if (!a->shards || !a->shards->sum) abort();
    a->shards->sum[a->part.partition] += audit_hash(a, text, (size_t)size);
}

static void append_read(struct audit *a, unsigned partition, const char *merchant) {
    command_begin(&a->side.command, "HMGET");
    audit_key(&a->side, partition, "account:", merchant);
    command_word(&a->side.command, "status");
    command_word(&a->side.command, "currency");
    redis_append(a->side.redis, &a->side.command);
}

static void note_difference(struct audit *a, const struct audit_shard *shard) {
    struct audit_shards *s = a->shards;
    s->list = audit_grow(s->list, s->count, &s->capacity, sizeof *s->list);
    s->list[s->count++] = *shard;
}

/* Home first, then all: what home says is older than what the shards do. */
static int compare(struct audit *a, const char *merchant, unsigned home) {
    struct audit_shard shard = {.home = home};
    struct reply hash;
    snprintf(shard.merchant, sizeof shard.merchant, "%s", merchant);
    append_read(a, home, merchant);
    for (unsigned p = 0; p < a->c->book.partitions; p++) append_read(a, p, merchant);
    int code = connect_next(&a->side, "reading the merchants", &hash);
    if (code) return code;
    snprintf(shard.status, sizeof shard.status, "%s", reply_text(reply_at(hash, 0), NULL));
    snprintf(shard.currency, sizeof shard.currency, "%s", reply_text(reply_at(hash, 1), NULL));
    for (shard.partition = 0; shard.partition < a->c->book.partitions && !code; shard.partition++) {
        code = connect_next(&a->side, "reading the merchants", &hash);
        snprintf(shard.here, sizeof shard.here, "%s", code ? "" : reply_text(reply_at(hash, 0), NULL));
        if (!code && strcmp(shard.here, shard.status) != 0) note_difference(a, &shard);
    }
    return code;
}

static int compare_those_at_home(struct audit *a, unsigned home) {
    struct pages pages;
    struct reply members;
    keys_buffer key;
    bool more = true;
    int code = CLI_OK;
    keys_merchants(key, &a->c->book, home);
    pages_members(&pages, a->c, "reading the merchants", key, PAGE);
    while (!code && !(code = pages_next(&pages, &members, &more)) && more)
        for (size_t n = 0; n < reply_count(members) && !code; n++) {
            size_t size;
            const char *merchant = reply_text(reply_at(members, n), &size);
            if (size < sizeof ((struct audit_shard *)0)->merchant && keys_partition(&a->c->book, merchant, size) == home)
                code = compare(a, merchant, home);
        }
    pages_end(&pages);
    return code;
}

static int read_status(struct connection *c, unsigned partition, const char *merchant, char status[16]) {
    struct reply reply;
    keys_buffer key;
    command_begin(&c->command, "HGET");
    command_copy(&c->command, key, keys_account(key, &c->book, partition, merchant));
    command_word(&c->command, "status");
    int code = connect_call(c, "reading a merchant", &reply);
    snprintf(status, 16, "%s", code ? "" : reply_text(reply, NULL));
    return code;
}

int audit_shard_differs(struct connection *c, const char *merchant, unsigned home, unsigned partition, bool *differs) {
    char at_home[16], here[16];
    int code = read_status(c, home, merchant, at_home);
    if (!code) code = read_status(c, partition, merchant, here);
    *differs = !code && strcmp(at_home, here) != 0;
    return code;
}

static int find_lost(struct audit *a, const struct audit_shard *shard) {
    bool idle = false, differs = false;
    int code = audit_is_idle(a, shard->home, &idle);
    if (!code && idle) code = audit_is_idle(a, shard->partition, &idle);
    if (!code && idle) code = audit_shard_differs(&a->side, shard->merchant, shard->home, shard->partition, &differs);
    if (code || !differs) return code;
    a->part.partition = shard->partition;
    if (!shard->here[0]) audit_find(a, "account %s: has no shard here, and nothing waits that would bring it", shard->merchant);
    else audit_find(a, "account %s: its shard here is %s, but it is %s", shard->merchant, shard->here, shard->status);
    return CLI_OK;
}

int audit_shard_finish(struct audit *a) {
    bool same = true;
    int code = CLI_OK;
    for (unsigned p = 1; a->shards && p <= a->last; p++) same &= a->shards->sum[p] == a->shards->sum[0];
    if (!audit_is_whole(a) || !a->shards || same) return CLI_OK;
    for (unsigned p = 0; p <= a->last && !code; p++) code = compare_those_at_home(a, p);
    for (size_t n = 0; n < a->shards->count && !code; n++) code = find_lost(a, &a->shards->list[n]);
    return code;
}

void audit_shard_clear(struct audit *a) {
    if (!a->shards) return;
    free(a->shards->sum);
    free(a->shards->list);
    free(a->shards);
    a->shards = NULL;
}
