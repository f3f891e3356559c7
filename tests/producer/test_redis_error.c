/* Classes of failures: every error reply Redis 7 and 8 and our scripts give, as the text arrives. */
#include "producer/redis.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_TAIL " script: 10d3bec96bcfa129227cb4243d0c5d5d627aaaad, on @user_script:1."

static const struct {
    const char *text;
    enum redis_err err;
} rows[] = {
    {"LOADING Redis is loading the dataset in memory", REDIS_BUSY},
    {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", REDIS_BUSY},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_HELD},
    {"OOM command not allowed when used memory > 'maxmemory'." SCRIPT_TAIL, REDIS_HELD},
    {"READONLY You can't write against a read only replica.", REDIS_DEMOTED},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_BUSY},
    {"CLUSTERDOWN Hash slot not served", REDIS_BUSY},
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", REDIS_DEMOTED},
    {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", REDIS_HELD},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_HELD},
    {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", REDIS_DEMOTED},
    {"UNBLOCKED client unblocked via CLIENT UNBLOCK", REDIS_BUSY},
    {"ERR max number of clients reached", REDIS_BUSY},
    {"ERR max number of clients + cluster connections reached", REDIS_BUSY},
    {"UNBLOCKED the stream key no longer exists", REDIS_NOGROUP},
    {"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option", REDIS_NOGROUP},
    {"NOGROUP No such key 's' or consumer group 'g'" SCRIPT_TAIL, REDIS_NOGROUP},
    {"MOVED 3999 127.0.0.1:6381", REDIS_MOVED},
    {"ASK 3999 127.0.0.1:6381", REDIS_MOVED},
    {"NOSCRIPT No matching script. Please use EVAL.", REDIS_NOSCRIPT},
    {"ERR Function not found", REDIS_NOSCRIPT},
    {"FENCED epoch 3 was replaced by 4", REDIS_FENCED},
    {"FENCED epoch 3 was replaced by 4" SCRIPT_TAIL, REDIS_FENCED},
    {"BROKEN 17 {till:7}:account:alice wrong type" SCRIPT_TAIL, REDIS_BROKEN},
    {"NOPERM this user has no permissions to run the 'xadd' command", REDIS_REFUSED},
    {"NOAUTH Authentication required.", REDIS_REFUSED},
    {"WRONGPASS invalid username-password pair or user is disabled.", REDIS_REFUSED},
    {"WRONGTYPE Operation against a key holding the wrong kind of value", REDIS_REFUSED},
    {"WRONGTYPE Operation against a key holding the wrong kind of value" SCRIPT_TAIL, REDIS_REFUSED},
    {"DENIED Redis is running in protected mode because protected mode is enabled", REDIS_REFUSED},
    {"BUSYGROUP Consumer Group name already exists", REDIS_REFUSED},
    {"BUSYKEY Target key name already exists.", REDIS_REFUSED},
    {"CROSSSLOT Keys in request don't hash to the same slot", REDIS_REFUSED},
    {"ERR user_script:1: attempt to perform arithmetic on a nil value" SCRIPT_TAIL, REDIS_REFUSED},
    {"ERR user_script:1: FENCED is not at the start" SCRIPT_TAIL, REDIS_REFUSED},
    {"ERR unknown command 'FOO', with args beginning with: ", REDIS_REFUSED},
    {"SOMETHING new", REDIS_REFUSED},
    {"OOM", REDIS_HELD},
    {"OO", REDIS_REFUSED},
    {"OOMX", REDIS_REFUSED},
    {"oom lower case", REDIS_REFUSED},
    {"", REDIS_REFUSED},
    {" OOM", REDIS_REFUSED},
};

Test(redis_error, classes) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum redis_err err = redis_classify(rows[i].text, strlen(rows[i].text));
        cr_expect_eq(err, rows[i].err, "\"%s\" is %s, not %s", rows[i].text, redis_err_word(err), redis_err_word(rows[i].err));
    }
}

/* The size decides, not a NUL behind it. */
Test(redis_error, reads_no_further_than_the_size) {
    char text[3] = {'O', 'O', 'M'};
    cr_expect_eq(redis_classify(text, 3), REDIS_HELD);
    cr_expect_eq(redis_classify(text, 2), REDIS_REFUSED);
    cr_expect_eq(redis_classify("OOM\0x", 5), REDIS_REFUSED);
}

Test(redis_error, every_class_has_a_word_and_advice_of_its_own) {
    for (int a = REDIS_OK; a < REDIS_ERR_COUNT; a++) {
        cr_expect(a == REDIS_OK || strlen(redis_err_advice((enum redis_err)a)) > 10, "class %d has no advice", a);
        for (int b = REDIS_OK; b < a; b++)
            cr_expect_str_neq(redis_err_word((enum redis_err)a), redis_err_word((enum redis_err)b), "classes %d and %d", a, b);
    }
    cr_expect_str_eq(redis_err_word(REDIS_LOST), "lost");
    cr_expect_str_eq(redis_err_word(REDIS_OK), "ok");
}

Test(redis_error, waits_grow_within_the_bounds_of_the_class) {
    for (int a = REDIS_OK; a < REDIS_ERR_COUNT; a++) {
        const struct redis_class *class = redis_err_class((enum redis_err)a);
        int before_ms = 0;
        cr_expect_eq(redis_err_wait_ms((enum redis_err)a, 1), class->first_ms, "%s", class->word);
        cr_expect_eq(redis_err_wait_ms((enum redis_err)a, 4000000000u), class->last_ms, "%s", class->word);
        for (unsigned n = 1; n < 20; n++) {
            int wait_ms = redis_err_wait_ms((enum redis_err)a, n);
            cr_expect(wait_ms >= before_ms && wait_ms <= class->last_ms, "%s: %d after %u", class->word, wait_ms, n);
            cr_expect(wait_ms > before_ms || wait_ms == class->last_ms || n == 1, "%s: %d does not grow", class->word, wait_ms);
            before_ms = wait_ms;
        }
    }
    cr_expect_eq(redis_err_wait_ms(REDIS_LOST, 3), 80);
}

Test(redis_error, some_heal) {
    cr_expect(redis_err_heals(REDIS_LOST) && redis_err_heals(REDIS_BUSY) && redis_err_heals(REDIS_HELD));
    cr_expect(redis_err_heals(REDIS_DEMOTED) && !redis_err_heals(REDIS_MOVED));
    cr_expect(!redis_err_heals(REDIS_OK) && !redis_err_heals(REDIS_REFUSED) && !redis_err_heals(REDIS_GARBLED));
    cr_expect(!redis_err_heals(REDIS_NOSCRIPT) && !redis_err_heals(REDIS_NOGROUP) && !redis_err_heals(REDIS_FENCED));
}

/* --- the manual --- */

static const char *const policies[] = {"", "reconnect", "again", "reroute", "reload", "rebuild", "stop", "end", "alone"};

static const struct {
    const char *text;
    enum redis_err err;
} prefixes[] = {
#define REDIS_PREFIX(text, class) {text, REDIS_##class},
#include "producer/redis_error.def"
#undef REDIS_PREFIX
};

static char *manual_read(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(TILL_SOURCE_DIR "/producer/README.md", "r");
    cr_assert(file && getdelim(&text, &size, '\0', file) > 0, "there is no manual");
    fclose(file);
    return text;
}

/* The row of a class as the manual must have it: what its replies begin with, by commas. */
static void manual_row(enum redis_err err, char *row, size_t capacity) {
    const struct redis_class *class = redis_err_class(err);
    int used = snprintf(row, capacity, "| `%s` | %s | %d..%d | ", class->word, policies[class->policy], class->first_ms, class->last_ms);
    const char *gap = "";
    for (size_t n = 0; n < sizeof prefixes / sizeof *prefixes; n++) {
        if (prefixes[n].err != err) continue;
        used += snprintf(row + used, capacity - (size_t)used, "%s`%s`", gap, prefixes[n].text);
        gap = " ";
    }
    snprintf(row + used, capacity - (size_t)used, " | %s |\n", class->advice);
}

Test(redis_error, manual_has_every_class) {
    char *manual = manual_read(), row[1000];
    unsigned lines = 0;
    for (int a = REDIS_OK + 1; a < REDIS_ERR_COUNT; a++) {
        manual_row((enum redis_err)a, row, sizeof row);
        cr_expect_not_null(strstr(manual, row), "producer/README.md has no row\n%s", row);
    }
    for (const char *at = strstr(manual, "| class |"); at && *at == '|'; at = strchr(at, '\n') + 1) lines++;
    cr_expect_eq(lines, REDIS_ERR_COUNT - 1 + 2, "the manual has %u lines in the table of classes", lines);
    free(manual);
}
