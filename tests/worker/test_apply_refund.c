/* refund and rollback: every code, in the published order of checks, each row twice. The detail names the bill referred to. */
#include <criterion/criterion.h>

#include "tests/worker/table.h"

#define PAID TABLE_BASE "pay account=a to=m amount=100 key=p; " /* bill 0-2; a has 900 */

static const struct table_row refund_rows[] = {
    {"refund, all", PAID, "refund account=a of=p", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"refund, part", PAID, "refund account=a of=p amount=30", "code=0 amount=30 balance=930 held=0 bill=0-3 detail=0-2"},
    {"refund, the rest", PAID "refund account=a of=p amount=30", "refund account=a of=p", "code=0 amount=70 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"refund, a third part", PAID "refund account=a of=p amount=30; refund account=a of=p amount=30", "refund account=a of=p amount=40",
     "code=0 amount=40 balance=1000 held=0 bill=0-5 detail=0-2"},
    {"refund, restated", PAID, "refund account=a of=p to=m currency=CNY amount=100", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"refund, the shard goes negative", PAID "withdraw account=m amount=100", "refund account=a of=p",
     "code=0 amount=100 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"refund, with a hint", PAID, "refund account=a of=p of_at=-1h", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"refund, with a wrong hint", PAID, "refund account=a of=p of_at=-100d", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"refund, unknown account", TABLE_BASE, "refund account=b of=p", "code=1 amount=0 currency= detail=account"},
    {"refund, unknown payment", TABLE_BASE, "refund account=a of=p", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"refund, unknown payment, currency said", TABLE_BASE, "refund account=a of=p currency=USD", "code=1 amount=0 balance=1000 held=0 detail=of currency=USD"},
    {"refund, unknown payment, merchant said", TABLE_BASE, "refund account=a of=p to=x", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"refund, another's payment", PAID "open account=b kind=user", "refund account=b of=p", "code=1 amount=0 balance=0 held=0 detail=of"},
    {"refund, another source's payment", PAID, "refund account=a of=p source=other", "code=1 amount=0 balance=900 held=0 detail=of"},
    {"refund, of a refused payment", TABLE_BASE "! pay account=a to=m amount=1001 key=p", "refund account=a of=p",
     "code=11 amount=0 balance=1000 held=0"},
    {"refund, of a topup", TABLE_BASE, "refund account=a of=t0", "code=11 amount=0 balance=1000 held=0"},
    {"refund, of a topup, currency said", TABLE_BASE, "refund account=a of=t0 currency=USD to=x", "code=11 amount=0 balance=1000 held=0 currency=USD"},
    {"refund, of a refund", PAID "refund account=a of=p amount=1 key=r", "refund account=a of=r", "code=11 amount=0 balance=901 held=0"},
    {"refund, of what was rolled back", PAID "rollback account=a of=p", "refund account=a of=p", "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"refund, wrong merchant restated", PAID, "refund account=a of=p to=x", "code=6 currency= detail=to"},
    {"refund, wrong currency restated", PAID, "refund account=a of=p currency=USD", "code=6 currency=USD detail=currency"},
    {"refund, account frozen", PAID "freeze account=a", "refund account=a of=p", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"refund, merchant frozen", PAID "freeze account=m", "refund account=a of=p", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"refund, merchant closed", PAID "close account=m", "refund account=a of=p", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"refund, more than paid", PAID, "refund account=a of=p amount=101", "code=12 amount=0 balance=900 held=0 detail=0-2"},
    {"refund, more than is left", PAID "refund account=a of=p amount=30", "refund account=a of=p amount=71",
     "code=12 amount=0 balance=930 held=0 detail=0-2"},
    {"refund, nothing is left", PAID "refund account=a of=p", "refund account=a of=p", "code=12 amount=0 balance=1000 held=0 detail=0-2"},
    {"refund, the account's cap", PAID "withdraw account=m amount=100; topup account=a amount=9007199254739992", "refund account=a of=p",
     "code=12 amount=0 balance=9007199254740892 held=0 detail=0-2"},
    /* precedence */
    {"refund, stale before unknown", TABLE_BASE, "refund account=a of=p at=-24h", "code=14 currency="},
    {"refund, restatement before frozen", PAID "freeze account=a", "refund account=a of=p to=x", "code=6 currency= detail=to"},
    {"refund, unknown payment before frozen", PAID "freeze account=a", "refund account=a of=q", "code=1 amount=0 balance=900 held=0 detail=of"},
    {"refund, frozen before wrong kind", TABLE_BASE "freeze account=a", "refund account=a of=t0", "code=4 amount=0 balance=1000 held=0"},
    {"refund, frozen before rolled back", PAID "rollback account=a of=p; freeze account=m", "refund account=a of=p",
     "code=4 amount=0 balance=1000 held=0 detail=0-2"},
    {"refund, frozen before too much", PAID "freeze account=m", "refund account=a of=p amount=101", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"refund, rolled back before too much", PAID "rollback account=a of=p", "refund account=a of=p amount=101",
     "code=11 amount=0 balance=1000 held=0 detail=0-2"},
};

Test(apply_refund, refund) { table_run(refund_rows, sizeof refund_rows / sizeof *refund_rows, 1); }

static const struct table_row rollback_rows[] = {
    {"rollback, a topup", TABLE_BASE, "rollback account=a of=t0", "code=0 amount=1000 balance=0 held=0 bill=0-2 detail=0-1"},
    {"rollback, a withdraw", TABLE_BASE "withdraw account=a amount=300 key=w", "rollback account=a of=w",
     "code=0 amount=300 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"rollback, a payment", PAID, "rollback account=a of=p", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"rollback, a payment, the shard goes negative", PAID "withdraw account=m amount=100", "rollback account=a of=p",
     "code=0 amount=100 balance=1000 held=0 bill=0-4 detail=0-2"},
    {"rollback, with a hint", PAID, "rollback account=a of=p of_at=-1h", "code=0 amount=100 balance=1000 held=0 bill=0-3 detail=0-2"},
    {"rollback, unknown account", TABLE_BASE, "rollback account=b of=p", "code=1 amount=0 currency= detail=account"},
    {"rollback, unknown bill", TABLE_BASE, "rollback account=a of=p", "code=1 amount=0 balance=1000 held=0 detail=of"},
    {"rollback, another source's", PAID, "rollback account=a of=p source=other", "code=1 amount=0 balance=900 held=0 detail=of"},
    {"rollback, frozen", PAID "freeze account=a", "rollback account=a of=p", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"rollback, merchant frozen", PAID "freeze account=m", "rollback account=a of=p", "code=4 amount=0 balance=900 held=0 detail=0-2"},
    {"rollback, a topup, frozen", TABLE_BASE "freeze account=a", "rollback account=a of=t0", "code=4 amount=0 balance=1000 held=0 detail=0-1"},
    {"rollback, twice", PAID "rollback account=a of=p", "rollback account=a of=p", "code=11 amount=0 balance=1000 held=0 detail=0-2"},
    {"rollback, a topup twice", TABLE_BASE "rollback account=a of=t0", "rollback account=a of=t0", "code=11 amount=0 balance=0 held=0 detail=0-1"},
    {"rollback, partly refunded", PAID "refund account=a of=p amount=1", "rollback account=a of=p",
     "code=11 amount=0 balance=901 held=0 detail=0-2"},
    {"rollback, a refund", PAID "refund account=a of=p amount=1 key=r", "rollback account=a of=r", "code=11 amount=0 balance=901 held=0"},
    {"rollback, a rollback", PAID "rollback account=a of=p key=r", "rollback account=a of=r", "code=11 amount=0 balance=1000 held=0"},
    {"rollback, an open", "open account=a kind=user key=o", "rollback account=a of=o", "code=11 amount=0 balance=0 held=0"},
    {"rollback, a refused payment", TABLE_BASE "! pay account=a to=m amount=1001 key=p", "rollback account=a of=p",
     "code=11 amount=0 balance=1000 held=0"},
    {"rollback, a topup that is spent", PAID, "rollback account=a of=t0", "code=3 amount=0 balance=900 held=0 detail=0-1"},
    {"rollback, a withdraw over the cap", "open account=a kind=user; topup account=a amount=9; withdraw account=a amount=5 key=w;"
     "topup account=a amount=9007199254740983", "rollback account=a of=w", "code=12 amount=0 balance=9007199254740987 held=0 detail=0-2"},
    /* precedence */
    {"rollback, unknown bill before frozen", PAID "freeze account=a", "rollback account=a of=q", "code=1 amount=0 balance=900 held=0 detail=of"},
    {"rollback, frozen before wrong kind", PAID "refund account=a of=p key=r; freeze account=a", "rollback account=a of=r",
     "code=4 amount=0 balance=1000 held=0"},
    {"rollback, frozen before twice", PAID "rollback account=a of=p; freeze account=m", "rollback account=a of=p",
     "code=4 amount=0 balance=1000 held=0 detail=0-2"},
    {"rollback, twice before funds", TABLE_BASE "rollback account=a of=t0", "rollback account=a of=t0",
     "code=11 amount=0 balance=0 held=0 detail=0-1"},
    {"rollback, frozen before funds", PAID "freeze account=a", "rollback account=a of=t0", "code=4 amount=0 balance=900 held=0 detail=0-1"},
};

Test(apply_refund, rollback) { table_run(rollback_rows, sizeof rollback_rows / sizeof *rollback_rows, 1); }
