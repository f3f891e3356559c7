/* Settlement of a month: what `till settle` works on.
 *
 *     names of all merchants          settle_names
 *     is any earlier month open?      settle_read of all, nothing is sent before
 *     batch by batch of merchants:    settle_read -> settle_send (what is not settled) -> settle_read -> statements
 *     with --bills                    settle_bills: the ledgers once, for all merchants
 *
 * What is kept of each merchant is its name and, with --bills, what its statement says; everything else is one batch's. */
#ifndef CLI_SETTLE_H
#define CLI_SETTLE_H

#include "producer/cli/connect.h"
#include "producer/cli/earning.h"
#include "producer/cli/month.h"
#include "producer/cli/progress.h"
#include "producer/cli/table.h"

enum { SETTLE_SAID_MAX = 20, SETTLE_AT_ONCE = 8192 /* settlements of a batch */ };
#define SETTLE_SOURCE "settlement"

enum settle_style { SETTLE_TABLE, SETTLE_JSON, SETTLE_CSV };

/* Of one partition: its rules, and the month by them. */
struct settle_partition {
    unsigned offset;          /* policy settlement_offset */
    unsigned fee;             /* policy, basis points */
    uint64_t begin_ms, end_ms; /* of the month */
};

/* A merchant's month, by the records of all its shards. */
struct statement {
    const char *name; /* in settle.names */
    char currency[4]; /* "": there is no such merchant */
    unsigned shards, settled;
    unsigned awaited; /* settled shards of which its home has not heard */
    int earlier;      /* the first month before that is not settled, 0: none */
    int64_t opening, fee, net, closing;
    struct earning_sums sums;
};

struct settle {
    const struct cli *cli;
    struct connection *c;
    struct till *till; /* sends, and reads answers */
    struct progress progress;
    int month; /* month.h */
    char month_text[MONTH_TEXT_SIZE];
    bool dry_run, bills;
    enum settle_style style;
    int timeout_ms;
    struct settle_partition *partitions;
    char *text;  /* all names, each with NUL */
    char **names; /* sorted */
    size_t count;
    struct statement *batch;
    size_t batch_max;
    bool *open;  /* batch x partitions: there is a shard, or there will be, and it is not settled */
    struct earning_sums *expected; /* of each merchant, with --bills */
    struct table table;
    struct intent scratch;
    uint64_t sent, settled, shards; /* all merchants together */
    size_t stated; /* merchants of whom it is known how they stand: all, unless answers stayed away */
    uint64_t provisional; /* merchants whose statement may change */
    uint64_t faults; /* said, the first few */
};

/* --- reading: settle_read.c. CLI_OK or the exit code, said --- */

int settle_names(struct settle *s, const char *only) __attribute__((warn_unused_result));
int settle_policies(struct settle *s) __attribute__((warn_unused_result));
/* The statements of `count` merchants from names[first] on into `batch`. */
int settle_read(struct settle *s, size_t first, size_t count) __attribute__((warn_unused_result));
/* The place of a name, or count. */
size_t settle_find(const struct settle *s, const char *name);

/* --- settling: settle_send.c --- */

/* Settles what is open of the batch, and waits until every home has heard of it; the statements are read again. */
int settle_send(struct settle *s, size_t first, size_t count) __attribute__((warn_unused_result));

/* --- the postings behind: settle_bills.c --- */

int settle_bills(struct settle *s) __attribute__((warn_unused_result));

/* --- output: settle_out.c --- */

struct ledger_row;
void settle_out_begin(struct settle *s);
void settle_out_statement(struct settle *s, const struct statement *t);
/* `counts` is gross, refunds or other. */
void settle_out_posting(struct settle *s, unsigned partition, const struct ledger_row *row, const char *counts);
void settle_out_postings_begin(struct settle *s);
void settle_out_postings_end(struct settle *s);
void settle_out_end(struct settle *s);
/* What is wrong, on stderr; counted, and after the first few only that. */
void settle_fault(struct settle *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
