#!/bin/bash
# A settled month whose home lost it on arrival: `till audit` misses it, `till repair` sends it home, once.
set -u
. "$(dirname "$0")/past.sh"
. "$(dirname "$0")/roll_back.sh"
. "$(dirname "$0")/private.sh"

month=$(month_ago 1)
t=$(middle_of "$month")
start_redis
open_merchant "$t" coffee
for user in alice bob carol dave erin frank; do
    p=$(partition_of $user)
    {
        at "$p" $((t + 2)) '{"op":"open","account":"'$user'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 3)) '{"op":"topup","account":"'$user'","amount":5000,"currency":"CNY"}'
        at "$p" $((t + 4)) '{"op":"pay","account":"'$user'","to":"coffee","amount":155,"currency":"CNY"}'
    } >/dev/null
    t=$((t + 4))
done
start_worker
wait_for 10 applied
home=$(partition_of coffee)
keep "$home"
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month"
statement=$("$TILL" settle --month "$month" --json)
roll_back "$home"
expect 1 "$month is settled, but has not come home" "$TILL" audit
expect 1 "has settled a month there that never came home: not repaired yet" "$TILL" repair --list
expect 0 "$month) has settled a month there that never came home: sent again" "$TILL" repair
expect 0 "0 repaired, 0 not" "$TILL" repair
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month" # the home's own shard had forgotten it
[ "$("$TILL" settle --month "$month" --json)" = "$statement" ] || fail "another statement: $("$TILL" settle --month "$month" --json)"
expect 0 "sound" "$TILL" audit
finish
