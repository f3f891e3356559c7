/* What the checkouts send: every intent of the run, from a seed, and what became of it.
 *
 * One array holds it all: merchants are opened, accounts opened and topped up, each merchant's article gets a price and stock, then comes
 * the day. An intent is known by its place in the
 * array, which is also in its key, so that an answer leads back to it. */
#ifndef PRODUCER_TRAFFIC_PLAN_H
#define PRODUCER_TRAFFIC_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer/till.h"

enum shot_kind {
    SHOT_OPEN_MERCHANT,
    SHOT_OPEN,
    SHOT_TOPUP,
    SHOT_PAY,
    SHOT_POOR,   /* a payment above what anybody has */
    SHOT_REFUND, /* of a payment that was seen to be paid */
    SHOT_RETRY,  /* the same intent once more: same key, same at, same everything */
    SHOT_REUSE,  /* malformed: a key used before, for another amount */
    SHOT_STALE,  /* malformed: created more than 23 h ago */
    SHOT_FUTURE, /* malformed: created ten minutes from now */
    SHOT_PRICE,  /* of a merchant's one article */
    SHOT_STOCK,
    SHOT_ORDER,  /* of some of it, for a buyer of its own; not all can have what they want */
    SHOT_PAY_ORDER, /* of one that was seen to be made */
    SHOT_COUNT
};

enum { PLAN_NONE = UINT32_MAX, PLAN_REFUND_ALL = 0, PLAN_PRICE_MINOR = 1999 };

/* Parts of a thousand; the rest are payments. */
struct mix {
    unsigned retries, poor, malformed, refunds, orders; /* orders: as many again are payments of them */
};

struct shot {
    /* the plan */
    enum shot_kind kind;
    uint32_t account, merchant; /* account: an order's buyer, whose account is behind all others and does nothing else */
    uint32_t quantity;       /* stock, order */
    uint32_t of;             /* retry, reuse, refund: the payment meant; an order's payment: the order */
    _Atomic uint32_t repeat; /* a payment: the retry or reuse of it that was sent, or PLAN_NONE */
    bool refunded;           /* a payment: a refund of it was sent; an order: a payment of it */
    int64_t amount_minor;    /* refund: PLAN_REFUND_ALL for all of it */
    uint64_t at_ms;
    /* sending: the sender's, until it has ended */
    int64_t due_ns;          /* when it was to be sent, on our clock */
    bool sent;
    unsigned partition;
    uint64_t entry_ms, entry_seq;
    /* the answer: the reader's, until `answered` is set */
    atomic_bool answered;
    int64_t answered_ns;
    int code;
    bool replayed;
    int64_t answer_amount_minor, balance_minor;
    uint64_t answer_entry_ms, answer_entry_seq;
    uint64_t digest;         /* over all of the answer but `replayed` */
};

struct plan {
    struct shot *shots;
    uint32_t setup, count;   /* how many open the book; how many there are in all */
    uint32_t accounts, merchants;
    uint32_t buyers, buyers_used; /* as many as there can be orders */
    uint32_t *orders;             /* where those made so far are: one for each buyer used */
    struct mix mix;
    uint64_t random;
    char run[9];             /* part of every key */
};

/* Makes room, and plans the setup: intents 0 .. setup - 1. `day` more are planned one by one. */
void plan_init(struct plan *plan, uint32_t accounts, uint32_t merchants, uint32_t day, struct mix mix, uint64_t seed);
void plan_clear(struct plan *plan);
/* Plans intent n of the day (setup <= n < count), which may refer to those before it. */
void plan_next(struct plan *plan, uint32_t n);

struct plan_texts {
    char key[TILL_KEY_SIZE], of[TILL_KEY_SIZE], account[TILL_ACCOUNT_SIZE], to[TILL_ACCOUNT_SIZE], order[TILL_NAME_SIZE];
    struct till_line line;
    struct till_goods goods;
};
/* The library's form of it; texts are in `texts`. */
void plan_intent(const struct plan *plan, uint32_t n, struct plan_texts *texts, struct till_intent *intent);
/* The place of the intent with this key, or PLAN_NONE. */
uint32_t plan_place(const struct plan *plan, const char *key);
void plan_account_name(uint32_t account, char out[TILL_ACCOUNT_SIZE]);
void plan_merchant_name(uint32_t merchant, char out[TILL_ACCOUNT_SIZE]);
#define PLAN_SKU "article"
#define PLAN_SOURCE "shop"
#define PLAN_CURRENCY "CNY"

#endif
