/* The fold under test: a private Redis, a book, and lanes without threads. The test owns the clock (every entry has an explicit ID) and the
 * batch boundaries.
 *
 *     fold_start -> { fold_add ..., fold_run, fold_answers | fold_dump | ... }* -> fold_stop
 *
 * Intents are written as text, an operation and the wire's fields: "pay account=a to=m amount=5 currency=CNY". What is left out is filled
 * in: source=shop, a key of its own (k1, k2, ...), at=the entry's time. `at`, `of_at` and `not_before` may be relative to that: at=-23h,
 * at=+5m; lengths may have units: expires=15m. `currency` is CNY where the operation or a step needs one and the text says none. Of more
 * than one part: guard=seq:3,balance_min:100 settings=fee:30 lines=tea:2,milk:1 steps=pay,to:m,amount:5/refund,of:p. credential=WORD is a
 * credential made of that word (or of 64 hex digits), sign=WORD signs the intent with it.
 * The clock starts in 2030, ahead of any follow-up that a lane adds by the server's own clock, which is why the owner's own, `expire`,
 * `due` and `lapse`, are put on the stream by the test: fold_add_due, or "expire account=a of=h" and "lapse account=m of=o order=N" for
 * what was sent first under that key of source shop.
 * Whatever goes wrong here is no test's result: it aborts with a message. */
#ifndef TESTS_WORKER_FOLD_H
#define TESTS_WORKER_FOLD_H

#include <stdint.h>

#include "schema/entry.h"
#include "schema/intent.h"
#include "schema/ledger.h"
#include "schema/response.h"
#include "tests/support/server.h"
#include "worker/lane.h"

enum { FOLD_PARTITIONS_MAX = 8, FOLD_VALUE_MAX = 140, FOLD_BATCH = 128, FOLD_SENT_MAX = 64, FOLD_SENT_SIZE = 1024 };
#define FOLD_CLOCK_MS UINT64_C(1900000000000) /* 2030-03-17T17:46:40Z */
#define FOLD_DAY_MS UINT64_C(86400000)

/* The first intent of an identity since the beginning; of the first FOLD_SENT_MAX only. */
struct fold_sent {
    char identity[INTENT_IDENTITY_MAX + 1], entry[ENTRY_TEXT_MAX + 1];
    uint8_t bytes[FOLD_SENT_SIZE];
    size_t size;
};

struct fold {
    struct server server;
    struct settings settings;
    struct lane_shared shared;
    struct door door;
    struct lane *lanes[FOLD_PARTITIONS_MAX];
    struct redis *redis;      /* the test's own */
    struct command command;
    uint64_t clock_ms;        /* of the next entry */
    uint64_t seq;             /* of the next entry */
    unsigned keys_made;
    char entry[ENTRY_TEXT_MAX + 1]; /* ID of the entry added last */
    unsigned partition;       /* where it went */
    struct fold_sent sent[FOLD_SENT_MAX];
    size_t sent_count;
    unsigned takeovers;
    bool shares;              /* bulk entries are to be answered in bulk; the tests set it, fold_start clears it */
};

struct fold_answer {
    char text[RESPONSE_FIELD_COUNT][FOLD_VALUE_MAX];
    bool shared; /* its entry is a bulk answer */
};

void fold_start(struct fold *fold, unsigned partitions, unsigned batch);
void fold_stop(struct fold *fold);
/* Everything anew: an empty Redis, fresh lanes, the clock and the keys at their beginning. */
void fold_reset(struct fold *fold);
/* Fresh lanes, as if another worker had taken every partition. Twice they call apply.lua as a function, then once as a script, and so on:
 * that makes no difference. */
void fold_take_over(struct fold *fold);
void fold_set_batch(struct fold *fold, unsigned batch);
/* From now on follow-ups are signed with a secret made of this byte, and none without it is taken. 0: unsigned. */
void fold_set_secret(struct fold *fold, uint8_t byte);

/* Makes an intent of text; see above. */
void fold_intent(struct fold *fold, const char *text, struct intent *intent);
/* XADDs intents given as text, ';' between them, to their accounts' partitions ("p=N ..." in front: to that one). A line "+23h" or "+1ms"
 * moves the clock instead. A '!' in front of an intent says that it will be refused. "raw ..." goes unchecked, see fold_bytes. */
void fold_add(struct fold *fold, const char *lines);
/* Encodes text as it stands, whatever the schema thinks of it: "pay account=a amount=-5 tip=1 currency='12". Digits are an integer, with
 * a point a float, true false nil what they say, #HEX bytes, {name:value,...} a map, [value,...] an array, anything else or after ' is
 * text; -NAME leaves out what would be filled in. */
size_t fold_bytes(struct fold *fold, const char *text, uint8_t *bytes, size_t capacity);
void fold_add_intent(struct fold *fold, unsigned partition, const struct intent *intent);
void fold_add_intent_signed(struct fold *fold, unsigned partition, const struct intent *intent, const uint8_t *key); /* NULL: unsigned */
void fold_add_bytes(struct fold *fold, unsigned partition, const void *bytes, size_t size);
void fold_add_signed(struct fold *fold, unsigned partition, const void *bytes, size_t size, const uint8_t key[SIGN_KEY_SIZE]);
/* Puts a follow-up on the stream for everything that is due in any partition by the fold's clock, as owners do: once more each time it is
 * called before they were applied. Returns how many. */
size_t fold_add_due(struct fold *fold);
/* XADDs a bulk entry of intents given as for fold_bytes, ';' between them; "junk" is none that can be read. */
void fold_add_bulk(struct fold *fold, unsigned partition, const char *lines);
/* The credential made of a word, as "credential=WORD" has it. */
void fold_credential(const char *word, uint8_t credential[SIGN_KEY_SIZE]);
/* XADDs plain fields, `count` names and values by turns. */
void fold_add_fields(struct fold *fold, unsigned partition, size_t count, const char *const *texts, const size_t *sizes);
unsigned fold_partition_of(const struct fold *fold, const char *account);
/* "90m", "-23h", "1d": milliseconds of the units ms s m h d. */
int64_t fold_duration_ms(const char *text);

/* One turn of a lane, as lane_catch_up. */
enum redis_err fold_try(struct fold *fold, unsigned partition);
/* Turns of all lanes until nothing is waiting anywhere, with retries after REDIS_BROKEN only; aborts on anything else. */
void fold_run(struct fold *fold);

/* The answers of a source in a partition, in their order; freed by the caller. Returns how many. */
size_t fold_answers(struct fold *fold, unsigned partition, const char *source, struct fold_answer **answers);
/* The last answer there; all empty when there is none. */
struct fold_answer fold_last_answer(struct fold *fold, unsigned partition, const char *source);
/* A key of the partition: "meta", "bills:20300317", "account:a"; valid until the next call. */
const char *fold_key(const struct fold *fold, unsigned partition, const char *rest);
/* A field of an account's hash in that partition, as text; "" when there is none. Valid until the next command. */
const char *fold_account(struct fold *fold, unsigned partition, const char *account, const char *field);

/* What counts of a partition, as text to compare and to read: accounts, articles, orders, bills, unanswered, what is due and scheduled, the
 * ledger's rows, watermarks, policies, dead entries, and the answers ordered by entry. Without leases, consumers, attempts, and the IDs
 * that Redis gave to what was appended. Freed by the caller. */
char *fold_dump(struct fold *fold, unsigned partition);
/* The names of all keys of the partition, sorted, NULL at the end; freed by fold_keys_free. */
char **fold_keys(struct fold *fold, unsigned partition);
void fold_keys_free(char **keys);
/* NULL when the texts are the same, else the first line in which they differ, of both; valid until the next call. */
const char *fold_difference(const char *got, const char *wanted);
/* NULL, or which of invariants 4 and 5 does not hold in the partition, or what months, stock or orders have wrong; valid until the next
 * call. */
const char *fold_unsound(struct fold *fold, unsigned partition);
/* A line "KEY DIGEST" for every key of the partition but intents, lease, and what `except` says: names after the "}:", separated by
 * spaces, '*' at the end of one for any rest. An empty stream is as good as none. Freed by the caller. */
char *fold_digests(struct fold *fold, unsigned partition, const char *except);

#endif
