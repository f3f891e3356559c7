#!/bin/bash
# A settled month that died on its way home: it is said of whom, nobody else's statement is kept back, and put back it comes home.
set -u
. "$(dirname "$0")/past.sh"
. "$(dirname "$0")/private.sh"

month=$(month_ago 1)
t=$(middle_of "$month")
start_redis
open_merchant "$t" coffee
open_merchant $((t + 1)) tea
t=$((t + 2))
for user in alice bob carol dave erin frank; do
    p=$(partition_of $user)
    {
        at "$p" $t '{"op":"open","account":"'$user'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 1)) '{"op":"topup","account":"'$user'","amount":5000,"currency":"CNY"}'
        at "$p" $((t + 2)) '{"op":"pay","account":"'$user'","to":"coffee","amount":155,"currency":"CNY"}'
        at "$p" $((t + 3)) '{"op":"pay","account":"'$user'","to":"tea","amount":300,"currency":"CNY"}'
    } >/dev/null
    t=$((t + 4))
done
start_worker
wait_for 10 applied

# The home of coffee is no account for a while.
home=$(partition_of coffee)
cli rename "{till:$home}:account:coffee" "aside{till:$home}" >/dev/null
cli set "{till:$home}:account:coffee" x >/dev/null
for p in 0 1 2 3; do
    [ "$p" = "$home" ] ||
        at "$p" "$(date +%s%3N)" '{"op":"settle","source":"settlement","account":"coffee","currency":"CNY",
            "month":"'"$month"'","key":"'"$month.$p"'"}' >/dev/null
done
wait_for 30 applied
cli del "{till:$home}:account:coffee" >/dev/null
cli rename "aside{till:$home}" "{till:$home}:account:coffee" >/dev/null
dead=$(cli xlen "{till:$home}:dead")
[ "$dead" -gt 0 ] || fail "nothing died on its way"

inquiries() { cli xinfo stream "{till:$home}:intents" | grep -aA 1 entries-added | tail -n 1; }
before=$(inquiries)
expect 1 "coffee: what $dead of its partitions settled has not come home for 3000 ms" "$TILL" settle --month "$month" --timeout 3000
[ $(($(inquiries) - before)) -lt 12 ] || fail "it was asked for $(($(inquiries) - before)) times"
json 1 'map(select(.merchant == "tea")) == [{"month":"'"$month"'","merchant":"tea","currency":"CNY","opening":0,"gross":1800,"refunds":0,
    "fee":0,"net":1800,"other":0,"closing":1800,"settled":4,"partitions":4,"provisional":false}]' \
    "$TILL" settle --month "$month" --timeout 500 --json
expect 1 "has not come home, and nothing waits at either end" "$TILL" audit

expect 0 "requeued as" "$TILL" dead requeue --all
expect 0 "8 of 8 shards settled" "$TILL" settle --month "$month" --bills
expect 0 "sound: " "$TILL" audit
finish
