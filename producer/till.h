/* libtill: hands payment intents to Till, waits for their answers, and looks up accounts, bills, orders and articles.
 *
 *     till_open -> { till_send | till_call | till_reader_* | till_account | till_bill | till_order_* | till_article_* }* -> till_close
 *
 * The rules that hold everywhere
 * - A handle (and its readers) belongs to one thread at a time: one handle per thread. Functions without a handle are thread-safe.
 * - Nothing blocks longer than the timeout it is given, whatever Redis does; only resolving a host's name is out of our hands.
 * - A lost connection is opened again by the next call, or within the same call while its time lasts.
 * - Sending the same intent again is always safe: (account, source, key) is its identity and moves money at most once, as long as
 *   `at_ms` stays what it was the first time (keep the one from the result; an intent older than 23 h is refused as stale).
 * - All times are ms since the Unix epoch, UTC; all money is an integer count of minor units (cents, fen), 1 .. 2^53 - 1.
 * - Structs are filled with zeros where nothing is said: `struct till_intent pay = { .op = "pay", ... };`. Later releases put new
 *   members where `reserved` is, so programs need not be built again; it must be zero.
 * - The library never logs, never exits and keeps no globals. Running out of memory aborts.
 */
#ifndef TILL_H
#define TILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILL_API __attribute__((visibility("default")))
#define TILL_CHECKED __attribute__((visibility("default"), warn_unused_result))

/* What became of an intent (the codes of answers), and what the functions here return. */
enum till_code {
    TILL_OK = 0,
    TILL_NOT_FOUND = 1,
    TILL_NOT_PERMITTED = 2,
    TILL_INSUFFICIENT_FUNDS = 3,
    TILL_ACCOUNT_FROZEN = 4,
    TILL_ACCOUNT_LOCKED = 5,
    TILL_INVALID = 6,
    TILL_KEY_REUSED = 7,
    TILL_RATE_LIMITED = 8,
    TILL_DUPLICATE_SUSPECTED = 9,
    TILL_ALREADY_EXISTS = 10,
    TILL_WRONG_STATE = 11,
    TILL_LIMIT_EXCEEDED = 12,
    TILL_OUT_OF_STOCK = 13,
    TILL_STALE = 14,
    TILL_CURRENCY_MISMATCH = 15,
    TILL_EXPIRED = 16,
    TILL_GROUP_FAILED = 17,
    TILL_GUARD_FAILED = 18,
    TILL_DEAD = 19,
    TILL_IN_PROGRESS = 20,
    TILL_BUSY = -1,         /* nothing was enqueued, try later: memory limit near, writes refused, or the backlog too long */
    TILL_READ_FAILED = -2,  /* nothing was enqueued: Redis could not be reached or does not let us */
    TILL_WRITE_FAILED = -3, /* unknown whether it was enqueued, or enqueued and not answered in time. Send the same intent again */
};
/* A code's word ("insufficient_funds") and its sentence for people. Static strings; an unknown number gives "unknown". */
TILL_API const char *till_code_word(int code);
TILL_API const char *till_code_sentence(int code);

enum {
    TILL_SOURCE_SIZE = 33, /* of the texts below, NUL included */
    TILL_KEY_SIZE = 257,
    TILL_ACCOUNT_SIZE = 70,
    TILL_ENTRY_SIZE = 42,
    TILL_WORD_SIZE = 33,
    TILL_BILL_SIZE = 33,
    TILL_TEXT_SIZE = 257,
    TILL_UUID_SIZE = 37,
    TILL_IDENTITY_SIZE = 227, /* ACCOUNT/SOURCE/KEY of a producer's intent */
};
enum {
    TILL_CREDENTIAL_SIZE = 32,
    TILL_PASSWORD_MAX = 1024,
    TILL_STEPS_MAX = 16,
    TILL_LINES_MAX = 64,
    TILL_NAME_SIZE = 65, /* of an article's or an order's name, NUL included */
};
enum { TILL_DURABLE_DISK = -1, TILL_DURABLE_MEMORY = 0 }; /* else: how many replicas */
enum { TILL_NO = -1, TILL_YES = 1 };    /* where 0 is: not given */
#define TILL_AMOUNT_ALL INT64_C(-1)     /* amount of a refund or capture: all that is left */
#define TILL_NO_LIMIT UINT64_MAX        /* for backlog_max */
#define TILL_HOME (-1)                  /* partition of a till_settle: the merchant's home */

/* --- handle --- */

/* Of rediss:// and +tls:// urls. NULL and "": not given. The files are read anew for every connection. */
struct till_tls {
    const char *ca_file, *ca_dir;     /* authorities that are believed; neither: the system's */
    const char *cert_file, *key_file; /* what we show to a server that wants to see it */
    const char *server_name;          /* whom the server's certificate must name; not given: the host of the url */
    bool unverified;                  /* whoever answers is believed */
    const void *reserved[4];
};

/* Texts are copied by till_open. */
struct till_options {
    const char *url;       /* unix:PATH | redis://[user:password@]host[:port][/db] | embedded:DIR (a worker's own server) |
                            * sentinel://[user:password@]host[:port],.../name[/db], cluster://[user:password@]host[:port],... Needed */
    const char *password;  /* wins over the url's; NULL: the url's */
    const char *book;      /* name of the ledger; NULL: "till" */
    unsigned partitions;   /* of the book; another number than the book has is refused. 0: as the book says */
    int connect_timeout_ms; /* 0: 2000 */
    int timeout_ms;        /* for till_open, till_reader_open and the lookups: longest wait in all. 0: 5000 */
    int open_wait_ms;      /* till_open keeps trying this long while Redis or the book is not there yet. 0: one try */
    uint64_t backlog_max;  /* refuse (TILL_BUSY) to enqueue in a partition where more than this many entries wait, so many
                            * intents of the same source among them. 0: 1000000 */
    unsigned memory_high_water_percent; /* refuse (TILL_BUSY) at this share of Redis' maxmemory. 0: 90; above 100: never */
    const char *client_name; /* shown by CLIENT LIST; NULL: "till-producer". Printable ASCII without space */
    const char *sentinel_user, *sentinel_password; /* of a sentinel:// url's sentinels; NULL: they want none */
    const struct till_tls *tls; /* NULL: all as it is usual */
    int bulk;              /* 0 and TILL_YES: intents of one partition that till_send is given together share entries, which costs Redis
                            * less, if the workers understand it (`till bulk`). TILL_NO: each has an entry of its own */
    unsigned durability_replicas; /* what is sent counts as enqueued once so many replicas have it; 0: at once. Up to 64 */
    int durability_timeout_ms;    /* if that takes longer: TILL_WRITE_FAILED, and sending it again is safe. 0: 1000 */
    bool durability_aof;          /* and once it is in the append-only file on the disk (Redis 7.2 or later, with appendonly yes) */
    const char *password_file, *sentinel_password_file; /* whose first line is the password, as it is when a connection is made: it may be
                            * changed at any time. Readable by their owner alone. Win over the passwords above. NULL and "": not given */
    bool bulk_answers;     /* the answers to intents that share an entry share one too, which costs Redis less again. Only when everybody
                            * who reads them knows of it: a libtill of this release or later does. For backlog_max they are one */
    char reserved[sizeof(const void *) - 1];
};

struct till;

/* Connects and reads the book. Always gives a handle to be closed, so that till_error can say what is wrong. TILL_OK; TILL_INVALID: an
 * option is wrong, or the book has another number of partitions (the text says both); TILL_NOT_FOUND: no worker has created this
 * book yet (a producer never does); TILL_NOT_PERMITTED: Redis refuses us (password, ACL); TILL_READ_FAILED: it could not be reached. A
 * handle that is not TILL_OK is good for till_error and till_close only. TILL_INVALID also when the server cannot do
 * what durability_aof asks. */
TILL_CHECKED int till_open(struct till **till, const struct till_options *options);
TILL_API void till_close(struct till *till); /* also its readers must be closed, before; NULL is fine */
/* The last failure in words, "" when there was none. Valid until the next call with the handle. */
TILL_API const char *till_error(const struct till *till);
TILL_API unsigned till_partitions(const struct till *till);
TILL_API unsigned till_partition_of(const struct till *till, const char *account);

/* A new idempotency key: a UUIDv7 in its usual text form. */
TILL_API void till_key(char out[TILL_UUID_SIZE]);

/* The key that signs an account's intents, from its password (1 .. TILL_PASSWORD_MAX bytes of any kind) by Argon2id: some 0.1 s and 64 MiB
 * of memory that are used for nothing else. `book` NULL: "till". Give it to `open` or `credential` as `credential`, and to every debit as
 * `sign_with`. Keep it as you would the password: it is as good. Nothing of the password stays behind in memory but what the
 * caller holds. TILL_OK; TILL_INVALID: a size or a name is wrong; TILL_BUSY: the memory is not to be had. Then `out` is zeros. */
TILL_CHECKED int till_credential(const char *book, const char *account, const char *password, size_t size,
                                 uint8_t out[TILL_CREDENTIAL_SIZE]);

/* --- sending --- */

/* Conditions on the state the intent meets: it is refused (TILL_GUARD_FAILED) unless all that are given hold. */
struct till_guard {
    bool has_seq, has_balance_min, has_refunded;
    uint64_t seq;                /* the account's number of ledger rows */
    uint64_t balance_min_minor;  /* the account has at least this */
    uint64_t refunded_minor;     /* of the payment referred to (`of`), so much was refunded */
    const void *reserved[4];
};

/* What a book's decisions depend on (op policy); what is not given stays as it is. */
struct till_settings {
    bool has_duplicate_window, has_fee, has_settlement_offset, has_balance_cap, has_bills_keep;
    uint64_t duplicate_window_ms; /* the same payment under another key within it is suspected; 0: never. Up to a day */
    uint64_t fee_basis_points;    /* 0..10000, of settlement */
    uint64_t settlement_offset_minutes; /* 0..1439 east of UTC; n west is 1440 - n */
    uint64_t balance_cap_minor;   /* no credit lifts a user's balance above it */
    uint64_t bills_keep_days;     /* 1..3650 */
    const void *reserved[8];
};

/* A step of a group: an intent of the group's account. Members as below. */
struct till_step {
    const char *op;      /* pay hold refund capture release transfer */
    const char *key;     /* NULL: the group's key, ">" and the step's number from 1 */
    const char *to;
    int64_t amount_minor;
    const char *currency;
    const char *of;
    uint64_t of_at_ms;
    uint64_t expires_ms;
    const char *note;
    int final;
    bool allow_duplicate;
    const void *reserved[8];
};

/* A line of an order. */
struct till_line {
    const char *sku;
    uint64_t quantity;   /* at least 1 */
};

/* What an intent is about when it is about a merchant's articles: one (price, stock), or those of an order. */
struct till_goods {
    const char *sku;     /* 1..64 printable ASCII without space / { }, as an order's name */
    int64_t quantity;    /* stock: how many more, or fewer. Not 0 */
    unsigned line_count; /* order: 1..TILL_LINES_MAX, no sku twice */
    const struct till_line *lines;
    const void *reserved[8];
};

/* Whose earnings op settle settles. It is what `till settle` and the workers send; a checkout has no need of it. */
struct till_settle {
    const char *month;   /* "2026-11" */
    int partition;       /* of the merchant's shard, or TILL_HOME */
    const void *reserved[4];
};

/* What is to be done; the members have the wire's names (schema/README.md). Texts and what else is pointed to are borrowed for the call;
 * NULL, "" and 0 mean: not given. */
struct till_intent {
    const char *op;      /* open topup withdraw pay refund rollback freeze thaw close inquire hold capture release transfer group lock
                            unlock limit policy unschedule credential price stock order cancel settle */
    const char *source;  /* the upstream's name, 1..32 of a-z 0-9 . _ - */
    const char *key;     /* idempotency key, 1..128 printable ASCII without space / { }. NULL: one is made, see the result */
    uint64_t at_ms;      /* when it was created; 0: now. A retry says what it said the first time */
    const char *account; /* NULL with policy, which is for the book: it goes to every partition */
    const char *to;
    int64_t amount_minor; /* 0: not given. Where leaving it out means all that is left (refund, capture) say TILL_AMOUNT_ALL: a mistaken 0
                             is refused. Of an order with lines the prices say it */
    const char *currency; /* three capital letters */
    const char *of;      /* key of the intent referred to (refund, rollback, capture, release, unschedule) */
    uint64_t of_at_ms;   /* when that was created, if known; finds it faster */
    const char *kind;    /* user merchant app (open) */
    bool allow_duplicate;
    const char *note;    /* up to 256 bytes UTF-8, kept in the ledger */
    uint64_t expires_ms; /* a length of time: of a hold or a lock; 0: it never lapses */
    uint64_t not_before_ms; /* a time, up to 90 days ahead: decided and answered only then (till_call would wait for it; till_send
                               does not) */
    const char *token;   /* of a lock: needed by debits while it lasts */
    const uint8_t *credential; /* TILL_CREDENTIAL_SIZE bytes (open, credential). NULL with op credential: it is taken away */
    uint64_t payments, per_ms; /* so many payments in so long a time (limit, open) */
    int final;           /* of a capture: TILL_NO: more captures will follow; TILL_YES or 0: the rest of the hold is released */
    unsigned step_count; /* 2..TILL_STEPS_MAX (group) */
    const struct till_step *steps;
    const struct till_guard *guard;
    const struct till_settings *settings;
    const uint8_t *sign_with; /* TILL_CREDENTIAL_SIZE bytes: signs the intent, for an account that has a credential (the present one, when
                                 it is to be changed), and for policy when the book has a secret */
    const char *order;   /* the merchant's name for an order: that is made, cancelled (account is the merchant) or paid (`to` is) */
    const struct till_goods *goods;
    const struct till_settle *settle;
    const char *traceparent; /* W3C trace context, carried to the answer and what follows from the intent; what is none is left out */
    const void *reserved[1];
};

/* What became of sending one. */
struct till_result {
    int code;                     /* TILL_OK: enqueued as `entry`; TILL_INVALID: refused before sending; or a negative one */
    char entry[TILL_ENTRY_SIZE];
    char key[TILL_KEY_SIZE];      /* the intent's, or the one made for it */
    uint64_t at_ms;               /* likewise: keep both for a retry */
    char field[65];               /* TILL_INVALID: the field at fault */
    char text[160];               /* "" or what is wrong */
};

/* Enqueues `count` intents, pipelined, in order per account, and fills as many results. Each is checked first; bad ones are left out and
 * the others sent. What was under way when a connection broke is sent again (which may leave two entries with the same identity: one
 * effect, two answers, the second marked replayed) until timeout_ms (above 0) is over. With durability options those that are enqueued, but
 * not that safe in time, are TILL_WRITE_FAILED, with their `entry`. Returns how many were enqueued. Does
 * not wait for answers. No allocation per intent. */
TILL_API size_t till_send(struct till *till, const struct till_intent *intents, size_t count, int timeout_ms, struct till_result *results);

/* --- answers --- */

/* An answer: the fields of a response entry. An amount that is empty on the wire is 0 with has_* false. */
struct till_answer {
    char key[TILL_KEY_SIZE];
    char source[TILL_SOURCE_SIZE];
    char op[TILL_WORD_SIZE];
    int code;
    char reason[TILL_WORD_SIZE];  /* the code's word */
    char account[TILL_ACCOUNT_SIZE];
    bool has_amount, has_balance, has_held;
    int64_t amount_minor;         /* what actually moved */
    char currency[4];
    int64_t balance_minor, held_minor; /* of `account` after it */
    char bill[TILL_BILL_SIZE];    /* "p-n", "" when nothing was booked */
    uint64_t at_ms;               /* of the intent's entry; in answers of the library (response "") the intent's `at`, for a retry */
    char entry[TILL_ENTRY_SIZE];  /* the intent's */
    bool replayed;                /* given before to the same intent */
    char detail[TILL_TEXT_SIZE];  /* for TILL_INVALID and TILL_KEY_REUSED the field at fault; for negative codes what happened */
    char response[TILL_ENTRY_SIZE]; /* entry ID of the answer itself, "" when it comes from the library */
    unsigned partition;
    int durable;                  /* how far what it tells was saved when it was given: TILL_DURABLE_MEMORY (also answers of the library),
                                     TILL_DURABLE_DISK, or on so many replicas */
};

/* Sends one intent and waits for its answer. Returns answer->code. Codes the library gives itself have the text in `detail` and
 * carry `key` and `at_ms` for a retry: TILL_INVALID (refused before sending; `detail` is the field, till_error the sentence), TILL_BUSY,
 * TILL_READ_FAILED, and TILL_WRITE_FAILED. The last one with `entry` set means: enqueued as that entry, and still waiting when the time
 * was over, or not as durable as the options ask. It will be answered; calling again with the same intent waits for that answer.
 * TILL_IN_PROGRESS: such a call has waited in vain again, for a transfer on its way or an intent whose time has not come. Of a policy all
 * partitions are asked one after the other; the answer is that of the first that did not say TILL_OK, or the last one's. */
TILL_CHECKED int till_call(struct till *till, const struct till_intent *intent, int timeout_ms, struct till_answer *answer);

/* The fields of a response entry in the wire's order, as text ("" for an empty one). `out` is used when a number must be written. */
enum { TILL_ANSWER_FIELDS = 16, TILL_NUMBER_SIZE = 24 };
TILL_API const char *till_answer_field_name(unsigned field);
TILL_API const char *till_answer_field(const struct till_answer *answer, unsigned field, char out[TILL_NUMBER_SIZE]);

struct till_reader;

/* Reads all answers of a source, from all partitions. `from`: "0": from the first one kept; "$" or NULL: only those given after this
 * call; an entry ID or time in ms: those after it in every partition; or what till_reader_position gave. TILL_OK, TILL_INVALID,
 * TILL_READ_FAILED; the reader is NULL unless TILL_OK. It uses the handle's connection: other calls with the handle may come between. */
TILL_CHECKED int till_reader_open(struct till *till, const char *source, const char *from, struct till_reader **reader);
/* TILL_OK: the next answer (of one partition in order; across partitions in no order). TILL_NOT_FOUND: none came within timeout_ms
 * (0: look once, which may take options.timeout_ms when Redis hangs). TILL_READ_FAILED: Redis could not be read in that time; the
 * place is kept, call again. What is no answer is left out. From 200 ms on Redis wakes it the moment an answer comes;
 * with less it can only look again every now and then, at first after 0.1 ms, at last every 2 ms: wait long, and often. */
TILL_CHECKED int till_reader_next(struct till_reader *reader, int timeout_ms, struct till_answer *answer);
/* The `traceparent` of the answer given out last, "" when it has none. Valid until the next call with the reader. */
TILL_API const char *till_reader_traceparent(const struct till_reader *reader);
/* The entry left out last, as no answer or because of one of its answers, and why; "" while there was none. Valid until the next call with
 * the reader. */
TILL_API const char *till_reader_left_out(const struct till_reader *reader);
/* Where to go on after the last answer given out, as text for a file. Valid until the next call with the reader. Several answers may have
 * come in one entry of the stream (the same `response`): until the last of those was given out the position is before the entry, so that
 * who stops among them gets those it had again, and loses none. */
TILL_API const char *till_reader_position(struct till_reader *reader);
TILL_API void till_reader_close(struct till_reader *reader); /* NULL is fine */

/* --- looking up --- */

struct till_account {
    char id[TILL_ACCOUNT_SIZE];
    char kind[TILL_WORD_SIZE];     /* user merchant app; "system" for @world:CUR and the like */
    char currency[4];
    char status[TILL_WORD_SIZE];   /* active frozen closed */
    int64_t balance_minor;         /* all that is owned */
    int64_t held_minor;            /* the part of it that is reserved */
    uint64_t seq;                  /* ledger rows it has had */
    uint64_t opened_ms, changed_ms;
    unsigned partition;            /* its home */
    unsigned shards;               /* how many partitions were summed up: 1, or all that know a merchant */
};
/* An account as it is now; a merchant (and a system account) is the sum of its shards, which are read one after the other and not at
 * one moment. TILL_OK, TILL_NOT_FOUND, TILL_INVALID (no account's name), TILL_READ_FAILED. */
TILL_CHECKED int till_account(struct till *till, const char *id, struct till_account *account);
/* What one partition holds of it. */
TILL_CHECKED int till_account_shard(struct till *till, const char *id, unsigned partition, struct till_account *account);

/* What an account's debits are subject to. Neither the credential nor a lock's token can be read here. */
struct till_rules {
    bool has_credential;         /* debits must be signed */
    bool locked;                 /* debits must carry the token. It may have lapsed: see lock_until_ms */
    uint64_t lock_until_ms;      /* 0: until it is unlocked */
    uint64_t limit_payments, limit_per_ms; /* 0: no limit */
    const void *reserved[8];
};
/* Of an account at its home. TILL_OK, TILL_NOT_FOUND (no such account), TILL_INVALID, TILL_READ_FAILED. */
TILL_CHECKED int till_account_rules(struct till *till, const char *id, struct till_rules *rules);

/* What was decided about an intent, and how its refunds stand. */
struct till_bill {
    char bill[TILL_BILL_SIZE];     /* "p-n", "" when nothing was booked */
    int code;
    char op[TILL_WORD_SIZE];
    bool has_amount, has_balance;
    int64_t amount_minor, balance_minor, held_minor;
    char currency[4];
    uint64_t at_ms;                /* of its entry */
    char entry[TILL_ENTRY_SIZE];
    char to[TILL_ACCOUNT_SIZE];
    char state[TILL_WORD_SIZE];
    int64_t captured_minor, refunded_minor;
    char detail[TILL_TEXT_SIZE];
    char fingerprint[17];
    char day[9];                   /* YYYYMMDD it lies under */
    unsigned partition;
};
/* Finds the bill of an intent by its identity. at_ms, when known, is the intent's `at` and makes it quick; otherwise (0), and when it
 * is not there, all days that are kept are looked through, the newest first. TILL_OK, TILL_NOT_FOUND, TILL_INVALID, TILL_READ_FAILED. */
TILL_CHECKED int till_bill(struct till *till, const char *account, const char *source, const char *key, uint64_t at_ms,
                           struct till_bill *bill);

/* A line of an order as it was made: at the price of then. */
struct till_order_line {
    char sku[TILL_NAME_SIZE];
    uint64_t quantity;
    int64_t price_minor;           /* of one */
};
struct till_order {
    char merchant[TILL_ACCOUNT_SIZE], order[TILL_NAME_SIZE];
    char state[TILL_WORD_SIZE];    /* created paid cancelled lapsed. One past its deadline is lapsed, whether or not it says so yet */
    int64_t amount_minor;          /* in all */
    char currency[4];
    char to[TILL_ACCOUNT_SIZE];    /* the customer, who alone may pay it; "": anybody */
    char entry[TILL_ENTRY_SIZE];   /* of the intent that made it, and its identity ACCOUNT/SOURCE/KEY */
    char identity[TILL_IDENTITY_SIZE];
    char payer[TILL_IDENTITY_SIZE]; /* identity of the payment, once it is paid; "" */
    uint64_t opened_ms, changed_ms;
    uint64_t deadline_ms;          /* it lapses then unless paid; 0: none was asked for */
    unsigned partition;            /* the merchant's home */
    unsigned line_count;           /* 0: it was made over an amount */
    struct till_order_line lines[TILL_LINES_MAX];
};
/* An order as it is now. It is kept for as long as bills are (bills_keep) after it was paid, cancelled or lapsed. TILL_OK, TILL_NOT_FOUND,
 * TILL_INVALID (no account's or no order's name), TILL_READ_FAILED. */
TILL_CHECKED int till_order_lookup(struct till *till, const char *merchant, const char *order, struct till_order *found);

struct till_article {
    char merchant[TILL_ACCOUNT_SIZE], sku[TILL_NAME_SIZE];
    bool has_price;                /* without one it cannot be ordered */
    int64_t price_minor;           /* of one, in the merchant's currency */
    uint64_t stock;                /* what is reserved by orders is taken off */
    uint64_t changed_ms;
    unsigned partition;            /* the merchant's home */
};
/* An article as it is now. TILL_OK, TILL_NOT_FOUND (it never had a price or stock), TILL_INVALID, TILL_READ_FAILED. */
TILL_CHECKED int till_article_lookup(struct till *till, const char *merchant, const char *sku, struct till_article *found);

#ifdef __cplusplus
}
#endif

#endif
