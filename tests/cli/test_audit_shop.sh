#!/bin/bash
# `till audit` and the shop: orders in every state, payments of orders from another partition, one of them on its way. Then each row spoils
# the sound book in one way, wants the exact place named, and mends it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/past.sh"
. "$here/private.sh"
. "$here/spoil.sh"

h=$(partition_of coffee)
far=""
for name in alice bob carol dave erin frank gina hugo; do
    [ "$(partition_of $name)" = "$h" ] && near=$name || far=$name
done
p=$(partition_of $far)
start_redis
start_worker
{
    echo '{"op":"open","account":"coffee","kind":"merchant","currency":"CNY"}'
    for user in $near $far; do
        printf '{"op":"open","account":"%s","kind":"user","currency":"CNY"}\n' $user
        printf '{"op":"topup","account":"%s","amount":5000,"currency":"CNY","source":"shop"}\n' $user
    done
} >open.jsonl
"$TILL" send open.jsonl --wait --timeout 20000 >out || { cat out; exit 1; }

order() { printf '{"source":"shop","account":"coffee","op":"order","order":"%s","key":"%s",%s}\n' "$1" "$1" "$2"; }
pays() { printf '{"source":"shop","account":"%s","op":"pay","to":"coffee","order":"%s","key":"%s","amount":%s,"currency":"CNY"}\n' "$@"; }
{
    echo '{"source":"shop","account":"coffee","op":"price","sku":"bean","amount":150}'
    echo '{"source":"shop","account":"coffee","op":"stock","sku":"bean","quantity":100}'
    order open '"lines":[["bean",2]]'
    order later '"amount":70,"expires":3600000'
    order lapsed '"amount":70,"expires":1'
    order cancelled '"lines":[["bean",1]]'
    order near "\"lines\":[[\"bean\",2]],\"to\":\"$near\""
    order far '"lines":[["bean",2]]'
    order flies '"lines":[["bean",4]]'
    echo '{"source":"shop","account":"coffee","op":"cancel","order":"cancelled"}'
} >shop.jsonl
"$TILL" send shop.jsonl --wait --timeout 20000 >out || { cat out; exit 1; }
{
    pays $near near pn 300
    pays $far far pf 300
    pays $far far twice 300
    pays $far open wrong 299
} | "$TILL" send - --wait --timeout 20000 >out
state() { cli hget "{till:$h}:order:coffee/$1" state; }
wait_for 10 eval '[ "$(state lapsed)" = lapsed ]'
expect 0 "orders: 3 open, 0 being paid from elsewhere; months on their way home: 0" "$TILL" audit
json 0 '.[0] | .sound and .orders == 3 and .paying == 0' "$TILL" audit --json

# A payment on its way: the order's home is somebody else's for a while.
stop_worker
cli set "{till:$h}:lease" 9999999999999999:nobody >/dev/null
"$TILL_WORKER" 2>>"$dir/worker.log" &
worker=$!
pids="$pids $worker"
pays $far flies pw 600 | "$TILL" send - >out
wait_for 20 eval '[ "$("$TILL" bill '$far' shop pw --json | jq -r .state)" = in_progress ]'
wait_for 20 eval '"$TILL" audit --json | jq -e ".pending == 0"'
json 0 '.[0] | .sound and .paying == 1 and .in_flight == 0 and .in_transit == {} and .held == {"CNY": 600}' "$TILL" audit --json
json 0 '.[0] | .sound and .paying == 1' "$TILL" audit --json --partition "$p"
stop_worker

day=$("$TILL" bill coffee shop open --json | jq -r .day)

# Orders by themselves.
spoil_order() { # spoil_order ORDER TEXT FIELD VALUE
    spoil "$h" "order coffee/$1: $2" "{till:$h}:order:coffee/$1" cli hset "{till:$h}:order:coffee/$1" "$3" "$4"
}
spoil_order open "is malformed" state sold
spoil_order open "is malformed" amount x
spoil_order open "is malformed" entry x
spoil_order later "its deadline is no time" deadline soon
spoil_order open "its lines do not come to its amount" lines "bean 2 151"
spoil_order open "its lines do not come to its amount" lines "bean 2"
spoil_order open "its lines do not come to its amount" lines "bean"
spoil_order open "its intent is another merchant's" identity tea/shop/open
spoil_order open "names a payer, but is not paid" payer "$near/shop/pn"
spoil_order near "is paid, but by nobody" payer ""
spoil_order near "names a payer, but is not paid" state cancelled
spoil_order later "is in the due set at the wrong time" deadline 1
spoil_order lapsed "is in the due set at the wrong time" changed 4102444800000
spoil_order later "is not in the due set" entry 5-5
spoil_order later "its bill record says something else: " amount 71
spoil_order later "its bill record says something else: " to "$near"
spoil_order far "is paid, but its payer was not charged: $far/shop/twice" payer "$far/shop/twice"
spoil "$h" "order coffee/far: is paid, but its payer was charged another amount: $far/shop/pw" "{till:$h}:order:coffee/far" \
    cli hset "{till:$h}:order:coffee/far" payer "$far/shop/pw"
spoil "$h" "order coffee/open: has no bill record: coffee/shop/open" "{till:$h}:bills:$day" \
    cli hdel "{till:$h}:bills:$day" coffee/shop/open

# The due set.
entry() { cli hget "{till:$h}:order:coffee/$1" entry; }
due="{till:$h}:due"
spoil "$h" "order coffee/open: is not in the due set" "$due" cli zrem "$due" "lapse|$(entry open)|coffee/shop/open open"
spoil "$h" "order coffee/near: is not in the due set" "$due" cli zrem "$due" "lapse|$(entry near)|coffee/shop/near near"
spoil "$h" "order coffee/later: is in the due set at the wrong time: " "$due" \
    cli zincrby "$due" 1 "lapse|$(entry later)|coffee/shop/later later"
spoil "$h" "due: 'lapse|5-5|coffee/shop/none none' is in the due set, but there is no such order" "$due" \
    cli zadd "$due" 86400000 "lapse|5-5|coffee/shop/none none"
spoil "$h" "due: 'lapse|$(entry open)|coffee/shop/open open' is in the due set, but there is no such order" \
    "{till:$h}:order:coffee/open" cli del "{till:$h}:order:coffee/open"
spoil "$h" "due: 'lapse|5-5|coffee/shop/none' at 5 is nothing that can fall due" "$due" cli zadd "$due" 5 "lapse|5-5|coffee/shop/none"

# Articles.
bean="{till:$h}:sku:coffee/bean"
spoil "$h" "article coffee/bean: its stock is below zero: price 150, stock -1" "$bean" cli hset "$bean" stock -1
spoil "$h" "article coffee/bean: its stock is no number: " "$bean" cli hset "$bean" stock 1.5
spoil "$h" "article coffee/bean: its price is no amount: " "$bean" cli hset "$bean" price 0

# Payments from elsewhere: `pf` was settled, `twice` and `wrong` came back, `pw` is on its way.
bills="{till:$p}:bills:$day"
set_field() { # set_field KEY NUMBER VALUE: 2 code 4 bill 5 amount 12 state
    cli hset "$bills" "$far/shop/$1" "$(cli hget "$bills" "$far/shop/$1" | awk -F'|' -v OFS='|' -v n="$2" -v v="$3" '{ $n = v; print }')"
}
payment() { echo "payment of an order $far/shop/$1: $2"; }
of() { echo "if row[2] == '$far/shop/$1' and row[3] == '$2' then $3 end"; }
ledger="{till:$p}:ledger"
number() { cli hget "$bills" "$far/shop/$1" | cut -d'|' -f4; }
spoil "$p" "$(payment pf "is paid by its bill record, but was never settled")" "$ledger" rows "$p" "$(of pf settled 'drop = true')"
spoil "$p" "bill $(number pf): settled of $far/shop/pf, which was not booked before" "$ledger" rows "$p" "$(of pf pay 'drop = true')"
spoil "$p" "$(payment pf "is by its bill record on its way or came back, or is settled, but nothing was held for it")" "$ledger" \
    rows "$p" "$(of pf pay 'drop = true')"
spoil "$p" "$(payment pf "other money was paid than was held (held 300, settled 301")" "$ledger" rows "$p" \
    "$(of pf settled 'if row[6] ~= 0 then row[6] = -301 end')"
spoil "$p" "$(payment twice "other money was given back than was held (held 300, settled 0, given back 301")" "$ledger" rows "$p" \
    "$(of twice bounce 'row[6] = -301')"
spoil "$p" "$(payment twice "was refused by the order's home, but what was held did not come back")" "$ledger" rows "$p" \
    "$(of twice bounce 'drop = true')"
spoil "$p" "bill $(number pf): 2 rows that change what is held by 0, of op settled, which holds less, once" "$ledger" rows "$p" \
    "$(of pf settled 'row[6] = 0')"
spoil "$p" "bill record $far/shop/pf: says 3, but the ledger says that it was paid" "$bills" eval 'set_field pf 2 3; set_field pf 12 ""'
spoil "$p" "bill record $far/shop/twice: says 0, but the ledger says that it came back" "$bills" set_field twice 2 0
spoil "$p" "bill record $far/shop/pf: says bill '$(number twice)', but its ledger rows are of bill $(number pf)" "$bills" \
    set_field pf 4 "$(number twice)"
spoil "$p" "$(payment pw "is paid by its bill record, but was never settled")" "$bills" \
    eval 'set_field pw 2 0; set_field pw 12 captured; set_field pw 13 600'
spoil "$p" "$(payment pw "was refused by the order's home, but what was held did not come back")" "$bills" \
    eval 'set_field pw 2 11; set_field pw 12 ""; set_field pw 5 0'
spoil "$p" "$(payment pw "is on its way, but has no bill record")" "$bills" cli hdel "$bills" "$far/shop/pw"
spoil "$p" "$(payment pw "is in progress, but nothing waits at either end")" "{till:$h}:intents" cli xtrim "{till:$h}:intents" maxlen 0
last=$(cli hget "{till:$p}:meta" bill)
cli copy "{till:$p}:meta" kept_meta >/dev/null
again() {
    cli hset "{till:$p}:meta" bill $((last + 1))
    add_rows "$p" "{ '$p-$((last + 1))', '$far/shop/twice', 'bounce', '$far', 0, -1, 1, 1, 99, 1, '' }"
}
cli copy "$ledger" kept >/dev/null
again >/dev/null
expect 1 "partition $p: bill $p-$((last + 1)): bounce of $far/shop/twice, for the second time" "$TILL" audit
cli rename kept "$ledger" >/dev/null
cli rename kept_meta "{till:$p}:meta" >/dev/null
expect 0 "sound: " "$TILL" audit

# The worker comes back, and the order is paid.
cli del "{till:$h}:lease" >/dev/null
start_worker
wait_for 20 eval '[ "$("$TILL" bill '$far' shop pw --json | jq -r .state)" = captured ]'
wait_for 20 eval '"$TILL" audit --json | jq -e ".pending == 0 and .undelivered == 0"'
json 0 '.[0] | .sound and .paying == 0 and .orders == 2 and .held == {}' "$TILL" audit --json
finish
