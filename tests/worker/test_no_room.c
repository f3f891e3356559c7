/* Money that comes late to an account which could not count it: it waits in the dead stream, and nothing is lost or garbled meanwhile.
 * a and the payers are in 0, g in 1, the merchant's home is 2. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/script.h"
#include "tests/worker/scene.h"

#define MAX "9007199254740991"

static void start(void) { scene_start(3); }
TestSuite(no_room, .init = start, .fini = scene_stop, .timeout = 60);

/* Puts the only dead entry of the partition back. */
static void requeue(unsigned p) {
    char dead[KEYS_SIZE_MAX], id[ENTRY_TEXT_MAX + 1];
    struct reply reply;
    size_t size;
    snprintf(dead, sizeof dead, "%s", fold_key(&scene, p, "dead"));
    command_begin(&scene.command, "XRANGE");
    command_word(&scene.command, dead);
    command_word(&scene.command, "-");
    command_word(&scene.command, "+");
    cr_assert_eq(redis_call(scene.redis, &scene.command, &reply), REDIS_OK);
    cr_assert_eq(reply_count(reply), 1, "%zu are dead", reply_count(reply));
    snprintf(id, sizeof id, "%s", reply_text(reply_at(reply_at(reply, 0), 0), NULL));
    const char *key = fold_key(&scene, p, "intents");
    redis_script_begin(&scene.command, &script_requeue, 2);
    command_copy(&scene.command, dead, strlen(dead));
    command_copy(&scene.command, key, strlen(key));
    command_word(&scene.command, id);
    cr_assert_eq(redis_script_call(scene.redis, &script_requeue, &scene.command, &reply), REDIS_OK);
    const char *entry = reply_text(reply, &size);
    struct entry_id at;
    cr_assert(entry_id_parse(entry, size, &at));
    if (at.ms > scene.clock_ms) scene.clock_ms = at.ms;
    scene.clock_ms++;
}

/* Two payments of orders are on their way when the shard's month is nearly full. */
Test(no_room, in_a_month_for_an_order_that_is_paid) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go("open account=m kind=merchant; open account=a kind=user; topup account=a amount=" MAX);
    scene_go("pay account=a to=m amount=9007199254740981 key=p; refund account=a of=p;"
             "order account=m order=o1 amount=10; order account=m order=o2 amount=10");
    fold_add(&scene, "pay account=a to=m order=o1 amount=10 key=x; pay account=a to=m order=o2 amount=10 key=y");
    memcpy(entry, scene.entry, sizeof entry);
    fold_run(&scene);
    scene_expect("full", 0, "account:m", "earning", "2030-03 " MAX " 9007199254740981 0");
    scene_expect_account("full", 0, "a", "9007199254740981 10");
    scene_expect_bill("full", 0, "a/shop/y", "|m|in_progress|0|0|");
    scene_expect_answer("full", 0, entry, "pay account=a to=m order=o2 amount=10 key=y", "");
    scene_expect_sound("full");
    scene_go("! pay account=a to=m amount=1 key=z; refund account=a of=x amount=1; +15d; inquire account=a");
    requeue(0);
    fold_run(&scene);
    scene_expect("next month", 0, "account:m", "earning", "2030-04 10 0 0");
    scene_expect_account("next month", 0, "a", "9007199254740972 0");
    scene_expect_answer("next month", 0, entry, "pay account=a to=m order=o2 amount=10 key=y",
                        "code=0 amount=10 balance=9007199254740972 held=0 bill=0-8");
    scene_expect_sound("next month");
}

/* a has become as rich as can be while its transfer was away, and it comes back. */
Test(no_room, for_a_transfer_that_comes_back) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go("open account=a kind=user; open account=g kind=user; topup account=a amount=" MAX "; topup account=g amount=" MAX);
    fold_add(&scene, "transfer account=a to=b amount=" MAX " key=x");
    memcpy(entry, scene.entry, sizeof entry);
    scene_turn(0);
    fold_add(&scene, "transfer account=g to=a amount=" MAX);
    scene_turn(1);
    scene_turn(0);
    fold_run(&scene);
    scene_expect_account("rich", 0, "a", MAX " 0");
    scene_expect_bill("rich", 0, "a/shop/x", "|in_progress|");
    scene_expect_answer("rich", 0, entry, "transfer account=a to=b amount=" MAX " key=x", "");
    scene_go("withdraw account=a amount=" MAX);
    requeue(0);
    fold_run(&scene);
    scene_expect_account("room", 0, "a", MAX " 0");
    scene_expect_answer("room", 0, entry, "transfer account=a to=b amount=" MAX " key=x",
                        "code=1 amount=0 balance=" MAX " held=0 bill=0-2 detail=to");
    scene_expect_sound("room");
}
