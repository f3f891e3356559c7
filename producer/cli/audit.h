/* The audit: reads a whole book and checks that money is conserved, the chain holds, and nobody is charged twice.
 *
 *     each partition, in this order, so that it can be done while workers go on applying:
 *       1 meta.bill       2 names of all keys     3 ledger rows       4 responses (those before 1)   5 bill records
 *       6 accounts, meta  7 the ledger's new tail, until it has what 6 saw          8 what is left over: compared
 *     then, over all of them, the transfers: audit_transfer.c
 *
 * Whatever a later step may see earlier than an earlier one is waited for in 7, or left out by what 1 knew. Where that does not do, the
 * two things that do not fit are read once more, in an order in which a sound book cannot show it again. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "producer/cli/connect.h"
#include "producer/cli/progress.h"
#include "schema/bill.h"
#include "schema/entry.h"
#include "schema/response.h"

enum { AUDIT_SHOWN_MAX = 20, AUDIT_TEXT_MAX = 640, AUDIT_CURRENCIES_MAX = 200, AUDIT_AT_ONCE = 500, AUDIT_KEEP_DAYS = 180 };

struct audit_finding {
    unsigned partition;
    char text[AUDIT_TEXT_MAX];
};

/* What one SCAN found of a partition: names, each with NUL, behind a letter: a(ccount), b(ills of a day), r(esponses of a source). */
struct audit_names {
    char *text;
    size_t size, capacity;
};

struct audit_account;   /* audit_account.c */
struct audit_slot;      /* audit_bill.c */
struct audit_bookings;  /* audit_booking.c */
struct audit_holds;     /* audit_hold.c */
struct audit_due;       /* audit_due.c */
struct audit_entries;   /* audit_entry.c */
struct audit_transfers; /* audit_transfer.c */
struct audit_orders;    /* audit_order.c */
struct audit_earning;   /* audit_earning.c */
struct audit_sweeps;    /* audit_settle.c */
struct audit_shards;    /* audit_shard.c */
struct audit_follow;    /* audit_follow.c */
struct ledger_row;

/* The rows of the bill at hand. */
struct audit_rows {
    bool open;
    unsigned count, hold_count; /* hold_count: of rows that change `held` */
    int64_t moved_minor;        /* what came to somebody */
    int64_t hold_minor;         /* sum of the changes of `held` */
    bool transit, fees;         /* one is of @transit, of @fees */
    char op[33], identity[360];
    __int128 sum[AUDIT_CURRENCIES_MAX];
    unsigned char currency[AUDIT_CURRENCIES_MAX]; /* those in it */
    unsigned currency_count;
};

/* The partition at hand. */
struct audit_part {
    unsigned partition;
    uint64_t bill_before; /* meta.bill when the audit began */
    uint64_t bill_last;   /* of the ledger so far */
    unsigned bases;       /* how often the ledger begins in the middle: an account's first row then is believed */
    struct entry_id ledger_last;
    bool in_tail;                   /* the records have been read: rows come from the ledger's new tail */
    struct audit_account *accounts; /* by name */
    uint64_t account_count;
    struct audit_slot *slots; /* by identity */
    uint64_t slot_count, slot_used;
    struct audit_rows rows;
    bool begun; /* the ledger has other rows than those carried over */
    struct audit_bookings *bookings;
    struct audit_holds *holds;
    struct audit_due *due;
    struct audit_entries *entries;
    uint32_t *days; /* of which there are bills */
    size_t day_count, day_capacity;
    uint32_t applied_day; /* of meta.applied, when the audit began */
    bool keep_changed;    /* the book's policy says for how long bills are kept */
};

struct audit_beginning {
    uint64_t bill;
    uint64_t cut_bill; /* those up to it were trimmed off the ledger; 0: none */
    uint32_t applied_day;
    bool keep_changed;
    struct entry_id ledger_last; /* how far its ledger was read */
    uint64_t carried_bill;   /* of a book that was repartitioned: numbers up to it, and entries up to that ID, are of the book before, */
    struct entry_id carried; /* from whatever partition of it; 0-0: it never was */
};

struct audit {
    struct connection *c;
    struct connection side; /* for a question while pages are under way; shares everything but the connection */
    struct progress progress;
    unsigned first, last;      /* partitions */
    struct audit_names *names; /* of each partition of the book */
    struct audit_beginning *begin; /* of each partition of the book */
    char bound[ENTRY_TEXT_MAX + 1]; /* responses after it are newer than the names */
    char currency[AUDIT_CURRENCIES_MAX][4];
    unsigned currency_count;
    uint8_t hash_key[16];
    struct audit_part part;
    struct audit_transfers *transfers;
    struct audit_orders *shop;
    struct audit_sweeps *sweeps;
    struct audit_shards *shards;
    struct audit_follow *follow; /* NULL: nothing is done beyond the full audit */
    void (*tell)(const struct audit *a, const struct audit_finding *finding); /* hears of each at once; NULL: they are kept */
    struct audit_finding finding[AUDIT_SHOWN_MAX];
    uint64_t found; /* also those not kept */
    uint64_t rows, bills, accounts, records, answers, undelivered, pending, unanswered, dead, lost, paused;
    uint64_t trimmed_bills;                /* off the ledgers: believed */
    uint64_t holds, scheduled;             /* open; waiting for their time */
    uint64_t in_flight, settling;          /* transfers: on their way; arrived, which the sender's side does not know yet */
    uint64_t orders; /* created: neither paid nor over */
    uint64_t paying;                       /* payments of orders elsewhere: held, and neither settled nor given back */
    uint64_t sweeping;                     /* settled months on their way home */
    uint64_t in_flight_since_ms;           /* the oldest of them; 0: none */
    __int128 held[AUDIT_CURRENCIES_MAX];   /* of all accounts */
    __int128 flying[AUDIT_CURRENCIES_MAX]; /* in @transit of all partitions */
};

/* For partitions first..last; audit_close in any case. Then runs. CLI_OK: done, whatever was found; else the exit code, said. */
void audit_init(struct audit *a, struct connection *c, unsigned first, unsigned last);
int audit_run(struct audit *a) __attribute__((warn_unused_result));
void audit_close(struct audit *a);

/* --- between the parts of the audit --- */

void audit_find(struct audit *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A small number for a currency. */
unsigned audit_currency(struct audit *a, const char *currency);
/* By the audit's own key; never 0. Two of ten million texts collide once in 400,000 audits. */
uint64_t audit_hash(const struct audit *a, const char *text, size_t size);
/* Makes room for one more item of a growing array. */
void *audit_grow(void *items, size_t count, size_t *capacity, size_t item_size);
/* "{B:p}:REST" of the partition, as the next argument of the connection's command. */
void audit_key(struct connection *c, unsigned partition, const char *rest, const char *name);
/* HGET of a bill record; and its reply: false when there is none, or it is malformed. */
void audit_append_bill(struct connection *c, unsigned partition, uint32_t day, const char *identity);
bool audit_read_bill(struct reply reply, struct bill *bill);
/* Is it an audit of all partitions? */
bool audit_is_whole(const struct audit *a);

/* Is nothing on the partition's stream but what was acknowledged? */
int audit_is_idle(struct audit *a, unsigned partition, bool *idle) __attribute__((warn_unused_result));
/* The workers' group as XINFO GROUPS tells of it: nil when there is no stream, an empty array when there is no group; one field of it. */
int audit_group(struct audit *a, unsigned partition, struct reply *group) __attribute__((warn_unused_result));
struct reply audit_group_field(struct reply group, const char *name);

/* What was carried over from a book with another number of partitions, by meta's field `carried`: "BILL ENTRY". Its ledger begins with rows
 * of op `carry`. */
void audit_carried_note(struct audit_beginning *begin, const char *text);
bool audit_is_carried(const struct audit *a, const char *entry, size_t size); /* is this an entry of that book? */
bool audit_is_carry(const struct ledger_row *row);
void audit_carried_row(struct audit *a, const struct ledger_row *row);

/* What was trimmed off the ledgers, by {B:p}:trimmed: the bills up to a number. What is left must go on from there; what came before it is
 * believed. audit_trim_look: a bill comes after a gap; was the ledger trimmed meanwhile, just up to there? */
int audit_trim_note(struct audit *a) __attribute__((warn_unused_result));
int audit_trim_look(struct audit *a, uint64_t bill) __attribute__((warn_unused_result));
bool audit_is_trimmed(const struct audit *a, unsigned partition);
bool audit_was_trimmed(const struct audit *a, uint64_t bill); /* of the partition at hand */

int audit_scan(struct audit *a) __attribute__((warn_unused_result));
/* The next name of this letter, from `at` (NULL: the first); NULL behind the last. */
const char *audit_name_next(const struct audit_names *names, char letter, const char *at);
/* Bills of a day that `apply` has dropped are not missed. */
bool audit_was_dropped(const struct audit *a, uint32_t day);
/* "YYYYMMDD", as keys_day_text writes it; false for anything else. */
bool audit_parse_day(const char *text, uint32_t *day);

/* Rows from part.ledger_last to the end; audit_ledger_finish closes the last bill. */
int audit_ledger(struct audit *a) __attribute__((warn_unused_result));
void audit_ledger_finish(struct audit *a);
/* The rows of all entries of a partition's ledger after *last, which moves on. */
typedef int audit_row_visitor(struct audit *a, const struct ledger_row *row);
int audit_ledger_rows(struct audit *a, unsigned partition, struct entry_id *last, audit_row_visitor *visit)
    __attribute__((warn_unused_result));
/* Is this the number that comes next? Says which are missing. */
void audit_ledger_number(struct audit *a, uint64_t bill);
/* Takes one row into the bill at hand; says what is wrong with the shape of a bill that is complete. */
void audit_rows_add(struct audit *a, const struct ledger_row *row, unsigned currency);
void audit_rows_close(struct audit *a);

/* Loads kind and currency of all accounts named; checks one row; compares hashes with the last rows; says what never came; sums up. */
int audit_account_load(struct audit *a) __attribute__((warn_unused_result));
struct audit_account *audit_account_of(struct audit *a, const char *name, int *code);
unsigned audit_account_currency(const struct audit_account *account);
const char *audit_account_name(const struct audit_account *account);
void audit_account_row(struct audit *a, struct audit_account *account, const struct ledger_row *row);
int audit_account_compare(struct audit *a) __attribute__((warn_unused_result));
void audit_account_finish(struct audit *a);
/* The next account of a merchant; NULL: the first, NULL behind the last. */
const struct audit_account *audit_account_merchant(const struct audit *a, const struct audit_account *account);
void audit_account_clear(struct audit *a);

/* What a merchant's shard says of its months, against its ledger rows: each row, after audit_rows_add; the account's whole hash; and the
 * two held against each other, when the rows have come as far as the hash. */
struct audit_earning *audit_earning_new(void);
void audit_earning_free(struct audit_earning *e);
void audit_earning_row(struct audit *a, struct audit_earning *e, const struct ledger_row *row);
void audit_earning_read(struct audit *a, struct audit_earning *e, const char *name, struct reply hash);
void audit_earning_check(struct audit *a, const struct audit_earning *e, const char *name);
/* When all rows were seen. */
void audit_earning_finish(struct audit *a, const struct audit_earning *e, const char *name);
/* The set of merchants, against the accounts. */
int audit_merchants(struct audit *a) __attribute__((warn_unused_result));

/* Merchants' shards over all partitions: each merchant's account as it is read, by HGETALL; and at the end. */
void audit_shard_note(struct audit *a, const char *merchant, struct reply hash);
int audit_shard_finish(struct audit *a) __attribute__((warn_unused_result));
void audit_shard_clear(struct audit *a);

/* Settled months on their way to the merchant's home. Notes a merchant who has any; `moved`, of the home's shard: what came there by its
 * rows up to `seq`. */
void audit_settle_note(struct audit *a, const char *merchant, int64_t moved, uint64_t seq);
int audit_settle_finish(struct audit *a) __attribute__((warn_unused_result));
/* The n-th month that had not come home when it was looked at, false behind the last; and has it come by now? */
struct audit_way {
    const char *merchant, *currency; /* borrowed from the audit */
    char month[16];
    unsigned home, partition;
    int64_t gross_minor, refunds_minor;
};
bool audit_settle_way(const struct audit *a, size_t n, struct audit_way *out);
int audit_settle_has_come(struct audit *a, size_t n, bool *come) __attribute__((warn_unused_result));
void audit_settle_clear(struct audit *a);

void audit_bill_row(struct audit *a, const struct ledger_row *row, uint64_t bill);
/* The bill number under which this identity was booked first; 0: it was not. */
uint64_t audit_bill_booked(const struct audit *a, const char *identity);
void audit_bill_answer(struct audit *a, const char *identity, size_t size, int code, uint64_t at_ms);
/* Says what does not match; *unrecorded counts answers without a record, which only the responses can name. */
void audit_bill_finish(struct audit *a, uint64_t *unrecorded);
bool audit_bill_is_unrecorded(const struct audit *a, const char *identity, size_t size);
void audit_bill_clear(struct audit *a);
/* "p-n" of the partition at hand; false, and found, when it is not. */
bool audit_bill_number(struct audit *a, const char *text, uint64_t *number);
/* Takes a record in; false when it was seen before, or says nothing that others could check. */
bool audit_bill_record(struct audit *a, const char *identity, size_t size, const struct bill *bill, uint32_t day, uint64_t *number);

/* Reads all bill records and hands each to those who check it. */
int audit_records(struct audit *a) __attribute__((warn_unused_result));
void audit_records_clear(struct audit *a);

/* NULL, or what does not fit together in a record by itself: state, code, what was captured and refunded. */
const char *audit_state_fault(const struct bill *bill);

/* What a bill moved, by its number; a record says the same, and a group's the sum of its steps'. */
void audit_booking_add(struct audit *a, uint64_t bill);
void audit_booking_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number);
void audit_booking_finish(struct audit *a);
void audit_booking_clear(struct audit *a);

/* What is held: the rows of a hold and of what ended it, against its record. */
void audit_hold_row(struct audit *a, struct audit_account *account, const struct ledger_row *row, uint64_t bill);
void audit_hold_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number);
int audit_hold_finish(struct audit *a) __attribute__((warn_unused_result));
void audit_hold_clear(struct audit *a);

/* What falls due: a record that waits for its time has its member in the due set, and the reverse. */
int audit_due_record(struct audit *a, const char *identity, const struct bill *bill) __attribute__((warn_unused_result));
int audit_due_finish(struct audit *a) __attribute__((warn_unused_result));
void audit_due_clear(struct audit *a);

/* An answer, given or kept: its fields, "" where there is none, borrowed; the code also as a number. */
struct audit_told {
    const char *text[RESPONSE_TOLD_COUNT];
    size_t size[RESPONSE_TOLD_COUNT];
    int code;
};
enum { AUDIT_IDENTITY_SIZE = 900 };
size_t audit_told_identity(const struct audit_told *told, char out[AUDIT_IDENTITY_SIZE]);

/* One answer for each intent. `first_ms` of a source's stream: when its oldest answer was given. */
void audit_entry_source(struct audit *a, const char *source, uint64_t first_ms);
/* False when that intent of the entry was answered before. (Of those carried over several may have one ID.) */
bool audit_entry_answer(struct audit *a, const struct audit_told *told);
void audit_entry_record(struct audit *a, const char *identity, const struct bill *bill);
int audit_entry_finish(struct audit *a) __attribute__((warn_unused_result));
void audit_entry_clear(struct audit *a);

/* Answers that were there when the audit began are taken in; with AUDIT_NAME, those that audit_bill_finish counted are said; with
 * AUDIT_LATER, the entries that were answered since are noted. */
enum audit_pass { AUDIT_TAKE, AUDIT_NAME, AUDIT_LATER };
int audit_responses(struct audit *a, enum audit_pass pass) __attribute__((warn_unused_result));

/* Orders and articles: those that the keyspace has, as they are listed; and the due set's `lapse` members: "ENTRY|IDENTITY ORDER" behind
 * the word, where `rest` is what follows the second bar. False: it is none. */
int audit_order_key(struct audit *a, unsigned partition, bool is_article, const char *name) __attribute__((warn_unused_result));
int audit_order_keys_end(struct audit *a) __attribute__((warn_unused_result));
bool audit_order_due(struct audit *a, const char *entry, size_t entry_size, const char *rest, int *code);
int audit_order_due_end(struct audit *a) __attribute__((warn_unused_result));
void audit_order_clear(struct audit *a);

/* Transfers between partitions, over all of them, and payments of orders that lie in another one. */
void audit_transfer_row(struct audit *a, const struct ledger_row *row);
/* Is this a row of a payment of an order elsewhere: held, settled, bounced? */
bool audit_transfer_is_payment(const struct ledger_row *row);
/* Is this a row of a transfer that comes in from elsewhere? */
bool audit_transfer_is_arrival(const struct ledger_row *row);
/* Is something held for a payment of this identity? */
bool audit_transfer_is_held(struct audit *a, const char *identity);
void audit_transfer_record(struct audit *a, const char *identity, const struct bill *bill, uint64_t number);
int audit_transfer_finish(struct audit *a) __attribute__((warn_unused_result));
void audit_transfer_clear(struct audit *a);

#endif
