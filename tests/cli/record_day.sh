#!/bin/bash
# Records a day of a small book for tests/vectors/: record_day.sh DIR [plain] puts its archive, its digest and its answers into DIR. Days
# are added when operations are, never changed: test_replay_days.sh replays each with every build to come. `plain`: one without a shop, and
# without the month before, which the others begin with and settle.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath "${1:?where to}") plain=${2-}
. "$here/past.sh"
. "$here/private.sh"
export TILL_RETENTION_INTENTS=keep TILL_RETENTION_RESPONSES=keep # last month's too
seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
rest() { "$TILL" audit --json | jq -e '.undelivered + .pending + .unanswered + .in_flight + .settling + .paying == 0'; }
month=$(month_ago 1)

# Two merchants, and four users who pay, hold, capture and are refunded.
last_month() {
    local t user p
    t=$(middle_of "$month")
    open_merchant "$t" kiosk
    open_merchant "$t" cinema
    policy_at $((t + 1)) '"fee":150'
    for user in old1 old2 old3 old4; do
        p=$(partition_of $user)
        t=$((t + 10)) # entries of a stream ascend
        at "$p" "$t" '{"op":"open","account":"'$user'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 1)) '{"op":"topup","account":"'$user'","amount":5000,"currency":"CNY"}'
        at "$p" $((t + 2)) '{"op":"pay","account":"'$user'","to":"kiosk","amount":155,"currency":"CNY","key":"p-'$user'"}'
        at "$p" $((t + 3)) '{"op":"hold","account":"'$user'","to":"cinema","amount":400,"currency":"CNY","key":"h-'$user'"}'
        at "$p" $((t + 4)) '{"op":"capture","account":"'$user'","of":"h-'$user'","amount":300}'
    done
    at "$(partition_of old1)" $((t + 10)) '{"op":"refund","account":"old1","of":"p-old1","amount":25}'
    at "$(partition_of kiosk)" $((t + 20)) '{"op":"topup","account":"kiosk","amount":1000,"currency":"CNY"}'
}

# The month is settled, paid out, and refunded from late. Then one of each that the random ones have not; some are refused.
others() {
    "$TILL" settle --month "$month" >/dev/null || fail "settling"
    "$TILL" withdraw --account kiosk --amount 100 >/dev/null || fail "paying out"
    "$TILL" refund --account old2 --of p-old2 --source shop --of_at "$(($(middle_of "$month") + 22))" >/dev/null || fail "a late refund"
    cat >others.jsonl <<END
{"op":"topup","key":"by-mistake","account":"u1","amount":77,"currency":"CNY"}
{"op":"rollback","key":"undone","account":"u1","of":"by-mistake"}
{"op":"lock","key":"locked","account":"u2","token":"desk-1","expires":86400000}
{"op":"pay","key":"without","account":"u2","to":"books","amount":3,"currency":"CNY"}
{"op":"pay","key":"with","account":"u2","to":"books","amount":3,"currency":"CNY","token":"desk-1"}
{"op":"unlock","key":"unlocked","account":"u2","token":"desk-1"}
{"op":"topup","key":"tomorrow","account":"u3","amount":8,"currency":"CNY","not_before":$(($(date +%s000) + 86400000))}
{"op":"unschedule","key":"not-tomorrow","account":"u3","of":"tomorrow"}
{"op":"open","key":"open-brief","account":"brief","kind":"user","currency":"CNY"}
{"op":"close","key":"close-brief","account":"brief"}
{"op":"pay","key":"much","account":"u4","to":"books","amount":900000000,"currency":"CNY"}
{"op":"pay","key":"guarded","account":"u4","to":"books","amount":1,"currency":"CNY","guard":{"balance_min":900000000}}
{"op":"stock","key":"shelf","account":"books","sku":"rare","quantity":1}
{"op":"price","key":"tag","account":"books","sku":"rare","amount":99,"currency":"CNY"}
{"op":"order","key":"o-1","account":"books","order":"o-1","lines":[["rare",1]]}
{"op":"order","key":"o-2","account":"books","order":"o-2","lines":[["rare",1]]}
{"op":"pay","key":"of-o-1","account":"u5","to":"books","order":"o-1","amount":99,"currency":"CNY"}
{"op":"pay","key":"again-o-1","account":"u6","to":"books","order":"o-1","amount":99,"currency":"CNY"}
{"op":"refund","key":"back-o-1","account":"u5","of":"of-o-1"}
END
    "$TILL" send others.jsonl --source shop >/dev/null
    (umask 077 && echo "open sesame" >password)
    "$TILL" credential --account u7 --password-file password >/dev/null || fail "a password"
    "$TILL" pay --account u7 --to kiosk --amount 4 --currency CNY >/dev/null && fail "paid unsigned"
    "$TILL" pay --account u7 --to kiosk --amount 4 --currency CNY --password-file password >/dev/null || fail "paying signed"
}

start_redis
[ "$plain" ] || last_month >/dev/null
start_worker
for prefix in a b c; do
    python3 "$here/random_traffic.py" "$seed" 100 $prefix $plain >traffic.jsonl
    "$TILL" send traffic.jsonl --source shop >/dev/null || fail "sending"
    sleep 0.4
done
"$TILL" send traffic.jsonl --source shop >/dev/null # repeats
"$TILL" policy duplicate_window=60000 fee=250 >/dev/null
printf '{"op":"pay","account":"u%d","to":"coffee","amount":5,"currency":"CNY"}\n' 1 1 2 2 3 >twice.jsonl
"$TILL" send twice.jsonl --source shop >/dev/null
[ "$plain" ] || others
sleep 3.5 # what was put off, and what lapses
wait_for 30 rest
stop_worker
[ $bad = 0 ] || exit 1
mkdir -p "$out"
"$TILL" archive "$out" >/dev/null && "$TILL" archive verify "$out" && "$TILL" digest --save "$out" --answers && "$TILL" audit || exit 1
rm -f "$out"/*/lock
