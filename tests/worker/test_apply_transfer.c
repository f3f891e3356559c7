/* transfer, within a partition: every code in the published order of checks, each row twice. Across partitions: every refusal at the far
 * side, what is seen on the way, and what cannot happen twice. Book of three there: a lives in 0, g in 1, b and m in 2. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define MAX "9007199254740991"
#define BASE TABLE_BASE "open account=b kind=user; "
#define LOCKED "lock account=a token=T expires=1h; "
/* a owns MAX - 10 and m's shard is -10; b has 20. */
#define A_NEAR_CAP                                                                                                             \
    "open account=m kind=merchant; open account=a kind=user; open account=b kind=user; topup account=a amount=9007199254740981;" \
    "pay account=a to=m amount=10 key=p; withdraw account=m amount=10; refund account=a of=p; topup account=b amount=20;"

static const struct table_row rows[] = {
    {"transfer", BASE, "transfer account=a to=b amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, currency said", BASE, "transfer account=a to=b amount=5 currency=CNY", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, all", BASE, "transfer account=a to=b amount=1000", "code=0 amount=1000 balance=0 held=0 bill=0-2"},
    {"transfer, to an app", TABLE_BASE "open account=b kind=app", "transfer account=a to=b amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, from a merchant", BASE "pay account=a to=m amount=9", "transfer account=m to=b amount=5",
     "code=0 amount=5 balance=4 held=0 bill=0-3"},
    {"transfer, beside a hold", BASE "hold account=a to=m amount=100", "transfer account=a to=b amount=900",
     "code=0 amount=900 balance=100 held=100 bill=0-3"},
    {"transfer, what came by transfer", BASE "transfer account=a to=b amount=5", "transfer account=b to=a amount=5",
     "code=0 amount=5 balance=0 held=0 bill=0-3"},
    {"transfer, with the token", BASE LOCKED, "transfer account=a to=b amount=5 token=T", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, to one who is locked", BASE "lock account=b token=T expires=1h", "transfer account=a to=b amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, the rate is not its", BASE "limit account=a payments=1 per=1h; pay account=a to=m amount=1",
     "transfer account=a to=b amount=5", "code=0 amount=5 balance=994 held=0 bill=0-3"},
    {"transfer, a second is no look-alike", BASE "policy account=@book settings=duplicate_window:1h; transfer account=a to=b amount=5",
     "transfer account=a to=b amount=5", "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"transfer, guarded", BASE, "transfer account=a to=b amount=5 guard=seq:1", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"transfer, unknown account", BASE, "transfer account=c to=b amount=5", "code=1 amount=0 currency= detail=account"},
    {"transfer, to nobody", BASE, "transfer account=a to=c amount=5", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"transfer, to a merchant", BASE, "transfer account=a to=m amount=5", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"transfer, other currency said", BASE, "transfer account=a to=b amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"transfer, other currency than the receiver's", TABLE_BASE "open account=b kind=user currency=USD",
     "transfer account=a to=b amount=5", "code=15 amount=0 balance=1000 held=0"},
    {"transfer, the receiver's currency said", TABLE_BASE "open account=b kind=user currency=USD",
     "transfer account=a to=b amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"transfer, frozen", BASE "freeze account=a", "transfer account=a to=b amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"transfer, receiver frozen", BASE "freeze account=b", "transfer account=a to=b amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"transfer, receiver closed", BASE "close account=b", "transfer account=a to=b amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"transfer, closed", BASE "close account=b", "transfer account=b to=a amount=5", "code=4 amount=0 balance=0 held=0"},
    {"transfer, locked", BASE LOCKED, "transfer account=a to=b amount=5", "code=5 currency="},
    {"transfer, locked by another", BASE LOCKED, "transfer account=a to=b amount=5 token=U", "code=5 currency="},
    {"transfer, guard", BASE, "transfer account=a to=b amount=5 guard=balance_min:1001", "code=18 currency="},
    {"transfer, the receiver's cap", A_NEAR_CAP, "transfer account=b to=a amount=11", "code=12 amount=0 balance=20 held=0"},
    {"transfer, just under the receiver's cap", A_NEAR_CAP, "transfer account=b to=a amount=10",
     "code=0 amount=10 balance=10 held=0 bill=0-6"},
    {"transfer, the book's cap", BASE "policy account=@book settings=balance_cap:100", "transfer account=a to=b amount=101",
     "code=12 amount=0 balance=1000 held=0"},
    {"transfer, at the book's cap", BASE "policy account=@book settings=balance_cap:100", "transfer account=a to=b amount=100",
     "code=0 amount=100 balance=900 held=0 bill=0-2"},
    {"transfer, too little", BASE, "transfer account=a to=b amount=1001", "code=3 amount=0 balance=1000 held=0"},
    {"transfer, what is held", BASE "hold account=a to=m amount=100", "transfer account=a to=b amount=901",
     "code=3 amount=0 balance=1000 held=100"},
    {"transfer, far too little", BASE, "transfer account=a to=b amount=" MAX, "code=3 amount=0 balance=1000 held=0"},
    {"rollback, of a transfer", BASE "transfer account=a to=b amount=5 key=x", "rollback account=a of=x",
     "code=11 amount=0 balance=995 held=0"},
    {"refund, of a transfer", BASE "transfer account=a to=b amount=5 key=x", "refund account=a of=x",
     "code=11 amount=0 balance=995 held=0"},
    /* precedence */
    {"transfer, stale before unknown", BASE, "transfer account=c to=b amount=5 at=-24h", "code=14 currency="},
    {"transfer, account before receiver", BASE, "transfer account=c to=d amount=5", "code=1 amount=0 currency= detail=account"},
    {"transfer, unknown before currency", BASE, "transfer account=a to=c amount=5 currency=USD",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"transfer, currency before frozen", BASE "freeze account=a", "transfer account=a to=b amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"transfer, frozen before locked", BASE LOCKED "freeze account=b", "transfer account=a to=b amount=5",
     "code=4 amount=0 balance=1000 held=0"},
    {"transfer, locked before guard", BASE LOCKED, "transfer account=a to=b amount=5 guard=seq:0", "code=5 currency="},
    {"transfer, guard before the cap", BASE "policy account=@book settings=balance_cap:100",
     "transfer account=a to=b amount=101 guard=seq:0", "code=18 currency="},
    {"transfer, the cap before funds", BASE "policy account=@book settings=balance_cap:100", "transfer account=a to=b amount=1001",
     "code=12 amount=0 balance=1000 held=0"},
    {"transfer, to itself", BASE, "raw transfer account=a to=a amount=5", "code=6 currency= detail=to"},
    {"transfer, another receiver under the key", BASE "transfer account=a to=b amount=5 key=x", "transfer account=a to=c amount=5 key=x",
     "code=7 currency= detail=to"},
};

Test(apply_transfer, here) { table_run(rows, sizeof rows / sizeof *rows, 1); }

/* Elsewhere. */

#define FAR "open account=m kind=merchant; open account=a kind=user; open account=g kind=user; open account=b kind=user;" \
            "topup account=a amount=1000 key=t0; "

static struct fold fold;

static void start(void) {
    fold_start(&fold, 3, FOLD_BATCH);
    cr_assert(fold_partition_of(&fold, "m") == 2 && fold_partition_of(&fold, "a") == 0 && fold_partition_of(&fold, "g") == 1 &&
              fold_partition_of(&fold, "b") == 2 && fold_partition_of(&fold, "o") == 2);
}

static void stop(void) { fold_stop(&fold); }

TestSuite(apply_transfer_far, .init = start, .fini = stop);

static void go(const char *lines) {
    fold_add(&fold, lines);
    fold_run(&fold);
}

static void turn(unsigned p) {
    enum redis_err err = fold_try(&fold, p);
    cr_expect_eq(err, REDIS_OK, "a turn of partition %u: %s", p, redis_err_word(err));
}

static void expect_balance(const char *name, unsigned p, const char *account, const char *balance) {
    cr_expect_str_eq(fold_account(&fold, p, account, "balance"), balance, "%s: %s in %u has %s, not %s", name, account, p,
                     fold.server.text, balance);
}

static void expect_sound(const char *name) {
    for (unsigned p = 0; p < 3; p++) {
        const char *fault = fold_unsound(&fold, p);
        cr_expect(!fault, "%s: partition %u: %s", name, p, fault ? fault : "");
    }
}

static void expect_state(const char *name, const char *key, const char *record) {
    char field[100];
    snprintf(field, sizeof field, "a/shop/%s", key);
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), field, NULL);
    cr_expect(strstr(bill, record), "%s: the bill is %s, without %s", name, bill, record);
}

static size_t answer_count(void) { return (size_t)server_integer(&fold.server, "XLEN", fold_key(&fold, 0, "responses:shop"), NULL); }

struct far_row {
    const char *name, *setup, *intent, *answer, *receiver, *transit; /* @transit of 0, and of 2 when there is any */
};
static const struct far_row far_rows[] = {
    {"arrives", FAR, "transfer account=a to=b amount=5 key=x", "code=0 amount=5 balance=995 held=0 bill=0-2", "5", "5 -5"},
    {"all arrives", FAR, "transfer account=a to=b amount=1000 key=x", "code=0 amount=1000 balance=0 held=0 bill=0-2", "1000", "1000 -1000"},
    {"to an app", FAR "open account=o kind=app", "transfer account=a to=o amount=5 key=x", "code=0 amount=5 balance=995 held=0 bill=0-2",
     "0", "5 -5"},
    {"beside what is held", FAR "hold account=a to=m amount=100", "transfer account=a to=b amount=5 key=x",
     "code=0 amount=5 balance=995 held=100 bill=0-3", "5", "5 -5"},
    {"to one who is locked", FAR "lock account=b token=T expires=0", "transfer account=a to=b amount=5 key=x",
     "code=0 amount=5 balance=995 held=0 bill=0-2", "5", "5 -5"},
    {"refused here: currency", FAR, "transfer account=a to=b amount=5 currency=USD key=x", "code=15 amount=0 balance=1000 held=0", "0", ""},
    {"refused here: frozen", FAR "freeze account=a", "transfer account=a to=b amount=5 key=x", "code=4 amount=0 balance=1000 held=0", "0",
     ""},
    {"refused here: unknown", FAR, "transfer account=d to=b amount=5 key=x", "code=1 amount=0 currency= detail=account", "0", ""},
    {"refused here: locked", FAR "lock account=a token=T expires=0", "transfer account=a to=b amount=5 key=x", "code=5 currency=", "0", ""},
    {"refused here: guard", FAR, "transfer account=a to=b amount=5 guard=seq:5 key=x", "code=18 currency=", "0", ""},
    {"refused here: funds", FAR, "transfer account=a to=b amount=1001 key=x", "code=3 amount=0 balance=1000 held=0", "0", ""},
    {"refused here: funds that are held", FAR "hold account=a to=m amount=100", "transfer account=a to=b amount=901 key=x",
     "code=3 amount=0 balance=1000 held=100", "0", ""},
    {"there: unknown", FAR, "transfer account=a to=o amount=5 key=x", "code=1 amount=0 balance=1000 held=0 bill=0-2 detail=to", "0", "0"},
    {"there: a merchant", FAR, "transfer account=a to=m amount=5 key=x", "code=1 amount=0 balance=1000 held=0 bill=0-2 detail=to", "0",
     "0"},
    {"there: frozen", FAR "freeze account=b", "transfer account=a to=b amount=5 key=x", "code=4 amount=0 balance=1000 held=0 bill=0-2", "0",
     "0"},
    {"there: closed", FAR "close account=b", "transfer account=a to=b amount=5 key=x", "code=4 amount=0 balance=1000 held=0 bill=0-2", "0",
     "0"},
    {"there: another currency", FAR "open account=o kind=user currency=USD", "transfer account=a to=o amount=5 key=x",
     "code=15 amount=0 balance=1000 held=0 bill=0-2", "0", "0"},
    {"there: the book's cap", FAR "p=2 policy account=@book settings=balance_cap:4", "transfer account=a to=b amount=5 key=x",
     "code=12 amount=0 balance=1000 held=0 bill=0-2", "0", "0"},
    {"there: at the book's cap", FAR "p=2 policy account=@book settings=balance_cap:5", "transfer account=a to=b amount=5 key=x",
     "code=0 amount=5 balance=995 held=0 bill=0-2", "5", "5 -5"},
    {"there: the cap of here does not count", FAR "p=0 policy account=@book settings=balance_cap:4",
     "transfer account=a to=b amount=5 key=x", "code=0 amount=5 balance=995 held=0 bill=0-2", "5", "5 -5"},
    {"back over the book's cap of here", FAR "p=0 policy account=@book settings=balance_cap:4; freeze account=b",
     "transfer account=a to=b amount=5 key=x", "code=4 amount=0 balance=1000 held=0 bill=0-2", "0", "0"},
    {"there: the cap", FAR "topup account=b amount=9007199254740989", "transfer account=a to=b amount=3 key=x",
     "code=12 amount=0 balance=1000 held=0 bill=0-2", "9007199254740989", "0"},
    {"there: just under the cap", FAR "topup account=b amount=9007199254740989", "transfer account=a to=b amount=2 key=x",
     "code=0 amount=2 balance=998 held=0 bill=0-2", MAX, "2 -2"},
    /* precedence there */
    {"there: currency before frozen", FAR "open account=o kind=user currency=USD; freeze account=o",
     "transfer account=a to=o amount=5 key=x", "code=15 amount=0 balance=1000 held=0 bill=0-2", "0", "0"},
    {"there: frozen before the cap", FAR "p=2 policy account=@book settings=balance_cap:4; freeze account=b",
     "transfer account=a to=b amount=5 key=x", "code=4 amount=0 balance=1000 held=0 bill=0-2", "0", "0"},
};

static void expect_transit(const struct far_row *row) {
    char transit[60];
    snprintf(transit, sizeof transit, "%s", fold_account(&fold, 0, "@transit:CNY", "balance"));
    const char *there = fold_account(&fold, 2, "@transit:CNY", "balance");
    if (*there) snprintf(transit + strlen(transit), sizeof transit - strlen(transit), " %s", there);
    cr_expect_str_eq(transit, row->transit, "%s: in transit: %s", row->name, transit);
}

static void expect_answer(const struct far_row *row, const char *entry, const char *wanted) {
    struct fold_answer answer = fold_last_answer(&fold, fold.partition, "shop");
    table_expect(row->name, &fold, row->intent, entry, wanted, &answer);
}

static void run_far(const struct far_row *row) {
    char entry[ENTRY_TEXT_MAX + 1], again[300], wanted[300];
    go(FAR);
    go(row->setup + strlen(FAR)); /* by now m is known in 0 */
    uint64_t at = fold.clock_ms;
    go(row->intent);
    memcpy(entry, fold.entry, sizeof entry);
    expect_answer(row, entry, row->answer);
    expect_balance(row->name, 2, "b", row->receiver);
    expect_transit(row);
    expect_sound(row->name);
    if (strstr(row->answer, "code=5") || strstr(row->answer, "code=18")) return;
    char *before[3];
    for (unsigned p = 0; p < 3; p++) before[p] = fold_digests(&fold, p, "meta responses:*");
    snprintf(again, sizeof again, "%s at=%llu", row->intent, (unsigned long long)at);
    snprintf(wanted, sizeof wanted, "%s replayed=1", row->answer);
    go(again);
    expect_answer(row, entry, wanted);
    for (unsigned p = 0; p < 3; p++) {
        char *after = fold_digests(&fold, p, "meta responses:*");
        const char *difference = fold_difference(after, before[p]);
        cr_expect(!difference, "%s: the repetition changes %u: %s", row->name, p, difference ? difference : "");
        free(before[p]);
        free(after);
    }
}

Test(apply_transfer_far, every_outcome, .timeout = 120) {
    for (size_t n = 0; n < sizeof far_rows / sizeof *far_rows; n++) {
        fold_reset(&fold);
        run_far(&far_rows[n]);
    }
}

Test(apply_transfer_far, on_the_way) {
    go(FAR);
    uint64_t at = fold.clock_ms;
    char entry[ENTRY_TEXT_MAX + 1], line[200];
    fold_add(&fold, "transfer account=a to=b amount=5 key=x");
    memcpy(entry, fold.entry, sizeof entry);
    size_t answers = answer_count();
    turn(0);
    cr_expect_eq(answer_count(), answers, "answered before the outcome is known");
    expect_state("left", "x", "|20|transfer|0-2|");
    expect_state("left", "x", "|b|in_progress|0|0|");
    expect_balance("left", 0, "a", "995");
    expect_balance("left", 0, "@transit:CNY", "5");
    expect_sound("left");
    snprintf(line, sizeof line, "+1ms; transfer account=a to=b amount=5 key=x at=%llu", (unsigned long long)at);
    fold_add(&fold, line);
    turn(0);
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    table_expect("repeated on the way", &fold, line + 6, fold.entry, "code=20 currency=", &answer);
    snprintf(line, sizeof line, "transfer account=a to=b amount=6 key=x at=%llu", (unsigned long long)at);
    fold_add(&fold, line);
    turn(0);
    answer = fold_last_answer(&fold, 0, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_CODE], "7", "another intent on the way: %s", answer.text[RESPONSE_CODE]);
    fold_add(&fold, "topup account=a amount=50");
    turn(0);
    turn(2);
    expect_balance("arrived", 2, "b", "5");
    expect_balance("arrived", 2, "@transit:CNY", "-5");
    expect_sound("arrived");
    turn(0);
    answer = fold_last_answer(&fold, 0, "shop");
    table_expect("settled", &fold, "transfer account=a to=b key=x", entry, "code=0 amount=5 balance=1045 held=0 bill=0-2", &answer);
    expect_state("settled", "x", "|0|transfer|0-2|5|CNY|1045|0|");
    expect_state("settled", "x", "|b||0|0|");
    cr_expect_eq(answer_count(), answers + 4, "one answer each");
}

/* Both copies in one batch. */
Test(apply_transfer_far, twice_in_a_batch) {
    struct fold_answer *answers;
    size_t outcome = 0, waiting = 0;
    go(FAR "transfer account=a to=b amount=5 key=x; transfer account=a to=b amount=5 key=x");
    size_t count = fold_answers(&fold, 0, "shop", &answers);
    for (size_t n = 0; n < count; n++) {
        if (strcmp(answers[n].text[RESPONSE_KEY], "x") != 0) continue;
        outcome += strcmp(answers[n].text[RESPONSE_CODE], "0") == 0;
        waiting += strcmp(answers[n].text[RESPONSE_CODE], "20") == 0;
    }
    free(answers);
    cr_expect(outcome == 1 && waiting == 1, "%zu outcomes, %zu in progress", outcome, waiting);
    expect_balance("once", 2, "b", "5");
    expect_sound("once");
}

/* Balances are those of the moment: what happened on the way shows. The money comes back to whatever the account has become. */
struct meanwhile { const char *name, *there, *here, *answer, *payer, *receiver; };
static const struct meanwhile meanwhiles[] = {
    {"receiver frozen before", "freeze account=b", NULL, "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
    {"receiver closed before", "close account=b", NULL, "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
    {"payer frozen on the way", NULL, "freeze account=a", "code=0 amount=1000 balance=0 held=0 bill=0-2", "0", "1000"},
    {"payer frozen, and back", "freeze account=b", "freeze account=a", "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
    {"payer closed on the way", NULL, "close account=a", "code=0 amount=1000 balance=0 held=0 bill=0-2", "0", "1000"},
    {"payer closed, and back", "freeze account=b", "close account=a", "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
    {"payer locked, and back", "freeze account=b", "lock account=a token=T expires=0",
     "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
    {"payer topped up, and back", "freeze account=b", "topup account=a amount=7",
     "code=4 amount=0 balance=1007 held=0 bill=0-2", "1007", "0"},
    {"the book's cap lowered, and back", "freeze account=b", "policy account=@book settings=balance_cap:1",
     "code=4 amount=0 balance=1000 held=0 bill=0-2", "1000", "0"},
};

Test(apply_transfer_far, status_changes_on_the_way, .timeout = 60) {
    for (size_t n = 0; n < sizeof meanwhiles / sizeof *meanwhiles; n++) {
        const struct meanwhile *m = &meanwhiles[n];
        char entry[ENTRY_TEXT_MAX + 1];
        fold_reset(&fold);
        go(FAR);
        if (m->there) fold_add(&fold, m->there);
        fold_add(&fold, "transfer account=a to=b amount=1000 key=x");
        memcpy(entry, fold.entry, sizeof entry);
        turn(0);
        fold_add(&fold, "+1ms");
        if (m->here) {
            char line[200];
            snprintf(line, sizeof line, "p=0 %s", m->here);
            fold_add(&fold, line);
            turn(0);
        }
        fold_run(&fold);
        struct fold_answer *answers;
        bool found = false;
        size_t count = fold_answers(&fold, 0, "shop", &answers);
        for (size_t a = 0; a < count; a++) {
            if (strcmp(answers[a].text[RESPONSE_KEY], "x") != 0) continue;
            table_expect(m->name, &fold, "transfer account=a to=b key=x", entry, m->answer, &answers[a]);
            found = true;
        }
        free(answers);
        cr_expect(found, "%s: no answer", m->name);
        expect_balance(m->name, 0, "a", m->payer);
        expect_balance(m->name, 2, "b", m->receiver);
        expect_sound(m->name);
    }
}

/* The money that comes back has rows of its own. */
Test(apply_transfer_far, rows_of_the_way) {
    go(FAR "transfer account=a to=b amount=5 key=x note=n; transfer account=a to=o amount=7 key=y");
    char *here = fold_dump(&fold, 0), *there = fold_dump(&fold, 2);
    static const char *const here_rows[] = {
        "ledger 0-2 a/shop/x transfer a -5 0 995 0 2 1900000000000 n\n",
        "ledger 0-2 a/shop/x transfer @transit:CNY 5 0 5 0 1 1900000000000 n\n",
        "ledger 0-3 a/shop/y transfer a -7 0 988 0 3 1900000000000 \n",
        "ledger 0-3 a/shop/y transfer @transit:CNY 7 0 12 0 2 1900000000000 \n",
        "ledger 0-4 a/shop/y bounce @transit:CNY -7 0 5 0 3 ",           "ledger 0-4 a/shop/y bounce a 7 0 995 0 4 ",
    };
    static const char *const there_rows[] = {"a/shop/x arrive @transit:CNY -5 0 -5 0 1 ", "a/shop/x arrive b 5 0 5 0 1 "};
    for (size_t n = 0; n < sizeof here_rows / sizeof *here_rows; n++)
        cr_expect(strstr(here, here_rows[n]), "no row \"%s\" in\n%s", here_rows[n], here);
    for (size_t n = 0; n < sizeof there_rows / sizeof *there_rows; n++)
        cr_expect(strstr(there, there_rows[n]), "no row \"%s\" in\n%s", there_rows[n], there);
    cr_expect_eq(server_integer(&fold.server, "HLEN", fold_key(&fold, 2, "unanswered"), NULL), 0, "nobody waits there");
    free(here);
    free(there);
}

/* Takeovers between all turns, and everything delivered once more. */
Test(apply_transfer_far, taken_over_and_redelivered) {
    go(FAR "freeze account=g");
    fold_add(&fold, "transfer account=a to=b amount=5 key=x; transfer account=a to=g amount=7 key=y;"
                    "transfer account=a to=o amount=9 key=z");
    static const unsigned turns[] = {0, 2, 0, 1, 0, 2, 1, 0};
    for (size_t n = 0; n < sizeof turns / sizeof *turns; n++) {
        turn(turns[n]);
        fold_take_over(&fold);
        expect_sound("in between");
    }
    fold_run(&fold);
    expect_balance("x", 0, "a", "995");
    expect_balance("x", 2, "b", "5");
    expect_balance("y", 1, "g", "0");
    char *before[3];
    for (unsigned p = 0; p < 3; p++) {
        before[p] = fold_dump(&fold, p);
        server_text(&fold.server, "XGROUP", "SETID", fold_key(&fold, p, "intents"), "workers", "0", NULL);
    }
    fold_run(&fold);
    for (unsigned p = 0; p < 3; p++) {
        char *after = fold_dump(&fold, p);
        const char *difference = fold_difference(after, before[p]);
        cr_expect(!difference, "partition %u: %s", p, difference ? difference : "");
        free(after);
        free(before[p]);
    }
}

/* A bill on its way refers to nothing yet. */
Test(apply_transfer_far, referred_to_on_the_way) {
    go(FAR);
    fold_add(&fold, "transfer account=a to=b amount=5 key=x; rollback account=a of=x; refund account=a of=x; capture account=a of=x;"
                    "release account=a of=x; unschedule account=a of=x");
    turn(0);
    struct fold_answer *answers;
    size_t count = fold_answers(&fold, 0, "shop", &answers), wrong = 0;
    for (size_t n = 0; n < count; n++) wrong += strcmp(answers[n].text[RESPONSE_CODE], "11") == 0;
    free(answers);
    cr_expect_eq(wrong, 5, "%zu of five are in a wrong state", wrong);
    fold_add(&fold, "+1ms");
    fold_run(&fold);
    expect_balance("untouched", 0, "a", "995");
    expect_balance("untouched", 2, "b", "5");
    expect_sound("untouched");
}

/* Copies of the follow-ups, however late, move nothing. */
Test(apply_transfer_far, copies_of_follow_ups) {
    go(FAR "transfer account=a to=b amount=5 key=x; transfer account=a to=o amount=7 key=y");
    char *before[3];
    for (unsigned p = 0; p < 3; p++) before[p] = fold_digests(&fold, p, "meta");
    for (int round = 0; round < 2; round++) {
        fold_add(&fold, "p=2 arrive account=b source=till key=a/shop/x>arrive at=1 origin=0:1900000000000-6 entry=1900000000000-6 amount=5 "
                        "currency=CNY");
        fold_add(&fold, "p=0 settled account=a source=till key=a/shop/x>settled at=1 origin=2:1900000000000-5 entry=1900000000000-6");
        fold_add(&fold, "p=0 bounce account=a source=till key=a/shop/y>bounce at=1 origin=2:1900000000000-5 entry=1900000000000-7 code=1");
        fold_add(&fold, "p=0 bounce account=a source=till key=a/shop/x>bounce at=1 origin=2:1900000000000-5 entry=1900000000000-6 code=1");
        go("+3d");
    }
    for (unsigned p = 0; p < 3; p++) {
        char *after = fold_digests(&fold, p, "meta");
        const char *difference = fold_difference(after, before[p]);
        cr_expect(!difference, "partition %u: %s", p, difference ? difference : "");
        free(after);
        free(before[p]);
    }
}
