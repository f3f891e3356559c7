/* A book carried over into another number of partitions; cmd_repartition.c puts the steps together:
 *
 *     mark {B}:book (version 0: whoever comes is refused) -> look: may it be done at all? -> audit -> close every partition
 *       -> list the keys -> carry: accounts and ledger, bills, what is due, orders and articles, answers, dead entries
 *       -> prove: count and audit the new book -> in place: clear the old keys, rename the new ones -> open {B}:book with P2
 *
 * The new book is built beside the old one (in place: under the name "B~"), from the old one alone, so that building may be killed at any
 * moment and is begun anew. What {B}:book says (`repartition`: STATE P2 C) is changed before each step that cannot be taken back, and the
 * same command goes on from there. Each step says on stderr what is wrong, and gives CLI_OK or an exit code. */
#ifndef CLI_REPARTITION_H
#define CLI_REPARTITION_H

#include "producer/cli/connect.h"
#include "producer/cli/digest_names.h"
#include "producer/cli/progress.h"
#include "producer/cli/repartition_month.h"
#include "schema/entry.h"

enum { REPARTITION_CURRENCIES_MAX = 200, REPARTITION_AT_ONCE = 300, REPARTITION_OWNER_SIZE = 100 };

/* Where it stands, by {B}:book; words in repartition_journal.c. */
enum repartition_state { REPARTITION_NONE, REPARTITION_BUILDING, REPARTITION_CLEARING, REPARTITION_RENAMING, REPARTITION_MOVED };

/* What both books must have alike. */
enum repartition_count {
    COUNT_accounts, COUNT_merchants, COUNT_bills, COUNT_orders, COUNT_articles, COUNT_due, COUNT_scheduled, COUNT_answers, COUNT_dead,
    COUNT_discarded, COUNT_COUNT
};
enum repartition_sum { SUM_users, SUM_users_held, SUM_merchants, SUM_merchants_held, SUM_world, SUM_fees, SUM_transit, SUM_COUNT };

struct repartition_tally {
    uint64_t count[COUNT_COUNT];
    __int128 sum[SUM_COUNT][REPARTITION_CURRENCIES_MAX];
};

struct repartition_rows; /* repartition_ledger.c */

struct repartition {
    struct cli *cli;
    struct connection from; /* the old book: pages */
    struct connection side; /* the old book: questions, also while pages are under way */
    struct connection to;   /* the new book: everything written */
    struct connection mine; /* to the old book: that it is there says that this run is at it */
    bool in_place;
    unsigned partitions;    /* P2 */
    enum repartition_state state;
    uint64_t *applied_bill;          /* per old partition: meta.bill, and */
    char (*applied)[ENTRY_TEXT_MAX + 1]; /* meta.applied, when it was looked at */
    bool looked;            /* those are known */
    uint64_t carried_bill;  /* the highest bill number of the old book: the new one goes on behind it, in every partition */
    struct entry_id carried; /* no ID of the old book is above it, and none of the new one at or below */
    unsigned long lowered_day, lowered_days; /* meta.lowered; 0: none has it */
    uint64_t bills_keep;    /* days for which bills are kept, at most */
    uint64_t created_ms;
    bool bulk;              /* what {B}:book says beside */
    char currency[REPARTITION_CURRENCIES_MAX][4];
    unsigned currency_count;
    struct digest_names names;
    struct repartition_rows *rows;
    struct merged merged;
    struct repartition_tally before, after;
    uint64_t answers;       /* in all entries that are counted as COUNT_answers */
    uint64_t repeated;      /* bills of the book's own that several partitions had under one name */
    struct progress progress;
    int code;               /* the first failure of what was sent to `to` */
    char owner[REPARTITION_OWNER_SIZE]; /* what {B}:book calls this run; "": it has not taken it */
    bool lost;              /* another run has taken it over */
};

/* --- between the parts --- */

/* "{B:p}:WORD" and NAME as the next argument. */
void repartition_key(struct connection *c, unsigned partition, const char *word, const char *name);
unsigned repartition_currency(struct repartition *r, const char *currency, size_t size);
/* Queues to->command; replies are read now and then, by repartition_drain at last. CLI_OK or the first failure. */
int repartition_send(struct repartition *r) __attribute__((warn_unused_result));
int repartition_drain(struct repartition *r) __attribute__((warn_unused_result));
/* Where it belongs in the new book: what is of an account, with the account; what is of the book, where its old partition goes. */
unsigned repartition_target(const struct repartition *r, unsigned partition, const char *account, size_t size);

/* repartition_lock.c: one run at a time. `hold` before each step that another run must not be doing too: CLI_USAGE, and said, when it was
 * taken over. `info`: a line of INFO, "" when it is not there. */
int repartition_lock(struct repartition *r) __attribute__((warn_unused_result));
int repartition_hold(struct repartition *r) __attribute__((warn_unused_result));
void repartition_unlock(struct repartition *r);
int repartition_info(struct connection *c, const char *name, char out[64]) __attribute__((warn_unused_result));

/* repartition_journal.c: what {B}:book says. */
int repartition_read(struct repartition *r) __attribute__((warn_unused_result));
int repartition_mark(struct repartition *r, enum repartition_state state) __attribute__((warn_unused_result));
int repartition_unmark(struct repartition *r) __attribute__((warn_unused_result)); /* the old book is as it was */
/* Closes every partition, or opens them again. */
int repartition_close(struct repartition *r) __attribute__((warn_unused_result));
int repartition_reopen(struct repartition *r) __attribute__((warn_unused_result));

/* repartition_look.c: is the book at rest? CLI_FOUND: it is not, said. */
int repartition_workers(struct repartition *r) __attribute__((warn_unused_result));
int repartition_look(struct repartition *r) __attribute__((warn_unused_result));
/* When all is closed: sets `carried`. */
int repartition_bound(struct repartition *r) __attribute__((warn_unused_result));
int repartition_list(struct repartition *r) __attribute__((warn_unused_result)); /* the keys, of which each must be a known one */

/* repartition_account.c, _ledger.c, _bill.c, _due.c, _stream.c: one part each of what is carried over. */
int repartition_accounts(struct repartition *r) __attribute__((warn_unused_result));
int repartition_bills(struct repartition *r) __attribute__((warn_unused_result));
int repartition_due(struct repartition *r) __attribute__((warn_unused_result));
int repartition_shop(struct repartition *r) __attribute__((warn_unused_result));
int repartition_streams(struct repartition *r) __attribute__((warn_unused_result));
int repartition_meta(struct repartition *r) __attribute__((warn_unused_result));

/* A row of an account as it is carried over; system accounts make what they stand for even in the end. */
void repartition_rows_begin(struct repartition *r);
void repartition_rows_clear(struct repartition *r);
struct carried_account {
    const char *name;
    unsigned currency;
    int64_t balance, held;
    uint64_t seq;
};
int repartition_row(struct repartition *r, unsigned partition, const struct carried_account *account) __attribute__((warn_unused_result));
/* What is left, and the @world accounts. */
int repartition_rows_finish(struct repartition *r) __attribute__((warn_unused_result));
uint64_t repartition_rows_bill(const struct repartition *r, unsigned partition); /* the last number */

/* repartition_prove.c, repartition_swap.c */
int repartition_prove(struct repartition *r) __attribute__((warn_unused_result));
int repartition_audit(struct repartition *r, struct connection *c, const char *which) __attribute__((warn_unused_result));
int repartition_clear_new(struct repartition *r) __attribute__((warn_unused_result));
int repartition_swap(struct repartition *r) __attribute__((warn_unused_result));

#endif
