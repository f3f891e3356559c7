/* group: all or nothing, in order, later steps see earlier ones. Every code of the group and of every step, each row twice; a failing group
 * leaves nothing behind but its own refusal and that of the step. Steps are written "steps=pay,to:m,amount:5/refund,of:p". */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define BASE TABLE_BASE "open account=n kind=merchant; open account=b kind=user; "
#define PAID BASE "pay account=a to=m amount=100 key=p; "                       /* bill 0-2 */
#define HELD BASE "hold account=a to=m amount=100 key=h; "                      /* bill 0-2 */
#define HELD15 BASE "hold account=a to=m amount=100 key=h expires=15m; "
#define LOCKED "lock account=a token=T expires=1h; "
#define SIX "pay,to:m,amount:1/pay,to:n,amount:2/pay,to:m,amount:3/pay,to:n,amount:4/pay,to:m,amount:5"
#define FIFTEEN SIX "/" SIX "/" SIX

static const struct table_row rows[] = {
    {"group, a split payment", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=0 amount=12 balance=988 held=0 bill=0-2 detail=0-3"},
    {"group, of sixteen", BASE, "group account=a steps=" FIFTEEN "/pay,to:m,amount:955",
     "code=0 amount=1000 balance=0 held=0 bill=0-2 detail=0-17"},
    {"group, a hold and its capture", BASE, "group account=a steps=hold,to:m,amount:100,key:h/capture,of:h,amount:30",
     "code=0 amount=130 balance=970 held=0 bill=0-2 detail=0-3"},
    {"group, a hold, a part, another part", BASE,
     "group account=a steps=hold,to:m,amount:100,key:h/capture,of:h,amount:30,final:0/capture,of:h,amount:20,final:0",
     "code=0 amount=150 balance=950 held=50 bill=0-2 detail=0-4"},
    {"group, a hold and its release", BASE, "group account=a steps=hold,to:m,amount:100,key:h/release,of:h",
     "code=0 amount=200 balance=1000 held=0 bill=0-2 detail=0-3"},
    {"group, a step's default key", BASE, "group account=a key=g steps=hold,to:m,amount:100/release,of:g>1",
     "code=0 amount=200 balance=1000 held=0 bill=0-2 detail=0-3"},
    {"group, a hold with a deadline", BASE, "group account=a steps=hold,to:m,amount:100,expires:15m/pay,to:m,amount:1",
     "code=0 amount=101 balance=999 held=100 bill=0-2 detail=0-3"},
    {"group, what a refund brings is spent", BASE "pay account=a to=m amount=1000 key=p",
     "group account=a steps=refund,of:p/pay,to:n,amount:1000", "code=0 amount=2000 balance=0 held=0 bill=0-3 detail=0-4"},
    {"group, what a release frees is spent", BASE "hold account=a to=m amount=1000 key=h",
     "group account=a steps=release,of:h/pay,to:n,amount:1000", "code=0 amount=2000 balance=0 held=0 bill=0-3 detail=0-4"},
    {"group, what a capture in part frees is spent", BASE "hold account=a to=m amount=1000 key=h",
     "group account=a steps=capture,of:h,amount:1/pay,to:n,amount:999", "code=0 amount=1000 balance=0 held=0 bill=0-3 detail=0-4"},
    {"group, a payment and its refund", BASE, "group account=a steps=pay,to:m,amount:100,key:q/refund,of:q,amount:40/refund,of:q",
     "code=0 amount=200 balance=1000 held=0 bill=0-2 detail=0-4"},
    {"group, a transfer here", BASE, "group account=a steps=pay,to:m,amount:5/transfer,to:b,amount:7",
     "code=0 amount=12 balance=988 held=0 bill=0-2 detail=0-3"},
    {"group, with the token", BASE LOCKED, "group account=a token=T steps=pay,to:m,amount:5/hold,to:n,amount:7",
     "code=0 amount=12 balance=995 held=7 bill=0-2 detail=0-3"},
    {"group, guarded", BASE, "group account=a guard=seq:1,balance_min:1000 steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=0 amount=12 balance=988 held=0 bill=0-2 detail=0-3"},
    {"group, releases of a frozen account", HELD "hold account=a to=n amount=50 key=i; freeze account=a",
     "group account=a steps=release,of:h/release,of:i", "code=0 amount=150 balance=1000 held=0 bill=0-4 detail=0-5"},
    {"group, equal payments that are allowed", BASE "policy account=@book settings=duplicate_window:1h",
     "group account=a steps=pay,to:m,amount:5/pay,to:m,amount:5,allow_duplicate:1",
     "code=0 amount=10 balance=990 held=0 bill=0-2 detail=0-3"},
    /* of the group */
    {"group, stale", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7 at=-24h", "code=14 currency="},
    {"group, unknown account", BASE, "group account=c steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=1 amount=0 currency= detail=account"},
    {"group, locked", BASE LOCKED, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7", "code=5 currency="},
    {"group, locked, though no step is a debit", HELD LOCKED "hold account=a to=m amount=1 key=i token=T",
     "group account=a steps=release,of:h/release,of:i", "code=5 currency="},
    {"group, guard", BASE, "group account=a guard=seq:2 steps=pay,to:m,amount:5/pay,to:n,amount:7", "code=18 currency="},
    {"group, locked before guard", BASE LOCKED, "group account=a guard=seq:2 steps=pay,to:m,amount:5/pay,to:n,amount:7", "code=5 currency="},
    {"group, guard before steps", BASE, "group account=a guard=seq:2 steps=pay,to:x,amount:5/pay,to:n,amount:7", "code=18 currency="},
    /* of steps */
    {"group, an unknown merchant", BASE, "group account=a steps=pay,to:x,amount:5/pay,to:n,amount:7",
     "code=17 amount=0 balance=1000 held=0 detail=1~not_found"},
    {"group, then an unknown merchant", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:x,amount:7",
     "code=17 amount=0 balance=1000 held=0 detail=2~not_found"},
    {"group, an unknown payment", BASE, "group account=a steps=pay,to:m,amount:5/refund,of:x",
     "code=17 amount=0 balance=1000 held=0 detail=2~not_found"},
    {"group, an unknown receiver", BASE, "group account=a steps=pay,to:m,amount:5/transfer,to:x,amount:1",
     "code=17 amount=0 balance=1000 held=0 detail=2~not_found"},
    {"group, a step that comes too early", BASE, "group account=a steps=capture,of:h/hold,to:m,amount:5,key:h",
     "code=17 amount=0 balance=1000 held=0 detail=1~not_found"},
    {"group, another currency", BASE, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7,currency:USD",
     "code=17 amount=0 balance=1000 held=0 detail=2~currency_mismatch"},
    {"group, frozen", BASE "freeze account=a", "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=17 amount=0 balance=1000 held=0 detail=1~account_frozen"},
    {"group, the other merchant frozen", BASE "freeze account=n", "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=17 amount=0 balance=1000 held=0 detail=2~account_frozen"},
    {"group, closed", BASE "close account=b", "group account=b steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "code=17 amount=0 balance=0 held=0 detail=1~account_frozen"},
    {"group, wrong merchant restated", PAID, "group account=a steps=pay,to:m,amount:5/refund,of:p,to:n",
     "code=17 amount=0 balance=900 held=0 detail=2~invalid"},
    {"group, wrong currency restated", HELD, "group account=a steps=pay,to:m,amount:5/capture,of:h,currency:USD",
     "code=17 amount=0 balance=1000 held=100 detail=2~invalid"},
    {"group, a refund of a topup", BASE, "group account=a steps=pay,to:m,amount:5/refund,of:t0",
     "code=17 amount=0 balance=1000 held=0 detail=2~wrong_state"},
    {"group, captured twice", HELD, "group account=a steps=capture,of:h/capture,of:h",
     "code=17 amount=0 balance=1000 held=100 detail=2~wrong_state"},
    {"group, released twice", HELD, "group account=a steps=release,of:h/release,of:h",
     "code=17 amount=0 balance=1000 held=100 detail=2~wrong_state"},
    {"group, past the deadline", HELD15 "+15m", "group account=a steps=pay,to:m,amount:5/capture,of:h",
     "code=17 amount=0 balance=1000 held=100 detail=2~expired"},
    {"group, captured too much", HELD, "group account=a steps=capture,of:h,amount:60,final:0/capture,of:h,amount:41",
     "code=17 amount=0 balance=1000 held=100 detail=2~limit_exceeded"},
    {"group, refunded too much", PAID, "group account=a steps=refund,of:p,amount:60/refund,of:p,amount:41",
     "code=17 amount=0 balance=900 held=0 detail=2~limit_exceeded"},
    {"group, over the book's cap", PAID "policy account=@book settings=balance_cap:900", "group account=a steps=refund,of:p/pay,to:m,amount:5", "code=17 amount=0 balance=900 held=0 detail=1~limit_exceeded"},
    {"group, faster than allowed", BASE "limit account=a payments=2 per=1h",
     "group account=a steps=pay,to:m,amount:5/hold,to:n,amount:7/pay,to:m,amount:6",
     "code=17 amount=0 balance=1000 held=0 detail=3~rate_limited"},
    {"group, a look-alike within", BASE "policy account=@book settings=duplicate_window:1h",
     "group account=a steps=pay,to:m,amount:5/pay,to:m,amount:5", "code=17 amount=0 balance=1000 held=0 detail=2~duplicate_suspected"},
    {"group, a look-alike of an earlier payment", BASE "policy account=@book settings=duplicate_window:1h; pay account=a to=m amount=5",
     "group account=a steps=pay,to:n,amount:5/pay,to:m,amount:5", "code=17 amount=0 balance=995 held=0 detail=2~duplicate_suspected"},
    {"group, together too much", BASE, "group account=a steps=pay,to:m,amount:500/pay,to:n,amount:501",
     "code=17 amount=0 balance=1000 held=0 detail=2~insufficient_funds"},
    {"group, too much held", BASE, "group account=a steps=hold,to:m,amount:500/hold,to:n,amount:501",
     "code=17 amount=0 balance=1000 held=0 detail=2~insufficient_funds"},
    {"group, what comes later does not count", BASE "pay account=a to=m amount=1000 key=p",
     "group account=a steps=pay,to:n,amount:1000/refund,of:p", "code=17 amount=0 balance=0 held=0 detail=1~insufficient_funds"},
    {"group, the sixteenth", BASE, "group account=a steps=" FIFTEEN "/pay,to:m,amount:956",
     "code=17 amount=0 balance=1000 held=0 detail=16~insufficient_funds"},
    {"group, a used key", PAID, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:7,key:p",
     "code=17 amount=0 balance=900 held=0 detail=2~key_reused"},
    {"group, a key used for the very same", PAID, "group account=a steps=pay,to:m,amount:100,key:p/pay,to:n,amount:7",
     "code=17 amount=0 balance=900 held=0 detail=1~key_reused"},
    {"group, a key used by a refused one", BASE "! pay account=a to=m amount=1001 key=p",
     "group account=a steps=pay,to:m,amount:100,key:p/pay,to:n,amount:7", "code=17 amount=0 balance=1000 held=0 detail=1~key_reused"},
    {"group, a used key before an unknown merchant", PAID, "group account=a steps=pay,to:m,amount:5/pay,to:x,amount:7,key:p",
     "code=17 amount=0 balance=900 held=0 detail=2~key_reused"},
    {"group, the first failure counts", PAID, "group account=a steps=pay,to:m,amount:5000/pay,to:x,amount:7,key:p",
     "code=17 amount=0 balance=900 held=0 detail=1~insufficient_funds"},
    {"group, rate before funds", BASE "limit account=a payments=1 per=1h", "group account=a steps=pay,to:m,amount:5/pay,to:m,amount:5000",
     "code=17 amount=0 balance=1000 held=0 detail=2~rate_limited"},
};

Test(apply_group, group) { table_run(rows, sizeof rows / sizeof *rows, 1); }

#define RAW "raw group account=a key=g steps="
#define GOOD "{op:pay,to:m,amount:5,currency:CNY}"
static const struct table_row door_rows[] = {
    {"group, no steps", BASE, "raw group account=a", "code=6 currency= detail=steps"},
    {"group, steps a number", BASE, RAW "5", "code=6 currency= detail=steps"},
    {"group, steps a map", BASE, RAW GOOD, "code=6 currency= detail=steps"},
    {"group, of none", BASE, RAW "[]", "code=6 currency= detail=steps"},
    {"group, of one", BASE, RAW "[" GOOD "]", "code=6 currency= detail=steps"},
    {"group, of seventeen", BASE, RAW "[" GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "]", "code=6 currency= detail=steps"},
    {"group, a step a number", BASE, RAW "[" GOOD ",5]", "code=6 currency= detail=steps"},
    {"group, a step without op", BASE, RAW "[" GOOD ",{to:m,amount:5,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, an unknown op", BASE, RAW "[" GOOD ",{op:steal,amount:5}]", "code=6 currency= detail=steps"},
    {"group, an op that is no step", BASE, RAW "[" GOOD ",{op:withdraw,amount:5}]", "code=6 currency= detail=steps"},
    {"group, a topup", BASE, RAW "[" GOOD ",{op:topup,amount:5,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, a rollback", BASE, RAW "[" GOOD ",{op:rollback,of:t0}]", "code=6 currency= detail=steps"},
    {"group, a follow-up", BASE, RAW "[" GOOD ",{op:expire,entry:1-1}]", "code=6 currency= detail=steps"},
    {"group, a group", BASE, RAW "[" GOOD ",{op:group,steps:[" GOOD "," GOOD "]}]", "code=6 currency= detail=steps"},
    {"group, a step's field is missing", BASE, RAW "[" GOOD ",{op:pay,to:m,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, a step's field is unknown", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,tip:1}]", "code=6 currency= detail=steps"},
    {"group, a step's field is not taken", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,of:x}]", "code=6 currency= detail=steps"},
    {"group, a step with an account", BASE, RAW "[" GOOD ",{op:pay,account:b,to:m,amount:5,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, a step with a token", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,token:T}]", "code=6 currency= detail=steps"},
    {"group, a step with a guard", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,guard:{seq:1}}]", "code=6 currency= detail=steps"},
    {"group, a step before its time", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,not_before:1}]",
     "code=6 currency= detail=steps"},
    {"group, a step's amount is zero", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:0,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, a step's field twice", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,amount:5,currency:CNY}]", "code=6 currency= detail=steps"},
    {"group, a step to itself", BASE, RAW "[" GOOD ",{op:transfer,to:a,amount:5}]", "code=6 currency= detail=steps"},
    {"group, a step of itself", BASE, RAW "[" GOOD ",{op:refund,of:x,key:x}]", "code=6 currency= detail=steps"},
    {"group, a key twice", BASE, RAW "[{op:pay,to:m,amount:5,currency:CNY,key:x},{op:pay,to:m,amount:5,currency:CNY,key:x}]",
     "code=6 currency= detail=steps"},
    {"group, the group's key", BASE, RAW "[" GOOD ",{op:pay,to:m,amount:5,currency:CNY,key:g}]", "code=6 currency= detail=steps"},
    {"group, a later step's key", BASE, RAW "[{op:pay,to:m,amount:5,currency:CNY,key:g>2}," GOOD "]", "code=6 currency= detail=steps"},
    {"group, a guard without of", BASE, "raw group account=a guard={refunded:0} steps=[" GOOD "," GOOD "]", "code=6 currency= detail=guard"},
    {"group, before its time", BASE, "raw group account=a not_before=1 steps=[" GOOD "," GOOD "]", "code=6 currency= detail=not_before"},
    {"group, with a bill to refer to", BASE, "raw group account=a of=t0 steps=[" GOOD "," GOOD "]", "code=6 currency= detail=of"},
    {"steps, of a payment", BASE, "raw pay account=a to=m amount=5 currency=CNY steps=[" GOOD "," GOOD "]", "code=6 detail=steps"},
    {"group, other steps under the key", BASE "group account=a key=g steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "group account=a key=g steps=pay,to:m,amount:5/pay,to:n,amount:8", "code=7 currency="},
    {"group, steps the other way round", BASE "group account=a key=g steps=pay,to:m,amount:5/pay,to:n,amount:7",
     "group account=a key=g steps=pay,to:n,amount:7/pay,to:m,amount:5", "code=7 currency="},
    {"group, a step's key", BASE "group account=a key=g steps=pay,to:m,amount:5,key:s/pay,to:n,amount:7", "pay account=a to=m amount=6 key=s", "code=7 detail=amount"},
};

Test(apply_group, door) { table_run(door_rows, sizeof door_rows / sizeof *door_rows, 1); }

static struct fold fold;

static void go(const char *lines) {
    fold_add(&fold, lines);
    fold_run(&fold);
}

static int64_t bills(void) { return server_integer(&fold.server, "HLEN", fold_key(&fold, 0, "bills:20300317"), NULL); }

/* Every kind of failure, at every place: nothing moves, nothing is due, no number is used. */
struct failure { const char *step, *reason; bool decided; };
static const struct failure failures[] = {
    {"pay,to:x,amount:1,key:f", "not_found", true},          {"refund,of:x,key:f", "not_found", true},
    {"transfer,to:x,amount:1,key:f", "not_found", true},     {"pay,to:m,amount:1,currency:USD,key:f", "currency_mismatch", true},
    {"pay,to:z,amount:1,key:f", "account_frozen", true},     {"refund,of:p,to:n,key:f", "invalid", false},
    {"refund,of:t0,key:f", "wrong_state", true},             {"capture,of:l,key:f", "expired", true},
    {"release,of:l,key:f", "expired", true},                 {"capture,of:h,amount:101,key:f", "limit_exceeded", true},
    {"refund,of:p,amount:101,key:f", "limit_exceeded", true}, {"pay,to:m,amount:100,key:f", "duplicate_suspected", true},
    {"pay,to:m,amount:9000,key:f", "insufficient_funds", true}, {"pay,to:m,amount:1,key:p", "key_reused", false},
};
/* At a there is: p, a payment; h, a hold; l, a lapsed one; z, a frozen merchant. */
#define ALL_SORTS BASE "policy account=@book settings=duplicate_window:1h; open account=z kind=merchant; freeze account=z;" \
                  "hold account=a to=m amount=5 key=l expires=1ms; +1ms; hold account=a to=m amount=100 key=h;" \
                  "pay account=a to=m amount=100 key=p"
static const char *const good_steps[] = {"hold,to:m,amount:10,expires:1h", "capture,of:h,amount:30,final:0", "refund,of:p,amount:20",
                                         "transfer,to:b,amount:3", "pay,to:n,amount:4"};

static void fail_at(const struct failure *f, size_t place) {
    char line[600] = "group account=a key=g steps=", name[200], wanted[200];
    for (size_t n = 0; n < 5; n++) {
        const char *step = n == place ? f->step : good_steps[n];
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", n ? "/" : "", step);
    }
    snprintf(name, sizeof name, "%s at %zu", f->step, place + 1);
    snprintf(wanted, sizeof wanted, "code=17 amount=0 balance=900 held=105 detail=%zu~%s", place + 1, f->reason);
    int64_t before_bills = bills();
    char *before = fold_digests(&fold, 0, "meta bills:* responses:*");
    char number[40];
    snprintf(number, sizeof number, "%s", server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "bill", NULL));
    table_step(name, &fold, line, wanted, NULL);
    char *after = fold_digests(&fold, 0, "meta bills:* responses:*");
    const char *difference = fold_difference(after, before);
    cr_expect(!difference, "%s leaves a trace: %s", name, difference ? difference : "");
    cr_expect_str_eq(server_text(&fold.server, "HGET", fold_key(&fold, 0, "meta"), "bill", NULL), number, "%s used a bill number", name);
    cr_expect_eq(bills(), before_bills + 1 + f->decided, "%s left %d bills", name, (int)(bills() - before_bills));
    const char *fault = fold_unsound(&fold, 0);
    cr_expect(!fault, "%s: %s", name, fault ? fault : "");
    free(before);
    free(after);
}

Test(apply_group, failing_leaves_no_trace, .timeout = 120) {
    fold_start(&fold, 1, FOLD_BATCH);
    for (size_t n = 0; n < sizeof failures / sizeof *failures; n++)
        for (size_t place = 0; place < 5; place++) {
            fold_reset(&fold);
            go(ALL_SORTS);
            fail_at(&failures[n], place);
        }
    fold_stop(&fold);
}

/* The good steps of the above are good. */
Test(apply_group, good_steps_are_good) {
    fold_start(&fold, 1, FOLD_BATCH);
    table_step("all five", &fold, ALL_SORTS "; group account=a key=g steps=hold,to:m,amount:10,expires:1h/capture,of:h,amount:30,final:0/"
               "refund,of:p,amount:20/transfer,to:b,amount:3/pay,to:n,amount:4",
               "code=0 amount=67 balance=883 held=85 bill=0-5 detail=0-9", NULL);
    fold_stop(&fold);
}

/* Each step has a bill of its own, found under its key by everything that comes later. */
Test(apply_group, steps_are_bills) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(BASE "group account=a key=g note=whole steps=pay,to:m,amount:5,note:first/hold,to:n,amount:7,expires:15m,key:h/"
       "transfer,to:b,amount:9");
    static const struct { const char *field, *end; } wanted[] = {
        {"a/shop/g>1", "|0|pay|0-2|5|CNY|995|0|1900000000000|1900000000000-6|m|captured|5|0|"},
        {"a/shop/h", "|0|hold|0-3|7|CNY|995|7|1900000000000|1900000000000-6|n|open|0|0|1900000900000"},
        {"a/shop/g>3", "|0|transfer|0-4|9|CNY|986|7|1900000000000|1900000000000-6|b||0|0|"},
        {"a/shop/g", "|0|group|0-2|21|CNY|986|7|1900000000000|1900000000000-6|||0|0|0-4"},
    };
    for (size_t n = 0; n < 4; n++) {
        const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), wanted[n].field, NULL);
        cr_expect(strlen(bill) > 16 && strcmp(bill + 16, wanted[n].end) == 0, "%s is %s", wanted[n].field, bill);
    }
    char *dump = fold_dump(&fold, 0);
    cr_expect(strstr(dump, "ledger 0-2 a/shop/g>1 pay a -5 0 995 0 2 1900000000000 first\n"), "a row of the first: %s", dump);
    cr_expect(strstr(dump, "ledger 0-3 a/shop/h hold a 0 7 995 7 3 1900000000000 \n"), "a row of the second: %s", dump);
    cr_expect(strstr(dump, "due expire|1900000000000-6|a/shop/h=1900000900000\n"), "due: %s", dump);
    free(dump);
    table_step("refunded", &fold, "+1m; refund account=a of=g>1", "code=0 amount=5 balance=991 held=7 bill=0-5 detail=0-2", NULL);
    table_step("captured", &fold, "capture account=a of=h amount=6", "code=0 amount=6 balance=985 held=0 bill=0-6 detail=0-3", NULL);
    table_step("the group is no payment", &fold, "refund account=a of=g", "code=11 amount=0 balance=985 held=0", NULL);
    table_step("nor to be rolled back", &fold, "rollback account=a of=g", "code=11 amount=0 balance=985 held=0", NULL);
    table_step("a step's own key is taken", &fold, "pay account=a to=m amount=6 key=g>1", "code=7 detail=amount", NULL);
    table_step("the same again is a repetition", &fold, "pay account=a to=m amount=5 currency=CNY key=g>1",
               "code=0 amount=5 balance=995 held=0 bill=0-2 replayed=1 at=1900000000000", "1900000000000-6");
    fold_stop(&fold);
}

/* What a failed group leaves: the refusal of the step that failed, and free keys for the others. */
Test(apply_group, keys_after_a_failure) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(BASE "group account=a key=g steps=pay,to:m,amount:5,key:s/pay,to:m,amount:5000,key:t/pay,to:n,amount:6,key:u");
    const char *bill = server_text(&fold.server, "HGET", fold_key(&fold, 0, "bills:20300317"), "a/shop/t", NULL);
    cr_expect(strstr(bill, "|3|pay||0|CNY|1000|0|1900000000000|1900000000000-6|m||0|0|"), "the step that failed: %s", bill);
    table_step("the step before it keeps its key", &fold, "pay account=a to=m amount=5 key=s",
               "code=0 amount=5 balance=995 held=0 bill=0-2", NULL);
    table_step("the step after it too", &fold, "pay account=a to=m amount=6 key=u", "code=0 amount=6 balance=989 held=0 bill=0-3", NULL);
    table_step("the step that failed has its answer", &fold, "pay account=a to=m amount=5000 key=t",
               "code=3 amount=0 balance=1000 held=0 replayed=1 at=1900000000000", "1900000000000-6");
    table_step("a step that was refused only now keeps its key", &fold,
               "limit account=a payments=1 per=1h; ! group account=a key=i steps=pay,to:m,amount:1,key:v/pay,to:m,amount:2,key:w;"
               "pay account=a to=m amount=2 key=w", "code=0 amount=2 balance=987 held=0 bill=0-4", NULL);
    fold_stop(&fold);
}

/* A failed group has consumed nothing of the limit, and is no payment to look alike. */
Test(apply_group, nothing_is_counted_after_a_failure) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(BASE "limit account=a payments=2 per=1h; policy account=@book settings=duplicate_window:1h");
    for (int n = 0; n < 3; n++)
        table_step("too much", &fold, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:5000",
                   "code=17 amount=0 balance=1000 held=0 detail=2~insufficient_funds", NULL);
    table_step("two in one", &fold, "group account=a steps=pay,to:m,amount:5/pay,to:n,amount:5",
               "code=0 amount=10 balance=990 held=0 bill=0-2 detail=0-3", NULL);
    table_step("no third", &fold, "pay account=a to=m amount=7", "code=8", NULL);
    fold_stop(&fold);
}

Test(apply_group, transfer_elsewhere_is_no_step) {
    fold_start(&fold, 3, FOLD_BATCH);
    go("open account=m kind=merchant; open account=a kind=user; open account=b kind=user; topup account=a amount=1000 key=t0");
    cr_assert(fold_partition_of(&fold, "a") == 0 && fold_partition_of(&fold, "b") == 2);
    table_step("elsewhere", &fold, "group account=a steps=pay,to:m,amount:5/transfer,to:b,amount:7",
               "code=17 amount=0 balance=1000 held=0 detail=2~invalid", NULL);
    table_step("elsewhere before frozen", &fold, "freeze account=a; group account=a steps=transfer,to:b,amount:7/pay,to:m,amount:5",
               "code=17 amount=0 balance=1000 held=0 detail=1~invalid", NULL);
    table_step("elsewhere and unknown", &fold, "group account=a steps=transfer,to:o,amount:7/pay,to:m,amount:5",
               "code=17 amount=0 balance=1000 held=0 detail=1~invalid", NULL);
    fold_stop(&fold);
}

/* A step under a key that is known leaves alone what that key stands for, also when it was decided in the same batch. */
Test(apply_group, a_known_key_of_the_batch_stays_known) {
    fold_start(&fold, 1, FOLD_BATCH);
    go(BASE);
    go("topup account=a amount=5 key=q at=1900000000000; ! group account=a steps=pay,key:q,to:m,amount:1/pay,to:n,amount:1;"
       "topup account=a amount=5 key=q at=1900000000000");
    cr_expect_str_eq(fold_account(&fold, 0, "a", "balance"), "1005", "%s: credited twice under one key", fold.server.text);
    struct fold_answer answer = fold_last_answer(&fold, 0, "shop");
    cr_expect_str_eq(answer.text[RESPONSE_REPLAYED], "1", "the copy is answered anew: %s", answer.text[RESPONSE_CODE]);
    fold_stop(&fold);
}
