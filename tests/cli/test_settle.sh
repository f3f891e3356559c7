#!/bin/bash
# `till settle`: statements to the last unit, the same however often and by whomever, and the postings behind them.
set -u
. "$(dirname "$0")/past.sh"
. "$(dirname "$0")/private.sh"

settle() { "$TILL" settle "$@"; }
month1=$(month_ago 2) month2=$(month_ago 1) month3=$(date -u +%Y-%m)
t1=$(middle_of "$month1") t2=$(middle_of "$month2")

# What is said without Redis, or without a book.
expect 100 "which --month?" settle
expect 100 "--month 2025-13 must be a month like 2025-11" settle --month 2025-13
expect 100 "--month 2025-1 must be" settle --month 2025-1
expect 100 "--merchant a/b must be" settle --month 2025-11 --merchant a/b
expect 100 "one of them" settle --month 2025-11 --csv --json
TILL_PRODUCER_TIMEOUT=100ms expect 111 "not reachable" settle --month 2025-11
start_redis
expect 100 "there is no book" settle --month 2025-11

# Two months of two merchants and six users. Their first month has a fee of 1.5 %, rounded half to even; 25 units of it were refunded.
open_merchant "$t1" coffee
open_merchant "$t1" tea
policy_at $((t1 + 1)) '"fee":150'
t=$((t1 + 2))
for user in alice bob carol dave erin frank; do
    p=$(partition_of $user)
    {
        at "$p" $t '{"op":"open","account":"'$user'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 1)) '{"op":"topup","account":"'$user'","amount":5000,"currency":"CNY"}'
        at "$p" $((t + 2)) '{"op":"pay","account":"'$user'","to":"coffee","amount":155,"currency":"CNY","key":"p1"}'
        at "$p" $((t + 3)) '{"op":"hold","account":"'$user'","to":"tea","amount":400,"currency":"CNY","key":"h1"}'
        at "$p" $((t + 4)) '{"op":"capture","account":"'$user'","of":"h1","amount":300}'
    } >/dev/null
    t=$((t + 5)) # entries of a stream ascend
done
at "$(partition_of alice)" $((t + 1)) '{"op":"refund","account":"alice","of":"p1","amount":25}' >/dev/null
at "$(partition_of coffee)" $((t + 2)) '{"op":"topup","account":"coffee","amount":1000,"currency":"CNY"}' >/dev/null
at "$(partition_of bob)" "$t2" '{"op":"pay","account":"bob","to":"coffee","amount":33,"currency":"CNY"}' >/dev/null
at "$(partition_of erin)" "$t2" '{"op":"refund","account":"erin","of":"p1"}' >/dev/null
at "$(partition_of coffee)" $((t2 + 1)) '{"op":"withdraw","account":"coffee","amount":700,"note":"payout, \"first\""}' >/dev/null
start_worker
wait_for 10 applied
expect 0 "sound: " "$TILL" audit

# 6 x 155 = 930, fee 13.95 -> 14; 6 x 300 = 1800, fee 27. In the second: gross 33, fee 0.495 -> 0.
coffee1='"opening":0,"gross":930,"refunds":25,"fee":14,"net":891,"other":1000,"closing":1891'
coffee2='"opening":1891,"gross":33,"refunds":155,"fee":0,"net":-122,"other":-700,"closing":1069'
tea1='"opening":0,"gross":1800,"refunds":0,"fee":27,"net":1773,"other":0,"closing":1773'
says() { # says MONTH MERCHANT NUMBERS SETTLED PROVISIONAL [OPTION...]
    json 0 '.[0] == {"month":"'"$1"'","merchant":"'"$2"'","currency":"CNY",'"$3"',"settled":'"$4"',"partitions":4,"provisional":'"$5"'}' \
        settle --month "$1" --merchant "$2" --json "${@:6}"
}

# Nothing is sent by a dry run, and nothing before the months before are settled, or before the month is over.
sent() { for p in 0 1 2 3; do cli xinfo stream "{till:$p}:intents" | grep -aA 1 entries-added; done; }
before=$(sent)
says "$month1" coffee "$coffee1" 0 true --dry-run
says "$month2" coffee "$coffee2" 0 true --dry-run
expect 0 "0 of 8 shards settled; PROVISIONAL" settle --month "$month1" --dry-run
expect 0 "$month3 is not over before " settle --month "$month3" --dry-run
expect 1 "$month3 is not over before " settle --month "$month3"
expect 1 "coffee: $month1 is not settled: first \`till settle --month $month1 --merchant coffee\`" settle --month "$month2"
expect 1 "nothing was settled" settle --month "$month2"
expect 1 "there is no merchant 'nobody'" settle --month "$month1" --merchant nobody
expect 1 "there is no merchant 'alice'" settle --month "$month1" --merchant alice --dry-run
[ "$(sent)" = "$before" ] || fail "something was sent: $before became $(sent)"

# Three at once, one of them killed: money moves once.
settle --month "$month1" >/dev/null 2>&1 &
killed=$!
settle --month "$month1" --json >one &
one=$!
settle --month "$month1" --json >other &
other=$!
kill -9 $killed
wait $killed 2>/dev/null
wait $one || fail "the first of two at once: $(cat one)"
wait $other || fail "the second of two at once: $(cat other)"
cmp -s <(grep merchant\" one) <(grep merchant\" other) || fail "two at once say two things: $(diff one other)"
says "$month1" coffee "$coffee1" 4 false
says "$month1" tea "$tea1" 4 false
json 0 '.[-1].summary | .merchants == 2 and .settled == 8 and .shards == 8 and .sent == 0 and .faults == 0' settle --month "$month1" --json
balance() { "$TILL" account "$1" --json | jq .balance; }
fees() { "$TILL" account @fees:CNY --json | jq .balance; }
[ "$(balance tea)" = 1773 ] && [ "$(fees)" = 41 ] || fail "tea has $(balance tea), fees are $(fees)"
"$TILL" account tea --shards --json | jq -e '[.by_partition[] | select(.balance != 0)] | length == 1' >/dev/null ||
    fail "tea is not all at home"
expect 0 "sound: " "$TILL" audit

# A worker that is stopped meanwhile, and a statement that waits for it; again is safe.
stop_worker
expect 1 "no answer from partition" settle --month "$month2" --timeout 300
grep -q "NOT KNOWN how 2 of 2 merchants stand" "$dir/out" || fail "after a timeout it says $(cat "$dir/out")"
start_worker
says "$month2" coffee "$coffee2" 4 false
[ "$(balance coffee)" = 1069 ] || fail "coffee has $(balance coffee)"

# A refund of a settled month counts when it is made; the statements before stay.
"$TILL" refund --account bob --of p1 --source shop --of_at "$((t1 + 9))" >/dev/null || fail "no refund"
says "$month1" coffee "$coffee1" 4 false
says "$month3" coffee '"opening":1069,"gross":0,"refunds":155,"fee":0,"net":-155,"other":0,"closing":914' 0 true --dry-run
[ "$(balance coffee)" = 914 ] || fail "coffee has $(balance coffee)"
expect 0 "sound: " "$TILL" audit

# As a table, as CSV, with the postings behind.
expect 0 "$month1  coffee          0    930       25   14   891   1000     1891  CNY       4 of 4" settle --month "$month1"
settle --month "$month2" --csv 2>/dev/null | cmp -s - <(
    echo "month,merchant,currency,opening,gross,refunds,fee,net,other,closing,settled,partitions"
    echo "$month2,coffee,CNY,1891,33,155,0,-122,-700,1069,4,4"
    echo "$month2,tea,CNY,1773,0,0,0,0,0,1773,4,4"
) || fail "CSV: $(settle --month "$month2" --csv)"
settle --month "$month2" --bills --csv >bills.csv 2>err || fail "bills as CSV: $(cat err)"
head -n 1 bills.csv | grep -qx "month,merchant,at,bill,op,counts,amount,account,source,key,note" || fail "the head of the postings"
[ "$(wc -l <bills.csv)" = 4 ] || fail "three postings, not $(cat bills.csv)"
grep -q ",withdraw,other,-700,coffee,shop,past[0-9]*,\"payout, \"\"first\"\"\"$" bills.csv || fail "the payout: $(cat bills.csv)"
grep -q ",pay,gross,33,bob,shop," bills.csv && grep -q ",refund,refunds,-155,erin,shop," bills.csv || fail "payments: $(cat bills.csv)"
json 0 '[.[] | select(.counts)] | length == 14 and ([.[] | select(.merchant == "tea") | .amount] | add) == 1800
    and ([.[] | select(.op == "capture")] | length) == 6' settle --month "$month1" --bills --json
expect 0 "tea       " settle --month "$month1" --bills --merchant tea
json 0 '[.[] | select(.merchant == "coffee")] == []' settle --month "$month1" --bills --merchant tea --json
expect 0 "were not held against the statements: these are provisional" settle --month "$month3" --bills --dry-run

# A ledger that lost a posting, or has another; one that begins later.
p=$(partition_of bob)
cli copy "{till:$p}:ledger" kept >/dev/null
cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
      local rows, kept = cmsgpack.unpack(e[2][2]), {}
      for _, row in ipairs(rows) do if not (row[5] == 33 and row[3] == 'pay') then kept[#kept + 1] = row end end
      redis.call('XADD', KEYS[2], e[1], 'rows', cmsgpack.pack(kept))
    end redis.call('RENAME', KEYS[2], KEYS[1])" 2 "{till:$p}:ledger" spoiled >/dev/null
expect 1 "coffee: its postings sum to gross 0, refunds 155, other -700, but its statement says 33, 155, -700" \
    settle --month "$month2" --bills
cli copy kept "{till:$p}:ledger" replace >/dev/null
cli xtrim "{till:$p}:ledger" maxlen 1 >/dev/null
expect 0 "the ledger of partition $p begins with bill" settle --month "$month1" --bills
expect 0 "they are not all there any more" settle --month "$month1" --bills
cli rename kept "{till:$p}:ledger" >/dev/null

# Records that are no records.
cli hset "{till:$p}:account:tea" month:1999-01 "1 2" >/dev/null
expect 1 "tea: partition $p: month:1999-01 '1 2' is malformed" settle --month "$month1" --merchant tea
cli hdel "{till:$p}:account:tea" month:1999-01 >/dev/null
cli sadd "{till:0}:merchants" "no such/name" >/dev/null
expect 1 "'no such/name' is among the merchants" settle --month "$month1"
cli srem "{till:0}:merchants" "no such/name" >/dev/null
expect 0 "8 of 8 shards settled" settle --month "$month1"
stop_worker

# A merchant who is not known everywhere yet, because a partition is not served.
q=$((($(partition_of late) + 1) % 4))
cli set "{till:$q}:lease" 9999999999999999:nobody >/dev/null
"$TILL_WORKER" 2>>"$dir/worker.log" &
worker=$!
pids="$pids $worker"
wait_for 10 "$TILL" open --account late --kind merchant --currency CNY --key once --at "$(date +%s000)"
expect 0 "0 of 3 shards settled" settle --month "$month1" --merchant late --dry-run
expect 1 "no answer from partition $q" settle --month "$month1" --merchant late --timeout 1000
cli del "{till:$q}:lease" >/dev/null
expect 0 "4 of 4 shards settled" settle --month "$month1" --merchant late
expect 0 "12 of 12 shards settled" settle --month "$month1"
stop_worker

# Where a month begins: eight hours before UTC, in a book of its own. The last second there is the month's, the first one is the next one's.
export TILL_BOOK_NAME=east
begins=$(($(date -ud "$month2-01" +%s) * 1000 - 28800000))
open_merchant "$t1" coffee
policy_at $((t1 + 1)) '"settlement_offset":480,"fee":10'
p=$(partition_of alice)
{
    at "$p" $((t1 + 2)) '{"op":"open","account":"alice","kind":"user","currency":"CNY"}'
    at "$p" $((t1 + 3)) '{"op":"topup","account":"alice","amount":90000,"currency":"CNY"}'
    at "$p" $((begins - 1)) '{"op":"pay","account":"alice","to":"coffee","amount":500,"currency":"CNY"}'
    at "$p" "$begins" '{"op":"pay","account":"alice","to":"coffee","amount":1500,"currency":"CNY"}'
} >/dev/null
start_worker
wait_for 10 applied
expect 0 "$month1 (UTC+08:00): 1 merchants, 4 of 4 shards settled" settle --month "$month1"
says "$month1" coffee '"opening":0,"gross":500,"refunds":0,"fee":0,"net":500,"other":0,"closing":500' 4 false
says "$month2" coffee '"opening":500,"gross":1500,"refunds":0,"fee":2,"net":1498,"other":0,"closing":1998' 4 false
json 0 '[.[] | select(.counts) | .amount] == [1500]' settle --month "$month2" --bills --json
expect 0 "sound: " "$TILL" audit
finish
