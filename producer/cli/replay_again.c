/* Sends the answers of a source again, for a checkout that lost them: marked as replayed, and with a field of its own behind, `again`, so
 * that a digest can tell them from those the stream brought about. From the response streams, and where those were trimmed from the bills,
 * which know what was decided. No intent is enqueued, no money touched. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"
#include "producer/cli/pages.h"
#include "producer/cli/replay.h"
#include "schema/bill.h"
#include "schema/code.h"
#include "schema/response.h"

enum { PAGE = 500, WINDOW = 200 };

struct again {
    struct connection c, out; /* pages come over the one while answers go over the other */
    const char *source;
    struct entry_id since;
    unsigned partition, flying;
    keys_buffer key;          /* of the responses */
    struct ids {
        struct entry_id *list;
        size_t count, capacity;
    } seen, groups;           /* entries whose answer was in the stream; those that are groups, whose steps have bills, but no answers */
    uint64_t sent, from_bills;
};

static int settle(struct again *a) {
    struct reply reply;
    int code = CLI_OK;
    for (; a->flying > 0 && !code; a->flying--) code = connect_next(&a->out, "sending answers again", &reply);
    return code;
}

/* `values` of the answer's fields in their order, but that it is replayed. */
static int send(struct again *a, const char *const values[RESPONSE_FIELD_COUNT]) {
    struct command *c = &a->out.command;
    command_begin(c, "XADD");
    command_word(c, a->key);
    command_word(c, "*");
    for (unsigned n = 0; n < RESPONSE_FIELD_COUNT; n++) {
        command_word(c, response_field_name[n]);
        command_word(c, n == RESPONSE_REPLAYED ? "1" : values[n]);
    }
    command_word(c, "again");
    command_word(c, "1");
    redis_append(a->out.redis, c);
    a->sent++;
    return ++a->flying < WINDOW ? CLI_OK : settle(a);
}

static void note_id(struct ids *ids, struct entry_id id) {
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity ? 2 * ids->capacity : 1024;
        ids->list = realloc(ids->list, ids->capacity * sizeof *ids->list);
        if (!ids->list) abort();
    }
    ids->list[ids->count++] = id;
}

static int by_id(const void *a, const void *b) { return entry_id_compare(*(const struct entry_id *)a, *(const struct entry_id *)b); }

static void sort_ids(struct ids *ids) {
    if (ids->count) qsort(ids->list, ids->count, sizeof *ids->list, by_id);
}

static bool has_id(const struct ids *ids, struct entry_id id) {
    return ids->count && bsearch(&id, ids->list, ids->count, sizeof *ids->list, by_id);
}

/* The first answer to an entry; copies of it are left out. */
static int take_answer(struct again *a, struct reply fields) {
    const char *values[RESPONSE_FIELD_COUNT];
    struct entry_id entry;
    size_t size;
    for (unsigned n = 0; n < RESPONSE_TOLD_COUNT; n++) values[n] = reply_text(reply_at(fields, 2 * n + 1), NULL);
    bool told = reply_is(reply_at(fields, 2 * RESPONSE_DURABLE), response_field_name[RESPONSE_DURABLE]); /* not in old answers */
    values[RESPONSE_DURABLE] = told ? reply_text(reply_at(fields, 2 * RESPONSE_DURABLE + 1), NULL) : "memory";
    reply_text(reply_at(fields, 2 * RESPONSE_ENTRY + 1), &size);
    bool first = reply_is(reply_at(fields, 2 * RESPONSE_REPLAYED), "replayed") && strcmp(values[RESPONSE_REPLAYED], "0") == 0;
    if (!first || !entry_id_parse(values[RESPONSE_ENTRY], size, &entry) || entry_id_compare(entry, a->since) < 0) return CLI_OK;
    note_id(&a->seen, entry);
    return send(a, values);
}

/* Where the stream ends now: what is sent again comes behind. `*trimmed`: some of it is gone. Nothing was ever answered: 0-0. */
static int look_at_stream(struct again *a, char last[ENTRY_TEXT_MAX + 2], bool *trimmed) {
    struct reply reply;
    command_begin(&a->c.command, "XINFO");
    command_word(&a->c.command, "STREAM");
    command_word(&a->c.command, a->key);
    enum redis_err err = redis_call(a->c.redis, &a->c.command, &reply);
    bool absent = err == REDIS_REFUSED && strncmp(redis_error(a->c.redis), "ERR no such key", 15) == 0;
    if (err && !absent) return connect_failed(&a->c, err, "looking at the answers");
    snprintf(last, ENTRY_TEXT_MAX + 2, "%s", absent ? "0-0" : reply_text(reply_field(reply, "last-generated-id"), NULL));
    *trimmed = absent || reply_integer(reply_field(reply, "length")) < reply_integer(reply_field(reply, "entries-added"));
    return CLI_OK;
}

static int read_stream(struct again *a, const char *last) {
    struct pages pages;
    struct reply entries;
    bool more = true;
    int code;
    pages_stream(&pages, &a->c, "reading the answers", a->key, (struct entry_id){0, 0}, last, PAGE);
    while (!(code = pages_next(&pages, &entries, &more)) && more)
        for (size_t n = 0; n < reply_count(entries) && !code; n++) code = take_answer(a, reply_at(reply_at(entries, n), 1));
    pages_end(&pages);
    return code;
}

static const char *number(bool there, int64_t value, char out[24]) {
    snprintf(out, 24, "%lld", (long long)value);
    return there ? out : "";
}

/* ACCOUNT/SOURCE/KEY of this source; else NULL. `*key` begins behind. */
static const char *split(const struct again *a, const char *identity, char account[80]) {
    const char *slash = strchr(identity, '/');
    size_t size = slash ? (size_t)(slash - identity) : 0, source_size = strlen(a->source);
    if (!slash || size >= 80 || strncmp(slash + 1, a->source, source_size) != 0 || slash[1 + source_size] != '/') return NULL;
    memcpy(account, identity, size);
    account[size] = '\0';
    return slash + 2 + source_size;
}

/* A decided bill of the source from `since` on: its key; else NULL. */
static const char *read_bill(const struct again *a, const char *identity, struct reply record, char account[80], struct bill *b,
                             struct entry_id *entry) {
    size_t size;
    const char *text = reply_text(record, &size), *key = split(a, identity, account);
    if (!key || bill_parse(text, size, b) || b->code == CODE_in_progress) return NULL;
    return entry_id_parse(b->entry, strlen(b->entry), entry) && entry_id_compare(*entry, a->since) >= 0 ? key : NULL;
}

static int note_group(struct again *a, const char *identity, struct reply record) {
    char account[80];
    struct bill b;
    struct entry_id entry;
    if (read_bill(a, identity, record, account, &b, &entry) && strcmp(b.op, "group") == 0) note_id(&a->groups, entry);
    return CLI_OK;
}

/* A bill whose answer is not in the stream any more. */
static int take_bill(struct again *a, const char *identity, struct reply record) {
    char account[80], amount[24], balance[24], held[24], at[24], code[24];
    const char *values[RESPONSE_FIELD_COUNT];
    struct bill b;
    struct entry_id entry;
    const char *key = read_bill(a, identity, record, account, &b, &entry);
    if (!key || has_id(&a->seen, entry) || (has_id(&a->groups, entry) && strcmp(b.op, "group") != 0)) return CLI_OK;
    values[RESPONSE_KEY] = key;
    values[RESPONSE_SOURCE] = a->source;
    values[RESPONSE_OP] = b.op;
    values[RESPONSE_CODE] = number(true, b.code, code);
    values[RESPONSE_REASON] = code_word(b.code);
    values[RESPONSE_ACCOUNT] = account;
    values[RESPONSE_AMOUNT] = number(b.has_amount, b.amount_minor, amount);
    values[RESPONSE_CURRENCY] = b.currency;
    values[RESPONSE_BALANCE] = number(b.has_balance, b.balance_minor, balance);
    values[RESPONSE_HELD] = number(b.has_balance, b.held_minor, held);
    values[RESPONSE_BILL] = b.bill;
    values[RESPONSE_AT] = number(true, (int64_t)b.at_ms, at);
    values[RESPONSE_ENTRY] = b.entry;
    values[RESPONSE_REPLAYED] = "1";
    values[RESPONSE_DETAIL] = b.detail;
    values[RESPONSE_DURABLE] = "memory";
    a->from_bills++;
    return send(a, values);
}

static int scan_day(struct again *a, uint32_t day, int (*take)(struct again *, const char *, struct reply)) {
    struct pages pages;
    struct reply items;
    keys_buffer key;
    bool more = true;
    int code;
    keys_bills(key, &a->c.book, a->partition, day);
    pages_hash(&pages, &a->c, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; n + 1 < reply_count(items) && !code; n += 2)
            code = take(a, reply_text(reply_at(items, n), NULL), reply_at(items, n + 1));
    }
    pages_end(&pages);
    return code;
}

static int read_day(struct again *a, uint32_t day) {
    a->groups.count = 0;
    int code = scan_day(a, day, note_group);
    sort_ids(&a->groups);
    return code ? code : scan_day(a, day, take_bill);
}

static int read_partition(struct again *a, uint64_t now_ms) {
    char last[ENTRY_TEXT_MAX + 2];
    bool trimmed = false;
    a->seen.count = 0;
    keys_responses(a->key, &a->c.book, a->partition, a->source);
    int code = look_at_stream(a, last, &trimmed);
    if (!code) code = read_stream(a, last);
    sort_ids(&a->seen);
    uint32_t today = keys_day(now_ms), first = keys_day(a->since.ms), longest = 3650;
    if (today > longest && first < today - longest) first = today - longest; /* no bill is kept longer */
    for (uint32_t day = first; trimmed && day <= today && !code; day++) code = read_day(a, day);
    return code ? code : settle(a);
}

int replay_again(struct cli *cli, const char *source, struct entry_id since) {
    struct again a = {.source = source, .since = since};
    uint64_t now_ms = 0;
    int code = connect_book(cli, &a.c);
    a.out = a.c;
    a.out.redis = NULL;
    command_init(&a.out.command);
    if (!code) {
        enum redis_err err = redis_open(&a.out.redis, &a.out.options);
        code = err ? connect_failed(&a.out, err, "connecting") : connect_server_ms(&a.c, &now_ms);
    }
    for (; !code && a.partition < a.c.book.partitions; a.partition++) code = read_partition(&a, now_ms);
    if (!code && cli->json) printf("{\"source\":\"%s\",\"sent\":%" PRIu64 ",\"from_bills\":%" PRIu64 "}\n", source, a.sent, a.from_bills);
    else if (!code) printf("%" PRIu64 " answers sent again to %s, %" PRIu64 " of them from the bills\n", a.sent, source, a.from_bills);
    free(a.seen.list);
    free(a.groups.list);
    connect_close(&a.out);
    connect_close(&a.c);
    return code;
}
