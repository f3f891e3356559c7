/* Signatures: who must sign, what is taken for a signature, and when. "credential=pw" is a credential made of that word, "sign=pw" signs
 * with it. The lane's own copy of a credential must follow the stream, within a batch too: every row is run in one batch as well. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define BASE "open account=m kind=merchant; open account=a kind=user credential=pw; topup account=a amount=1000 key=t0; " \
             "open account=b kind=user; "

static const struct table_row rows[] = {
    {"pay, signed", BASE, "pay account=a to=m amount=5 sign=pw", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"pay, unsigned", BASE, "pay account=a to=m amount=5", "code=2"},
    {"pay, signed by another", BASE, "pay account=a to=m amount=5 sign=px", "code=2"},
    {"hold, signed", BASE, "hold account=a to=m amount=5 sign=pw", "code=0 amount=5 balance=1000 held=5 bill=0-2"},
    {"hold, unsigned", BASE, "hold account=a to=m amount=5", "code=2"},
    {"hold, signed by another", BASE, "hold account=a to=m amount=5 sign=px", "code=2"},
    {"transfer, signed", BASE, "transfer account=a to=b amount=5 sign=pw", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, unsigned", BASE, "transfer account=a to=b amount=5", "code=2 currency="},
    {"withdraw, signed", BASE, "withdraw account=a amount=5 sign=pw", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"withdraw, unsigned", BASE, "withdraw account=a amount=5", "code=2 currency="},
    {"group, signed", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:m,amount:6 sign=pw",
     "code=0 amount=11 balance=989 held=0 bill=0-2 detail=0-3"},
    {"group, unsigned", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:m,amount:6", "code=2 currency="},
    {"credential, signed", BASE, "credential account=a credential=new sign=pw", "code=0 balance=1000 held=0"},
    {"credential, unsigned", BASE, "credential account=a credential=new", "code=2 currency="},
    {"credential, signed by the new one", BASE, "credential account=a credential=new sign=new", "code=2 currency="},
    {"credential, removed", BASE, "credential account=a sign=pw", "code=0 balance=1000 held=0"},
    {"credential, removed unsigned", BASE, "credential account=a", "code=2 currency="},
    {"credential, of one who has none", BASE, "credential account=b credential=new", "code=0 balance=0 held=0"},
    {"credential, none of one who has none", BASE, "credential account=b", "code=0 balance=0 held=0"},
    {"credential, of a merchant", BASE, "credential account=m credential=new", "code=0 balance=0 held=0"},
    {"credential, unknown", BASE, "credential account=c credential=new", "code=1 currency= detail=account"},
    {"credential, frozen", BASE "freeze account=b", "credential account=b credential=new", "code=0 balance=0 held=0"},
    {"credential, closed", BASE "close account=b", "credential account=b credential=new", "code=4 balance=0 held=0"},
    {"open, with a credential", "", "open account=x kind=user credential=pw", "code=0 balance=0 held=0"},
    {"open, a merchant with a credential", "", "open account=x kind=merchant credential=pw", "code=0 balance=0 held=0"},
    {"open, it exists: its credential stays", BASE "! open account=a kind=user credential=new", "pay account=a to=m amount=5 sign=pw",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"open, it exists: the other is none", BASE "! open account=a kind=user credential=new", "pay account=a to=m amount=5 sign=new", "code=2"},
    {"open, it exists without: none is made", BASE "! open account=b kind=user credential=new; topup account=b amount=5",
     "pay account=b to=m amount=5", "code=0 amount=5 balance=0 held=0 bill=0-3"},
    /* after a change */
    {"changed, signed by the new one", BASE "credential account=a credential=new sign=pw", "pay account=a to=m amount=5 sign=new",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"changed, signed by the old one", BASE "credential account=a credential=new sign=pw", "pay account=a to=m amount=5 sign=pw", "code=2"},
    {"changed in vain, signed by the old one", BASE "! credential account=a credential=new sign=new", "pay account=a to=m amount=5 sign=pw",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"changed in vain, signed by the new one", BASE "! credential account=a credential=new sign=new", "pay account=a to=m amount=5 sign=new", "code=2"},
    {"changed twice", BASE "credential account=a credential=new sign=pw; credential account=a credential=pw sign=new",
     "pay account=a to=m amount=5 sign=pw", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"removed, unsigned", BASE "credential account=a sign=pw", "pay account=a to=m amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"removed, signed all the same", BASE "credential account=a sign=pw", "pay account=a to=m amount=5 sign=pw",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"set, unsigned", BASE "topup account=b amount=9; credential account=b credential=new", "pay account=b to=m amount=5", "code=2"},
    {"set, signed", BASE "topup account=b amount=9; credential account=b credential=new", "pay account=b to=m amount=5 sign=new",
     "code=0 amount=5 balance=4 held=0 bill=0-3"},
    /* nobody has to sign these */
    {"topup, unsigned", BASE, "topup account=a amount=5", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"inquire, unsigned", BASE, "inquire account=a", "code=0 balance=1000 held=0"},
    {"refund, unsigned", BASE "pay account=a to=m amount=5 key=p sign=pw", "refund account=a of=p",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"rollback, unsigned", BASE "pay account=a to=m amount=5 key=p sign=pw", "rollback account=a of=p",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"capture, unsigned", BASE "hold account=a to=m amount=5 key=h sign=pw", "capture account=a of=h",
     "code=0 amount=5 balance=995 held=0 bill=0-3 detail=0-2"},
    {"release, unsigned", BASE "hold account=a to=m amount=5 key=h sign=pw", "release account=a of=h",
     "code=0 amount=5 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"lock, unsigned", BASE, "lock account=a token=T expires=1h", "code=0 balance=1000 held=0"},
    {"limit, unsigned", BASE, "limit account=a payments=1 per=1h", "code=0 balance=1000 held=0"},
    {"freeze, unsigned", BASE, "freeze account=a", "code=0 balance=1000 held=0"},
    {"another's money, unsigned", BASE "topup account=b amount=9", "transfer account=b to=a amount=5",
     "code=0 amount=5 balance=4 held=0 bill=0-3"},
    /* precedence */
    {"invalid before unsigned", BASE, "raw pay account=a to=m amount=0 currency=CNY", "code=6 detail=amount"},
    {"known before unsigned, other", BASE "pay account=a to=m amount=5 key=p sign=pw", "pay account=a to=m amount=6 key=p",
     "code=7 detail=amount"},
    {"stale before unsigned", BASE, "pay account=a to=m amount=5 at=-24h", "code=14"},
    {"unsigned before unknown merchant", BASE, "pay account=a to=x amount=5", "code=2"},
    {"unsigned before currency", BASE, "pay account=a to=m amount=5 currency=USD", "code=2 currency=USD"},
    {"unsigned before frozen", BASE "freeze account=a", "pay account=a to=m amount=5", "code=2"},
    {"unsigned before locked", BASE "lock account=a token=T expires=1h", "pay account=a to=m amount=5", "code=2"},
    {"unsigned before funds", BASE, "pay account=a to=m amount=5000", "code=2"},
    {"unsigned before its time", BASE, "pay account=a to=m amount=5 not_before=+1h", "code=2"},
    {"unknown, signed all the same", BASE, "pay account=c to=m amount=5 sign=pw", "code=1 amount=0 detail=account"},
    {"unsigned before closed", BASE "withdraw account=a amount=1000 sign=pw; close account=a", "credential account=a", "code=2 currency="},
    /* at the door */
    {"credential of 31 bytes", BASE, "raw open account=x kind=user currency=CNY credential=#00112233445566778899aabbccddeeff00112233445566778899aabbccddee", "code=6 detail=credential"},
    {"credential of 33 bytes", BASE,
     "raw open account=x kind=user currency=CNY credential=#00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00",
     "code=6 detail=credential"},
    {"credential that is text", BASE, "raw open account=x kind=user currency=CNY credential='00112233445566778899aabbccddeeff",
     "code=6 detail=credential"},
    {"credential of a payment", BASE,
     "raw pay account=a to=m amount=5 currency=CNY credential=#00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
     "code=6 detail=credential"},
};

Test(apply_sign, clients, .timeout = 120) { table_run(rows, sizeof rows / sizeof *rows, 1); }

static struct fold fold;

/* What was answered is answered again to whoever asks. */
Test(apply_sign, repetition_needs_no_signature) {
    fold_start(&fold, 1, FOLD_BATCH);
    table_step("first", &fold, BASE "pay account=a to=m amount=5 key=p at=1900000000000 sign=pw",
               "code=0 amount=5 balance=995 held=0 bill=0-2", NULL);
    table_step("again, unsigned", &fold, "pay account=a to=m amount=5 key=p at=1900000000000",
               "code=0 amount=5 balance=995 held=0 bill=0-2 replayed=1", "1900000000000-5");
    fold_stop(&fold);
}

/* The signature is of the bytes: neither of other bytes, nor cut, nor longer. */
Test(apply_sign, what_is_no_signature) {
    static const size_t sizes[] = {0, 1, 31, 33, 64};
    struct intent intent;
    uint8_t bytes[INTENT_SIZE_MAX], key[SIGN_KEY_SIZE], sig[2 * SIGN_SIZE] = {0};
    size_t size;
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, BASE);
    fold_run(&fold);
    fold_credential("pw", key);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes + 2; n++) {
        fold_intent(&fold, "pay account=a to=m amount=5", &intent);
        cr_assert(intent_encode(&intent, bytes, sizeof bytes, &size));
        sign_make(key, bytes, size - (n == 0), sig);
        sig[SIGN_SIZE - 1] ^= (uint8_t)(n == 1);
        const char *const fields[] = {"intent", (const char *)bytes, "sig", (const char *)sig};
        fold_add_fields(&fold, 0, 4, fields, (const size_t[]){6, size, 3, n < 2 ? SIGN_SIZE : sizes[n - 2]});
        fold_run(&fold);
        struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
        cr_expect_str_eq(answer.text[RESPONSE_CODE], "2", "case %zu: code %s", n, answer.text[RESPONSE_CODE]);
    }
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1000", "something was paid");
    fold_stop(&fold);
}

/* Nobody signs a topup, before its time neither. */
Test(apply_sign, scheduled_topup_needs_none) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, BASE "topup account=a amount=5 key=x not_before=+1h");
    fold_run(&fold);
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), "a/shop/x", NULL);
    cr_expect(strstr(bill, "|scheduled|"), "it is not scheduled: %s", bill);
    table_step("decided", &fold, "+1h; due account=a of=x; inquire account=a", "code=0 balance=1005 held=0", NULL);
    fold_stop(&fold);
}

/* A new owner has the credentials again. */
Test(apply_sign, after_a_takeover) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_add(&fold, BASE "credential account=a credential=new sign=pw");
    fold_run(&fold);
    fold_take_over(&fold);
    table_step("old", &fold, "pay account=a to=m amount=5 sign=pw", "code=2", NULL);
    table_step("new", &fold, "pay account=a to=m amount=5 sign=new", "code=0 amount=5 balance=995 held=0 bill=0-2", NULL);
    fold_take_over(&fold);
    table_step("removed", &fold, "credential account=a sign=new", "code=0 balance=995 held=0", NULL);
    table_step("unsigned", &fold, "pay account=a to=m amount=6", "code=0 amount=6 balance=989 held=0 bill=0-3", NULL);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "credential"), "", "nothing is left of it");
    fold_stop(&fold);
}

/* Entries applied already are not judged again by the credential of today. */
Test(apply_sign, redelivered_after_a_change) {
    fold_start(&fold, 1, 1);
    fold_add(&fold, BASE "pay account=a to=m amount=5 sign=pw; ! pay account=a to=m amount=6; credential account=a credential=new sign=pw;"
                    "pay account=a to=m amount=7 sign=new; ! pay account=a to=m amount=8 sign=pw");
    fold_run(&fold);
    char *before = fold_dump(&fold, 0);
    server_text(&fold.server, "XGROUP", "SETID", fold_key(&fold, 0, "intents"), "workers", "0", NULL);
    fold_set_batch(&fold, FOLD_BATCH);
    fold_run(&fold);
    char *after = fold_dump(&fold, 0);
    const char *difference = fold_difference(after, before);
    cr_expect(!difference, "%s", difference ? difference : "");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "988", "balance");
    free(before);
    free(after);
    fold_stop(&fold);
}

#define SECRET "0707070707070707070707070707070707070707070707070707070707070707"

/* In a book with a secret its policy is the book's alone. */
Test(apply_sign, policy_of_a_book_with_a_secret) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_set_secret(&fold, 7);
    table_step("unsigned", &fold, "policy account=@book settings=fee:30", "code=2 currency=", NULL);
    table_step("signed by a stranger", &fold, "policy account=@book settings=fee:30 sign=pw", "code=2 currency=", NULL);
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "policy:fee", NULL), "", "it was set");
    table_step("signed by the book", &fold, "policy account=@book settings=fee:30 sign=" SECRET, "code=0 currency=", NULL);
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "policy:fee", NULL), "30", "it was not set");
    table_step("stale before unsigned", &fold, "policy account=@book settings=fee:30 at=-24h", "code=14 currency=", NULL);
    fold_add(&fold, TABLE_BASE);
    fold_run(&fold);
    table_step("accounts without a credential sign nothing", &fold, "pay account=a to=m amount=5",
               "code=0 amount=5 balance=995 held=0 bill=0-2", NULL);
    fold_stop(&fold);
}

/* Expiry under a secret: the fold's own follow-ups carry it. */
Test(apply_sign, expire_of_a_book_with_a_secret) {
    fold_start(&fold, 1, FOLD_BATCH);
    fold_set_secret(&fold, 7);
    fold_add(&fold, TABLE_BASE "hold account=a to=m amount=5 key=h expires=1m; +1m; expire account=a of=h");
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "held"), "0", "not expired");
    fold_add(&fold, "hold account=a to=m amount=5 key=i expires=1m; +1m");
    char line[300];
    snprintf(line, sizeof line, "p=0 expire account=a source=till key=a/shop/i>expire at=1 entry=%s sign=pw", fold.entry);
    fold_add(&fold, line);
    fold_run(&fold);
    cr_expect_str_eq(fold_account(&fold, 0, "a", "held"), "5", "expired by a stranger");
    fold_stop(&fold);
}
