/* What falls due, orders and articles: each with the account or the merchant it is of. And what the new partitions know of themselves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "producer/cli/pages.h"
#include "producer/cli/repartition.h"

enum { PAGE = 500, KEPT_AT_ONCE = 200 };

/* "STEP|ENTRY|IDENTITY": what was put off has gone with its bill. */
static int carry_member(struct repartition *r, unsigned partition, struct reply member, struct reply score) {
    size_t size;
    const char *text = reply_text(member, &size), *entry = strchr(text, '|'), *identity = entry ? strchr(entry + 1, '|') : NULL;
    if (!identity) return cli_usage(r->cli, "partition %u: '%.100s' is nothing that can fall due: see `till audit`", partition, text);
    if (strncmp(text, "due|", 4) == 0) return CLI_OK;
    identity++;
    command_begin(&r->to.command, "ZADD");
    repartition_key(&r->to, repartition_target(r, partition, identity, strcspn(identity, "/")), "due", "");
    command_word(&r->to.command, reply_text(score, NULL));
    command_copy(&r->to.command, text, size);
    r->before.count[COUNT_due]++;
    return repartition_send(r);
}

int repartition_due(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct pages pages;
        struct reply items;
        keys_buffer key;
        bool more = true;
        keys_due(key, &r->from.book, p);
        pages_set(&pages, &r->from, "reading what is due", key, PAGE);
        while (!code && !(code = pages_next(&pages, &items, &more)) && more)
            for (size_t n = 0; n + 1 < reply_count(items) && !code; n += 2)
                code = carry_member(r, p, reply_at(items, n), reply_at(items, n + 1));
        pages_end(&pages);
    }
    return code ? code : repartition_drain(r);
}

static bool is_shop(const char *name) { return strncmp(name, "order:", 6) == 0 || strncmp(name, "sku:", 4) == 0; }

static int carry_hash(struct repartition *r, unsigned partition, const char *name, struct reply hash) {
    const char *merchant = strchr(name, ':') + 1;
    size_t size;
    command_begin(&r->to.command, "HSET");
    repartition_key(&r->to, repartition_target(r, partition, merchant, strcspn(merchant, "/")), name, "");
    for (size_t n = 0; n < reply_count(hash); n++) {
        const char *text = reply_text(reply_at(hash, n), &size);
        command_copy(&r->to.command, text, size);
    }
    r->before.count[name[0] == 'o' ? COUNT_orders : COUNT_articles]++;
    return repartition_send(r);
}

static int carry_shop(struct repartition *r, unsigned partition, const struct digest_list_of_names *list) {
    size_t asked = 0, taken = 0;
    int code = CLI_OK;
    while (taken < list->count && !code) {
        struct reply hash;
        for (; asked < list->count && asked - taken < KEPT_AT_ONCE; asked++) {
            if (!is_shop(list->names[asked])) continue;
            command_begin(&r->from.command, "HGETALL");
            repartition_key(&r->from, partition, list->names[asked], "");
            redis_append(r->from.redis, &r->from.command);
        }
        const char *name = list->names[taken++];
        if (!is_shop(name)) continue;
        code = connect_next(&r->from, "reading orders and articles", &hash);
        if (!code) code = carry_hash(r, partition, name, hash);
        progress_add(&r->progress, 1);
    }
    return code;
}

int repartition_shop(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&r->names, p, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        if (!code) code = carry_shop(r, p, &list);
        digest_names_free(&list);
    }
    return code ? code : repartition_drain(r);
}

/* --- the new partitions --- */

/* The rules are the same everywhere. */
static int add_policies(struct repartition *r) {
    struct reply meta;
    command_begin(&r->side.command, "HGETALL");
    repartition_key(&r->side, 0, "meta", "");
    int code = connect_call(&r->side, "reading meta", &meta);
    for (size_t n = 0; n + 1 < reply_count(meta) && !code; n += 2) {
        size_t size;
        const char *name = reply_text(reply_at(meta, n), &size);
        if (strncmp(name, "policy:", 7) != 0) continue;
        command_copy(&r->to.command, name, size);
        name = reply_text(reply_at(meta, n + 1), &size);
        command_copy(&r->to.command, name, size);
    }
    return code;
}

/* Everything up to `carried` counts as applied, whoever it came from: nothing of before can be applied again. The epoch lies above all that
 * were ever given. */
static int write_meta(struct repartition *r, unsigned partition, uint64_t epoch) {
    struct command *c = &r->to.command;
    unsigned origins = r->partitions > r->from.book.partitions ? r->partitions : r->from.book.partitions;
    char id[ENTRY_TEXT_MAX + 1], text[80];
    entry_id_format(r->carried, id);
    command_begin(c, "HSET");
    repartition_key(&r->to, partition, "meta", "");
    command_word(c, "epoch");
    command_uint(c, epoch);
    command_word(c, "applied");
    command_word(c, id);
    command_word(c, "bill");
    command_uint(c, repartition_rows_bill(r, partition));
    command_word(c, "carried");
    command_copy(c, text, (size_t)snprintf(text, sizeof text, "%llu %s", (unsigned long long)r->carried_bill, id));
    if (r->lowered_day) {
        command_word(c, "lowered");
        command_copy(c, text, (size_t)snprintf(text, sizeof text, "%lu %lu", r->lowered_day, r->lowered_days));
    }
    for (unsigned p = 0; p < origins; p++) {
        command_copy(c, text, (size_t)snprintf(text, sizeof text, "from:%u", p));
        command_word(c, id);
    }
    int code = add_policies(r);
    return code ? code : repartition_send(r);
}

/* An empty stream whose next ID is above `carried`, and its group, which has read everything there ever was. */
static int write_stream(struct repartition *r, unsigned partition) {
    struct command *c = &r->to.command;
    char id[ENTRY_TEXT_MAX + 1];
    entry_id_format(r->carried, id);
    command_begin(c, "XGROUP");
    command_word(c, "CREATE");
    repartition_key(&r->to, partition, "intents", "");
    command_word(c, KEYS_GROUP);
    command_word(c, id);
    command_word(c, "MKSTREAM");
    int code = repartition_send(r);
    command_begin(c, "XSETID");
    repartition_key(&r->to, partition, "intents", "");
    command_word(c, id);
    if (!code) code = repartition_send(r);
    if (code || r->carried_bill == 0) return code;
    command_begin(c, "HSET");
    repartition_key(&r->to, partition, "trimmed", "");
    command_word(c, "bill");
    command_uint(c, r->carried_bill);
    return repartition_send(r);
}

static int highest_epoch(struct repartition *r, uint64_t *epoch) {
    struct reply reply;
    int code = CLI_OK;
    *epoch = r->carried.ms;
    for (unsigned p = 0; p < r->side.book.partitions && !code; p++) {
        command_begin(&r->side.command, "HGET");
        repartition_key(&r->side, p, "meta", "");
        command_word(&r->side.command, "epoch");
        code = connect_call(&r->side, "reading meta", &reply);
        if (!code && (uint64_t)reply_integer(reply) > *epoch) *epoch = (uint64_t)reply_integer(reply);
    }
    return code;
}

int repartition_meta(struct repartition *r) {
    uint64_t epoch;
    int code = highest_epoch(r, &epoch);
    for (unsigned q = 0; q < r->partitions && !code; q++) {
        code = write_meta(r, q, epoch + 1);
        if (!code) code = write_stream(r, q);
    }
    return code ? code : repartition_drain(r);
}
