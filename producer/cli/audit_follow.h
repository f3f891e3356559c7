/* `till audit --follow`: after the full audit, what is added to the ledgers. Memory is bounded: a table of the accounts that were seen
 * last, a queue of those to be held against their hashes, and a few numbers for each partition. */
#ifndef CLI_AUDIT_FOLLOW_H
#define CLI_AUDIT_FOLLOW_H

#include <signal.h>

#include "producer/cli/audit.h"

enum { FOLLOW_ACCOUNTS_MAX = 1 << 18, FOLLOW_COMPARED_MAX = 500 /* at a time */ };

struct follow_account;
struct ledger_row;

struct follow_part {
    struct entry_id last; /* read up to here */
    uint64_t bill_last;
    struct entry_id bound; /* when it is read up to here, the bill numbers have come to bound_bill */
    uint64_t bound_bill;
    bool bounded, halted;
    bool anew; /* the next bill is the first one: what was before it could not be read to its end */
    uint64_t dead;
};

struct audit_follow {
    struct follow_part *parts;      /* of each partition of the book */
    struct follow_account *accounts; /* in buckets */
    struct follow_queue {
        uint32_t *places;
        size_t first, count;
    } queue;
    uint32_t stamp;
    uint64_t rows, bills, compared; /* so far; in_line: since the last line */
    struct {
        uint64_t rows, bills, compared, found;
    } in_line;
    int64_t behind_ms; /* age of the youngest row when it was read, at most, since the last line */
    unsigned next_part; /* whose numbers are looked at next */
    bool keep_going;
    bool torn; /* Redis went away within a page */
    const volatile sig_atomic_t *stopped;
};

/* Before audit_run, so that it leaves what it knows of the accounts. */
void audit_follow_init(struct audit *a);
void audit_follow_clear(struct audit *a);
/* After audit_run, until *stopped, or a finding (unless keep_going), which audit.tell hears at once. `line` is called every interval_ms.
 * CLI_OK, or an exit code, said; audit.found tells what was found. */
int audit_follow(struct audit *a, int64_t interval_ms, void (*line)(const struct audit *a)) __attribute__((warn_unused_result));

/* A partition was read so far. */
void audit_follow_start(struct audit *a);

/* --- audit_follow_account.c --- */

/* What the full audit knows of an account by its last row. */
void audit_follow_seed(struct audit *a, const char *name, uint64_t seq, int64_t balance, int64_t held, unsigned currency, bool may_owe);
/* One row: its place in the account's chain. *currency is that of the account. */
int audit_follow_row(struct audit *a, const struct ledger_row *row, unsigned *currency) __attribute__((warn_unused_result));
/* Forgets the accounts of a partition. */
void audit_follow_forget(struct audit *a, unsigned partition);
/* Holds some of those that were touched against their hashes. */
int audit_follow_compare(struct audit *a) __attribute__((warn_unused_result));
/* The ID of the last entry of a partition's ledger. */
void audit_follow_append_last(struct audit *a, unsigned partition);
struct entry_id audit_follow_last(struct reply reply);

#endif
