/* The audit: reads a whole book and checks that money is conserved, the chain holds, and nobody is charged twice.
 *
 *     each partition, in this order, so that it can be done while workers go on applying:
 *       1 meta.bill       2 names of all keys     3 ledger rows       4 responses (those before 1)   5 bill records
 *       6 accounts, meta  7 the ledger's new tail, until it has what 6 saw          8 what is left over: compared
 *
 * Whatever a later step may see earlier than an earlier one is waited for in 7, or left out by what 1 knew. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "producer/cli/connect.h"
#include "producer/cli/progress.h"
#include "schema/entry.h"

enum { AUDIT_SHOWN_MAX = 20, AUDIT_TEXT_MAX = 512, AUDIT_CURRENCIES_MAX = 200 };

struct audit_finding {
    unsigned partition;
    char text[AUDIT_TEXT_MAX];
};

/* What one SCAN found of a partition: names, each with NUL, behind a letter: a(ccount), b(ills of a day), r(esponses of a source). */
struct audit_names {
    char *text;
    size_t size, capacity;
};

struct audit_account; /* audit_account.c */
struct audit_slot;    /* audit_bill.c */

/* The partition at hand. */
struct audit_part {
    unsigned partition;
    uint64_t bill_before; /* meta.bill when the audit began */
    uint64_t bill_last;   /* of the ledger so far */
    struct entry_id ledger_last;
    struct audit_account *accounts; /* by name */
    uint64_t account_count;
    struct audit_slot *slots; /* by identity */
    uint64_t slot_count, slot_used;
    __int128 bill_sum[AUDIT_CURRENCIES_MAX];           /* of the bill at hand */
    unsigned char bill_currency[AUDIT_CURRENCIES_MAX]; /* those in it */
    unsigned bill_currency_count;
    bool bill_open;
    uint32_t applied_day; /* of meta.applied, when the audit began */
};

struct audit {
    struct connection *c;
    struct connection side; /* for a question while pages are under way; shares everything but the connection */
    struct progress progress;
    unsigned first, last;      /* partitions */
    struct audit_names *names; /* of each partition of the book */
    uint64_t *bill_before;
    uint32_t *applied_day;
    char bound[ENTRY_TEXT_MAX + 1]; /* responses after it are newer than the names */
    char currency[AUDIT_CURRENCIES_MAX][4];
    unsigned currency_count;
    uint8_t hash_key[16];
    struct audit_part part;
    struct audit_finding finding[AUDIT_SHOWN_MAX];
    uint64_t found; /* also those not kept */
    uint64_t rows, bills, accounts, records, answers, undelivered, pending, unanswered, dead, lost;
};

/* Runs over partitions first..last. CLI_OK: done, whatever was found; else the exit code, said. audit_close in any case. */
int audit_run(struct audit *a, struct connection *c, unsigned first, unsigned last) __attribute__((warn_unused_result));
void audit_close(struct audit *a);

/* --- between the parts of the audit --- */

void audit_find(struct audit *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A small number for a currency. */
unsigned audit_currency(struct audit *a, const char *currency);

int audit_scan(struct audit *a) __attribute__((warn_unused_result));
/* The next name of this letter, from `at` (NULL: the first); NULL behind the last. */
char *audit_name_next(const struct audit_names *names, char letter, const char *at);
bool audit_has_day(const struct audit *a, uint32_t day);

/* Rows from part.ledger_last to the end; audit_ledger_finish closes the last bill. */
int audit_ledger(struct audit *a) __attribute__((warn_unused_result));
void audit_ledger_finish(struct audit *a);

struct ledger_row;
/* Loads kind and currency of all accounts named; checks one row; compares hashes with the last rows; says what never came; sums up. */
int audit_account_load(struct audit *a) __attribute__((warn_unused_result));
struct audit_account *audit_account_of(struct audit *a, const char *name, int *code);
unsigned audit_account_currency(const struct audit_account *account);
void audit_account_row(struct audit *a, struct audit_account *account, const struct ledger_row *row);
int audit_account_compare(struct audit *a) __attribute__((warn_unused_result));
void audit_account_finish(struct audit *a);
void audit_account_clear(struct audit *a);

void audit_bill_row(struct audit *a, const struct ledger_row *row, uint64_t bill);
void audit_bill_answer(struct audit *a, const char *identity, size_t size, int code, uint64_t at_ms);
int audit_bill_records(struct audit *a) __attribute__((warn_unused_result));
/* Says what does not match; *unrecorded counts answers without a record, which only the responses can name. */
void audit_bill_finish(struct audit *a, uint64_t *unrecorded);
bool audit_bill_is_unrecorded(const struct audit *a, const char *identity, size_t size);
void audit_bill_clear(struct audit *a);
/* "p-n" of the partition at hand; false, and found, when it is not. */
bool audit_bill_number(struct audit *a, const char *text, uint64_t *number);

/* Takes the answers in; with `name`, says those that audit_bill_finish counted. */
int audit_responses(struct audit *a, bool name) __attribute__((warn_unused_result));

#endif
