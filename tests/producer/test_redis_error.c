/* Classes of failures: every error reply Redis 7 and 8 and our scripts give, as the text arrives. */
#include "producer/redis.h"

#include <criterion/criterion.h>
#include <string.h>

#define SCRIPT_TAIL " script: 10d3bec96bcfa129227cb4243d0c5d5d627aaaad, on @user_script:1."

static const struct {
    const char *text;
    enum redis_err err;
} rows[] = {
    {"LOADING Redis is loading the dataset in memory", REDIS_BUSY},
    {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", REDIS_BUSY},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_BUSY},
    {"OOM command not allowed when used memory > 'maxmemory'." SCRIPT_TAIL, REDIS_BUSY},
    {"READONLY You can't write against a read only replica.", REDIS_BUSY},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_BUSY},
    {"CLUSTERDOWN Hash slot not served", REDIS_BUSY},
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", REDIS_BUSY},
    {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", REDIS_BUSY},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_BUSY},
    {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", REDIS_BUSY},
    {"UNBLOCKED client unblocked via CLIENT UNBLOCK", REDIS_BUSY},
    {"ERR max number of clients reached", REDIS_BUSY},
    {"ERR max number of clients + cluster connections reached", REDIS_BUSY},
    {"UNBLOCKED the stream key no longer exists", REDIS_NOGROUP},
    {"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option", REDIS_NOGROUP},
    {"NOGROUP No such key 's' or consumer group 'g'" SCRIPT_TAIL, REDIS_NOGROUP},
    {"MOVED 3999 127.0.0.1:6381", REDIS_MOVED},
    {"ASK 3999 127.0.0.1:6381", REDIS_MOVED},
    {"NOSCRIPT No matching script. Please use EVAL.", REDIS_NOSCRIPT},
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
    {"OOM", REDIS_BUSY},
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
    cr_expect_eq(redis_classify(text, 3), REDIS_BUSY);
    cr_expect_eq(redis_classify(text, 2), REDIS_REFUSED);
    cr_expect_eq(redis_classify("OOM\0x", 5), REDIS_REFUSED);
}

Test(redis_error, every_class_has_a_word_and_advice_of_its_own) {
    for (int a = REDIS_OK; a <= REDIS_BROKEN; a++) {
        cr_expect(a == REDIS_OK || strlen(redis_err_advice((enum redis_err)a)) > 10, "class %d has no advice", a);
        for (int b = REDIS_OK; b < a; b++)
            cr_expect_str_neq(redis_err_word((enum redis_err)a), redis_err_word((enum redis_err)b), "classes %d and %d", a, b);
    }
    cr_expect_str_eq(redis_err_word(REDIS_LOST), "lost");
    cr_expect_str_eq(redis_err_word(REDIS_OK), "ok");
}
