/* Bill records: with the account of whoever was billed, under the day they lie under. What was put off takes its bytes and time along. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "producer/cli/repartition.h"

enum { PAGE = 500, BILLS_SPARE_DAYS = 31 /* longer than workers wait */, ENTRY_FIELD = 9 /* in a record, from 0 */, RECORD_MAX = 2048 };

/* The text of one field of a record. */
static const char *field_at(const char *record, size_t size, unsigned field, size_t *length) {
    const char *end = record + size, *at = record, *bar;
    for (; field > 0 && (bar = memchr(at, '|', (size_t)(end - at))); field--) at = bar + 1;
    bar = memchr(at, '|', (size_t)(end - at));
    *length = field > 0 ? 0 : (size_t)((bar ? bar : end) - at);
    return at;
}

static bool field_is(const char *record, size_t size, unsigned field, const char *word) {
    size_t length;
    const char *text = field_at(record, size, field, &length);
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

enum { OP_FIELD = 2, STATE_FIELD = 11 };

/* Those of the book itself, and settlements, are in every partition; they stay apart as well as they can. */
static bool is_everywhere(const char *identity, const char *record, size_t size) {
    return identity[0] == '@' || field_is(record, size, OP_FIELD, "settle");
}

static unsigned target_of(const struct repartition *r, unsigned partition, struct reply identity, struct reply record) {
    size_t size, identity_size;
    const char *name = reply_text(identity, &identity_size), *text = reply_text(record, &size);
    if (is_everywhere(name, text, size)) return partition % r->partitions;
    return repartition_target(r, partition, name, strcspn(name, "/"));
}

static void append_day(struct repartition *r, const char *command, unsigned target, const char *day) {
    command_begin(&r->to.command, command);
    repartition_key(&r->to, target, day, "");
}

static void append_pair(struct repartition *r, struct reply name, const char *value, size_t value_size) {
    size_t size;
    const char *text = reply_text(name, &size);
    command_copy(&r->to.command, text, size);
    command_copy(&r->to.command, value, value_size);
}

/* --- what was put off --- */

/* A call whose reply is needed: what was sent before is read first. */
static int ask_new(struct repartition *r, struct reply *reply) {
    int code = repartition_drain(r);
    return code ? code : connect_call(&r->to, "writing the new book", reply);
}

/* The bytes lie under the entry's ID, of which each old partition had its own: where two come together that have the same, the second gets
 * the next one that is free. */
static int keep_bytes(struct repartition *r, unsigned target, struct entry_id *entry, const char *bytes, size_t size) {
    struct reply reply;
    char id[ENTRY_TEXT_MAX + 1];
    size_t there_size;
    for (;; entry->seq++) {
        entry_id_format(*entry, id);
        command_begin(&r->to.command, "HSETNX");
        repartition_key(&r->to, target, "scheduled", "");
        command_word(&r->to.command, id);
        command_copy(&r->to.command, bytes, size);
        int code = ask_new(r, &reply);
        if (code || reply_integer(reply) == 1) return code;
        command_begin(&r->to.command, "HGET");
        repartition_key(&r->to, target, "scheduled", "");
        command_word(&r->to.command, id);
        if ((code = ask_new(r, &reply))) return code;
        const char *there = reply_text(reply, &there_size);
        if (there_size == size && memcmp(there, bytes, size) == 0) return CLI_OK;
    }
}

static int keep_time(struct repartition *r, unsigned partition, unsigned target, const char *old, const char *id, const char *identity) {
    struct reply reply;
    char member[512];
    command_begin(&r->side.command, "ZSCORE");
    repartition_key(&r->side, partition, "due", "");
    command_copy(&r->side.command, member, (size_t)snprintf(member, sizeof member, "due|%s|%.360s", old, identity));
    int code = connect_call(&r->side, "reading what is due", &reply);
    if (code) return code;
    command_begin(&r->to.command, "ZADD");
    repartition_key(&r->to, target, "due", "");
    command_word(&r->to.command, reply_text(reply, NULL));
    command_copy(&r->to.command, member, (size_t)snprintf(member, sizeof member, "due|%s|%.360s", id, identity));
    r->before.count[COUNT_due]++;
    r->before.count[COUNT_scheduled]++;
    return repartition_send(r);
}

/* The record again, with that entry's ID. */
static int write_scheduled(struct repartition *r, unsigned target, const char *day, struct reply identity, struct reply record,
                           const char *id) {
    char out[RECORD_MAX];
    size_t size, length;
    const char *text = reply_text(record, &size), *entry = field_at(text, size, ENTRY_FIELD, &length);
    int before = (int)(entry - text), behind = (int)(text + size - entry - length);
    int written = snprintf(out, sizeof out, "%.*s%s%.*s", before, text, id, behind, entry + length);
    if (written < 0 || (size_t)written >= sizeof out) return cli_usage(r->cli, "a bill record is longer than any can be");
    append_day(r, "HSET", target, day);
    append_pair(r, identity, out, (size_t)written);
    return repartition_send(r);
}

static int carry_scheduled(struct repartition *r, unsigned partition, const char *day, struct reply identity, struct reply record) {
    struct entry_id entry;
    struct reply bytes;
    char old[ENTRY_TEXT_MAX + 1], id[ENTRY_TEXT_MAX + 1];
    size_t size, length;
    const char *text = reply_text(record, &size), *name = reply_text(identity, NULL), *field = field_at(text, size, ENTRY_FIELD, &length);
    unsigned target = target_of(r, partition, identity, record);
    if (!entry_id_parse(field, length, &entry)) return cli_usage(r->cli, "bill record %s has no entry: see `till audit`", name);
    entry_id_format(entry, old);
    command_begin(&r->side.command, "HGET");
    repartition_key(&r->side, partition, "scheduled", "");
    command_word(&r->side.command, old);
    int code = connect_call(&r->side, "reading what was put off", &bytes);
    if (code) return code;
    const char *kept = reply_text(bytes, &size);
    if ((code = keep_bytes(r, target, &entry, kept, size))) return code;
    entry_id_format(entry, id);
    code = keep_time(r, partition, target, old, id, name);
    return code ? code : write_scheduled(r, target, day, identity, record, id);
}

/* --- the others --- */

static bool is_scheduled(struct reply record) {
    size_t size;
    const char *text = reply_text(record, &size);
    return field_is(text, size, STATE_FIELD, "scheduled");
}

/* Of the book's own two partitions may have one of the same name: it was answered alike in both, and one is enough. */
static int carry_own(struct repartition *r, unsigned partition, const char *day, struct reply identity, struct reply record) {
    struct reply reply;
    size_t size;
    const char *text = reply_text(record, &size);
    append_day(r, "HSETNX", partition % r->partitions, day);
    append_pair(r, identity, text, size);
    int code = ask_new(r, &reply);
    if (!code && reply_integer(reply) == 0) r->repeated++;
    return code;
}

/* All of a page that go to the same partition in one command. */
static int carry_alike(struct repartition *r, struct reply items, size_t first, unsigned *target, const char *day) {
    size_t size;
    unsigned wanted = target[first];
    append_day(r, "HSET", wanted, day);
    for (size_t n = first; 2 * n + 1 < reply_count(items); n++) {
        if (target[n] != wanted) continue;
        const char *text = reply_text(reply_at(items, 2 * n + 1), &size);
        append_pair(r, reply_at(items, 2 * n), text, size);
        target[n] = UINT32_MAX;
    }
    return repartition_send(r);
}

static int carry_page(struct repartition *r, unsigned partition, const char *day, struct reply items) {
    size_t count = reply_count(items) / 2;
    unsigned *target = malloc((count + 1) * sizeof *target);
    int code = CLI_OK;
    if (!target) abort();
    for (size_t n = 0; n < count && !code; n++) {
        struct reply identity = reply_at(items, 2 * n), record = reply_at(items, 2 * n + 1);
        size_t size;
        const char *text = reply_text(record, &size);
        target[n] = UINT32_MAX;
        if (is_scheduled(record)) code = carry_scheduled(r, partition, day, identity, record);
        else if (is_everywhere(reply_text(identity, NULL), text, size)) code = carry_own(r, partition, day, identity, record);
        else target[n] = target_of(r, partition, identity, record);
    }
    for (size_t n = 0; n < count && !code; n++)
        if (target[n] != UINT32_MAX) code = carry_alike(r, items, n, target, day);
    free(target);
    return code;
}

static int carry_day(struct repartition *r, unsigned partition, const char *day) {
    struct pages pages;
    struct reply items;
    char key[256];
    bool more = true;
    int code = CLI_OK;
    command_begin(&r->side.command, "HLEN");
    repartition_key(&r->side, partition, day, "");
    if ((code = connect_call(&r->side, "reading the bills", &items))) return code;
    r->before.count[COUNT_bills] += (uint64_t)reply_integer(items);
    snprintf(key, sizeof key, "{%s:%u}:%s", r->from.book.name, partition, day);
    pages_hash(&pages, &r->from, "reading the bills", key, PAGE);
    while (!code && !(code = pages_next(&pages, &items, &more)) && more) {
        code = carry_page(r, partition, day, items);
        progress_add(&r->progress, reply_count(items) / 2);
    }
    pages_end(&pages);
    return code;
}

/* --- days that are over --- */

/* A partition in which nothing happened has not dropped old days yet, and the new one, in which C was applied, never would. One of which
 * nothing waits any more is left behind. */
static bool is_over(const struct repartition *r, const char *day) {
    uint32_t number, today = keys_day(r->carried.ms);
    return audit_parse_day(day + strlen("bills:"), &number) && (uint64_t)number + r->bills_keep + BILLS_SPARE_DAYS < today;
}

static int anything_waits(struct repartition *r, unsigned partition, const char *day, bool *waits) {
    struct pages pages;
    struct reply items;
    char key[256];
    bool more = true;
    int code;
    *waits = false;
    snprintf(key, sizeof key, "{%s:%u}:%s", r->from.book.name, partition, day);
    pages_hash(&pages, &r->from, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more && !*waits)
        for (size_t n = 0; n + 1 < reply_count(items); n += 2) {
            size_t size;
            const char *record = reply_text(reply_at(items, n + 1), &size);
            *waits = *waits || field_is(record, size, STATE_FIELD, "open") || field_is(record, size, STATE_FIELD, "scheduled");
        }
    pages_end(&pages);
    return code;
}

static int carry_or_leave(struct repartition *r, unsigned partition, const char *day) {
    bool waits = true;
    int code = is_over(r, day) ? anything_waits(r, partition, day, &waits) : CLI_OK;
    return code || !waits ? code : carry_day(r, partition, day);
}

int repartition_bills(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->from.book.partitions && !code; p++) {
        struct digest_list_of_names list;
        if (!digest_names_of(&r->names, p, &list)) code = cli_usage(r->cli, "cannot read a temporary file: %s", strerror(errno));
        for (size_t n = 0; n < list.count && !code; n++)
            if (strncmp(list.names[n], "bills:", 6) == 0) code = carry_or_leave(r, p, list.names[n]);
        digest_names_free(&list);
    }
    return code ? code : repartition_drain(r);
}
