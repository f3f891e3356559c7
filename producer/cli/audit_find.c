/* What the audit found: the first ones in words, the rest counted. And what its parts have in common. */
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/cli/audit.h"

void audit_find(struct audit *a, const char *format, ...) {
    bool kept = !a->tell && a->found < AUDIT_SHOWN_MAX;
    struct audit_finding told = {0}, *f = kept ? &a->finding[a->found] : &told;
    a->found++;
    if (!kept && !a->tell) return;
    f->partition = a->part.partition;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->text, sizeof f->text, format, arguments);
    va_end(arguments);
    if (a->tell) a->tell(a, f);
}

unsigned audit_currency(struct audit *a, const char *currency) {
    unsigned n = 0;
    while (n < a->currency_count && strcmp(a->currency[n], currency) != 0) n++;
    if (n < a->currency_count) return n;
    if (n == AUDIT_CURRENCIES_MAX) return n - 1; /* ISO 4217 has fewer: these are none, and were found to be none */
    snprintf(a->currency[n], sizeof a->currency[n], "%s", currency);
    a->currency_count++;
    return n;
}

uint64_t audit_hash(const struct audit *a, const char *text, size_t size) {
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    crypto_shorthash(out, (const unsigned char *)text, size, a->hash_key);
    memcpy(&hash, out, sizeof hash);
    return hash ? hash : 1;
}

void *audit_grow(void *items, size_t count, size_t *capacity, size_t item_size) {
    if (count < *capacity) return items;
    *capacity = *capacity ? 2 * *capacity : 256;
    items = realloc(items, *capacity * item_size);
    if (!items) abort();
    return items;
}

void audit_key(struct connection *c, unsigned partition, const char *rest, const char *name) {
    char key[512]; /* names come from the keyspace, rows and records: any length that fits those */
    int size = snprintf(key, sizeof key, "{%s:%u}:%s%s", c->book.name, partition, rest, name);
    command_copy(&c->command, key, size < (int)sizeof key ? (size_t)size : sizeof key - 1);
}

void audit_append_bill(struct connection *c, unsigned partition, uint32_t day, const char *identity) {
    char text[9];
    keys_day_text(day < KEYS_DAY_MAX ? day : KEYS_DAY_MAX, text);
    command_begin(&c->command, "HGET");
    audit_key(c, partition, "bills:", text);
    command_copy(&c->command, identity, strlen(identity));
    redis_append(c->redis, &c->command);
}

bool audit_read_bill(struct reply reply, struct bill *bill) {
    size_t size;
    const char *record = reply_text(reply, &size);
    return reply_type(reply) == REPLY_TEXT && !bill_parse(record, size, bill);
}

bool audit_is_whole(const struct audit *a) { return a->first == 0 && a->last + 1 == a->c->book.partitions; }
