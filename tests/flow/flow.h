/* The stage of a flow test: a Redis, worker processes, and a sender of intents.
 *
 *     flow_start -> flow_worker ... -> flow_open, flow_load, flow_pay ... -> flow_settle -> check_book -> flow_stop
 *
 * What was sent is read back from the intents streams by the checker, so nothing is kept here. Failures of the machine abort. */
#ifndef TESTS_FLOW_FLOW_H
#define TESTS_FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/redis.h"
#include "schema/intent.h"
#include "schema/keys.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"
#include "tests/support/worker.h"

enum { FLOW_WORKERS_MAX = 12, FLOW_USERS = 24, FLOW_MERCHANTS = 3, FLOW_LEASE_MS = 800, FLOW_SETTLE_MS = 30000, FLOW_SOON_MS = 5000,
       FLOW_PAST = 8, FLOW_BALANCE = 100000 };
#define FLOW_SOURCES {"shop", "app", "settlement"}

struct flow {
    struct server server;
    struct worker workers[FLOW_WORKERS_MAX];
    struct book book;
    struct redis *redis; /* the sender's and the checker's connection */
    uint64_t random;     /* state; begins as the seed, which is printed */
    uint64_t next_key, next_order;
    uint64_t entry_ms;     /* when not 0: entries get IDs of that time, and intents that time as their `at` */
    uint64_t acknowledged; /* XADDs that Redis acknowledged */
    uint64_t unsure;       /* XADDs that were lost on the way, there or back */
    uint64_t unreadable;   /* of them, those that nobody can read: they end in the dead stream, unanswered */
    struct flow_past {     /* intents sent a moment ago, for those that refer to one */
        char account[INTENT_ACCOUNT_MAX + 1], source[INTENT_SOURCE_MAX + 1], key[INTENT_FOLLOW_UP_KEY_MAX + 1];
    } holds[FLOW_PAST], scheduled[FLOW_PAST];
    bool has_shops;
    struct flow_past_order { /* orders sent a moment ago */
        char merchant[INTENT_ACCOUNT_MAX + 1], name[INTENT_NAME_MAX + 1], customer[INTENT_ACCOUNT_MAX + 1];
        uint64_t amount_minor;
    } orders[FLOW_PAST];
};

/* `options` as for server_start. The seed is the time, or $TILL_SEED. */
void flow_start(struct flow *flow, unsigned partitions, const struct server_options *options);
/* The same with a server that somebody else runs on this socket, which workers and the flow's connection reach by `url` (NULL: by the
 * socket too); waits until it is there. */
void flow_attach(struct flow *flow, unsigned partitions, const char *socket, const char *url);
void flow_stop(struct flow *flow);

/* Starts worker `n`, named wN; what `options` does not say (it may be NULL) is: this server, a lease of 800 ms, batches of 16. */
void flow_worker(struct flow *flow, unsigned n, const struct worker_options *options);
void flow_worker_crash(struct flow *flow, unsigned n, const char *crash_at);
/* Waits until every partition is held by somebody. */
bool flow_serving(struct flow *flow, int timeout_ms);
/* How many partitions the lease of which says worker n; and how many say nobody. */
unsigned flow_held(struct flow *flow, unsigned n);
unsigned flow_free(struct flow *flow);
/* The name in the lease of a partition, "" when it is free. Valid until the next call. */
const char *flow_owner(struct flow *flow, unsigned partition);
/* Stops all workers that run, and expects 0. */
void flow_stop_workers(struct flow *flow, unsigned count);

/* Sends one intent: `at` and `key` are filled in when they are missing. A lost connection is opened again, and the entry sent once more;
 * any other answer of Redis than an ID aborts. */
void flow_send(struct flow *flow, struct intent *intent);
/* The same, but Redis may refuse: false then. */
bool flow_try_send(struct flow *flow, struct intent *intent);
/* Into this partition, whatever the account: what goes to each. */
void flow_send_to(struct flow *flow, unsigned partition, struct intent *intent);
/* One of a worker's, which is not counted as sent. */
void flow_send_follow_up(struct flow *flow, unsigned partition, struct intent *follow_up);
void flow_send_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size);
bool flow_try_bytes(struct flow *flow, unsigned partition, const char *name, const void *bytes, size_t size);
/* An intent of source "shop" with these fields; texts may be NULL, amount 0: not given. */
struct intent flow_intent(enum op op, const char *account, const char *to, uint64_t amount_minor, const char *of);
void flow_set_text(struct intent *intent, enum field field, const char *text); /* NULL: nothing is set */
void flow_set_number(struct intent *intent, enum field field, uint64_t number);
/* flow_send for many: the replies are awaited some hundred at a time, the last ones by flow_queued. A lost connection aborts. */
void flow_queue(struct flow *flow, struct intent *intent);
void flow_queued(struct flow *flow);
void flow_open_account(struct flow *flow, const char *account, const char *kind);
/* Opens merchants m0.. and users u0.. (CNY) and gives each user 1000.00. */
void flow_open(struct flow *flow);
/* Sends a mixed load: payments, topups, refunds, repetitions, malformed and unreadable entries, openings of merchants with follow-ups;
 * holds that lapse within two seconds and others, captures and releases; transfers within and across partitions; groups, locks; intents
 * put off by up to two seconds; articles, orders that lapse within two seconds and others, their payment and cancellation. */
void flow_load(struct flow *flow, unsigned count);
/* The same in bulk entries, every other of which is to be answered in bulk. Between the other two every flow_send is. */
void flow_load_shared(struct flow *flow, unsigned count);
void flow_share(struct flow *flow);
void flow_share_end(struct flow *flow);
/* The same without transfers and payments of orders, whose outcome comes from elsewhere: for books in which follow-ups get lost. */
void flow_load_here(struct flow *flow, unsigned count);
/* Transfers of 0.01 to 2.00 between random users; those whose partition `from` and `to` say yes to (NULL: any). At least one must. */
typedef bool flow_where(struct flow *flow, unsigned partition);
void flow_transfer(struct flow *flow, unsigned count, flow_where *from, flow_where *to);
/* Holds of 0.01 to 2.00 that lapse after 100 ms .. 1.5 s. */
void flow_hold(struct flow *flow, unsigned count);
void flow_pay(struct flow *flow, unsigned count);
uint64_t flow_random(struct flow *flow, uint64_t below);

/* Waits until every entry is delivered and acknowledged and nothing is kept to be answered. */
bool flow_quiet(struct flow *flow, int timeout_ms);
/* And nothing is on its way between partitions, nor due, nor will be within the next five seconds. */
bool flow_settle(struct flow *flow, int timeout_ms);
/* Sums over all partitions: entries delivered but not acknowledged; entries never delivered; kept answers; dead entries; consumers. */
struct flow_backlog { uint64_t pending, lag, unanswered, dead, consumers; };
/* Likewise: what is due within so many ms, counting what is past; bills that wait for an outcome. */
uint64_t flow_due(struct flow *flow, int64_t within_ms);
uint64_t flow_in_progress(struct flow *flow);
struct flow_backlog flow_backlog(struct flow *flow);

/* Text of a key, e.g. flow_key(flow, keys_meta, 3). Valid until the next but three calls. */
const char *flow_key(const struct flow *flow, size_t (*make)(keys_buffer, const struct book *, unsigned), unsigned partition);
/* Calls a command over the flow's connection, which is opened again if it was lost. The words end with NULL. */
enum redis_err flow_call(struct flow *flow, struct reply *reply, const char *first, ...) __attribute__((sentinel));
/* The first of NAME0, NAME1 ... that lies in this partition. Valid until the next but three calls. */
const char *flow_name_in(const struct flow *flow, const char *name, unsigned partition);
/* Milliseconds since the epoch, of this machine: Redis's clock too. */
uint64_t flow_now_ms(void);
/* A number in meta of a partition. */
int64_t flow_meta(struct flow *flow, unsigned partition, const char *field);

/* --- shop.c: articles a0, a1 ... and orders of a merchant --- */

/* Article n costs 1.00 more than the one before; a0 is 1.00. Both send. */
uint64_t flow_price(unsigned article);
void flow_price_article(struct flow *flow, const char *merchant, unsigned article);
void flow_stock_article(struct flow *flow, const char *merchant, unsigned article, int64_t quantity);
/* These are to be sent yet. Of an order: without a customer (NULL) anybody may pay it; expires_ms 0: none asked; it has no lines yet. */
struct intent flow_order(const char *merchant, const char *order, const char *customer, uint64_t expires_ms);
void flow_add_line(struct intent *order, unsigned article, uint64_t quantity);
struct intent flow_cancellation(const char *merchant, const char *order);
struct intent flow_order_payment(const char *payer, const char *merchant, const char *order, uint64_t amount_minor);
/* Sends one thing of a random merchant's: a price, a stock, an order, a cancellation of one of the last orders; pays one of these. */
void flow_sell(struct flow *flow);
void flow_buy(struct flow *flow);
int64_t flow_in_stock(struct flow *flow, const char *merchant, unsigned article);
/* A field of an order, "" when there is none. Valid until the next call. */
const char *flow_of_order(struct flow *flow, const char *merchant, const char *order, const char *field);

/* --- past.c: books whose streams begin months ago --- */

/* When the month so many months ago began (0: this one), and its name. */
uint64_t flow_month(unsigned back, char text[8]);
/* Opens merchants m0 .. and users u0.. with 1000.00 each at flow->entry_ms and the following milliseconds, and sets the fee. */
void flow_open_past(struct flow *flow, unsigned merchants, uint64_t fee_basis_points);
/* To be sent to that partition: flow_send_to. */
struct intent flow_settlement(const char *source, const char *merchant, const char *month, unsigned partition);

/* --- read.c: what became of it --- */

/* What `source` was told about `key` of `account`: how often in all, and of the last first-hand answer: */
struct flow_answer {
    unsigned count, replays, on_the_way; /* of all answers to the key; on_the_way: those with code 20 */
    int code;                            /* -1: there is none */
    int64_t amount_minor, balance_minor, held_minor;
    uint64_t entry_ms, told_ms;          /* when the intent was enqueued, and when the answer was */
    char bill[33], detail[128];
};
struct flow_answer flow_answer(struct flow *flow, const struct intent *intent);
struct flow_answer flow_answer_in(struct flow *flow, unsigned partition, const struct intent *intent); /* while others are away */
/* Calls `visit` with the fields of each answer to `source` in every partition; told_ms is the time of the answer's own entry. */
typedef void flow_visitor(void *context, uint64_t told_ms, struct reply fields);
void flow_each_answer(struct flow *flow, const char *source, flow_visitor *visit, void *context);
/* The same with each of those in one entry of a response stream, plain or bulk: its fields, as if it had come by itself. (answers.c) */
void flow_each_in(struct reply fields, void (*visit)(void *context, struct reply fields), void *context);
/* The text of a field of a flat list of names and values, "" when it is not there. Valid as long as the list. */
const char *flow_field(struct reply fields, const char *name);
/* A number of an account, in its own partition; of all accounts of that name in all partitions (a merchant's shards, @transit:CNY). */
int64_t flow_account(struct flow *flow, const char *account, const char *field);
int64_t flow_sum(struct flow *flow, const char *account, const char *field);
/* The sum over all users. */
int64_t flow_users(struct flow *flow, const char *field);
/* How many rows the ledgers have of an operation; of one identity, or NULL: of any. */
unsigned flow_rows(struct flow *flow, const char *op, const char *identity);

#endif
