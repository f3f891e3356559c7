/* The checker: reads a whole book and says what is wrong with it: one effect, one answer, money conserved, chains and bill numbers without
 * gaps, order per account (invariants 1, 2, 4, 5, 6 of the design); no article sold twice, no order paid twice, every month counted as the
 * ledger has it and settled once. What was sent is what lies in the intents streams. Everything must
 * have come to rest: nothing pending, nothing in flight. It knows nothing of bill records, as `till audit` does: the one is a check of the
 * other. */
#ifndef TESTS_FLOW_CHECK_H
#define TESTS_FLOW_CHECK_H

#include <stdio.h>
#include <uthash.h>

#include "schema/entry.h"
#include "schema/ledger.h"
#include "tests/flow/flow.h"

/* What it found in the book, for what a test expects beyond soundness. */
struct check_totals {
    uint64_t entries;    /* of producers, readable */
    uint64_t unreadable; /* of producers; they must lie in the dead stream */
    uint64_t follow_ups;
    uint64_t answers, replays, bills, dead;
    uint64_t by_code[32];
};

/* "", or what is wrong, a line each (the first ones). Valid until the next call. */
const char *check_book(struct flow *flow, struct check_totals *totals);
/* The same, and asserts that all that was acknowledged is there, answered, and settled, with `dead` entries dead beside the unreadable. */
void check_settled(struct flow *flow, const char *name, uint64_t dead);
/* The exit code of `till audit`, or of `till repair`. What it said is shown unless it is `expected`. */
int check_repair(struct flow *flow, int expected);
int check_audit(struct flow *flow, int expected);
/* Both: settled, and `till audit` finds nothing. */
void check_sound(struct flow *flow, const char *name, uint64_t dead);

/* --- between the parts of the checker --- */

struct check_order;
struct check_article;
struct check_settlement;

/* What the payment of an order that lies elsewhere did: it reserves, and then takes the money or gives it back. */
struct check_road {
    bool away;
    unsigned reserves, settled, bounces; /* rows */
};

struct check_identity {
    char text[INTENT_IDENTITY_MAX + 1];
    bool shared;   /* it came in a bulk entry */
    enum op op; /* as it was sent */
    uint64_t sent, answers;
    char bill[33];               /* of its one effect */
    struct entry_id bill_entry;
    int64_t bill_minor;
    int code;                    /* of the answer with that bill */
    unsigned bill_rows;
    bool put_off;                /* may be decided later than what came after it */
    struct check_identity *group; /* a step's; it is not answered */
    uint64_t last_step;          /* a group's: number of the last step's bill */
    int64_t steps_minor;         /* a group's: moved by the steps that were seen */
    struct check_identity *of;   /* the hold that it captures or releases */
    struct check_road road;
    struct check_order *order;   /* that it makes, cancels or pays; NULL: it has to do with none */
    struct check_article *article; /* that it stocks */
    int64_t quantity;
    bool keeps;                  /* a capture that is not final */
    int64_t left_minor;          /* of a hold: still held */
    unsigned expiries;
    UT_hash_handle hh;
};

/* A transfer between partitions, from both ends. */
struct check_transfer {
    char text[sizeof((struct ledger_row *)0)->identity];
    unsigned from, arrived_in; /* partitions */
    int64_t out_minor, in_minor, back_minor;
    unsigned arrivals, returns;
    int code; /* as it was answered; -1: it was not */
    UT_hash_handle hh;
};

enum { CHECK_MONTHS_MAX = 6 };

/* What an account did in a month, by its rows: as the accumulators of a merchant's shard must have it. */
struct check_month {
    char text[8];
    int64_t gross_minor, refunds_minor, other_minor;
};

/* One intent of an entry; of a bulk entry there is one for each that is no copy of another in it. */
struct check_entry {
    char name[ENTRY_TEXT_MAX + INTENT_IDENTITY_MAX + 2]; /* "ID IDENTITY" */
    char text[ENTRY_TEXT_MAX + 1];
    unsigned copies;
    struct check_identity *identity;
    enum op op;
    enum kind kind;
    bool may_wait; /* its answer may come after those of later entries */
    char *answer; /* the fields of its answer but `replayed`; NULL: none yet */
    UT_hash_handle hh;
};

struct check_chain {
    char account[70];
    uint64_t seq;
    int64_t balance_minor, held_minor;
    bool exists;
    struct check_month months[CHECK_MONTHS_MAX];
    unsigned month_count;
    int64_t swept_minor;      /* moved by settlement */
    struct entry_id answered; /* the last entry that was answered on the stream at hand */
    UT_hash_handle hh;
};

struct check {
    struct flow *flow;
    struct check_totals *totals;
    FILE *out;
    unsigned faults;
    /* the partition at hand */
    unsigned partition;
    struct check_identity *identities;
    struct check_entry *entries;
    struct check_chain *chains;
    char (*merchants)[INTENT_ACCOUNT_MAX + 1]; /* opened; of the whole book */
    unsigned merchant_count;
    struct check_transfer *transfers; /* likewise, and the three below */
    struct check_order *orders;
    struct check_article *articles;
    struct check_settlement *settlements;
    int64_t swept_minor; /* by settlement, of all merchants: the fees */
};

void check_fault(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct check_chain *check_chain_of(struct check *check, const char *account);
/* Calls `visit` for each entry of a stream with its ID and its fields. */
typedef void check_visitor(struct check *check, const char *id, struct reply fields);
void check_stream(struct check *check, const char *key, check_visitor *visit);
/* Calls `visit` for each key {B:p}:WORD:NAME of the partition; for some twice. */
typedef void check_key_visitor(struct check *check, const char *key, const char *name);
void check_each_key(struct check *check, const char *word, check_key_visitor *visit);
/* The value of a field; "" when there is none. */
const char *check_field(struct reply fields, const char *name, size_t *size);
/* n of "p-n", 0 of anything else. */
uint64_t check_bill_number(const char *bill);

void check_intents(struct check *check);   /* check_answers.c */
void check_responses(struct check *check);
void check_ledger(struct check *check);    /* check_ledger.c */
void check_accounts(struct check *check);
/* One row of the ledger, by what its operation is; its bill, chain and sum are checked. `identity` is NULL when it was sent elsewhere. */
void check_effect(struct check *check, const struct ledger_row *row, struct check_identity *identity); /* check_effect.c */
void check_effects(struct check *check); /* the partition's identities, at the end of its ledger */
void check_transfers(struct check *check); /* of the whole book */
/* Notes what an intent has to do with orders and articles; what the answer to it says of them. */
void check_shop_intent(struct check *check, struct check_identity *identity, const struct intent *intent); /* check_shop.c */
void check_shop_answer(struct check *check, const struct check_identity *identity, int code);
void check_shop(struct check *check);  /* articles and orders of the partition */
void check_shops(struct check *check); /* of the whole book */
/* A row of the payment of an order that lies elsewhere; all of its rows. */
void check_road(struct check *check, const struct ledger_row *row, struct check_identity *identity); /* check_road.c */
void check_road_end(struct check *check, const struct check_identity *identity);
void check_month_row(struct check *check, struct check_chain *chain, const struct ledger_row *row); /* check_month.c */
void check_months(struct check *check, struct check_chain *chain, const char *key); /* of an account, against its rows */
void check_settlements(struct check *check); /* of the whole book */

#endif
