/* Builds the names of Redis keys, and finds an account's partition. */
#include "schema/keys.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

enum { KEYS_DAY_MS = 86400000 };

/* Appends to a key of this size so far; every part has a bound, so what does not fit is a bug. */
static size_t keys_add(keys_buffer out, size_t size, const char *text) {
    size_t more = strlen(text);
    assert(more < KEYS_SIZE_MAX - size);
    memcpy(out + size, text, more + 1);
    return size + more;
}

static size_t keys_add_number(keys_buffer out, size_t size, unsigned n) {
    char digits[11];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return keys_add(out, size, at);
}

/* "{B}" and the rest. */
static size_t keys_of_book(keys_buffer out, const struct book *book, const char *rest) {
    size_t size = keys_add(out, 0, "{");
    size = keys_add(out, size, book->name);
    return keys_add(out, size, rest);
}

/* "{B:p}" and the rest. */
static size_t keys_of_partition(keys_buffer out, const struct book *book, unsigned partition, const char *rest) {
    assert(partition < book->partitions);
    size_t size = keys_of_book(out, book, ":");
    size = keys_add_number(out, size, partition);
    return keys_add(out, size, rest);
}

unsigned keys_partition(const struct book *book, const char *account, size_t size) {
    assert(book->partitions > 0);
    return (unsigned)(crc32_z(0, (const Bytef *)account, size) % book->partitions);
}

size_t keys_book(keys_buffer out, const struct book *book) {
    return keys_of_book(out, book, "}:book");
}

size_t keys_workers(keys_buffer out, const struct book *book) {
    return keys_of_book(out, book, "}:workers");
}

size_t keys_intents(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:intents");
}

size_t keys_dead(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:dead");
}

size_t keys_discarded(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:discarded");
}

size_t keys_ledger(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:ledger");
}

size_t keys_unanswered(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:unanswered");
}

size_t keys_due(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:due");
}

size_t keys_scheduled(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:scheduled");
}

size_t keys_trimmed(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:trimmed");
}

size_t keys_closed(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:closed");
}

size_t keys_lease(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:lease");
}

size_t keys_meta(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:meta");
}

size_t keys_responses(keys_buffer out, const struct book *book, unsigned partition, const char *source) {
    return keys_add(out, keys_of_partition(out, book, partition, "}:responses:"), source);
}

size_t keys_sent(keys_buffer out, const struct book *book, unsigned partition, const char *source) {
    return keys_add(out, keys_of_partition(out, book, partition, "}:sent:"), source);
}

size_t keys_merchants(keys_buffer out, const struct book *book, unsigned partition) {
    return keys_of_partition(out, book, partition, "}:merchants");
}

/* "{B:p}", what it is of, and MERCHANT/NAME: neither has '/' in it. */
static size_t keys_of_merchant(keys_buffer out, const struct book *book, unsigned partition, const char *what, const char *merchant,
                               const char *name) {
    size_t size = keys_add(out, keys_of_partition(out, book, partition, what), merchant);
    size = keys_add(out, size, "/");
    return keys_add(out, size, name);
}

size_t keys_order(keys_buffer out, const struct book *book, unsigned partition, const char *merchant, const char *order) {
    return keys_of_merchant(out, book, partition, "}:order:", merchant, order);
}

size_t keys_sku(keys_buffer out, const struct book *book, unsigned partition, const char *merchant, const char *sku) {
    return keys_of_merchant(out, book, partition, "}:sku:", merchant, sku);
}

size_t keys_account(keys_buffer out, const struct book *book, unsigned partition, const char *account) {
    return keys_add(out, keys_of_partition(out, book, partition, "}:account:"), account);
}

size_t keys_system_account(keys_buffer out, const struct book *book, unsigned partition, const char *word, const char *currency) {
    size_t size = keys_of_partition(out, book, partition, "}:account:@");
    size = keys_add(out, size, word);
    size = keys_add(out, size, ":");
    return keys_add(out, size, currency);
}

size_t keys_bills(keys_buffer out, const struct book *book, unsigned partition, uint32_t day) {
    char text[9];
    keys_day_text(day, text);
    return keys_add(out, keys_of_partition(out, book, partition, "}:bills:"), text);
}

uint32_t keys_day(uint64_t ms) {
    uint64_t day = ms / KEYS_DAY_MS;
    return day < KEYS_DAY_MAX ? (uint32_t)day : KEYS_DAY_MAX;
}

static void keys_digits(char *out, unsigned count, uint32_t n) {
    while (count-- > 0) {
        out[count] = (char)('0' + n % 10);
        n /= 10;
    }
}

/* Years are counted from 1 March 0000, in cycles of 400 years, so that the leap day is a year's last. */
void keys_day_text(uint32_t day, char out[9]) {
    assert(day <= KEYS_DAY_MAX);
    uint32_t since = day + 719468; /* days from 0000-03-01 to 1970-01-01 */
    uint32_t cycle = since / 146097, day_of_cycle = since % 146097;
    uint32_t year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
    uint32_t day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    keys_digits(out, 4, cycle * 400 + year_of_cycle + (month <= 2));
    keys_digits(out + 4, 2, month);
    keys_digits(out + 6, 2, day_of_year - (153 * month_from_march + 2) / 5 + 1);
    out[8] = '\0';
}
