/* What Redis refuses to read is not taken for not being there; what has fallen due and cannot be applied does not come back at once. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/worker/fold.h"

static struct fold fold;

static void start(void) { fold_start(&fold, 1, FOLD_BATCH); }
static void stop(void) { fold_stop(&fold); }

TestSuite(refused, .init = start, .fini = stop);

static void expect_code(const char *code) {
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_CODE], code);
}

/* Each looks something up before the call: the lines of an order, the merchant of a payment, the currency of an account. */
Test(refused, rights_that_are_missing_stop_the_lane) {
    static const char *const lines[] = {"cancel account=m order=o", "refund account=a of=p", "withdraw account=a amount=1"};
    fold_add(&fold, "open account=m kind=merchant; open account=a kind=user; topup account=a amount=100; pay account=a to=m amount=5 key=p;"
                    "price account=m sku=tea amount=5; stock account=m sku=tea quantity=9; order account=m order=o lines=tea:4");
    fold_run(&fold);
    for (size_t n = 0; n < sizeof lines / sizeof *lines; n++) {
        server_text(&fold.server, "ACL", "SETUSER", "default", "-hget", NULL);
        fold_add(&fold, lines[n]);
        for (int turn = 0; turn < 3; turn++) cr_expect_eq(fold_try(&fold, 0), REDIS_REFUSED, "%s", lines[n]);
        server_text(&fold.server, "ACL", "SETUSER", "default", "+hget", NULL);
        fold_run(&fold);
        expect_code("0");
    }
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "sku:m/tea"), "stock", NULL), "9");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 0);
}

/* An article of another type: the order cannot lapse. It is tried again an hour later, and once that is repaired it lapses. */
Test(refused, what_is_due_and_buried_waits) {
    fold_add(&fold, "open account=m kind=merchant; price account=m sku=tea amount=5; stock account=m sku=tea quantity=9;"
                    "order account=m order=o lines=tea:4 expires=1m");
    fold_run(&fold);
    server_text(&fold.server, "RENAME", fold_key(&fold, 0, "sku:m/tea"), "aside", NULL);
    server_text(&fold.server, "SET", fold_key(&fold, 0, "sku:m/tea"), "x", NULL);
    fold_add(&fold, "+2m");
    cr_expect_eq(fold_add_due(&fold), 1);
    fold_run(&fold);
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 1);
    cr_expect_eq(fold_add_due(&fold), 0, "it came back at once");
    server_text(&fold.server, "RENAME", "aside", fold_key(&fold, 0, "sku:m/tea"), NULL);
    fold_add(&fold, "+1h");
    cr_expect_eq(fold_add_due(&fold), 1);
    fold_run(&fold);
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "sku:m/tea"), "stock", NULL), "9");
    cr_expect_eq(server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "dead"), NULL), 1);
}
