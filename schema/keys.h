/* Names of the Redis keys of a book, and which partition an account belongs to. Every key a script touches is made here and
 * declared in KEYS, never built in Lua: an undeclared key debits twice while a Cluster slot migrates. Pure and thread-safe. */
#ifndef SCHEMA_KEYS_H
#define SCHEMA_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum {
    KEYS_BOOK_NAME_MAX = 32,
    KEYS_PARTITIONS_MAX = 1024,
    KEYS_BOOK_VERSION = 1, /* of all that is in a book: what `{B}:book` says */
    KEYS_SIZE_MAX = 192, /* of any key, NUL included */
    KEYS_DAY_MAX = 2932896, /* 9999-12-31, in days since the epoch */
};
#define KEYS_GROUP "workers" /* the consumer group of every intents stream */

struct book {
    char name[KEYS_BOOK_NAME_MAX + 2]; /* [a-z0-9._-], and `~` behind it while it is built beside the one it replaces */
    unsigned partitions;               /* 1..KEYS_PARTITIONS_MAX */
};

/* CRC-32 (IEEE 802.3, zlib) of the account's name, modulo partitions. */
unsigned keys_partition(const struct book *book, const char *account, size_t size);

/* Each writes a NUL-terminated key into `out` and returns its length. */
typedef char keys_buffer[KEYS_SIZE_MAX];
size_t keys_book(keys_buffer out, const struct book *book);    /* {B}:book */
size_t keys_workers(keys_buffer out, const struct book *book); /* {B}:workers */
size_t keys_intents(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_dead(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_discarded(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_ledger(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_unanswered(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_due(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_scheduled(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_trimmed(keys_buffer out, const struct book *book, unsigned partition); /* what was taken off the streams */
size_t keys_closed(keys_buffer out, const struct book *book, unsigned partition);  /* where intents wait while it is carried over */
size_t keys_lease(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_meta(keys_buffer out, const struct book *book, unsigned partition);
size_t keys_responses(keys_buffer out, const struct book *book, unsigned partition, const char *source);
size_t keys_sent(keys_buffer out, const struct book *book, unsigned partition, const char *source); /* counted by those who send */
size_t keys_merchants(keys_buffer out, const struct book *book, unsigned partition);
/* At the merchant's home partition. */
size_t keys_order(keys_buffer out, const struct book *book, unsigned partition, const char *merchant, const char *order);
size_t keys_sku(keys_buffer out, const struct book *book, unsigned partition, const char *merchant, const char *sku);
size_t keys_account(keys_buffer out, const struct book *book, unsigned partition, const char *account);
/* A system account: word is "world", "transit" or "fees". */
size_t keys_system_account(keys_buffer out, const struct book *book, unsigned partition, const char *word, const char *currency);
/* The bills of a UTC day, given as days since the epoch. */
size_t keys_bills(keys_buffer out, const struct book *book, unsigned partition, uint32_t day);

/* Days since the epoch of a time in ms (a time past the year 9999 counts as its last day, so that no entry ID can break a
 * key); a day's YYYYMMDD. */
uint32_t keys_day(uint64_t ms);
void keys_day_text(uint32_t day, char out[9]);

#endif
