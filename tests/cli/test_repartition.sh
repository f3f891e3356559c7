#!/bin/bash
# `till repartition`: a book with everything in it, given more partitions and fewer; what was begun before goes on, what was answered is
# answered the same, months are settled; and what hinders it is said.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/past.sh"
. "$here/private.sh"
repartition() { "$TILL" repartition "$@"; }
sound() { json 0 '.[0] | .sound and .lost == 0' "$TILL" audit --json; }
all() { seq 0 $((TILL_BOOK_PARTITIONS - 1)); }
total() { for p in $(all); do cli xlen "{till:$p}:responses:shop"; done | awk '{ n += $1 } END { print n }'; }
# What people see of the book: accounts, articles, orders, answers.
picture() {
    for account in alice bob carol dave coffee tea; do
        "$TILL" account $account --json | jq -c 'del(.partition, .partitions, .shards, .changed)'
    done
    "$TILL" articles coffee --json | jq -c 'del(.partition)'
    "$TILL" orders coffee --json | jq -c 'del(.partition)'
    "$TILL" settle --month "$month1" --dry-run --json |
        jq -c 'select(.merchant == "coffee" or .merchant == "tea") | del(.partitions, .settled)'
    "$TILL" watch --source shop --from 0 --json --limit "$(total)" | jq -c 'del(.response)' | sort
}
is_same() { # is_same WHAT: as in the picture taken before
    picture >after
    cmp -s before after || fail "$1: another picture: $(diff before after | head -n 6)"
}

# What is said without a book.
expect 100 "into how many? --to N" repartition
expect 100 "--to" repartition --to 0
expect 100 "--to" repartition --to 1025
expect 100 "does not go with --undo" repartition --to 4 --undo
expect 111 "not reachable" repartition --to 4
start_redis
expect 100 "there is no book 'till'" repartition --to 4

# Two months before this one, the first of which is settled; two entries of one ID in two partitions, put off.
month1=$(month_ago 2) month2=$(month_ago 1)
t1=$(middle_of "$month1") t2=$(middle_of "$month2")
for m in coffee tea; do open_merchant "$t1" $m; done
policy_at $((t1 + 1)) '"fee":150,"duplicate_window":0'
t=$((t1 + 2))
for user in alice bob carol dave; do
    p=$(partition_of $user)
    {
        at "$p" $t '{"op":"open","account":"'$user'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 1)) '{"op":"topup","account":"'$user'","amount":50000,"currency":"CNY"}'
        at "$p" $((t + 2)) '{"op":"pay","account":"'$user'","to":"coffee","amount":155,"currency":"CNY","key":"p1"}'
        at "$p" $((t + 3)) '{"op":"refund","account":"'$user'","of":"p1","amount":5}'
    } >/dev/null
    t=$((t + 4))
done
for user in alice bob carol; do
    at "$(partition_of $user)" "$t2" '{"op":"pay","account":"'$user'","to":"coffee","amount":33,"currency":"CNY"}'
done >/dev/null
now=$(date +%s000)
for user in alice bob carol dave; do
    at "$(partition_of $user)" "$now" '{"op":"topup","account":"'$user'","amount":7,"currency":"CNY","key":"later",
        "not_before":'$((now + 3600000))'}'
done >/dev/null
start_worker
wait_for 20 applied
expect 0 "settled" "$TILL" settle --month "$month1"
shop() { "$TILL" "$@" --source shop; }
does() { expect 0 "" shop "$@"; }
does pay --key pay1 --account alice --to coffee --amount 1999 --currency CNY
does hold --key hold1 --account alice --to tea --amount 3000 --currency CNY
does capture --key capture1 --account alice --of hold1 --amount 500 --final no
does hold --key hold2 --account bob --to tea --amount 100 --currency CNY --expires 1d
does transfer --key t1 --account carol --to dave --amount 250
does price coffee beans 700 --key price1
does stock coffee beans +10 --key stock1
does order coffee o1 --key order1 --line beans=2
does order coffee o2 --key order2 --line beans=1
does pay --key paid1 --account dave --to coffee --order o1 --amount 1400 --currency CNY
does lock --key lock1 --account carol --token secret --expires 1d
does limit --key limit1 --account dave --payments 6 --per 1d
does inquire --key i1 --account alice
stop_worker
sound
picture >before

# What hinders it.
start_worker
expect 1 "serves this book: end it" repartition --to 7
kill -9 "$worker"
wait "$worker" 2>/dev/null
expect 0 "" shop inquire --account alice --key waits --no-wait
expect 1 "intents wait there: start a worker" repartition --to 7
expect 1 "book 'till' is as it was" repartition --to 7
start_worker
wait_for 20 applied
stop_worker
cli hset '{till:2}:meta' policy:fee 151 >/dev/null
expect 1 "has other rules than partition 0" repartition --to 7
cli hset '{till:2}:meta' policy:fee 150 >/dev/null
cli set '{till:1}:something' x >/dev/null
expect 1 "a key that this program does not know: something" repartition --to 7
cli del '{till:1}:something' >/dev/null
cli hincrby '{till:0}:account:@world:CNY' balance 1 >/dev/null
expect 1 "the old book is not sound" repartition --to 7
cli hincrby '{till:0}:account:@world:CNY' balance -1 >/dev/null
expect 0 "book till has 4 partitions" repartition --to 4
picture >before

# More partitions, and fewer; each time everything is as it was, and new things and old ones go on.
prefix=0
goes_on() { # goes_on PARTITIONS
    export TILL_BOOK_PARTITIONS=$1
    prefix=$((prefix + 1))
    is_same "with $1 partitions"
    sound
    start_worker
    json 0 '.[0] | .replayed and .code == 0' shop pay --key pay1 --account alice --to coffee --amount 1999 --currency CNY --json
    json 1 '.[0].code == 7' shop pay --key pay1 --account alice --to coffee --amount 2000 --currency CNY --json
    json 1 '.[0].code == 5' shop pay --key "no$prefix" --account carol --to tea --amount 5 --currency CNY --json
    json 0 '.[0].code == 0' shop capture --key "capture2$prefix" --account alice --of hold1 --amount 400 --final no --json
    json 0 '.[0].code == 0' shop refund --key "refund$prefix" --account alice --of pay1 --amount 100 --json
    json 0 '.[0].code == 0' shop refund --key "old$prefix" --account bob --of p1 --amount 3 --of-at "$((t1 + 8))" --json
    json 0 '.[0].code == 0' shop transfer --key "t2$prefix" --account bob --to carol --amount 11 --json
    json 0 '.[0].code == 0' shop pay --key "d$prefix" --account dave --to tea --amount 1 --currency CNY --json
    json 0 '.[0].code == 0' shop order coffee "n$prefix" --key "new$prefix" --line beans=1 --json
    json 0 '.[0].code == 0' shop pay --key "paid$prefix-" --account bob --to coffee --order "n$prefix" --amount 700 --currency CNY --json
    json 0 '.[0].code == 0' shop open --key "shop$prefix" --account "shop$prefix" --kind merchant --currency CNY --json
    sound
    stop_worker
    sound
    picture >before
}
json 0 '.[0] | .from == 4 and .to == 7 and .accounts == 4 and .merchants == 2 and .scheduled == 4' repartition --to 7 --json
expect 100 "has 7 partitions, but book.partitions is 4" "$TILL" status
[ "$(cli type '{till:6}:intents')" = stream ] || fail "there is no partition 6"
goes_on 7
expect 0 "book till has 1 partitions now, it had 7" repartition --to 1
[ "$(cli get '{till:6}:intents')" = "book till has 1 partitions since \`till repartition\`" ] || fail "partition 6 does not say so"
goes_on 1
expect 0 "book till has 4 partitions now, it had 1" repartition --to 4
goes_on 4

# The next month is settled in the end, and what the customer put off is decided.
start_worker
expect 0 "$month2  coffee" "$TILL" settle --month "$month2"
expect 0 "$month1  coffee" "$TILL" settle --month "$month1"
json 0 '.[] | select(.merchant == "coffee") | .gross == 99 and .fee == 1 and .settled == 4' \
    "$TILL" settle --month "$month2" --merchant coffee --json
json 0 '.[0].code == 0' shop unschedule --key un --account alice --of later --json
sound
stop_worker
finish
