/* pay: every code, in the published order of checks, each row twice. */
#include <criterion/criterion.h>

#include "tests/worker/table.h"

#define MAX "9007199254740991"
/* m's shard is at MAX - 10; b has 20. */
#define SHARD_NEAR_CAP                                                                                                            \
    "open account=m kind=merchant; open account=n kind=merchant; open account=a kind=user; open account=b kind=user;"            \
    "topup account=a amount=10; topup account=b amount=20; pay account=a to=n amount=10 key=p; withdraw account=n amount=10;" \
    "topup account=m amount=9007199254740961; refund account=a of=p; pay account=a to=m amount=10; pay account=b to=m amount=10;"

static const struct table_row pay_rows[] = {
    {"pay", TABLE_BASE, "pay account=a to=m amount=5", "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"pay, all", TABLE_BASE, "pay account=a to=m amount=1000", "code=0 amount=1000 balance=0 held=0 bill=0-2"},
    {"pay, allow_duplicate", TABLE_BASE "pay account=a to=m amount=5", "pay account=a to=m amount=5 allow_duplicate=1",
     "code=0 amount=5 balance=990 held=0 bill=0-3"},
    {"pay, a merchant pays", TABLE_BASE "open account=n kind=merchant; pay account=a to=m amount=9", "pay account=m to=n amount=5",
     "code=0 amount=5 balance=4 held=0 bill=0-3"},
    {"pay, unknown account", TABLE_BASE, "pay account=b to=m amount=5", "code=1 amount=0 detail=account"},
    {"pay, unknown merchant", TABLE_BASE, "pay account=a to=n amount=5", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, to a user", TABLE_BASE "open account=b kind=user", "pay account=a to=b amount=5",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, to an app", TABLE_BASE "open account=b kind=app", "pay account=a to=b amount=5",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, other currency than the payer's", TABLE_BASE "open account=n kind=merchant currency=USD",
     "pay account=a to=n amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"pay, other currency than the merchant's", TABLE_BASE "open account=n kind=merchant currency=USD", "pay account=a to=n amount=5",
     "code=15 amount=0 balance=1000 held=0"},
    {"pay, payer frozen", TABLE_BASE "freeze account=a", "pay account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"pay, payer closed", TABLE_BASE "open account=b kind=user; close account=b", "pay account=b to=m amount=5",
     "code=4 amount=0 balance=0 held=0"},
    {"pay, merchant frozen", TABLE_BASE "freeze account=m", "pay account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"pay, merchant closed", TABLE_BASE "close account=m", "pay account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"pay, thawed", TABLE_BASE "freeze account=m; thaw account=m", "pay account=a to=m amount=5",
     "code=0 amount=5 balance=995 held=0 bill=0-2"},
    {"pay, the merchant's cap", SHARD_NEAR_CAP "topup account=b amount=1", "pay account=b to=m amount=11",
     "code=12 amount=0 balance=11 held=0"},
    {"pay, just under the merchant's cap", SHARD_NEAR_CAP, "pay account=b to=m amount=10", "code=0 amount=10 balance=0 held=0 bill=0-9"},
    {"pay, too little", TABLE_BASE, "pay account=a to=m amount=1001", "code=3 amount=0 balance=1000 held=0"},
    {"pay, far too little", TABLE_BASE, "pay account=a to=m amount=" MAX, "code=3 amount=0 balance=1000 held=0"},
    /* precedence */
    {"pay, stale before unknown", TABLE_BASE, "pay account=b to=m amount=5 at=-24h", "code=14"},
    {"pay, account before merchant", TABLE_BASE, "pay account=b to=n amount=5", "code=1 amount=0 detail=account"},
    {"pay, unknown merchant before currency", TABLE_BASE, "pay account=a to=n amount=5 currency=USD",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, unknown merchant before frozen", TABLE_BASE "freeze account=a", "pay account=a to=n amount=5",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"pay, currency before frozen", TABLE_BASE "freeze account=a", "pay account=a to=m amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"pay, currency before merchant frozen", TABLE_BASE "freeze account=m", "pay account=a to=m amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"pay, frozen before the cap", SHARD_NEAR_CAP "freeze account=b", "pay account=b to=m amount=11", "code=4 amount=0 balance=10 held=0"},
    {"pay, frozen before funds", TABLE_BASE "freeze account=m", "pay account=a to=m amount=1001", "code=4 amount=0 balance=1000 held=0"},
    {"pay, the cap before funds", SHARD_NEAR_CAP, "pay account=b to=m amount=11", "code=12 amount=0 balance=10 held=0"},
};

Test(apply_pay, pay) { table_run(pay_rows, sizeof pay_rows / sizeof *pay_rows, 1); }
