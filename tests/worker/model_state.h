/* What the reference model knows, and what its parts say to each other. Only for model*.c. */
#ifndef TESTS_WORKER_MODEL_STATE_H
#define TESTS_WORKER_MODEL_STATE_H

#include "schema/sign.h"
#include "tests/worker/model.h"

enum { MODEL_PARTITIONS_MAX = 8, MODEL_ACCOUNTS_MAX = 1024, MODEL_KEEP_DAYS = 180, MODEL_SPARE_DAYS = 30 };
#define MODEL_CAP INT64_C(9007199254740991)
#define MODEL_DAY_MS UINT64_C(86400000)

struct model_account {
    unsigned partition;
    char name[70], kind[10], currency[4], status[8];
    int64_t balance, held, seq;
    uint64_t opened_ms, changed_ms;
    bool has_credential;
    uint8_t credential[SIGN_KEY_SIZE];
    char lock_token[129];   /* "": not locked */
    uint64_t lock_until_ms; /* 0: until unlocked */
    uint64_t limit_payments, limit_per_ms; /* 0: not limited */
    unsigned __int128 limit_tat; /* GCRA's theoretical arrival time, in parts of a millisecond: limit_payments of them */
    int month;                      /* of a merchant's shard: the month it earns in, 12 * year + month - 1; 0: none yet */
    int64_t gross, refunds, other;  /* of that month */
};

/* A month of a shard that is over. */
struct model_month {
    unsigned partition;
    char account[70];
    int month;
    int64_t gross, refunds, other;
    bool settled;
};

/* What a month of a merchant costs, at its home. */
struct model_fee {
    char account[70];
    int month;
    int64_t basis_points, gross, fee;
    unsigned partitions[8], partition_count; /* whose part has come, in that order */
};

struct model_article {
    char merchant[65], sku[65];
    bool has_price, has_stock;
    int64_t price, stock;
    uint64_t changed_ms;
};

struct model_order {
    char merchant[65], order[65], state[12], currency[4], to[65];
    int64_t amount, prices[INTENT_LINES_MAX];
    struct intent_line lines[INTENT_LINES_MAX];
    unsigned line_count;
    struct entry_id id;
    char identity[INTENT_IDENTITY_MAX + 1], payer[INTENT_IDENTITY_MAX + 1];
    uint64_t deadline_ms, opened_ms, changed_ms; /* deadline 0: none was asked for */
};

struct model_bill {
    unsigned partition;
    uint64_t day;
    char account[65], source[33], key[INTENT_FOLLOW_UP_KEY_MAX + 1], fingerprint[INTENT_FINGERPRINT_SIZE + 1];
    enum op op;
    struct entry_id id;
    int code;
    char number[24], amount[24], currency[4], balance[24], held[24], to[70], state[12], detail[40];
    int64_t moved, captured, refunded;
    uint64_t deadline_ms; /* of a hold, 0: never */
};

struct model_line {
    unsigned partition;
    char source[33];
    bool prompt;
    char *text;
};

/* A hold or an order that lapses, or an intent that waits for its time; under the entry and the identity of its bill. */
struct model_due {
    unsigned partition;
    uint64_t at_ms;
    enum op op; /* of the follow-up: OP_expire, OP_due, OP_lapse */
    struct entry_id id;
    char identity[INTENT_IDENTITY_MAX + 1], order[65];
    char *bytes; /* of the intent that waits */
    size_t size;
};

/* A payment that a later one may look like. */
struct model_recent {
    unsigned partition;
    char account[70], to[70];
    int64_t amount;
    uint64_t ms;
};

struct model_shard {
    struct entry_id applied, from[MODEL_PARTITIONS_MAX];
    uint64_t bill;
    bool has_from[MODEL_PARTITIONS_MAX], has_policy[SETTING_COUNT];
    uint64_t policy[SETTING_COUNT];
    uint64_t lowered_day, lowered_from; /* what was decided until that day was promised to be kept for so long; 0: never lowered */
};

struct model {
    unsigned partitions;
    struct model_shard shards[MODEL_PARTITIONS_MAX];
    struct model_account *accounts; /* never moved: decisions hold pointers into it */
    struct model_bill *bills;
    struct model_line *answers, *rows;
    struct model_due *dues;
    struct model_recent *recents;
    struct model_follow_up *follow_ups;
    struct model_month *months;
    struct model_fee *fees;
    struct model_article *articles; /* at the homes of their merchants, as orders */
    struct model_order *orders;
    size_t month_count, fee_count, article_count, order_count;
    size_t account_count, bill_count, answer_count, row_count, due_count, recent_count, follow_up_count;
};

/* The intent being decided. */
struct hearing {
    struct model *m;
    unsigned partition;
    struct entry_id id;        /* of the entry being applied: the clock */
    struct entry_id original;  /* of the entry that the bill lies under */
    const struct intent *i;
    const char *token;         /* the intent's; of a step the group's */
    struct model_bill bill;    /* in the making */
    struct model_account *account;
    const char *row_op, *row_note; /* of the rows */
    char row_identity[INTENT_IDENTITY_MAX + 1];
};

/* model.c */
void *model_grow(void *array, size_t count, size_t size);
bool model_is(const char *a, const char *b);
bool model_has(const struct intent *i, enum field f);
uint64_t model_day(struct entry_id id);
struct model_account *model_find_account(struct model *m, unsigned partition, const char *name);
struct model_account *model_add_account(struct model *m, unsigned partition, const char *name, const char *kind, const char *currency,
                                        uint64_t ms);
bool model_active(const struct model_account *a);
struct hearing model_hearing(struct model *m, unsigned partition, struct entry_id id, const struct intent *i);
void model_open_bill(struct hearing *c);
/* Decides an intent whose checks up to the signature are passed; the code may be of any class. */
int model_decide(struct hearing *c);
/* Fills the bill with what is known once it is decided. */
void model_close_bill(struct hearing *c, int code);
void model_store_bill(struct hearing *c);
void model_answer(struct hearing *c, const struct model_bill *b, bool replayed);
void model_refuse(struct hearing *c, int code, const char *detail);
int model_detail(struct hearing *c, int code, const char *text);

/* model_bill.c */
uint64_t model_keep_days(const struct hearing *c);
void model_drop_bills(struct model *m, unsigned partition, uint64_t today);
/* Are the bills of that day still there on another? */
bool model_is_day_kept(const struct model *m, unsigned partition, uint64_t day, uint64_t today);
void model_remove_bill(struct model *m, struct model_bill *b);
/* The bill of an identity in the two days that are looked at; NULL: not seen before. */
struct model_bill *model_find_known(struct hearing *c, const char *key);
struct model_bill *model_find_original(struct model *m, unsigned partition, const char *identity, struct entry_id id);
struct model_bill *model_find_referred(struct hearing *c);
void model_refer(struct hearing *c, const struct model_bill *done);
void model_identity(const struct model_bill *b, char out[INTENT_IDENTITY_MAX + 1]);
/* NULL: the same was meant; else the field that differs, "" when it cannot be told. */
const char *model_difference(const struct model_bill *b, const struct intent *i);
void model_add_due(struct hearing *c, enum op op, uint64_t at_ms, const void *bytes, size_t size);
struct model_due *model_find_due(struct model *m, unsigned partition, enum op op, struct entry_id id, const char *identity);
void model_remove_due(struct model *m, unsigned partition, enum op op, struct entry_id id, const char *identity);
void model_remove_due_of(struct model *m, const struct model_bill *b, enum op op);
bool model_restated_wrongly(struct hearing *c, const struct model_bill *done);

/* model_money.c: 0, or why not */
struct model_account *model_system(struct hearing *c, const char *word, const char *currency);
void model_number_bill(struct hearing *c);
void model_post(struct hearing *c, struct model_account *a, int64_t amount, int64_t hold);
int model_capped(const struct hearing *c, const struct model_account *from, const struct model_account *to, int64_t amount);
int model_move(struct hearing *c, struct model_account *from, struct model_account *to, int64_t amount, bool funded);
int model_topup(struct hearing *c);
int model_withdraw(struct hearing *c);
int model_pay(struct hearing *c);
int model_refund(struct hearing *c);
int model_rollback(struct hearing *c);
int model_transfer(struct hearing *c);
bool model_is_here(const struct hearing *c, const char *account);
unsigned model_home(const struct model *m, const char *account);

/* model_hold.c */
int model_hold(struct hearing *c);
int model_capture(struct hearing *c);
int model_release(struct hearing *c);
void model_expire(struct model *m, unsigned partition, struct entry_id id, struct model_bill *hold, const char *identity);

/* model_rule.c */
bool model_is_locked(const struct hearing *c);
int model_stand_in_the_way(struct hearing *c, const struct model_bill *of, bool debit); /* lock, guard */
bool model_is_too_fast(const struct hearing *c);
void model_count_payment(struct hearing *c);
bool model_looks_alike(const struct hearing *c);
void model_remember_payment(struct hearing *c);
bool model_is_forged(const struct hearing *c, const struct model_entry *entry);
int model_lock(struct hearing *c);
int model_unlock(struct hearing *c);
int model_limit(struct hearing *c);
int model_credential(struct hearing *c);
int model_policy(struct hearing *c);
void model_set_rules(struct hearing *c); /* of a new account */

/* model_group.c */
int model_group(struct hearing *c);

/* model_later.c: scheduled intents */
bool model_is_early(const struct hearing *c);
void model_schedule(struct hearing *c, const struct model_entry *entry);
int model_unschedule(struct hearing *c);
void model_wake(struct model *m, unsigned partition, struct entry_id id, struct model_bill *b);

/* model_shop.c: articles and orders */
bool model_is_merchant(const struct model_account *a);
int model_no_merchant(struct hearing *c); /* refuses: 1 */
int model_price(struct hearing *c);
int model_stock(struct hearing *c);
int model_order(struct hearing *c);
int model_cancel(struct hearing *c);
void model_lapse(struct hearing *c, struct entry_id entry);
struct model_order *model_find_order(struct model *m, const char *merchant, const char *order);
bool model_is_for(const struct model_order *o, const char *account); /* false too when there is no order */
int model_check_payable(const struct hearing *c, const struct model_order *o);
void model_order_paid(struct hearing *c, struct model_order *o, const char *payer);

/* model_month.c: what a shard earns, and its settlement */
void model_earn(struct hearing *c, struct model_account *shard, int64_t amount);
/* Would a month say more than it can? Of what leaves the shard, amount is negative. */
bool model_earns_too_much(const struct hearing *c, const struct model_account *shard, int64_t amount);
int model_settle(struct hearing *c);
void model_sweep(struct hearing *c, unsigned from);
int model_month_of(const char *text);
void model_month_text(int month, char out[8]);

/* model_follow.c */
void model_send_status(struct hearing *c);
void model_send_arrive(struct hearing *c);
void model_send_paid(struct hearing *c);
void model_send_swept(struct hearing *c, int64_t gross, int64_t refunds);
void model_follow(struct hearing *c);

#endif
