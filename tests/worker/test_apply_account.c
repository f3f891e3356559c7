/* open, freeze, thaw, close, inquire: every code, each row twice. */
#include <criterion/criterion.h>

#include "tests/worker/table.h"

static const struct table_row open_rows[] = {
    {"open, a user", "", "open account=a kind=user", "code=0 balance=0 held=0"},
    {"open, an app", "", "open account=a kind=app currency=USD", "code=0 balance=0 held=0 currency=USD"},
    {"open, a merchant", "", "open account=a kind=merchant", "code=0 balance=0 held=0"},
    {"open, it exists", TABLE_BASE, "open account=a kind=user", "code=10 balance=1000 held=0"},
    {"open, it exists in another currency", TABLE_BASE, "open account=a kind=user currency=USD", "code=10 balance=1000 held=0"},
    {"open, it exists as a merchant", TABLE_BASE, "open account=m kind=user", "code=10 balance=0 held=0"},
    {"open, it exists frozen", TABLE_BASE "freeze account=a", "open account=a kind=user", "code=10 balance=1000 held=0"},
    {"open, it exists closed", "open account=a kind=user; close account=a", "open account=a kind=user", "code=10 balance=0 held=0"},
    {"open, stale before existing", TABLE_BASE, "open account=a kind=user at=-24h", "code=14"},
};

Test(apply_account, open) { table_run(open_rows, sizeof open_rows / sizeof *open_rows, 1); }

static const struct table_row status_rows[] = {
    {"freeze", TABLE_BASE, "freeze account=a", "code=0 balance=1000 held=0"},
    {"freeze, a merchant", TABLE_BASE, "freeze account=m", "code=0 balance=0 held=0"},
    {"freeze, unknown", TABLE_BASE, "freeze account=b", "code=1 currency= detail=account"},
    {"freeze, closed", "open account=a kind=user; close account=a", "freeze account=a", "code=4 balance=0 held=0"},
    {"freeze, frozen", TABLE_BASE "freeze account=a", "freeze account=a", "code=11 balance=1000 held=0"},
    {"freeze, thawed", TABLE_BASE "freeze account=a; thaw account=a", "freeze account=a", "code=0 balance=1000 held=0"},
    {"thaw", TABLE_BASE "freeze account=a", "thaw account=a", "code=0 balance=1000 held=0"},
    {"thaw, a merchant", TABLE_BASE "freeze account=m", "thaw account=m", "code=0 balance=0 held=0"},
    {"thaw, unknown", TABLE_BASE, "thaw account=b", "code=1 currency= detail=account"},
    {"thaw, closed", "open account=a kind=user; close account=a", "thaw account=a", "code=4 balance=0 held=0"},
    {"thaw, active", TABLE_BASE, "thaw account=a", "code=11 balance=1000 held=0"},
    {"close", "open account=a kind=user", "close account=a", "code=0 balance=0 held=0"},
    {"close, emptied", TABLE_BASE "withdraw account=a amount=1000", "close account=a", "code=0 balance=0 held=0"},
    {"close, frozen and empty", "open account=a kind=user; freeze account=a", "close account=a", "code=0 balance=0 held=0"},
    {"close, a merchant with money", TABLE_BASE "pay account=a to=m amount=5", "close account=m", "code=0 balance=5 held=0"},
    {"close, unknown", TABLE_BASE, "close account=b", "code=1 currency= detail=account"},
    {"close, closed", "open account=a kind=user; close account=a", "close account=a", "code=4 balance=0 held=0"},
    {"close, not empty", TABLE_BASE, "close account=a", "code=11 balance=1000 held=0"},
    {"inquire", TABLE_BASE, "inquire account=a", "code=0 balance=1000 held=0"},
    {"inquire, frozen", TABLE_BASE "freeze account=a", "inquire account=a", "code=0 balance=1000 held=0"},
    {"inquire, closed", "open account=a kind=user; close account=a", "inquire account=a", "code=0 balance=0 held=0"},
    {"inquire, in its place", TABLE_BASE "pay account=a to=m amount=5", "inquire account=a", "code=0 balance=995 held=0"},
    {"inquire, unknown", TABLE_BASE, "inquire account=b", "code=1 currency= detail=account"},
    {"inquire, stale", TABLE_BASE, "inquire account=a at=-24h", "code=14 currency="},
};

Test(apply_account, status) { table_run(status_rows, sizeof status_rows / sizeof *status_rows, 1); }
