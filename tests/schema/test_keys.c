/* The names of keys against the contract, letter by letter, and the days of bills. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "schema/intent.h"
#include "schema/keys.h"

static const struct book till = {.name = "till", .partitions = 16};

static void check(size_t size, const char *key, const char *wanted) {
    cr_assert_str_eq(key, wanted);
    cr_assert(size == strlen(wanted), "%s: size %zu", wanted, size);
}

Test(keys, are_as_published) {
    keys_buffer key;
    check(keys_book(key, &till), key, "{till}:book");
    check(keys_workers(key, &till), key, "{till}:workers");
    check(keys_intents(key, &till, 7), key, "{till:7}:intents");
    check(keys_dead(key, &till, 0), key, "{till:0}:dead");
    check(keys_discarded(key, &till, 15), key, "{till:15}:discarded");
    check(keys_ledger(key, &till, 10), key, "{till:10}:ledger");
    check(keys_unanswered(key, &till, 7), key, "{till:7}:unanswered");
    check(keys_due(key, &till, 7), key, "{till:7}:due");
    check(keys_scheduled(key, &till, 7), key, "{till:7}:scheduled");
    check(keys_lease(key, &till, 7), key, "{till:7}:lease");
    check(keys_meta(key, &till, 7), key, "{till:7}:meta");
    check(keys_responses(key, &till, 7, "shop"), key, "{till:7}:responses:shop");
    check(keys_account(key, &till, 7, "alice"), key, "{till:7}:account:alice");
    check(keys_system_account(key, &till, 7, "world", "CNY"), key, "{till:7}:account:@world:CNY");
    check(keys_merchants(key, &till, 7), key, "{till:7}:merchants");
    check(keys_order(key, &till, 7, "coffee", "o-1"), key, "{till:7}:order:coffee/o-1");
    check(keys_sku(key, &till, 7, "coffee", "latte"), key, "{till:7}:sku:coffee/latte");
    check(keys_bills(key, &till, 7, 19675), key, "{till:7}:bills:20231114");
}

Test(keys, the_longest_fits) {
    struct book book = {.partitions = KEYS_PARTITIONS_MAX};
    char account[INTENT_ACCOUNT_MAX + 1], source[INTENT_SOURCE_MAX + 1], name[INTENT_NAME_MAX + 1];
    keys_buffer key;
    memset(book.name, 'b', KEYS_BOOK_NAME_MAX);
    memset(account, 'a', sizeof account - 1), account[sizeof account - 1] = '\0';
    memset(source, 's', sizeof source - 1), source[sizeof source - 1] = '\0';
    cr_assert(keys_account(key, &book, KEYS_PARTITIONS_MAX - 1, account) == strlen(key));
    cr_assert(strlen(key) == 32 + strlen("{:1023}:account:") + 64);
    cr_assert(keys_responses(key, &book, KEYS_PARTITIONS_MAX - 1, source) == strlen(key));
    memset(name, 'n', sizeof name - 1), name[sizeof name - 1] = '\0';
    cr_assert(keys_order(key, &book, KEYS_PARTITIONS_MAX - 1, account, name) == 32 + strlen("{:1023}:order:/") + 128);
    cr_assert(keys_sku(key, &book, KEYS_PARTITIONS_MAX - 1, account, name) == strlen(key));
}

Test(keys, crc_is_that_of_zlib) {
    cr_assert(keys_partition(&(struct book){.partitions = 1024}, "123456789", 9) == 0xcbf43926u % 1024);
}

/* Every day of thousands of years, against the C library. */
Test(keys, days_are_those_of_the_calendar) {
    for (uint32_t day = 0; day <= KEYS_DAY_MAX; day += day < 60000 ? 1 : 97) {
        time_t seconds = (time_t)day * 86400;
        struct tm tm;
        char wanted[9], text[9];
        gmtime_r(&seconds, &tm);
        strftime(wanted, sizeof wanted, "%Y%m%d", &tm);
        keys_day_text(day, text);
        cr_assert(strcmp(text, wanted) == 0, "day %u: %s, not %s", day, text, wanted);
        cr_assert(keys_day((uint64_t)day * 86400000) == day, "day %u", day);
        cr_assert(keys_day((uint64_t)day * 86400000 + 86399999) == day, "the last ms of day %u", day);
    }
}

Test(keys, a_time_no_calendar_has_breaks_nothing) {
    char text[9];
    cr_assert(keys_day(UINT64_MAX) == KEYS_DAY_MAX);
    keys_day_text(keys_day(UINT64_MAX), text);
    cr_assert_str_eq(text, "99991231");
}
