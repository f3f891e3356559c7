/* The bills of the source and the day, out of one or two of the book's UTC days, partition by partition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "producer/cli/args.h"
#include "producer/cli/pages.h"
#include "producer/cli/reconcile.h"
#include "schema/bill.h"
#include "schema/code.h"

enum { PAGE = 1000, UNREADABLE_SAID_MAX = 20 };

static void unreadable(struct reconcile *r, const char *identity, const char *why) {
    if (r->unreadable++ < UNREADABLE_SAID_MAX) cli_say(r->cli, "bill record %.200s: %s", identity, why);
}

/* "ACCOUNT/SOURCE/KEY" of our source: the account and the key of it. */
static bool split(const struct reconcile *r, const char *identity, size_t size, struct spool_row *row, const char **why) {
    const char *slash = memchr(identity, '/', size);
    size_t account_size = slash ? (size_t)(slash - identity) : size, source_size = strlen(r->source);
    *why = NULL;
    if (size < account_size + 1 + source_size + 1 || memcmp(slash + 1, r->source, source_size) != 0 || slash[1 + source_size] != '/')
        return false;
    const char *key = slash + 1 + source_size + 1;
    size_t key_size = (size_t)(identity + size - key);
    if (account_size > INTENT_ACCOUNT_MAX || key_size > INTENT_KEY_MAX) {
        *why = "its name is too long";
        return true;
    }
    row->account_size = (uint8_t)account_size;
    row->key_size = (uint8_t)key_size;
    memcpy(row->text, identity, account_size);
    memcpy(row->text + account_size, key, key_size);
    return true;
}

/* The partition of a number is that of its record, but for a bill of before the book was repartitioned. */
static bool parse_place(const char *text, uint64_t *place) {
    char *end;
    uint64_t number;
    unsigned long partition = strtoul(text, &end, 10);
    bool fine = end != text && *end == '-' && partition < KEYS_PARTITIONS_MAX && args_parse_number(end + 1, &number);
    if (!fine || number >> BILL_NUMBER_BITS) return false;
    *place = BILL_PLACE(partition, number);
    return true;
}

/* The steps of a group that was done have the numbers from its own to the one in its detail. */
static const char *note_group(struct reconcile *r, const struct bill *bill, uint64_t first) {
    uint64_t last;
    if (!parse_place(bill->detail, &last) || last <= first || last - first >= INTENT_STEPS_MAX)
        return "its detail is not the number of the group's last step";
    if (r->group_count == r->group_capacity) {
        r->group_capacity = r->group_capacity ? 2 * r->group_capacity : 64;
        r->groups = realloc(r->groups, r->group_capacity * sizeof *r->groups);
        if (!r->groups) abort();
    }
    r->groups[r->group_count++] = (struct reconcile_group){first, last};
    return NULL;
}

static const char *take_bill(struct reconcile *r, const struct bill *bill, struct spool_row *row) {
    enum op op = op_of_word(bill->op, strlen(bill->op));
    if (op == OP_NONE) return "its operation is not known";
    row->is_bill = true;
    row->op = (uint8_t)op;
    row->code = (int16_t)bill->code;
    row->amount_minor = bill->has_amount ? bill->amount_minor : -1;
    row->place = 0;
    if (bill->bill[0] && !parse_place(bill->bill, &row->place)) return "its number is none";
    return op == OP_group && bill->code == CODE_ok ? note_group(r, bill, row->place) : NULL;
}

static int take_record(struct reconcile *r, struct reply name, struct reply text) {
    struct spool_row row = {0};
    struct bill bill;
    size_t size, identity_size;
    const char *record = reply_text(text, &size), *identity = reply_text(name, &identity_size), *why;
    if (!split(r, identity, identity_size, &row, &why)) return CLI_OK;
    if (!why) why = bill_parse(record, size, &bill);
    if (!why && (bill.at_ms < r->from_ms || bill.at_ms >= r->to_ms)) return CLI_OK;
    if (!why) why = take_bill(r, &bill, &row);
    if (why) {
        unreadable(r, identity, why);
        return CLI_OK;
    }
    uint32_t hash = (uint32_t)crc32(0, (const Bytef *)row.text, (uInt)row.account_size + row.key_size);
    return spool_put(&r->rows, hash, &row) ? CLI_OK : cli_usage(r->cli, "%s", r->rows.error);
}

static int read_day(struct reconcile *r, unsigned partition, uint32_t day) {
    struct pages pages;
    struct reply items;
    keys_buffer key;
    bool more = true;
    int code;
    keys_bills(key, &r->c->book, partition, day);
    pages_hash(&pages, r->c, "reading the bills", key, PAGE);
    while (!(code = pages_next(&pages, &items, &more)) && more) {
        for (size_t n = 0; !code && n + 1 < reply_count(items); n += 2)
            code = take_record(r, reply_at(items, n), reply_at(items, n + 1));
        if (code) break;
        progress_add(&r->progress, reply_count(items) / 2);
    }
    pages_end(&pages);
    return code;
}

static int count_day(struct reconcile *r, unsigned partition, uint32_t day, uint64_t *total) {
    struct reply reply;
    keys_buffer key;
    command_begin(&r->c->command, "HLEN");
    command_copy(&r->c->command, key, keys_bills(key, &r->c->book, partition, day));
    int code = connect_call(r->c, "counting the bills", &reply);
    if (!code) *total += (uint64_t)reply_integer(reply);
    return code;
}

static int by_first(const void *a, const void *b) {
    uint64_t x = ((const struct reconcile_group *)a)->first, y = ((const struct reconcile_group *)b)->first;
    return (x > y) - (x < y);
}

int reconcile_bills(struct reconcile *r) {
    uint32_t first = keys_day(r->from_ms), last = keys_day(r->to_ms - 1);
    uint64_t total = 0;
    int code = CLI_OK;
    for (unsigned p = 0; p < r->c->book.partitions; p++)
        for (uint32_t day = first; !code && day <= last; day++) code = count_day(r, p, day, &total);
    if (code) return code;
    progress_start(&r->progress, "bills", total);
    for (unsigned p = 0; p < r->c->book.partitions; p++)
        for (uint32_t day = first; !code && day <= last; day++) code = read_day(r, p, day);
    progress_end(&r->progress);
    if (r->group_count) qsort(r->groups, r->group_count, sizeof *r->groups, by_first);
    return code;
}

bool reconcile_is_step(const struct reconcile *r, const struct spool_row *bill) {
    if (bill->op == OP_group || !bill->place) return false;
    size_t from = 0, to = r->group_count; /* the last group that begins at or before it */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (r->groups[middle].first <= bill->place) from = middle + 1;
        else to = middle;
    }
    return from > 0 && bill->place <= r->groups[from - 1].last;
}
