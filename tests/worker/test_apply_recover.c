/* recover: what Redis lost of one partition and not of another, told once more: a transfer's money comes once however it is told, what is
 * there already is told to its sender, or goes back; an order knows who paid it. Book of three: a pays in 0, b receives in 2, the home of
 * m. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/worker/scene.h"

#define FAR "open account=m kind=merchant; open account=a kind=user; open account=b kind=user; topup account=a amount=1000 key=t0; "
#define TRANSFER "transfer account=a to=b amount=5 key=x"
#define SETTLED "code=0 amount=5 balance=995 held=0 bill=0-2"

static void start(void) { scene_start(3); }
TestSuite(apply_recover, .init = start, .fini = scene_stop);

/* A recover of a/shop/x, which was decided as `entry`. */
static void recover(const char *entry, const char *more) {
    char line[300];
    snprintf(line, sizeof line, "p=2 recover account=b source=till key=a/shop/x>recover at=1 entry=%s amount=5 currency=CNY %s", entry,
             more);
    scene_go(line);
}

/* An arrive of it that its sender knows nothing of, or sends late. */
static void arrive(const char *entry) {
    char line[300];
    snprintf(line, sizeof line, "p=2 arrive account=b source=till key=a/shop/x>arrive at=1 origin=0:%s entry=%s amount=5 currency=CNY",
             entry, entry);
    scene_go(line);
}

/* What partition 0 has sent to 2 and 2 has not applied is gone. */
static void lose_on_the_way(char entry[ENTRY_TEXT_MAX + 1]) {
    scene_go(FAR);
    fold_add(&scene, TRANSFER);
    memcpy(entry, scene.entry, ENTRY_TEXT_MAX + 1);
    scene_turn(0);
    server_text(&scene.server, "XTRIM", fold_key(&scene, 2, "intents"), "MAXLEN", "0", NULL);
    fold_run(&scene);
    scene_expect_bill("lost", 0, "a/shop/x", "|in_progress|");
    scene_expect_account("lost", 2, "b", "0 0");
}

Test(apply_recover, what_was_lost_on_its_way_comes_once) {
    char entry[ENTRY_TEXT_MAX + 1];
    lose_on_the_way(entry);
    recover(entry, "");
    scene_expect_answer("comes", 0, entry, TRANSFER, SETTLED);
    scene_expect_account("comes", 2, "b", "5 0");
    static const char *const rows[] = {" a/shop/x recover @transit:CNY -5 0 -5 0 1 ", " a/shop/x recover b 5 0 5 0 1 "};
    scene_expect_rows("comes", 2, rows, 2);
    struct scene_picture picture = scene_take();
    recover(entry, "");
    recover(entry, "code=10");
    recover(entry, "code=19");
    arrive(entry);
    scene_expect_unchanged("told again, and come late", &picture);
    scene_expect_sound("told again, and come late");
}

/* The owner was not sure, and so were two operators. */
Test(apply_recover, several_in_one_batch) {
    char entry[ENTRY_TEXT_MAX + 1], lines[900];
    lose_on_the_way(entry);
    size_t size = 0;
    for (int n = 0; n < 3; n++)
        size += (size_t)snprintf(lines + size, sizeof lines - size,
                                 "p=2 recover account=b source=till key=a/shop/x>recover at=1 entry=%s amount=5 currency=CNY;", entry);
    snprintf(lines + size, sizeof lines - size,
             "p=2 arrive account=b source=till key=a/shop/x>arrive at=1 origin=0:%s entry=%s amount=5 currency=CNY", entry, entry);
    scene_go(lines);
    scene_expect_account("once", 2, "b", "5 0");
    scene_expect_answer("once", 0, entry, TRANSFER, SETTLED);
    scene_expect_sound("once");
}

Test(apply_recover, refused_there) {
    char entry[ENTRY_TEXT_MAX + 1];
    lose_on_the_way(entry);
    scene_go("freeze account=b");
    recover(entry, "");
    scene_expect_answer("refused", 0, entry, TRANSFER, "code=4 amount=0 balance=1000 held=0 bill=0-2");
    scene_expect_account("refused", 0, "a", "1000 0");
    scene_go("thaw account=b");
    struct scene_picture picture = scene_take();
    recover("1-1", "code=19");
    scene_expect_unchanged("nothing to take back", &picture);
    scene_expect_sound("refused");
}

/* The sender was not told that it arrived. */
Test(apply_recover, its_sender_is_told) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go(FAR);
    fold_add(&scene, TRANSFER);
    memcpy(entry, scene.entry, sizeof entry);
    scene_turn(0);
    scene_turn(2);
    server_text(&scene.server, "XTRIM", fold_key(&scene, 0, "intents"), "MAXLEN", "0", NULL);
    fold_run(&scene);
    scene_expect_bill("not told", 0, "a/shop/x", "|in_progress|");
    recover(entry, "code=10");
    scene_expect_answer("told", 0, entry, TRANSFER, SETTLED);
    scene_expect_account("told", 2, "b", "5 0");
    scene_expect_sound("told");
}

/* Its sender has forgotten it: noted where it is, it is paid for when it is sent again, and does not come twice. */
Test(apply_recover, forgotten_by_its_sender_and_sent_again) {
    scene_go(FAR);
    arrive("5-5");
    recover("5-5", "code=10");
    scene_expect("noted", 2, "account:b", "arrived:a/shop/x", "5");
    scene_go(TRANSFER);
    scene_expect_answer("paid for", 0, scene.entry, TRANSFER, SETTLED);
    scene_expect_account("paid for", 2, "b", "5 0");
    cr_expect(strchr(scene_field(2, "account:b", "arrived:a/shop/x"), '-'), "the note names what paid for it");
    struct scene_picture picture = scene_take();
    recover("5-5", "code=19");
    scene_expect_unchanged("paid for, and not taken back", &picture);
    scene_expect_sound("paid for");
}

/* Another amount under the same key is another transfer. */
Test(apply_recover, another_amount_comes) {
    scene_go(FAR);
    arrive("5-5");
    recover("5-5", "code=10");
    scene_go("transfer account=a to=b amount=7 key=x");
    scene_expect_account("another", 2, "b", "12 0");
    scene_expect_account("another", 0, "a", "993 0");
    scene_expect_sound("another");
}

Test(apply_recover, taken_back) {
    scene_go(FAR);
    arrive("5-5");
    struct scene_picture picture = scene_take();
    recover("5-5", "code=19");
    scene_expect_unchanged("not noted: nobody knows that nobody paid", &picture);
    recover("5-5", "code=10");
    recover("5-5", "code=19");
    scene_expect_account("back", 2, "b", "0 0");
    scene_expect_account("back", 2, "@transit:CNY", "0 0");
    scene_expect("back", 2, "account:b", "arrived:a/shop/x", "");
    picture = scene_take();
    recover("5-5", "code=19");
    scene_expect_unchanged("once", &picture);
    scene_go(TRANSFER);
    scene_expect_answer("and then it comes like any", 0, scene.entry, TRANSFER, SETTLED);
    scene_expect_account("and then it comes like any", 2, "b", "5 0");
    scene_expect_sound("back");
}

Test(apply_recover, spent_is_not_taken_back) {
    scene_go(FAR);
    arrive("5-5");
    recover("5-5", "code=10");
    scene_go("hold account=b to=m amount=1");
    struct scene_picture picture = scene_take();
    recover("5-5", "code=19");
    scene_expect_unchanged("part of it is held", &picture);
    scene_go("topup account=b amount=1");
    recover("5-5", "code=19");
    scene_expect_account("as much is there again", 2, "b", "1 1");
    scene_expect_sound("spent");
}

/* The mark `rules` tells of the notes too, beside what else it tells of. */
Test(apply_recover, noted_beside_other_rules) {
    scene_go(FAR "credential account=b credential=W; limit account=b payments=1 per=1h sign=W");
    arrive("5-5");
    recover("5-5", "code=10");
    scene_go("limit account=b payments=2 per=1h; lock account=b token=T expires=0; unlock account=b token=T;");
    scene_go(TRANSFER);
    scene_expect_account("noted", 2, "b", "5 0");
    scene_expect("limit", 2, "account:b", "limit_payments", "2");
    cr_expect(*scene_field(2, "account:b", "credential"), "the credential is there still");
    scene_expect_sound("noted");
}

Test(apply_recover, nobody_there) {
    scene_go("open account=m kind=merchant; open account=a kind=user; topup account=a amount=1000 key=t0; " TRANSFER);
    struct scene_picture picture = scene_take();
    recover("5-5", "");
    recover("5-5", "code=10");
    recover("5-5", "code=19");
    scene_expect_unchanged("nobody there", &picture);
}

/* No client can say it. */
Test(apply_recover, of_a_client) {
    scene_go(FAR "raw recover v=1 source=shop key=r at=1900000000000 account=b entry=5-5 amount=5 currency=CNY");
    scene_expect_account("refused", 2, "b", "0 0");
}

/* A shard that was lost is made again, of the status that its merchant has by now; one that is there becomes of that status. */
Test(apply_recover, a_shard_made_again) {
    scene_go(FAR);
    scene_go("p=1 adopt account=tea source=till key=tea/repair/again>adopt at=1 origin=2:0-1 entry=0-1 kind=merchant currency=CNY "
             "status=frozen");
    scene_expect("made", 1, "account:tea", "status", "frozen");
    cr_expect_eq(server_integer(&scene.server, "SISMEMBER", fold_key(&scene, 1, "merchants"), "tea", NULL), 1, "it is known here");
    scene_go("p=1 adopt account=m source=till key=m/repair/again>adopt at=1 origin=2:0-1 entry=0-1 kind=merchant currency=CNY "
             "status=frozen");
    scene_expect("there is one", 1, "account:m", "status", "frozen");
    struct scene_picture picture = scene_take();
    scene_go("p=1 adopt account=m source=till key=m/repair/again>adopt at=1 origin=2:0-1 entry=0-1 kind=merchant currency=CNY "
             "status=frozen; p=1 adopt account=m source=till key=m/shop/k>adopt at=1 origin=2:0-1 entry=0-1 kind=merchant currency=CNY");
    scene_expect_unchanged("of that status, and told as when it was opened", &picture);
}

#define ORDER "order account=m order=o1 amount=10 key=o;"
#define PAY "pay account=a to=m order=o1 amount=10 key=x"

static void recover_order(const char *entry) {
    char line[300];
    snprintf(line, sizeof line,
             "p=2 recover account=m source=till key=a/shop/x>recover at=1 entry=%s order=o1 amount=10 currency=CNY", entry);
    scene_go(line);
}

Test(apply_recover, an_order_whose_payment_was_lost_on_its_way) {
    char entry[ENTRY_TEXT_MAX + 1];
    scene_go(FAR ORDER);
    fold_add(&scene, PAY);
    memcpy(entry, scene.entry, sizeof entry);
    scene_turn(0);
    server_text(&scene.server, "XTRIM", fold_key(&scene, 2, "intents"), "MAXLEN", "0", NULL);
    fold_run(&scene);
    scene_expect_bill("lost", 0, "a/shop/x", "|in_progress|");
    recover_order(entry);
    scene_expect_answer("paid", 0, entry, PAY, "code=0 amount=10 balance=990 held=0 bill=0-3");
    scene_expect("paid", 2, "order:m/o1", "state", "paid");
    struct scene_picture picture = scene_take();
    recover_order(entry);
    scene_expect_unchanged("told again", &picture);
    scene_expect_sound("paid");
}

/* The payer's partition has forgotten that it paid: sent again, it pays for what is paid. */
Test(apply_recover, an_order_paid_by_whom_has_forgotten_it) {
    scene_go(FAR ORDER);
    scene_go("p=2 paid account=m source=till key=a/shop/x>paid at=1 origin=0:5-5 entry=5-5 order=o1 amount=10 currency=CNY");
    scene_expect("paid", 2, "order:m/o1", "state", "paid");
    scene_go(PAY);
    scene_expect_answer("paid for", 0, scene.entry, PAY, "code=0 amount=10 balance=990 held=0 bill=0-3");
    scene_go("pay account=a to=m order=o1 amount=10 key=y");
    scene_expect_answer("another payment of it", 0, scene.entry, "pay account=a to=m order=o1 amount=10 key=y",
                        "code=11 amount=0 balance=990 held=0 bill=0-4");
    scene_expect_sound("paid for");
}

/* In a book of one partition nothing goes back to anybody. */
static void start_here(void) { scene_start(1); }
TestSuite(apply_recover_here, .init = start_here, .fini = scene_stop);

Test(apply_recover_here, batches_alike) {
    scene_expect_batches_alike(
        "batches", 1,
        "open account=b kind=user; arrive account=b source=till key=a/shop/x>arrive at=1 origin=0:5-5 entry=5-5 amount=5 currency=CNY;"
        "recover account=b source=till key=a/shop/x>recover at=1 entry=5-5 amount=5 currency=CNY code=10;"
        "recover account=b source=till key=a/shop/y>recover at=1 entry=6-6 amount=3 currency=CNY;"
        "arrive account=b source=till key=a/shop/x>arrive at=1 origin=0:7-7 entry=7-7 amount=5 currency=CNY;"
        "recover account=b source=till key=a/shop/z>recover at=1 entry=8-8 amount=4 currency=CNY code=10;"
        "recover account=b source=till key=a/shop/z>recover at=1 entry=8-8 amount=4 currency=CNY code=19;"
        "recover account=b source=till key=a/shop/y>recover at=1 entry=6-6 amount=3 currency=CNY code=19;"
        "limit account=b payments=2 per=1h; withdraw account=b amount=1");
}
