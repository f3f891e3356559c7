/* `till reconcile`: an upstream's list of a day against the bills of that day, in memory that does not grow with either.
 *
 *     file  -> rows  --+                                +-> same, or `differs` in amount or code
 *                      +-> spool by (account, key) -> join
 *     bills -> rows  --+                                +-> the rest -> spool by key -> `differs` in account,
 *                                                                                       missing here, missing there
 *
 * What counts is what moved money for the upstream: bills of code 0 of pay refund topup withdraw rollback capture transfer and group, each
 * under the key it was sent with. Holds and releases move nothing; like bills of other operations they may be listed, and are passed over.
 * A group is one bill, with the sum its answer told; its steps have bills with keys of their own, which are compared when they are listed
 * and are not missed when they are not. Of several rows of one account and key, those of code 0 count: a list may hold every attempt. */
#ifndef CLI_RECONCILE_H
#define CLI_RECONCILE_H

#include "producer/cli/connect.h"
#include "producer/cli/csv.h"
#include "producer/cli/progress.h"
#include "producer/cli/reconcile_spool.h"
#include "producer/cli/table.h"

enum { RECONCILE_PAGE = 4096 /* findings are sorted and printed by so many */ };
enum { COLUMN_KEY, COLUMN_ACCOUNT, COLUMN_AMOUNT, COLUMN_CODE, COLUMN_COUNT };

enum reconcile_style { RECONCILE_TABLE, RECONCILE_JSON, RECONCILE_CSV };

/* In the order in which they are shown. */
enum found { FOUND_MISSING_HERE, FOUND_MISSING_THERE, FOUND_DIFFERS, FOUND_COUNT };

struct finding {
    enum found found;
    bool has_file, has_bill;
    struct spool_row file, bill;
};

/* A bill's place: its partition and its number there. */
#define BILL_NUMBER_BITS 48
#define BILL_PLACE(partition, number) ((uint64_t)(partition) << BILL_NUMBER_BITS | (number))
#define BILL_PARTITION(place) ((unsigned)((place) >> BILL_NUMBER_BITS))
#define BILL_NUMBER(place) ((place) & ((UINT64_C(1) << BILL_NUMBER_BITS) - 1))

/* The places of a group's steps, which follow one another. */
struct reconcile_group {
    uint64_t first, last;
};

struct reconcile {
    const struct cli *cli;
    struct connection *c;
    const char *path, *source, *day; /* as given; path "-": standard input */
    uint64_t from_ms, to_ms;         /* the day: from <= at < to */
    enum reconcile_style style;
    struct csv csv;
    unsigned column[COLUMN_COUNT]; /* where they are in the file */
    unsigned header_count;
    struct spool rows, left;
    struct reconcile_group *groups;
    size_t group_count, group_capacity;
    struct progress progress;
    struct finding *page;
    size_t page_count;
    struct table table;
    struct intent scratch; /* for checking fields */
    /* counted: rows read, lines that are wrong, rows that count, rows listed again; bills of the source and day that count, unreadable
     * ones; rows and bills that agree, rows of bills that move no money, findings */
    uint64_t read, bad, listed, repeated, bills, unreadable, agree, unmoved, found[FOUND_COUNT];
};

void reconcile_init(struct reconcile *r);
void reconcile_clear(struct reconcile *r);

/* Each gives CLI_OK or an exit code, said on stderr. Wrong lines are said and counted, and do not end reconcile_file. */
int reconcile_header(struct reconcile *r) __attribute__((warn_unused_result)); /* of r->csv, which is open */
int reconcile_file(struct reconcile *r) __attribute__((warn_unused_result));
int reconcile_bills(struct reconcile *r) __attribute__((warn_unused_result));
int reconcile_join(struct reconcile *r) __attribute__((warn_unused_result));

/* Is it the bill of a group's step? After reconcile_bills. */
bool reconcile_is_step(const struct reconcile *r, const struct spool_row *bill);

/* What is found, and the end of it. Either row may be NULL. */
void reconcile_found(struct reconcile *r, enum found found, const struct spool_row *file, const struct spool_row *bill);
void reconcile_finish(struct reconcile *r);

#endif
