/* The beginning of the new ledgers: what every account has, as rows of op `carry`, a bill of some accounts at a time:
 *
 *     [q-N, @book/till/carry, carry, alice, +8001, +300, 8001, 300, 17, C, ""]    from nothing, at the seq that the account has
 *     ...
 *     [q-N, @book/till/carry, carry, @world:CNY, -8001, 0, ...]                   so that the bill sums to zero
 *
 * So @world of each new partition is what its accounts have, without the sign; over all partitions it is what it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/repartition.h"
#include "schema/pack.h"

enum { ROWS_MAX = 32, ROW_SIZE = 320, HEAD_SIZE = 8 };

struct world {
    int64_t balance;
    uint64_t seq;
    int64_t due; /* what the rows at hand sum to */
};

/* Of a new partition. */
struct rows {
    uint8_t *bytes; /* room for twice ROWS_MAX, behind HEAD_SIZE; NULL: none yet */
    struct pack_writer writer;
    unsigned count;
    uint64_t bill; /* the last number */
};

struct repartition_rows {
    struct rows *rows;
    struct world *world; /* partition * REPARTITION_CURRENCIES_MAX + currency */
};

static struct world *world_of(const struct repartition *r, unsigned partition, unsigned currency) {
    return &r->rows->world[(size_t)partition * REPARTITION_CURRENCIES_MAX + currency];
}

void repartition_rows_begin(struct repartition *r) {
    r->rows = calloc(1, sizeof *r->rows);
    if (!r->rows) abort();
    r->rows->rows = calloc(r->partitions, sizeof *r->rows->rows);
    r->rows->world = calloc((size_t)r->partitions * REPARTITION_CURRENCIES_MAX, sizeof *r->rows->world);
    if (!r->rows->rows || !r->rows->world) abort();
    for (unsigned p = 0; p < r->partitions; p++) r->rows->rows[p].bill = r->carried_bill;
}

void repartition_rows_clear(struct repartition *r) {
    for (unsigned p = 0; r->rows && p < r->partitions; p++) free(r->rows->rows[p].bytes);
    if (r->rows) {
        free(r->rows->rows);
        free(r->rows->world);
    }
    free(r->rows);
    r->rows = NULL;
}

uint64_t repartition_rows_bill(const struct repartition *r, unsigned partition) { return r->rows->rows[partition].bill; }

static void add_row(struct repartition *r, unsigned partition, const char *name, int64_t amount, int64_t held, int64_t balance,
                    uint64_t seq) {
    struct rows *rows = &r->rows->rows[partition];
    char bill[33];
    pack_array(&rows->writer, 11);
    pack_text(&rows->writer, bill, (size_t)snprintf(bill, sizeof bill, "%u-%llu", partition, (unsigned long long)rows->bill + 1));
    pack_text(&rows->writer, "@book/till/carry", strlen("@book/till/carry"));
    pack_text(&rows->writer, "carry", strlen("carry"));
    pack_text(&rows->writer, name, strlen(name));
    pack_int(&rows->writer, amount);
    pack_int(&rows->writer, held);
    pack_int(&rows->writer, balance);
    pack_int(&rows->writer, held);
    pack_uint(&rows->writer, seq);
    pack_uint(&rows->writer, r->carried.ms);
    pack_text(&rows->writer, "", 0);
    rows->count++;
}

static void add_worlds(struct repartition *r, unsigned partition) {
    for (unsigned n = 0; n < r->currency_count; n++) {
        struct world *world = world_of(r, partition, n);
        char name[16];
        if (world->due == 0) continue;
        snprintf(name, sizeof name, "@world:%.3s", r->currency[n]);
        world->balance -= world->due;
        world->seq++;
        add_row(r, partition, name, -world->due, 0, world->balance, world->seq);
        world->due = 0;
    }
}

/* The rows at hand as one entry; the array's head, whose size depends on their number, stands right before them. */
static int flush(struct repartition *r, unsigned partition) {
    struct rows *rows = &r->rows->rows[partition];
    struct pack_writer head;
    uint8_t bytes[HEAD_SIZE];
    if (rows->count == 0) return CLI_OK;
    add_worlds(r, partition);
    if (rows->writer.full) abort(); /* a row has a bound */
    pack_writer_init(&head, bytes, sizeof bytes);
    pack_array(&head, rows->count);
    memcpy(rows->bytes + HEAD_SIZE - head.size, bytes, head.size);
    command_begin(&r->to.command, "XADD");
    repartition_key(&r->to, partition, "ledger", "");
    command_word(&r->to.command, "*");
    command_word(&r->to.command, "rows");
    command_copy(&r->to.command, (const char *)rows->bytes + HEAD_SIZE - head.size, rows->writer.size + head.size);
    rows->bill++;
    rows->count = 0;
    rows->writer.size = 0;
    return repartition_send(r);
}

int repartition_row(struct repartition *r, unsigned partition, const struct carried_account *account) {
    struct rows *rows = &r->rows->rows[partition];
    if (account->seq == 0) return CLI_OK; /* nothing was ever booked on it */
    if (!rows->bytes) {
        size_t size = 2 * (size_t)ROWS_MAX * ROW_SIZE;
        rows->bytes = malloc(HEAD_SIZE + size);
        if (!rows->bytes) abort();
        pack_writer_init(&rows->writer, rows->bytes + HEAD_SIZE, size);
    }
    add_row(r, partition, account->name, account->balance, account->held, account->balance, account->seq);
    world_of(r, partition, account->currency)->due += account->balance;
    return rows->count < ROWS_MAX ? CLI_OK : flush(r, partition);
}

static int write_world(struct repartition *r, unsigned partition, unsigned currency) {
    const struct world *world = world_of(r, partition, currency);
    struct command *c = &r->to.command;
    char name[16], balance[24];
    if (world->seq == 0) return CLI_OK;
    if (world->balance > INTENT_AMOUNT_MAX || world->balance < -INTENT_AMOUNT_MAX)
        return cli_usage(r->cli, "the accounts of new partition %u would hold more %.3s than can be counted: take more partitions",
                         partition, r->currency[currency]);
    snprintf(name, sizeof name, "@world:%.3s", r->currency[currency]);
    snprintf(balance, sizeof balance, "%lld", (long long)world->balance);
    command_begin(c, "HSET");
    repartition_key(&r->to, partition, "account:", name);
    command_word(c, "kind");
    command_word(c, "system");
    command_word(c, "currency");
    command_copy(c, r->currency[currency], 3);
    command_word(c, "status");
    command_word(c, "active");
    command_word(c, "balance");
    command_copy(c, balance, strlen(balance));
    command_word(c, "held");
    command_word(c, "0");
    command_word(c, "seq");
    command_uint(c, world->seq);
    command_word(c, "opened");
    command_uint(c, r->carried.ms);
    command_word(c, "changed");
    command_uint(c, r->carried.ms);
    return repartition_send(r);
}

int repartition_rows_finish(struct repartition *r) {
    int code = CLI_OK;
    for (unsigned p = 0; p < r->partitions && !code; p++) {
        code = flush(r, p);
        for (unsigned n = 0; n < r->currency_count && !code; n++) code = write_world(r, p, n);
    }
    return code;
}
