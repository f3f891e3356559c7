#!/bin/bash
# `till audit` and settlement: a sound book with settled months, fees and a month on its way home; then each row spoils it in one way, wants
# the exact place named, and mends it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/past.sh"
. "$here/private.sh"
. "$here/spoil.sh"

month1=$(month_ago 2) month2=$(month_ago 1)
t=$(middle_of "$month1") t2=$(middle_of "$month2")
start_redis
open_merchant "$t" coffee
policy_at $((t + 1)) '"fee":150'
h=$(partition_of coffee)
p=$(((h + 1) % 4)) # another one, with a user who pays there
user="" other=""
for name in alice bob carol dave erin frank gina hugo; do
    [ "$(partition_of $name)" = "$p" ] && user=$name
    [ "$(partition_of $name)" = "$h" ] && other=$name
done
[ -n "$user" ] && [ -n "$other" ] || { echo "FAILED: nobody lives in partitions $p and $h"; exit 1; }
for name in $user $other; do
    q=$(partition_of $name)
    {
        at "$q" $((t + 2)) '{"op":"open","account":"'$name'","kind":"user","currency":"CNY"}'
        at "$q" $((t + 3)) '{"op":"topup","account":"'$name'","amount":5000,"currency":"CNY"}'
        at "$q" $((t + 4)) '{"op":"pay","account":"'$name'","to":"coffee","amount":1000,"currency":"CNY","key":"p1"}'
        at "$q" $((t + 5)) '{"op":"refund","account":"'$name'","of":"p1","amount":100}'
        at "$q" $((t2 + 4)) '{"op":"pay","account":"'$name'","to":"coffee","amount":200,"currency":"CNY","key":"p2"}'
    } >/dev/null
done
start_worker
wait_for 10 applied
expect 0 "sound: " "$TILL" audit
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month1"
expect 0 "sound: " "$TILL" audit
stop_worker

shard="{till:$p}:account:coffee" home="{till:$h}:account:coffee"

# What months say, against the rows.
spoil "$p" "account coffee: its months say gross 1201, refunds 100, other 0, but its ledger rows 1200, 100, 0" "$shard" \
    cli hset "$shard" "month:$month2" "201 0 0"
spoil "$p" "account coffee: its months say gross 1200, refunds 101, other 0, but" "$shard" cli hset "$shard" "month:$month2" "200 1 0"
spoil "$h" "account coffee: its months say gross 1200, refunds 100, other -5, but" "$home" cli hset "$home" "month:$month2" "200 0 -5"
spoil "$p" "account coffee: its months say gross 0, refunds 0, other 0, but" "$shard" cli hdel "$shard" "month:$month1" "month:$month2"
for text in "" "200" "200 0" "200 0 x" "200 0 0 paid" "-1 0 0" "9007199254740992 0 0" "200  0 0"; do
    spoil "$p" "account coffee: month:$month2 '$text' is malformed" "$shard" cli hset "$shard" "month:$month2" "$text"
done
spoil "$p" "account coffee: month:2025-13 '0 0 0' is malformed" "$shard" cli hset "$shard" month:2025-13 "0 0 0"
spoil "$p" "account coffee: earning '2025-01' is malformed" "$shard" cli hset "$shard" earning 2025-01
spoil "$h" "account coffee: fee:$month1 '10001 2000 30 0' is malformed" "$home" cli hset "$home" "fee:$month1" "10001 2000 30 0"
spoil "$p" "account coffee: $month2 is settled, but $month1 is not" "$shard" eval \
    'cli hset "$shard" "month:$month1" "1000 100 0" "month:$month2" "200 0 0 settled"'

# What was settled, against the rows and the home.
spoil "$p" "account coffee: its settled months moved 0, but its ledger rows of settle -900" "$shard" \
    cli hset "$shard" "month:$month1" "1000 100 0"
spoil "$h" "account coffee: the fee of $month1 counts partition $p, where that month is not settled" "$shard" \
    cli hset "$shard" "month:$month1" "1000 100 0"
fee=$(cli hget "$home" "fee:$month1")
with() { cli hset "$home" "fee:$month1" "$1"; }
list=${fee##* }
spoil "$h" "account coffee: the fee of $month1 is 31, but 150 basis points on 2000 are 30" "$home" with "150 2000 31 $list"
spoil "$h" "account coffee: the fees of its months are 31, but its ledger rows paid 30" "$home" with "150 2000 31 $list"
spoil "$h" "account coffee: the fee of $month1 is on 2001, but the months that it counts earned 2000" "$home" with "150 2001 30 $list"
spoil "$h" "account coffee: the fee of $month1 counts partition $p twice" "$home" with "150 2000 30 $list,$p"
spoil "$h" "account coffee: the fee of $month1 counts '$list,9', which are no partitions" "$home" with "150 2000 30 $list,9"
spoil "$h" "account coffee: $month1 is settled, but its home took no fee on it" "$home" with "150 1000 15 $p"
spoil "$h" "account coffee: the settled months that its home counts moved 0, but its ledger rows of swept 900" "$home" with "150 1000 15 $h"
spoil "$p" "account coffee: $month1 is settled, but has not come home, and nothing waits at either end" "$home" with "150 1000 15 $h"
spoil "$p" "account coffee: has a fee of $month1, but this is not its home" "$shard" cli hset "$shard" "fee:$month1" "0 0 0 "

# Rows of settlement.
settle_bill=$(cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    for _, row in ipairs(cmsgpack.unpack(e[2][2])) do if row[3] == 'settle' then return row[1] end end end" 1 "{till:$p}:ledger")
swept_bill=$(cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    for _, row in ipairs(cmsgpack.unpack(e[2][2])) do if row[3] == 'swept' then return row[1] end end end" 1 "{till:$h}:ledger")
spoil "$p" "bill $settle_bill: 2 rows that change what is held by 0, of op pay, which has nothing to do with transit" "{till:$p}:ledger" \
    rows "$p" "if row[3] == 'settle' then row[3] = 'pay' end"
spoil "$h" "bill $swept_bill: 2 rows that change what is held by 0, of op swept, which moves money in transit or takes a fee" \
    "{till:$h}:ledger" rows "$h" "if row[1] == '$swept_bill' and row[4] == '@transit:CNY' then row[4] = '@world:CNY' end"
spoil "$h" "bill $swept_bill: coffee0/settlement/$month1.$p comes home to another partition than its merchant's" "{till:$h}:ledger" \
    rows "$h" "if row[1] == '$swept_bill' then row[2] = 'coffee0/settlement/$month1.$p' end"
spoil "$p" "bill $settle_bill: rows sum to 900 CNY" "{till:$p}:ledger" \
    rows "$p" "if row[1] == '$settle_bill' and row[4] == 'coffee' then drop = true end"
spoil "$p" "bill $settle_bill: account coffee: balance" "{till:$p}:ledger" \
    rows "$p" "if row[1] == '$settle_bill' then row[5] = row[5] * 2 end"
fee_account="{till:$h}:account:@fees:CNY"
spoil "$h" "account @fees:CNY: balance 29, held 0, but the ledger says 30, 0" "$fee_account" cli hincrby "$fee_account" balance -1

# The set of merchants.
spoil "$p" "merchants: lacks coffee, which is a merchant's account" "{till:$p}:merchants" eval \
    'cli srem "{till:$p}:merchants" coffee && cli sadd "{till:$p}:merchants" nobody'
spoil "$p" "merchants: has '$user', which is no merchant's account" "{till:$p}:merchants" cli sadd "{till:$p}:merchants" $user
spoil "$p" "merchants: has 'nobody', which is no merchant's account" "{till:$p}:merchants" cli sadd "{till:$p}:merchants" nobody

# A month on its way: the home is somebody else's for a while.
cli set "{till:$h}:lease" 9999999999999999:nobody >/dev/null
"$TILL_WORKER" 2>>"$dir/worker.log" &
worker=$!
pids="$pids $worker"
expect 1 "no answer from partition $h" "$TILL" settle --month "$month2" --timeout 2000
wait_for 10 eval '"$TILL" audit --json | jq -e ".pending == 0 and .sweeping == 1"'
json 0 '.[0] | .sound and .sweeping == 1 and .in_transit == {"CNY": 200}' "$TILL" audit --json
json 0 '.[0] | .sound and .sweeping == 0' "$TILL" audit --json --partition "$p"
expect 0 "months on their way home: 1" "$TILL" audit
stop_worker
swept=$(cli xrevrange "{till:$h}:intents" + - | grep -aB 3 swept | grep -aE '^[0-9]+-[0-9]+$' | head -n 1)
spoil "$p" "account coffee: $month2 is settled, but has not come home, and nothing waits at either end" "{till:$h}:intents" eval \
    'cli xtrim "{till:$h}:intents" maxlen 0'
[ -n "$swept" ] || fail "no swept in the home's stream"
cli del "{till:$h}:lease" >/dev/null
start_worker
expect 0 "4 of 4 shards settled" "$TILL" settle --month "$month2"
json 0 '.[0] | .sound and .sweeping == 0 and .in_transit == {}' "$TILL" audit --json
finish
