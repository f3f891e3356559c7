/* hold, capture and release: every code, in the published order of checks, each row twice. The detail of a hold is its deadline, of
 * what refers to it its bill number. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/worker/table.h"

#define MAX "9007199254740991"
#define HELD TABLE_BASE "hold account=a to=m amount=100 key=h; "                 /* bill 0-2 */
#define HELD15 TABLE_BASE "hold account=a to=m amount=100 key=h expires=15m; "   /* the same, until 1900000900000 */
#define LOCKED "lock account=a token=T expires=1h; "
/* m's shard is at MAX - 10; b has 21 of which 11 are held for m by bill 0-10, key h. */
#define SHARD_NEAR_CAP                                                                                                        \
    "open account=m kind=merchant; open account=n kind=merchant; open account=a kind=user; open account=b kind=user;"        \
    "topup account=a amount=10; topup account=b amount=20; pay account=a to=n amount=10 key=p; withdraw account=n amount=10;" \
    "topup account=m amount=9007199254740961; refund account=a of=p; pay account=a to=m amount=10; pay account=b to=m amount=10;" \
    "topup account=b amount=1; hold account=b to=m amount=11 key=h;"

static const struct table_row hold_rows[] = {
    {"hold", TABLE_BASE, "hold account=a to=m amount=100", "code=0 amount=100 balance=1000 held=100 bill=0-2"},
    {"hold, with a deadline", TABLE_BASE, "hold account=a to=m amount=100 expires=15m",
     "code=0 amount=100 balance=1000 held=100 bill=0-2 detail=1900000900000"},
    {"hold, of one millisecond", TABLE_BASE, "hold account=a to=m amount=100 expires=1",
     "code=0 amount=100 balance=1000 held=100 bill=0-2 detail=1900000000001"},
    {"hold, expires 0 is never", TABLE_BASE, "hold account=a to=m amount=100 expires=0",
     "code=0 amount=100 balance=1000 held=100 bill=0-2"},
    {"hold, for a quarter of a million years", TABLE_BASE, "hold account=a to=m amount=100 expires=9005299254740991",
     "code=0 amount=100 balance=1000 held=100 bill=0-2 detail=9007199254740991"},
    {"hold, all", TABLE_BASE, "hold account=a to=m amount=1000", "code=0 amount=1000 balance=1000 held=1000 bill=0-2"},
    {"hold, all that another left", TABLE_BASE "hold account=a to=m amount=400", "hold account=a to=m amount=600",
     "code=0 amount=600 balance=1000 held=1000 bill=0-3"},
    {"hold, what was released", TABLE_BASE "hold account=a to=m amount=1000 key=h; release account=a of=h",
     "hold account=a to=m amount=1000", "code=0 amount=1000 balance=1000 held=1000 bill=0-4"},
    {"hold, what a capture in part released", TABLE_BASE "hold account=a to=m amount=1000 key=h; capture account=a of=h amount=1",
     "hold account=a to=m amount=999", "code=0 amount=999 balance=999 held=999 bill=0-4"},
    {"hold, at a merchant", TABLE_BASE "open account=n kind=merchant; pay account=a to=m amount=9", "hold account=m to=n amount=5",
     "code=0 amount=5 balance=9 held=5 bill=0-3"},
    {"hold, allow_duplicate", TABLE_BASE, "hold account=a to=m amount=5 allow_duplicate=1",
     "code=0 amount=5 balance=1000 held=5 bill=0-2"},
    {"hold, with the token", TABLE_BASE LOCKED, "hold account=a to=m amount=5 token=T", "code=0 amount=5 balance=1000 held=5 bill=0-2"},
    {"hold, with a token but no lock", TABLE_BASE, "hold account=a to=m amount=5 token=T", "code=0 amount=5 balance=1000 held=5 bill=0-2"},
    {"hold, guarded", TABLE_BASE, "hold account=a to=m amount=5 guard=seq:1,balance_min:1000",
     "code=0 amount=5 balance=1000 held=5 bill=0-2"},
    {"hold, unknown account", TABLE_BASE, "hold account=b to=m amount=5", "code=1 amount=0 detail=account"},
    {"hold, unknown merchant", TABLE_BASE, "hold account=a to=n amount=5", "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"hold, for a user", TABLE_BASE "open account=b kind=user", "hold account=a to=b amount=5",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"hold, other currency than the payer's", TABLE_BASE "open account=n kind=merchant currency=USD",
     "hold account=a to=n amount=5 currency=USD", "code=15 amount=0 balance=1000 held=0"},
    {"hold, other currency than the merchant's", TABLE_BASE "open account=n kind=merchant currency=USD", "hold account=a to=n amount=5",
     "code=15 amount=0 balance=1000 held=0"},
    {"hold, payer frozen", TABLE_BASE "freeze account=a", "hold account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"hold, payer closed", TABLE_BASE "open account=b kind=user; close account=b", "hold account=b to=m amount=5",
     "code=4 amount=0 balance=0 held=0"},
    {"hold, merchant frozen", TABLE_BASE "freeze account=m", "hold account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"hold, merchant closed", TABLE_BASE "close account=m", "hold account=a to=m amount=5", "code=4 amount=0 balance=1000 held=0"},
    {"hold, locked", TABLE_BASE LOCKED, "hold account=a to=m amount=5", "code=5"},
    {"hold, locked by another", TABLE_BASE LOCKED, "hold account=a to=m amount=5 token=U", "code=5"},
    {"hold, guard", TABLE_BASE, "hold account=a to=m amount=5 guard=seq:2", "code=18"},
    {"hold, rate", TABLE_BASE "limit account=a payments=1 per=1h; hold account=a to=m amount=1", "hold account=a to=m amount=5", "code=8"},
    {"hold, too little", TABLE_BASE, "hold account=a to=m amount=1001", "code=3 amount=0 balance=1000 held=0"},
    {"hold, far too little", TABLE_BASE, "hold account=a to=m amount=" MAX, "code=3 amount=0 balance=1000 held=0"},
    {"hold, too little beside another", TABLE_BASE "hold account=a to=m amount=600", "hold account=a to=m amount=401",
     "code=3 amount=0 balance=1000 held=600"},
    /* precedence */
    {"hold, stale before unknown", TABLE_BASE, "hold account=b to=m amount=5 at=-24h", "code=14"},
    {"hold, account before merchant", TABLE_BASE, "hold account=b to=n amount=5", "code=1 amount=0 detail=account"},
    {"hold, unknown merchant before currency", TABLE_BASE, "hold account=a to=n amount=5 currency=USD",
     "code=1 amount=0 balance=1000 held=0 detail=to"},
    {"hold, currency before frozen", TABLE_BASE "freeze account=a", "hold account=a to=m amount=5 currency=USD",
     "code=15 amount=0 balance=1000 held=0"},
    {"hold, frozen before locked", TABLE_BASE LOCKED "freeze account=a", "hold account=a to=m amount=5",
     "code=4 amount=0 balance=1000 held=0"},
    {"hold, merchant frozen before locked", TABLE_BASE LOCKED "freeze account=m", "hold account=a to=m amount=5",
     "code=4 amount=0 balance=1000 held=0"},
    {"hold, locked before guard", TABLE_BASE LOCKED, "hold account=a to=m amount=5 guard=seq:2", "code=5"},
    {"hold, guard before rate", TABLE_BASE "limit account=a payments=1 per=1h; hold account=a to=m amount=1",
     "hold account=a to=m amount=5 guard=seq:1", "code=18"},
    {"hold, rate before funds", TABLE_BASE "limit account=a payments=1 per=1h; hold account=a to=m amount=1",
     "hold account=a to=m amount=1001", "code=8"},
};

Test(apply_hold, hold) { table_run(hold_rows, sizeof hold_rows / sizeof *hold_rows, 1); }

static const struct table_row door_rows[] = {
    {"hold, expires negative", TABLE_BASE, "raw hold account=a to=m amount=5 currency=CNY expires=-1", "code=6 detail=expires"},
    {"hold, expires 2^53", TABLE_BASE, "raw hold account=a to=m amount=5 currency=CNY expires=9007199254740992", "code=6 detail=expires"},
    {"hold, expires text", TABLE_BASE, "raw hold account=a to=m amount=5 currency=CNY expires='5", "code=6 detail=expires"},
    {"hold, final", TABLE_BASE, "raw hold account=a to=m amount=5 currency=CNY final=true", "code=6 detail=final"},
    {"hold, no merchant", TABLE_BASE, "raw hold account=a amount=5 currency=CNY", "code=6 detail=to"},
    {"hold, to is the account", TABLE_BASE, "raw hold account=a to=a amount=5 currency=CNY", "code=6 detail=to"},
    {"hold, an empty token", TABLE_BASE, "raw hold account=a to=m amount=5 currency=CNY token='", "code=6 detail=token"},
    {"capture, expires", HELD, "raw capture account=a of=h expires=5", "code=6 detail=expires currency="},
    {"capture, final a number", HELD, "raw capture account=a of=h final=1", "code=6 detail=final currency="},
    {"capture, amount zero", HELD, "raw capture account=a of=h amount=0", "code=6 detail=amount currency="},
    {"capture, no hold named", HELD, "raw capture account=a amount=5", "code=6 detail=of currency="},
    {"capture, of is the key", HELD, "raw capture account=a of=z key=z", "code=6 detail=of currency="},
    {"release, amount", HELD, "raw release account=a of=h amount=5", "code=6 detail=amount currency="},
    {"release, token", HELD, "raw release account=a of=h token=T", "code=6 detail=token currency="},
    {"expire, from a producer", HELD, "raw expire account=a entry=1-1", "code=6 detail=op op= currency="},
};

Test(apply_hold, door) { table_run(door_rows, sizeof door_rows / sizeof *door_rows, 1); }

static const struct table_row capture_rows[] = {
    {"capture, all", HELD, "capture account=a of=h", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, all, said", HELD, "capture account=a of=h amount=100 final=1", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, part, and the rest is released", HELD, "capture account=a of=h amount=30",
     "code=0 amount=30 balance=970 held=0 bill=0-3 detail=0-2"},
    {"capture, part, not final", HELD, "capture account=a of=h amount=30 final=0",
     "code=0 amount=30 balance=970 held=70 bill=0-3 detail=0-2"},
    {"capture, another part, not final", HELD "capture account=a of=h amount=30 final=0", "capture account=a of=h amount=20 final=0",
     "code=0 amount=20 balance=950 held=50 bill=0-4 detail=0-2"},
    {"capture, another part, final", HELD "capture account=a of=h amount=30 final=0", "capture account=a of=h amount=20",
     "code=0 amount=20 balance=950 held=0 bill=0-4 detail=0-2"},
    {"capture, the rest", HELD "capture account=a of=h amount=30 final=0", "capture account=a of=h",
     "code=0 amount=70 balance=900 held=0 bill=0-4 detail=0-2"},
    {"capture, all though not final", HELD, "capture account=a of=h final=0",
     "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, of all that is owned, then spent", TABLE_BASE "hold account=a to=m amount=100 key=h; pay account=a to=m amount=900",
     "capture account=a of=h", "code=0 amount=100 balance=0 held=0 bill=0-4 detail=0-2"},
    {"capture, one of two", HELD "hold account=a to=m amount=50 key=i", "capture account=a of=i",
     "code=0 amount=50 balance=950 held=100 bill=0-4 detail=0-3"},
    {"capture, restated", HELD, "capture account=a of=h to=m currency=CNY", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, with a hint", HELD, "capture account=a of=h of_at=-1h", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, days later", HELD "+3d", "capture account=a of=h", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, a millisecond before the deadline", HELD15 "+14m59s999ms", "capture account=a of=h",
     "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, with the token", HELD LOCKED, "capture account=a of=h token=T", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, guarded", HELD, "capture account=a of=h guard=seq:2,balance_min:1000,refunded:0",
     "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, the rate is not its", TABLE_BASE "limit account=a payments=1 per=1h; hold account=a to=m amount=100 key=h",
     "capture account=a of=h", "code=0 amount=100 balance=900 held=0 bill=0-3 detail=0-2"},
    {"capture, just under the merchant's cap", SHARD_NEAR_CAP, "capture account=b of=h amount=10",
     "code=0 amount=10 balance=1 held=0 bill=0-11 detail=0-10"},
    {"capture, unknown account", TABLE_BASE, "capture account=b of=h", "code=1 amount=0 currency= detail=account"},
    {"capture, unknown hold", TABLE_BASE, "capture account=a of=h", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"capture, another's hold", HELD "open account=b kind=user", "capture account=b of=h", "code=1 amount=0 balance=0 held=0 detail=of"},
    {"capture, another source's hold", HELD, "capture account=a of=h source=other", "code=1 amount=0 balance=1000 held=100 detail=of"},
    {"capture, wrong merchant restated", HELD, "capture account=a of=h to=x", "code=6 currency= detail=to"},
    {"capture, wrong currency restated", HELD, "capture account=a of=h currency=USD", "code=6 currency=USD detail=currency"},
    {"capture, account frozen", HELD "freeze account=a", "capture account=a of=h", "code=4 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, merchant frozen", HELD "freeze account=m", "capture account=a of=h", "code=4 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, merchant closed", HELD "close account=m", "capture account=a of=h", "code=4 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, locked", HELD LOCKED, "capture account=a of=h", "code=5 currency="},
    {"capture, guard of the account", HELD, "capture account=a of=h guard=seq:1", "code=18 currency="},
    {"capture, guard of the hold", HELD "capture account=a of=h amount=30 final=0; refund account=a of=h amount=10",
     "capture account=a of=h guard=refunded:0", "code=18 currency="},
    {"capture, guard of the hold, right", HELD "capture account=a of=h amount=30 final=0; refund account=a of=h amount=10",
     "capture account=a of=h guard=refunded:10", "code=0 amount=70 balance=910 held=0 bill=0-5 detail=0-2"},
    {"capture, of a payment", TABLE_BASE "pay account=a to=m amount=5 key=p", "capture account=a of=p",
     "code=11 amount=0 balance=995 held=0"},
    {"capture, of a topup", TABLE_BASE, "capture account=a of=t0", "code=11 amount=0 balance=1000 held=0"},
    {"capture, of a refused hold", TABLE_BASE "! hold account=a to=m amount=1001 key=h", "capture account=a of=h",
     "code=11 amount=0 balance=1000 held=0"},
    {"capture, of a capture", HELD "capture account=a of=h amount=30 final=0 key=c", "capture account=a of=c",
     "code=11 amount=0 balance=970 held=70"},
    {"capture, captured", HELD "capture account=a of=h", "capture account=a of=h", "code=11 amount=0 balance=900 held=0 detail=0-2"},
    {"capture, captured in part and closed", HELD "capture account=a of=h amount=30", "capture account=a of=h amount=1",
     "code=11 amount=0 balance=970 held=0 detail=0-2"},
    {"capture, captured whole without final", HELD "capture account=a of=h amount=100 final=0", "capture account=a of=h",
     "code=11 amount=0 balance=900 held=0 detail=0-2"},
    {"capture, released", HELD "release account=a of=h", "capture account=a of=h", "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"capture, exactly at the deadline", HELD15 "+15m", "capture account=a of=h", "code=16 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, long past the deadline", HELD15 "+3d", "capture account=a of=h", "code=16 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, past the deadline, swept", HELD15 "+15m; expire account=a of=h", "capture account=a of=h",
     "code=16 amount=0 balance=1000 held=0 detail=0-2"},
    {"capture, in part before, past the deadline", HELD15 "capture account=a of=h amount=30 final=0; +15m", "capture account=a of=h",
     "code=16 amount=0 balance=970 held=70 detail=0-2"},
    {"capture, too much", HELD, "capture account=a of=h amount=101", "code=12 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, too much, not final", HELD, "capture account=a of=h amount=101 final=0", "code=12 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, more than is left", HELD "capture account=a of=h amount=30 final=0", "capture account=a of=h amount=71",
     "code=12 amount=0 balance=970 held=70 detail=0-2"},
    {"capture, the merchant's cap", SHARD_NEAR_CAP, "capture account=b of=h", "code=12 amount=0 balance=11 held=11 detail=0-10"},
    /* precedence */
    {"capture, stale before unknown", TABLE_BASE, "capture account=a of=h at=-24h", "code=14 currency="},
    {"capture, unknown hold before frozen", HELD "freeze account=a", "capture account=a of=x",
     "code=1 amount=0 balance=1000 held=100 detail=of"},
    {"capture, restatement before frozen", HELD "freeze account=a", "capture account=a of=h to=x", "code=6 currency= detail=to"},
    {"capture, restatement before captured", HELD "capture account=a of=h", "capture account=a of=h to=x", "code=6 currency= detail=to"},
    {"capture, frozen before locked", HELD LOCKED "freeze account=m", "capture account=a of=h",
     "code=4 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, locked before guard", HELD LOCKED, "capture account=a of=h guard=seq:1", "code=5 currency="},
    {"capture, frozen before wrong kind", TABLE_BASE "freeze account=a", "capture account=a of=t0", "code=4 amount=0 balance=1000 held=0"},
    {"capture, locked before wrong kind", TABLE_BASE LOCKED, "capture account=a of=t0", "code=5 currency="},
    {"capture, guard before wrong kind", TABLE_BASE, "capture account=a of=t0 guard=seq:2", "code=18 currency="},
    {"capture, guard before captured", HELD "capture account=a of=h", "capture account=a of=h guard=seq:1", "code=18 currency="},
    {"capture, guard before expired", HELD15 "+15m", "capture account=a of=h guard=seq:1", "code=18 currency="},
    {"capture, frozen before expired", HELD15 "freeze account=a; +15m", "capture account=a of=h",
     "code=4 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, captured before expired", HELD15 "capture account=a of=h; +15m", "capture account=a of=h",
     "code=11 amount=0 balance=900 held=0 detail=0-2"},
    {"capture, released before expired", HELD15 "release account=a of=h; +15m", "capture account=a of=h",
     "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"capture, expired before too much", HELD15 "+15m", "capture account=a of=h amount=101",
     "code=16 amount=0 balance=1000 held=100 detail=0-2"},
    {"capture, captured before too much", HELD "capture account=a of=h", "capture account=a of=h amount=101",
     "code=11 amount=0 balance=900 held=0 detail=0-2"},
    {"capture, too much before the cap", SHARD_NEAR_CAP, "capture account=b of=h amount=12",
     "code=12 amount=0 balance=11 held=11 detail=0-10"},
};

Test(apply_hold, capture) { table_run(capture_rows, sizeof capture_rows / sizeof *capture_rows, 1); }

static const struct table_row release_rows[] = {
    {"release", HELD, "release account=a of=h", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, what a capture left", HELD "capture account=a of=h amount=30 final=0", "release account=a of=h",
     "code=0 amount=70 balance=970 held=0 bill=0-4 detail=0-2"},
    {"release, restated", HELD, "release account=a of=h to=m currency=CNY", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, a millisecond before the deadline", HELD15 "+14m59s999ms", "release account=a of=h",
     "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, account frozen", HELD "freeze account=a", "release account=a of=h",
     "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, merchant frozen", HELD "freeze account=m", "release account=a of=h",
     "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, merchant closed", HELD "close account=m", "release account=a of=h",
     "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, locked", HELD LOCKED, "release account=a of=h", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, guarded", HELD, "release account=a of=h guard=seq:2,refunded:0", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"release, unknown account", TABLE_BASE, "release account=b of=h", "code=1 amount=0 currency= detail=account"},
    {"release, unknown hold", TABLE_BASE, "release account=a of=h", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"release, wrong merchant restated", HELD, "release account=a of=h to=x", "code=6 currency= detail=to"},
    {"release, wrong currency restated", HELD, "release account=a of=h currency=USD", "code=6 currency=USD detail=currency"},
    {"release, guard", HELD, "release account=a of=h guard=balance_min:1001", "code=18 currency="},
    {"release, of a payment", TABLE_BASE "pay account=a to=m amount=5 key=p", "release account=a of=p",
     "code=11 amount=0 balance=995 held=0"},
    {"release, of a refused hold", TABLE_BASE "! hold account=a to=m amount=1001 key=h", "release account=a of=h",
     "code=11 amount=0 balance=1000 held=0"},
    {"release, captured", HELD "capture account=a of=h amount=30", "release account=a of=h",
     "code=11 amount=0 balance=970 held=0 detail=0-2"},
    {"release, released", HELD "release account=a of=h", "release account=a of=h", "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"release, exactly at the deadline", HELD15 "+15m", "release account=a of=h", "code=16 amount=0 balance=1000 held=100 detail=0-2"},
    {"release, past the deadline, swept", HELD15 "+15m; expire account=a of=h", "release account=a of=h",
     "code=16 amount=0 balance=1000 held=0 detail=0-2"},
    /* precedence */
    {"release, stale before unknown", TABLE_BASE, "release account=a of=h at=-24h", "code=14 currency="},
    {"release, restatement before guard", HELD, "release account=a of=h to=x guard=seq:1", "code=6 currency= detail=to"},
    {"release, guard before wrong kind", TABLE_BASE, "release account=a of=t0 guard=seq:2", "code=18 currency="},
    {"release, guard before released", HELD "release account=a of=h", "release account=a of=h guard=seq:1", "code=18 currency="},
    {"release, released before expired", HELD15 "release account=a of=h; +15m", "release account=a of=h",
     "code=11 amount=0 balance=1000 held=0 detail=0-2"},
};

Test(apply_hold, release) { table_run(release_rows, sizeof release_rows / sizeof *release_rows, 1); }

static const struct table_row beside_rows[] = {
    {"refund, of a captured hold", HELD "capture account=a of=h", "refund account=a of=h",
     "code=0 amount=100 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"refund, of a captured hold in part", HELD "capture account=a of=h", "refund account=a of=h amount=30",
     "code=0 amount=30 balance=930 held=0 bill=0-4 detail=0-2"},
    {"refund, of a hold captured in part", HELD "capture account=a of=h amount=30", "refund account=a of=h",
     "code=0 amount=30 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"refund, of an open hold, what was captured", HELD "capture account=a of=h amount=30 final=0", "refund account=a of=h",
     "code=0 amount=30 balance=1000 held=70 bill=0-4 detail=0-2"},
    {"refund, of a hold released after a part", HELD "capture account=a of=h amount=30 final=0; release account=a of=h",
     "refund account=a of=h", "code=0 amount=30 balance=1000 held=0 bill=0-5 detail=0-2"},
    {"refund, of a hold expired after a part", HELD15 "capture account=a of=h amount=30 final=0; +15m; expire account=a of=h",
     "refund account=a of=h", "code=0 amount=30 balance=1000 held=0 bill=0-5 detail=0-2"},
    {"refund, of a hold past its deadline, unswept", HELD15 "capture account=a of=h amount=30 final=0; +15m",
     "refund account=a of=h", "code=0 amount=30 balance=1000 held=70 bill=0-4 detail=0-2"},
    {"refund, of a hold captured again after a refund",
     HELD "capture account=a of=h amount=30 final=0; refund account=a of=h; capture account=a of=h",
     "refund account=a of=h", "code=0 amount=70 balance=1000 held=0 bill=0-6 detail=0-2"},
    {"refund, more than was captured", HELD "capture account=a of=h amount=30", "refund account=a of=h amount=31",
     "code=12 amount=0 balance=970 held=0 detail=0-2"},
    {"refund, of a hold, nothing left", HELD "capture account=a of=h; refund account=a of=h", "refund account=a of=h",
     "code=12 amount=0 balance=1000 held=0 detail=0-2"},
    {"refund, of a hold not captured", HELD, "refund account=a of=h", "code=11 amount=0 balance=1000 held=100 detail=0-2"},
    {"refund, of a released hold", HELD "release account=a of=h", "refund account=a of=h", "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"refund, of a capture", HELD "capture account=a of=h key=c", "refund account=a of=c", "code=11 amount=0 balance=900 held=0"},
    {"rollback, of a hold", HELD, "rollback account=a of=h", "code=11 amount=0 balance=1000 held=100"},
    {"rollback, of a capture", HELD "capture account=a of=h key=c", "rollback account=a of=c", "code=11 amount=0 balance=900 held=0"},
    {"rollback, of a topup that is held", HELD, "rollback account=a of=t0", "code=3 amount=0 balance=1000 held=100 detail=0-1"},
    {"pay, what is held", TABLE_BASE "hold account=a to=m amount=1000", "pay account=a to=m amount=1",
     "code=3 amount=0 balance=1000 held=1000"},
    {"pay, all but what is held", HELD, "pay account=a to=m amount=900", "code=0 amount=900 balance=100 held=100 bill=0-3"},
    {"pay, one more", HELD, "pay account=a to=m amount=901", "code=3 amount=0 balance=1000 held=100"},
    {"withdraw, all but what is held", HELD, "withdraw account=a amount=900", "code=0 amount=900 balance=100 held=100 bill=0-3"},
    {"withdraw, one more", HELD, "withdraw account=a amount=901", "code=3 amount=0 balance=1000 held=100"},
    {"topup, beside a hold", HELD, "topup account=a amount=5", "code=0 amount=5 balance=1005 held=100 bill=0-3"},
    {"inquire, beside a hold", HELD, "inquire account=a", "code=0 balance=1000 held=100"},
    {"inquire, past the deadline, unswept", HELD15 "+15m", "inquire account=a", "code=0 balance=1000 held=100"},
    {"pay, what is past its deadline is held until swept", HELD15 "+15m", "pay account=a to=m amount=901",
     "code=3 amount=0 balance=1000 held=100"},
    {"pay, what is swept", HELD15 "+15m; expire account=a of=h", "pay account=a to=m amount=1000",
     "code=0 amount=1000 balance=0 held=0 bill=0-4"},
    {"freeze, beside a hold", HELD, "freeze account=a", "code=0 balance=1000 held=100"},
    {"close, what is held", HELD, "close account=a", "code=11 balance=1000 held=100"},
};

Test(apply_hold, beside) { table_run(beside_rows, sizeof beside_rows / sizeof *beside_rows, 1); }

static const struct table_row known_rows[] = {
    {"hold, another deadline", TABLE_BASE "hold account=a to=m amount=5 key=x expires=15m",
     "hold account=a to=m amount=5 key=x expires=16m", "code=7"},
    {"hold, expires 0 is not left out", TABLE_BASE "hold account=a to=m amount=5 key=x", "hold account=a to=m amount=5 key=x expires=0",
     "code=7"},
    {"hold, another amount", TABLE_BASE "hold account=a to=m amount=5 key=x", "hold account=a to=m amount=6 key=x", "code=7 detail=amount"},
    {"hold, another token", TABLE_BASE "hold account=a to=m amount=5 key=x token=T", "hold account=a to=m amount=5 key=x token=U", "code=7"},
    {"hold, another guard", TABLE_BASE "hold account=a to=m amount=5 key=x guard=seq:1", "hold account=a to=m amount=5 key=x guard=seq:2",
     "code=7"},
    {"hold, then pay", TABLE_BASE "hold account=a to=m amount=5 key=x", "pay account=a to=m amount=5 key=x", "code=7 detail=op"},
    {"capture, another amount", HELD "capture account=a of=h amount=5 key=x", "capture account=a of=h amount=6 key=x",
     "code=7 currency= detail=amount"},
    {"capture, final is not left out", HELD "capture account=a of=h amount=5 key=x", "capture account=a of=h amount=5 key=x final=1",
     "code=7 currency="},
    {"capture, another merchant restated", HELD "capture account=a of=h key=x", "capture account=a of=h key=x to=n",
     "code=7 currency= detail=to"},
    {"capture, another currency restated", HELD "capture account=a of=h key=x", "capture account=a of=h key=x currency=USD",
     "code=7 currency=USD detail=currency"},
    {"release, another currency restated", HELD "release account=a of=h key=x", "release account=a of=h key=x currency=USD",
     "code=7 currency=USD detail=currency"},
};

Test(apply_hold, key_reused) { table_run(known_rows, sizeof known_rows / sizeof *known_rows, 1); }

static struct fold fold;

/* Leaving out and restating rightly mean the same. */
Test(apply_hold, restated_is_the_same) {
    static const char *const ops[] = {"capture", "release"};
    fold_start(&fold, 1, FOLD_BATCH);
    for (size_t n = 0; n < 2; n++) {
        char line[200], wanted[200];
        fold_reset(&fold);
        snprintf(line, sizeof line, HELD "%s account=a of=h key=c", ops[n]);
        snprintf(wanted, sizeof wanted, "code=0 amount=100 balance=%s held=0 bill=0-3 detail=0-2", n ? "1000" : "900");
        table_step(ops[n], &fold, line, wanted, NULL);
        snprintf(line, sizeof line, "%s account=a of=h key=c to=m currency=CNY", ops[n]);
        snprintf(wanted, sizeof wanted, "code=0 amount=100 balance=%s held=0 bill=0-3 detail=0-2 replayed=1", n ? "1000" : "900");
        table_step(ops[n], &fold, line, wanted, "1900000000000-5");
    }
    fold_stop(&fold);
}
