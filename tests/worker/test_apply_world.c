/* topup and withdraw: every code, in the published order of checks, each row twice. */
#include <criterion/criterion.h>

#include "tests/worker/table.h"

#define MAX "9007199254740991"
/* a owns MAX - 10, m's shard is -10, @world -(MAX - 20): only a is near the cap. */
#define A_NEAR_CAP                                                                                                             \
    "open account=m kind=merchant; open account=a kind=user; open account=b kind=user; topup account=a amount=9007199254740981;" \
    "pay account=a to=m amount=10 key=p; withdraw account=m amount=10; refund account=a of=p;"

static const struct table_row topup_rows[] = {
    {"topup", TABLE_BASE, "topup account=a amount=5", "code=0 amount=5 balance=1005 held=0 bill=0-2"},
    {"topup, of a merchant", TABLE_BASE, "topup account=m amount=5", "code=0 amount=5 balance=5 held=0 bill=0-2"},
    {"topup, of an app", "open account=x kind=app currency=EUR", "topup account=x amount=5 currency=EUR",
     "code=0 amount=5 balance=5 held=0 bill=0-1 currency=EUR"},
    {"topup, to the cap", "open account=a kind=user", "topup account=a amount=" MAX,
     "code=0 amount=" MAX " balance=" MAX " held=0 bill=0-1"},
    {"topup, unknown account", TABLE_BASE, "topup account=b amount=5", "code=1 amount=0 detail=account"},
    {"topup, other currency", TABLE_BASE, "topup account=a amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"topup, frozen", TABLE_BASE "freeze account=a", "topup account=a amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"topup, closed", TABLE_BASE "open account=b kind=user; close account=b", "topup account=b amount=5",
     "code=4 amount=0 balance=0 held=0"},
    {"topup, the account's cap", A_NEAR_CAP, "topup account=a amount=11", "code=12 amount=0 balance=9007199254740981 held=0"},
    {"topup, just under the account's cap", A_NEAR_CAP, "topup account=a amount=10",
     "code=0 amount=10 balance=" MAX " held=0 bill=0-5"},
    {"topup, @world's cap", A_NEAR_CAP, "topup account=b amount=21", "code=12 amount=0 balance=0 held=0"},
    {"topup, just over @world's cap", A_NEAR_CAP, "topup account=b amount=20", "code=0 amount=20 balance=20 held=0 bill=0-5"},
    {"topup, other currency before frozen", TABLE_BASE "freeze account=a", "topup account=a amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"topup, frozen before the cap", A_NEAR_CAP "freeze account=a", "topup account=a amount=11",
     "code=4 amount=0 balance=9007199254740981 held=0"},
    {"topup, stale before unknown", TABLE_BASE, "topup account=b amount=5 at=-24h", "code=14"},
};

Test(apply_world, topup) { table_run(topup_rows, sizeof topup_rows / sizeof *topup_rows, 1); }

static const struct table_row withdraw_rows[] = {
    {"withdraw", TABLE_BASE, "withdraw account=a amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"withdraw, currency said", TABLE_BASE, "withdraw account=a amount=5 currency=CNY", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"withdraw, all", TABLE_BASE, "withdraw account=a amount=1000", "code=0 amount=1000 balance=0 held=0 bill=0-2"},
    {"withdraw, unknown account", TABLE_BASE, "withdraw account=b amount=5", "code=1 amount=0 currency= detail=account"},
    {"withdraw, other currency", TABLE_BASE, "withdraw account=a amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"withdraw, frozen", TABLE_BASE "freeze account=a", "withdraw account=a amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"withdraw, closed", TABLE_BASE "open account=b kind=user; close account=b", "withdraw account=b amount=5",
     "code=4 amount=0 balance=0 held=0"},
    {"withdraw, too little", TABLE_BASE, "withdraw account=a amount=1001", "code=3 amount=0 balance=1000 held=0"},
    {"withdraw, nothing there", TABLE_BASE, "withdraw account=m amount=" MAX, "code=3 amount=0 balance=0 held=0"},
    {"withdraw, other currency before frozen", TABLE_BASE "freeze account=a", "withdraw account=a amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"withdraw, frozen before funds", TABLE_BASE "freeze account=a", "withdraw account=a amount=1001",
     "code=4 amount=0 balance=1000 held=0"},
    {"withdraw, right after the open", "open account=x kind=user currency=EUR; topup account=x amount=9 currency=EUR",
     "withdraw account=x amount=4", "code=0 amount=4 balance=5 held=0 bill=0-2 currency=EUR"},
    {"withdraw, a second open does not confuse", "open account=x kind=user currency=EUR; ! open account=x kind=user currency=USD;"
     "topup account=x amount=9 currency=EUR", "withdraw account=x amount=4", "code=0 amount=4 balance=5 held=0 bill=0-2 currency=EUR"},
    {"withdraw, an open that was another intent does not confuse",
     "! topup account=x amount=1 key=q; ! open account=x kind=user currency=USD key=q;"
     "open account=x kind=user currency=EUR; topup account=x amount=9 currency=EUR",
     "withdraw account=x amount=4", "code=0 amount=4 balance=5 held=0 bill=0-2 currency=EUR"},
};

Test(apply_world, withdraw) { table_run(withdraw_rows, sizeof withdraw_rows / sizeof *withdraw_rows, 1); }
