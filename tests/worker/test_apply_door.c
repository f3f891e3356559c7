/* What is refused before anything is looked up (6, 14), and the identity that is known (replay, 7), with their precedence. */
#include <criterion/criterion.h>

#include "tests/worker/table.h"

static const struct table_row invalid_rows[] = {
    {"no amount", TABLE_BASE, "raw pay account=a to=m currency=CNY", "code=6 detail=amount"},
    {"amount zero", TABLE_BASE, "raw pay account=a to=m amount=0 currency=CNY", "code=6 detail=amount"},
    {"amount negative", TABLE_BASE, "raw pay account=a to=m amount=-5 currency=CNY", "code=6 detail=amount"},
    {"amount 2^53", TABLE_BASE, "raw pay account=a to=m amount=9007199254740992 currency=CNY", "code=6 detail=amount"},
    {"amount 2^64 - 1", TABLE_BASE, "raw topup account=a amount=18446744073709551615 currency=CNY", "code=6 detail=amount"},
    {"amount a float", TABLE_BASE, "raw pay account=a to=m amount=1.5 currency=CNY", "code=6 detail=amount"},
    {"amount text", TABLE_BASE, "raw pay account=a to=m amount='5 currency=CNY", "code=6 detail=amount"},
    {"amount nil", TABLE_BASE, "raw pay account=a to=m amount=nil currency=CNY", "code=6 detail=amount"},
    {"unknown field", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY ammount=5", "code=6 detail=ammount"},
    {"field twice", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY amount=5", "code=6 detail=amount"},
    {"field not taken", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY of=x", "code=6 detail=of"},
    {"to is the account", TABLE_BASE, "raw pay account=a to=a amount=5 currency=CNY", "code=6 detail=to"},
    {"of is the key", TABLE_BASE, "raw refund account=a of=z key=z", "code=6 detail=of currency="},
    {"lower-case currency", TABLE_BASE, "raw pay account=a to=m amount=5 currency=cny", "code=6 detail=currency currency="},
    {"no version", TABLE_BASE, "raw pay -v account=a to=m amount=5 currency=CNY", "code=6 detail=v"},
    {"version 2", TABLE_BASE, "raw pay v=2 account=a to=m amount=5 currency=CNY", "code=6 detail=v"},
    {"no key", TABLE_BASE, "raw pay -key account=a to=m amount=5 currency=CNY", "code=6 detail=key key="},
    {"no at", TABLE_BASE, "raw pay -at account=a to=m amount=5 currency=CNY", "code=6 detail=at"},
    {"no account", TABLE_BASE, "raw pay to=m amount=5 currency=CNY", "code=6 detail=account"},
    {"a system account", TABLE_BASE, "raw topup account=@world:CNY amount=5 currency=CNY", "code=6 detail=account account="},
    {"an unknown operation", TABLE_BASE, "raw steal account=a amount=5 currency=CNY", "code=6 detail=op op="},
    {"a worker's operation from a producer", TABLE_BASE, "raw adopt account=a kind=merchant currency=CNY origin=0:1-1 entry=1-1",
     "code=6 detail=op op="},
    {"a merchant's mark from a producer", TABLE_BASE, "raw mark account=m status=closed origin=0:1-1 entry=1-1",
     "code=6 detail=op op= currency="},
    {"key with a slash", TABLE_BASE, "raw pay account=a to=m amount=5 currency=CNY key=a/b", "code=6 detail=key key="},
    {"5 min 1 ms ahead", TABLE_BASE, "pay account=a to=m amount=5 at=+5m1ms", "code=6 detail=at"},
    {"stale", TABLE_BASE, "pay account=a to=m amount=5 at=-23h1ms", "code=14"},
    /* precedence */
    {"invalid before known", TABLE_BASE "pay account=a to=m amount=5 key=p", "raw pay account=a to=m amount=0 currency=CNY key=p",
     "code=6 detail=amount"},
    {"ahead before known", TABLE_BASE "pay account=a to=m amount=5 key=p", "pay account=a to=m amount=5 key=p at=+6m", "code=6 detail=at"},
    {"invalid before stale", TABLE_BASE, "raw pay account=a to=m amount=0 currency=CNY at=1", "code=6 detail=amount"},
    {"known before stale, other", TABLE_BASE "pay account=a to=m amount=5 key=p; +24h", "pay account=a to=m amount=6 key=p at=-24h",
     "code=7 detail=amount"},
};

Test(apply_door, invalid) { table_run(invalid_rows, sizeof invalid_rows / sizeof *invalid_rows, 1); }

static const struct table_row routed_rows[] = {
    {"the wrong partition", "", "p=0 topup account=b amount=5", "code=6 detail=account"},
    {"the wrong partition before ahead", "", "p=0 topup account=b amount=5 at=+6m", "code=6 detail=account"},
    {"the wrong partition before stale", "", "p=0 topup account=b amount=5 at=-24h", "code=6 detail=account"},
};

Test(apply_door, routed) {
    struct book book = {"till", 2};
    cr_assert_eq(keys_partition(&book, "b", 1), 1, "b was to be of the other partition");
    table_run(routed_rows, sizeof routed_rows / sizeof *routed_rows, 2);
}

static const struct table_row known_rows[] = {
    {"another operation", TABLE_BASE "topup account=a amount=5 key=x", "withdraw account=a amount=5 key=x", "code=7 detail=op currency="},
    {"op before amount", TABLE_BASE "topup account=a amount=5 key=x", "withdraw account=a amount=6 currency=USD key=x",
     "code=7 detail=op currency=USD"},
    {"another amount", TABLE_BASE "topup account=a amount=5 key=x", "topup account=a amount=6 key=x", "code=7 detail=amount"},
    {"another currency", TABLE_BASE "topup account=a amount=5 key=x", "topup account=a amount=5 currency=USD key=x",
     "code=7 detail=currency currency=USD"},
    {"amount before currency", TABLE_BASE "topup account=a amount=5 key=x", "topup account=a amount=6 currency=USD key=x",
     "code=7 detail=amount currency=USD"},
    {"another merchant", TABLE_BASE "open account=n kind=merchant; pay account=a to=m amount=5 key=x", "pay account=a to=n amount=5 key=x",
     "code=7 detail=to"},
    {"to before amount", TABLE_BASE "pay account=a to=m amount=5 key=x", "pay account=a to=n amount=6 key=x", "code=7 detail=to"},
    {"another kind", TABLE_BASE "open account=b kind=user key=x", "open account=b kind=app key=x", "code=7"},
    {"another payment refunded", TABLE_BASE "pay account=a to=m amount=5 key=p; pay account=a to=m amount=5 key=q;"
     "refund account=a of=p key=x",
     "refund account=a of=q key=x", "code=7 currency="},
    {"allow_duplicate is meant too", TABLE_BASE "pay account=a to=m amount=5 key=x", "pay account=a to=m amount=5 key=x allow_duplicate=0",
     "code=7"},
    {"of a refused one: the amount cannot be told", TABLE_BASE "! pay account=a to=m amount=5000 key=x",
     "pay account=a to=m amount=5001 key=x", "code=7"},
    {"of one refused for its currency", TABLE_BASE "! pay account=a to=m amount=5 currency=USD key=x",
     "pay account=a to=m amount=6 currency=USD key=x",
     "code=7 currency=USD"},
    {"refund, another merchant restated", TABLE_BASE "pay account=a to=m amount=5 key=p; refund account=a of=p key=x",
     "refund account=a of=p to=n key=x",
     "code=7 detail=to currency="},
    {"refund, another currency restated", TABLE_BASE "pay account=a to=m amount=5 key=p; refund account=a of=p key=x",
     "refund account=a of=p currency=USD key=x", "code=7 detail=currency currency=USD"},
    {"known before unknown account", "! topup account=z amount=5 key=x", "topup account=z amount=6 key=x", "code=7"},
};

Test(apply_door, key_reused) { table_run(known_rows, sizeof known_rows / sizeof *known_rows, 1); }
