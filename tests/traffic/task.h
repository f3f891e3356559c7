/* What a row of the bench sends, and what must come of each: tasks over a cast of accounts with plenty of money, planned in the order they
 * are sent. All of them succeed, so a model of the book in two plain arrays tells every answer before it comes. */
#ifndef TESTS_TRAFFIC_TASK_H
#define TESTS_TRAFFIC_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/till.h"

enum task_what {
    TASK_OPEN_MERCHANT,
    TASK_OPEN,
    TASK_TOPUP,
    TASK_PAY,
    TASK_SIGNED_PAY, /* by an account with a credential */
    TASK_HOLD,
    TASK_BRIEF_HOLD, /* lapses at the list's lapse_at_ms */
    TASK_CAPTURE,
    TASK_TRANSFER,   /* into another partition */
    TASK_GROUP,      /* of TILL_STEPS_MAX payments */
    TASK_REFUND,
    TASK_LATER,      /* a payment put off to tomorrow, which is taken back before */
    TASK_UNSCHEDULE,
    TASK_INQUIRE,
    TASK_PRICE,      /* of article `article` of a merchant's; its stock */
    TASK_STOCK,
    TASK_ORDER,      /* of TASK_LINES articles, the first of them `article` */
    TASK_PAY_ORDER,  /* by an account in the order's partition */
    TASK_PAY_ORDER_AWAY, /* by one in another */
    TASK_SETTLE,     /* last month of the shard in partition `article` of a merchant that past.lua made */
};

enum { TASK_NONE = UINT32_MAX, TASK_MERCHANTS = 10, TASK_PREFIX_MAX = 16, TASK_ARTICLES = 40, TASK_LINES = 3 };
enum { TASK_PAST_MINOR = 1000, TASK_PAST_FEE = 100 /* basis points */ }; /* what past.lua paid each shard */

struct task {
    enum task_what what;
    uint32_t account, to;   /* of the cast; `to`: a merchant, of a transfer an account. TASK_SETTLE: the number of the merchant */
    uint32_t article;
    uint32_t of;            /* the task referred to, or TASK_NONE */
    int64_t amount_minor;   /* of a group: of its first step */
    uint64_t at_ms;
    bool answered;
    /* the answer it must have */
    int code;
    bool balance_known;     /* not of transfers: others come in meanwhile */
    bool held_known;        /* not while holds lapse */
    int64_t moved_minor, balance_minor, held_minor;
};

/* Who pays whom. TASK_HOT_PAYER: one account makes half of all payments; TASK_HOT_MERCHANT: one gets all; TASK_ZIPF: the account of rank k
 * pays 1/k as often as the first. */
enum task_skew { TASK_EVEN, TASK_HOT_PAYER, TASK_HOT_MERCHANT, TASK_ZIPF };

struct task_list {
    struct task *tasks;
    uint32_t count, room;
    const char *prefix;     /* the source, and the beginning of every name: up to TASK_PREFIX_MAX of a-z */
    struct till *till;      /* tells where accounts lie */
    uint32_t accounts;      /* that pay; as many more, with a credential, when `with_signed` */
    bool with_signed;
    uint64_t random;
    uint64_t lapse_at_ms;   /* since the epoch */
    enum task_skew skew;    /* of what is planned next */
    bool lapsing;           /* nobody knows what is held */
    int64_t *balance_minor, *held_minor; /* the model: of accounts, then merchants */
};

void task_list_init(struct task_list *list, const char *prefix, struct till *till, uint32_t accounts, bool with_signed);
void task_list_clear(struct task_list *list);
uint32_t task_list_cast(const struct task_list *list); /* accounts of both kinds */

/* Plans one more. `of` is the task referred to (capture, refund, unschedule) or TASK_NONE; `account` is for what opens accounts and looks
 * at them, the others choose. */
void task_add(struct task_list *list, enum task_what what, uint32_t account, uint32_t of);

/* Plans what needs a number of an article or a partition beside the account: TASK_PRICE, TASK_STOCK, TASK_SETTLE. */
void task_add_article(struct task_list *list, enum task_what what, uint32_t account, uint32_t article);

/* The library's form of a task; texts and what else it points to are in `texts`. */
struct task_texts {
    char key[TILL_KEY_SIZE], of[TILL_KEY_SIZE], account[TILL_ACCOUNT_SIZE], to[TILL_ACCOUNT_SIZE];
    uint8_t credential[TILL_CREDENTIAL_SIZE];
    char merchants[TASK_MERCHANTS][TILL_ACCOUNT_SIZE];
    struct till_step steps[TILL_STEPS_MAX];
    char skus[TASK_LINES][TILL_NAME_SIZE], order[TILL_NAME_SIZE], month[8];
    struct till_line lines[TASK_LINES];
    struct till_goods goods;
    struct till_settle settle;
};
void task_intent(const struct task_list *list, uint32_t n, struct task_texts *texts, struct till_intent *intent);

/* How many answers it has by itself. A payment that was put off has its one when it is taken back. */
unsigned task_answers(enum task_what what);
/* Takes an answer: NULL when it is the one that had to come, else what is wrong, in `text`. */
const char *task_check(struct task_list *list, const struct till_answer *answer, char *text, size_t size);

/* Names and expected balances of the cast and the merchants: place 0 .. cast + TASK_MERCHANTS - 1. */
void task_name(const struct task_list *list, uint32_t place, char out[TILL_ACCOUNT_SIZE]);
/* A merchant of past.lua's. */
void task_past_name(uint32_t number, char out[TILL_ACCOUNT_SIZE]);
/* The key of a task, as `till_bill` wants it. */
void task_key(const struct task_list *list, uint32_t n, char out[TILL_KEY_SIZE]);

#endif
