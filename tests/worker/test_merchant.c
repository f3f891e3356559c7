/* What reaches other partitions: merchants known, frozen, thawed and closed everywhere, once, and before anybody hears of it. Book of
 * three: merchant m lives in 2, users a in 0, g in 1, b in 2. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define USERS "open account=a kind=user; open account=g kind=user; open account=b kind=user; topup account=a amount=100;" \
              "topup account=g amount=100; topup account=b amount=100; "

static struct fold fold;

static void start(void) {
    fold_start(&fold, 3, FOLD_BATCH);
    cr_assert(fold_partition_of(&fold, "m") == 2 && fold_partition_of(&fold, "a") == 0 && fold_partition_of(&fold, "g") == 1 &&
              fold_partition_of(&fold, "b") == 2);
}

static void stop(void) { fold_stop(&fold); }

TestSuite(merchant, .init = start, .fini = stop);

static void expect_status(const char *name, const char *status) {
    for (unsigned p = 0; p < 3; p++)
        cr_expect_str_eq(fold_account(&fold, p, "m", "status"), status, "%s: m in partition %u is %s", name, p, fold.server.text);
}

/* How many entries of the stream ask for this. */
static int follow_ups(unsigned p, enum op op) {
    int count = 0;
    struct reply range;
    command_begin(&fold.command, "XRANGE");
    command_word(&fold.command, fold_key(&fold, p, "intents"));
    command_word(&fold.command, "-");
    command_word(&fold.command, "+");
    cr_assert_eq(redis_call(fold.redis, &fold.command, &range), REDIS_OK);
    for (size_t n = 0; n < reply_count(range); n++) {
        struct intent intent;
        struct intent_fault fault;
        size_t size;
        const char *bytes = reply_text(reply_at(reply_at(reply_at(range, n), 1), 1), &size);
        count += intent_decode(bytes, size, &intent, &fault) == INTENT_OK && intent.op == op;
    }
    return count;
}

static void break_stream(unsigned p) {
    server_text(&fold.server, "RENAME", fold_key(&fold, p, "intents"), fold_key(&fold, p, "aside"), NULL);
    server_text(&fold.server, "SET", fold_key(&fold, p, "intents"), "x", NULL);
}

static void mend_stream(unsigned p) {
    server_text(&fold.server, "RENAME", fold_key(&fold, p, "aside"), fold_key(&fold, p, "intents"), NULL);
}

Test(merchant, adopted_everywhere_and_paid_anywhere) {
    fold_add(&fold, "open account=m kind=merchant; " USERS);
    fold_run(&fold);
    expect_status("adopted", "active");
    for (unsigned p = 0; p < 3; p++) {
        cr_expect_str_eq(fold_account(&fold, p, "m", "kind"), "merchant", "partition %u", p);
        cr_expect_str_eq(fold_account(&fold, p, "m", "currency"), "CNY", "partition %u", p);
        cr_expect_eq(follow_ups(p, OP_adopt), p == 2 ? 0 : 1, "partition %u got %d", p, follow_ups(p, OP_adopt));
    }
    table_step("from 0", &fold, "pay account=a to=m amount=5 key=p", "code=0 amount=5 balance=95 held=0 bill=0-2", NULL);
    table_step("from 1", &fold, "pay account=g to=m amount=5", "code=0 amount=5 balance=95 held=0 bill=1-2", NULL);
    table_step("from 2", &fold, "pay account=b to=m amount=5", "code=0 amount=5 balance=95 held=0 bill=2-2", NULL);
    for (unsigned p = 0; p < 3; p++) cr_expect_str_eq(fold_account(&fold, p, "m", "balance"), "5", "each has its shard");
    table_step("the home shard pays out what is its own", &fold, "withdraw account=m amount=6", "code=3 amount=0 balance=5 held=0", NULL);
    table_step("refunded where paid", &fold, "refund account=a of=p", "code=0 amount=5 balance=100 held=0 bill=0-3 detail=0-2", NULL);
}

Test(merchant, status_follows_everywhere) {
    fold_add(&fold, "open account=m kind=merchant; " USERS);
    fold_run(&fold);
    fold_add(&fold, "pay account=a to=m amount=5 key=p; freeze account=m");
    fold_run(&fold);
    expect_status("frozen", "frozen");
    table_step("no payment", &fold, "pay account=g to=m amount=5", "code=4 amount=0 balance=100 held=0", NULL);
    table_step("no refund", &fold, "refund account=a of=p", "code=4 amount=0 balance=95 held=0 detail=0-2", NULL);
    fold_add(&fold, "thaw account=m");
    fold_run(&fold);
    expect_status("thawed", "active");
    table_step("payment again", &fold, "pay account=g to=m amount=5", "code=0 amount=5 balance=95 held=0 bill=1-2", NULL);
    table_step("closed though its shards hold money", &fold, "close account=m", "code=0 balance=0 held=0", NULL);
    expect_status("closed", "closed");
    cr_expect_eq(follow_ups(0, OP_mark), 3, "one each");
}

/* A merchant's shard is no merchant's home: only its own partition takes its intents. */
Test(merchant, routed_home) {
    fold_add(&fold, "open account=m kind=merchant");
    fold_run(&fold);
    table_step("elsewhere", &fold, "p=0 withdraw account=m amount=1", "code=6 currency= detail=account", NULL);
    table_step("elsewhere", &fold, "p=0 freeze account=m", "code=6 currency= detail=account", NULL);
    expect_status("untouched", "active");
}

Test(merchant, not_answered_before_its_follow_ups_are_enqueued) {
    fold_run(&fold);
    fold_add(&fold, "open account=m kind=merchant; open account=b kind=user");
    break_stream(1);
    enum redis_err err = fold_try(&fold, 2);
    cr_expect_eq(err, REDIS_REFUSED, "%s", redis_err_word(err));
    cr_expect_eq(follow_ups(0, OP_adopt), 1, "the other partition is not held up");
    struct fold_answer answer = fold_last_answer(&fold, 2, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_ACCOUNT], "b", "only b is answered, not %s", answer.text[RESPONSE_ACCOUNT]);
    for (int n = 0; n < 3; n++) {
        err = fold_try(&fold, 2);
        cr_expect_eq(err, REDIS_REFUSED, "%s", redis_err_word(err));
    }
    fold_take_over(&fold); /* another worker derives them from what is pending */
    err = fold_try(&fold, 2);
    cr_expect_eq(err, REDIS_REFUSED, "%s", redis_err_word(err));
    mend_stream(1);
    fold_run(&fold);
    answer = fold_last_answer(&fold, 2, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_ACCOUNT], "m", "m is answered");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 2, "responses:shop"), NULL), 2, "one answer each");
    expect_status("adopted", "active");
}

/* The same intent again, while the first copy's consequences are not on their way: its answer would let the secret out. */
Test(merchant, repetition_waits_for_the_first_answer) {
    for (int later = 0; later < 2; later++) {
        fold_reset(&fold);
        fold_run(&fold);
        fold_add(&fold, "open account=m kind=merchant key=o");
        break_stream(1);
        if (later) cr_expect_eq(fold_try(&fold, 2), REDIS_REFUSED);
        fold_add(&fold, "open account=m kind=merchant key=o");
        cr_expect_eq(fold_try(&fold, 2), REDIS_REFUSED);
        cr_expect_eq(fold_try(&fold, 2), REDIS_REFUSED);
        cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 2, "responses:shop"), NULL), 0, "answered too early");
        mend_stream(1);
        fold_run(&fold);
        struct fold_answer *answers;
        size_t count = fold_answers(&fold, 2, "shop", &answers);
        cr_assert_eq(count, 2, "%zu answers", count);
        cr_expect(*answers[0].text[RESPONSE_REPLAYED] == '0' && *answers[1].text[RESPONSE_REPLAYED] == '1', "the first copy comes first");
        free(answers);
        expect_status("adopted", "active");
        cr_expect_eq(follow_ups(1, OP_adopt), 1, "partition 1 got %d", follow_ups(1, OP_adopt));
    }
}

/* Another key's refusal would let the same secret out: who hears that the merchant exists must be able to pay it anywhere. */
Test(merchant, already_exists_waits_for_the_first_answer) {
    fold_run(&fold);
    fold_add(&fold, "open account=m kind=merchant key=o");
    break_stream(1);
    fold_add(&fold, "open account=m kind=merchant key=other");
    cr_expect_eq(fold_try(&fold, 2), REDIS_REFUSED);
    fold_add(&fold, "open account=m kind=merchant key=third");
    cr_expect_eq(fold_try(&fold, 2), REDIS_REFUSED);
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 2, "responses:shop"), NULL), 0, "answered too early");
    mend_stream(1);
    fold_run(&fold);
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, 2, "shop", &answers);
    cr_assert_eq(count, 3, "%zu answers", count);
    for (size_t n = 0; n < count; n++) cr_expect_str_eq(answers[n].text[RESPONSE_CODE], n ? "10" : "0", "answer %zu", n);
    free(answers);
    cr_expect_eq(follow_ups(1, OP_adopt), 1, "partition 1 got %d", follow_ups(1, OP_adopt));
}

/* A late repetition of a freeze is answered, and freezes nothing. */
Test(merchant, repetition_has_no_consequences) {
    fold_add(&fold, "open account=m kind=merchant; freeze account=m key=f; thaw account=m key=t; freeze account=m key=f");
    fold_run(&fold);
    expect_status("thawed", "active");
    fold_add(&fold, "freeze account=m key=f");
    fold_run(&fold);
    expect_status("thawed", "active");
    cr_expect_eq(follow_ups(0, OP_mark), 2, "partition 0 got %d", follow_ups(0, OP_mark));
}

/* A refusal has none either. */
Test(merchant, refusal_has_no_consequences) {
    fold_add(&fold, "open account=m kind=merchant; freeze account=m; open account=m kind=merchant; freeze account=m; freeze account=b");
    fold_run(&fold);
    cr_expect(follow_ups(0, OP_mark) == 1 && follow_ups(0, OP_adopt) == 1, "%d, %d", follow_ups(0, OP_mark), follow_ups(0, OP_adopt));
}

static void add_follow_up(unsigned p, const char *text) {
    char line[500];
    snprintf(line, sizeof line, "p=%u %s source=till", p, text);
    fold_add(&fold, line);
}

Test(merchant, copies_are_ignored_for_ever) {
    add_follow_up(0, "adopt account=m kind=merchant currency=CNY origin=2:100-1 entry=100-1 key=m/shop/k>adopt");
    add_follow_up(0, "mark account=m status=frozen origin=2:200-5 entry=200-5 key=m/shop/f>freeze");
    add_follow_up(0, "mark account=m status=active origin=2:300-0 entry=300-0 key=m/shop/t>thaw");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), "active", "in order");
    char *before = fold_digests(&fold, 0, "meta");
    static const char *const copies[] = {"origin=2:200-5", "origin=2:300-0", "origin=2:299-18446744073709551615", "origin=2:1-1",
                                         "origin=2:0-0"};
    for (size_t n = 0; n < sizeof copies / sizeof *copies; n++) {
        char line[200];
        fold.clock_ms += 3 * FOLD_DAY_MS;
        snprintf(line, sizeof line, "mark account=m status=frozen %s entry=200-5 key=m/shop/f>freeze", copies[n]);
        add_follow_up(0, line);
        fold_run(&fold);
        char *after = fold_digests(&fold, 0, "meta");
        cr_expect_str_eq(after, before, "%s was applied: %s", copies[n], fold_difference(after, before));
        free(after);
    }
    add_follow_up(0, "mark account=m status=frozen origin=1:200-5 entry=200-5 key=m/shop/f>freeze");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), "frozen", "another partition counts for itself");
    add_follow_up(0, "mark account=m status=closed origin=2:300-1 entry=300-1 key=m/shop/c>close");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), "closed", "a later one of the same is taken");
    const char *from = server_text(&fold.server, "HMGET", fold_key(&fold, 0, "meta"), "from:2", "from:1", NULL);
    cr_expect_str_eq(from, "300-1\n200-5", "%s", from);
    cr_expect_str_eq(server_text(&fold.server, "KEYS", fold_key(&fold, 0, "[brd]*"), NULL), "", "bills, responses or dead entries");
    free(before);
}

/* Several of one origin in one batch, in the wrong order, twice. */
Test(merchant, copies_within_a_batch) {
    add_follow_up(0, "adopt account=m kind=merchant currency=CNY origin=2:100-1 entry=100-1 key=m/shop/k>adopt");
    add_follow_up(0, "mark account=m status=frozen origin=2:200-1 entry=200-1 key=m/shop/f>freeze");
    add_follow_up(0, "adopt account=m kind=merchant currency=USD origin=2:100-1 entry=100-1 key=m/shop/k>adopt");
    add_follow_up(0, "mark account=m status=active origin=2:150-1 entry=150-1 key=m/shop/t>thaw");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), "frozen", "status");
    cr_expect_str_eq(fold_account(&fold, 0, "m", "currency"), "CNY", "currency");
}

Test(merchant, adopt_leaves_a_known_shard_alone) {
    fold_add(&fold, "open account=m kind=merchant; " USERS);
    fold_run(&fold);
    fold_add(&fold, "pay account=a to=m amount=5");
    add_follow_up(0, "adopt account=m kind=merchant currency=USD origin=2:2000000000000-1 entry=100-1 key=m/shop/k>adopt");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "balance"), "5", "balance");
    cr_expect_str_eq(fold_account(&fold, 0, "m", "currency"), "CNY", "currency");
}

Test(merchant, follow_ups_of_no_use) {
    static const char *const lines[] = {
        "mark account=m status=closed origin=3:100-1 entry=100-1 key=m/shop/c>close",  /* a partition that is not */
        "mark account=m status=closed origin=1024:1-1 entry=100-1 key=m/shop/c>close", /* nor ever will be */
    };
    fold_add(&fold, "open account=m kind=merchant");
    fold_run(&fold);
    for (size_t n = 0; n < sizeof lines / sizeof *lines; n++) {
        char line[300];
        snprintf(line, sizeof line, "p=0 raw %s source=till", lines[n]);
        fold_add(&fold, line);
    }
    fold_add(&fold, "p=0 raw pay account=a to=m amount=5 currency=CNY source=till");
    fold_add(&fold, "p=0 raw mark account=m status=closed source=till");
    fold_add(&fold, "p=0 raw mark account=m status=closed origin=1:5 entry=1-1 source=till");
    fold_run(&fold);
    expect_status("untouched", "active");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 5, "all are dead");
    cr_expect_eq(server_integer(&fold.server, "EXISTS", fold_key(&fold, 0, "responses:till"), NULL), 0, "nobody is told");
}

Test(merchant, the_books_signature) {
    fold_set_secret(&fold, 7);
    fold_add(&fold, "open account=m kind=merchant; freeze account=m");
    fold_run(&fold);
    expect_status("signed by the lane itself", "frozen");
    add_follow_up(0, "mark account=m status=closed origin=2:2000000000000-1 entry=100-1 key=m/shop/c>close");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), "frozen", "taken without a signature");
    struct intent intent;
    uint8_t bytes[INTENT_SIZE_MAX], key[SIGN_KEY_SIZE], sig[SIGN_SIZE];
    size_t size;
    fold_intent(&fold, "mark account=m status=closed origin=2:2000000000000-2 entry=100-1 key=m/shop/c>close source=till", &intent);
    cr_assert(intent_encode(&intent, bytes, sizeof bytes, &size));
    for (int right = 0; right < 2; right++) {
        memset(key, right ? 7 : 8, sizeof key);
        sign_make(key, bytes, size, sig);
        const char *const fields[] = {"intent", (const char *)bytes, "sig", (const char *)sig};
        fold_add_fields(&fold, 0, 4, fields, (const size_t[]){6, size, 3, SIGN_SIZE});
        if (!right) fold_add_fields(&fold, 0, 4, fields, (const size_t[]){6, size, 3, SIGN_SIZE - 1});
        fold_run(&fold);
        cr_expect_str_eq(fold_account(&fold, 0, "m", "status"), right ? "closed" : "frozen", "signature");
    }
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 3, "dead");
}
