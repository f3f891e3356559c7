/* What the audit knows of one transfer between partitions, from both of its ends; and of one payment of an order that lies in another
 * partition, which is held (out), settled (in) or bounced (back), all in the payer's. */
#ifndef CLI_AUDIT_TRANSFER_H
#define CLI_AUDIT_TRANSFER_H

#include "producer/cli/audit.h"

enum { HAS_OUT = 1, HAS_IN = 2, HAS_BACK = 4, HAS_RECORD = 8 };

struct transfer {
    uint64_t hash;
    char *identity, *to; /* to: where it arrived, NULL when that was not seen; both NULL once it is closed */
    int64_t out_minor, in_minor, back_minor; /* as @transit saw it */
    uint64_t out_ms, in_ms;
    uint32_t day;                   /* of its record */
    unsigned sender;                /* partition, by its identity */
    unsigned receiver, arrived_in;  /* by its record; by the row */
    unsigned char currency, in_currency;
    int8_t code; /* of its record */
    bool order;  /* a payment of an order */
    uint32_t out_bill, in_bill, bill; /* of a payment: numbers of its rows, and what its record says */
    uint8_t has;
    bool closed;    /* both ends are seen, and agree */
    bool late;      /* what ended it came after its record was read */
    bool waits;     /* is on its way, or what became of it is */
};

struct audit_transfers {
    struct transfer *list;
    size_t count, capacity;
    uint32_t *slots; /* place in the list + 1, by hash */
    uint64_t slot_count;
    uint64_t again; /* rows that tell of what was told before: money came, left or returned twice */
};

/* NULL when nothing was seen of it. */
struct transfer *audit_transfer_known(struct audit *a, const char *identity);
void audit_transfer_take_payment(struct audit *a, struct transfer *t, const struct ledger_row *row);
void audit_transfer_take(struct audit *a, struct transfer *t, const struct ledger_row *row);
/* The rows that a partition's ledger has got since it was read last, of transfers that are not closed. */
int audit_transfer_tail(struct audit *a, unsigned partition) __attribute__((warn_unused_result));
void audit_transfer_note(struct audit *a, struct transfer *t, const struct bill *bill);

#endif
