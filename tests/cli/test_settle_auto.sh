#!/bin/bash
# settlement.auto: what was in the backlog of an outage is settled too, and months of years; and whom partition 0 does not know yet.
set -u
. "$(dirname "$0")/past.sh"
. "$(dirname "$0")/private.sh"

month=$(month_ago 1)
t=$(middle_of "$month")
account() { cli hgetall "{till:$1}:account:$2"; }
settled() { # settled MERCHANT: in every partition
    for p in 0 1 2 3; do account $p "$1" | grep -A 1 "^month:$month$" | grep -q " settled$" || return 1; done
}

# Everything of a month that is over waits when the worker comes: the merchant too.
start_redis --hash-max-listpack-entries 0
open_merchant "$t" coffee
p=$(partition_of alice)
at "$p" $((t + 2)) '{"op":"open","account":"alice","kind":"user","currency":"CNY"}' >/dev/null
at "$p" $((t + 3)) '{"op":"topup","account":"alice","amount":5000,"currency":"CNY"}' >/dev/null
at "$p" $((t + 4)) '{"op":"pay","account":"alice","to":"coffee","amount":155,"currency":"CNY"}' >/dev/null
export TILL_SETTLEMENT_AUTO=yes
start_worker
wait_for 30 settled coffee
wait_for 10 applied
expect 0 "sound: " "$TILL" audit
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month"

# Whom partition 0 does not know is not left out.
cli srem "{till:0}:merchants" coffee >/dev/null
cli rename "{till:0}:account:coffee" aside >/dev/null
expect 0 "1 merchants, 3 of 3 shards settled" "$TILL" settle --month "$month"
cli rename aside "{till:0}:account:coffee" >/dev/null
cli sadd "{till:0}:merchants" coffee >/dev/null
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month"

# More months than are sent at once, in no order: the earliest first, and the others after them.
stop_worker
for year in 2021 2022 2023; do
    for n in 01 02 03 04 05 06 07 08 09 10 11 12; do cli hset "{till:0}:account:coffee" "month:$year-$n" "0 0 1" >/dev/null; done
done
open_months() { account 0 coffee | grep -c "^0 0 1$"; }
[ "$(open_months)" = 36 ] || fail "there are $(open_months) open months"
start_worker
wait_for 30 eval '[ "$(open_months)" = 0 ]'
cli xlen "{till:0}:dead" | grep -qx 0 || fail "something is dead: $(cli xrange "{till:0}:dead" - +)"
finish
