/* The parts of a digest that are hashes and sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/digest_reader.h"

enum { PAGE = 1000, AT_ONCE = 100 };

/* All keys of a kind, each a hash and an element. */
static int read_hashes(struct digest_reader *r, const char *prefix, const char *word, enum digest_part_name part) {
    struct reply reply;
    int code = CLI_OK;
    for (size_t first = 0; !code && first < r->list.count;) {
        size_t asked = 0, last = first;
        for (; last < r->list.count && asked < AT_ONCE; last++) {
            if (!digest_reader_name_behind(r->list.names[last], prefix)) continue;
            command_begin(&r->c->command, "HGETALL");
            digest_reader_key(r, r->partition, r->list.names[last]);
            redis_append(r->c->redis, &r->c->command);
            asked++;
        }
        for (; !code && first < last; first++) {
            const char *name = digest_reader_name_behind(r->list.names[first], prefix);
            if (!name || (code = connect_next(r->c, "reading what there is", &reply)) || reply_count(reply) == 0) continue;
            digest_reader_hash(r, word, name, reply, NULL);
            digest_set_add(&r->set, &r->element);
        }
        progress_add(&r->progress, asked);
    }
    r->out->part[part].count = digest_set_finish(&r->set, r->out->part[part].digest);
    return code;
}

/* Elements of `step` texts each from a key that is scanned. */
static int scan(struct digest_reader *r, const char *command, const char *key, size_t step,
                void (*take)(struct digest_reader *, struct reply, size_t)) {
    char cursor[24] = "0";
    struct reply reply;
    do {
        command_begin(&r->c->command, command);
        digest_reader_key(r, r->partition, key);
        command_word(&r->c->command, cursor);
        command_word(&r->c->command, "COUNT");
        command_uint(&r->c->command, PAGE);
        int code = connect_call(r->c, "reading what there is", &reply);
        if (code) return code;
        struct reply items = reply_at(reply, 1);
        for (size_t n = 0; n + step <= reply_count(items); n += step) {
            take(r, items, n);
            digest_set_add(&r->set, &r->element);
        }
        progress_add(&r->progress, reply_count(items) / step);
        snprintf(cursor, sizeof cursor, "%s", reply_text(reply_at(reply, 0), NULL));
    } while (strcmp(cursor, "0") != 0);
    return CLI_OK;
}

static void take_bill(struct digest_reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "bill");
    digest_text(&r->element, r->name, strlen(r->name));
    digest_reader_text(r, reply_at(items, n));
    digest_reader_text(r, reply_at(items, n + 1));
}

static void take_merchant(struct digest_reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "merchant");
    digest_reader_text(r, reply_at(items, n));
}

/* A score is a time in ms, in whatever form this Redis writes it. */
static void take_due(struct digest_reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "due");
    digest_reader_text(r, reply_at(items, n));
    double score = strtod(reply_text(reply_at(items, n + 1), NULL), NULL);
    digest_number(&r->element, score > -9e18 && score < 9e18 ? (int64_t)score : 0);
}

static void take_scheduled(struct digest_reader *r, struct reply items, size_t n) {
    digest_begin(&r->element, "scheduled");
    digest_reader_text(r, reply_at(items, n));
    digest_reader_text(r, reply_at(items, n + 1));
}

static int read_set(struct digest_reader *r, const char *command, const char *key, size_t step, enum digest_part_name part,
                    void (*take)(struct digest_reader *, struct reply, size_t)) {
    int code = scan(r, command, key, step, take);
    r->out->part[part].count = digest_set_finish(&r->set, r->out->part[part].digest);
    return code;
}

/* Day by day, so that never more than one has to be in memory. */
static int read_bills(struct digest_reader *r) {
    struct digest_part *part = &r->out->part[DIGEST_bills];
    struct digest_list days;
    uint8_t day[DIGEST_SIZE];
    int code = CLI_OK;
    digest_list_init(&days);
    part->count = 0;
    for (size_t n = 0; !code && n < r->list.count; n++) {
        if (!(r->name = digest_reader_name_behind(r->list.names[n], "bills:"))) continue;
        code = scan(r, "HSCAN", r->list.names[n], 2, take_bill);
        uint64_t count = digest_set_finish(&r->set, day);
        if (count == 0) continue;
        part->count += count;
        digest_begin(&r->element, "day");
        digest_text(&r->element, r->name, strlen(r->name));
        digest_number(&r->element, (int64_t)count);
        digest_text(&r->element, day, sizeof day);
        digest_list_add(&days, &r->element);
    }
    digest_list_finish(&days, part->digest);
    return code;
}

int digest_keys_read(struct digest_reader *r) {
    int code = read_hashes(r, "account:", "account", DIGEST_accounts);
    if (!code) code = read_bills(r);
    if (!code) code = read_hashes(r, "order:", "order", DIGEST_orders);
    if (!code) code = read_hashes(r, "sku:", "sku", DIGEST_stock);
    if (!code) code = read_set(r, "SSCAN", "merchants", 1, DIGEST_merchants, take_merchant);
    if (!code) code = read_set(r, "ZSCAN", "due", 2, DIGEST_due, take_due);
    return code ? code : read_set(r, "HSCAN", "scheduled", 2, DIGEST_scheduled, take_scheduled);
}
