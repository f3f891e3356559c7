/* What a lane keeps a copy of, when an apply was executed whose reply it never got: nothing is pending then, so nothing tells it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/worker/table.h"

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(lane_copies, .init = start, .fini = stop);

/* What is on the stream is applied under the lane's own epoch, and the lane hears nothing of it but that its connection is lost: Redis has
 * executed the call, and the reply did not come. */
static void apply_without_reply(void) {
    struct lane *lane = fold.lanes[0];
    struct lane_lease lease = {.epoch = lane->epoch, .applied = lane->mark.applied};
    struct lane *sent = lane_new(&fold.shared, &lane->door, &lease, &lane->mark);
    enum redis_err err = lane_catch_up(sent);
    cr_assert_eq(err, REDIS_OK, "%s", redis_err_word(err));
    lane_free(sent);
    redis_interrupt(lane->redis);
    err = fold_try(&fold, 0);
    cr_assert_eq(err, REDIS_LOST, "%s", redis_err_word(err));
}

/* Found by tests/model: the lane went on with the credential of before, so that whoever had stolen that one could still pay. */
Test(lane_copies, credential_changed_and_reply_lost) {
    fold_add(&fold, "open account=m kind=merchant; open account=a kind=user credential=pw; topup account=a amount=1000");
    fold_add(&fold, "pay account=a to=m amount=1 sign=pw");
    fold_run(&fold);
    cr_assert_str_eq(fold_account(&fold, 0, "a", "balance"), "999", "the lane has a copy now");
    fold_add(&fold, "credential account=a credential=new sign=pw");
    apply_without_reply();
    fold_add(&fold, "pay account=a to=m amount=10 sign=pw");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "999", "paid under the credential of before");
    fold_add(&fold, "pay account=a to=m amount=100 sign=new");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "899", "not paid under the new one");
}

/* Found by tests/model too: an owner loses the connection, goes on by another, and then its last call arrives. */
Test(lane_copies, call_that_arrives_late) {
    struct lane *lane = fold.lanes[0];
    struct reply reply;
    char before[SERVER_DIGEST_SIZE], after[SERVER_DIGEST_SIZE];
    fold_add(&fold, "open account=a kind=user; topup account=a amount=1000");
    fold_run(&fold);
    struct batch_base base = {lane->epoch_text, lane->mark.applied, lane->function, false};
    fold_add(&fold, "topup account=a amount=10");
    fold_run(&fold);
    server_digest(&fold.server, before);
    batch_build(&lane->batch, lane->referrals, 1, 1, &base, &lane->keep);
    cr_expect_eq(redis_call(lane->redis, &lane->batch.command, &reply), REDIS_BUSY);
    cr_expect(strncmp(redis_error(lane->redis), "TRYAGAIN applied is ", 20) == 0, "%s", redis_error(lane->redis));
    server_digest(&fold.server, after);
    cr_expect_str_eq(after, before);
}
