#!/bin/bash
# `till audit` and what is not over yet: holds, transfers between partitions, groups, intents put off. A sound book of all of them, made by
# a worker; then each row spoils it in one way, wants the exact place named, and mends it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/spoil.sh"

start_redis
start_worker
{
    echo '{"op":"open","account":"coffee","kind":"merchant","currency":"CNY"}'
    for user in alice bob carol dave erin frank; do
        printf '{"op":"open","account":"%s","kind":"user","currency":"CNY"}\n' $user
        printf '{"op":"topup","account":"%s","amount":5000,"currency":"CNY","source":"shop"}\n' $user
    done
} >open.jsonl
"$TILL" send open.jsonl --wait --timeout 20000 >out || { cat out; exit 1; }
partition_of() { "$TILL" account "$1" --json | jq .partition; }
p=$(partition_of alice)
far=""
for user in bob carol dave erin frank; do
    [ "$(partition_of $user)" = "$p" ] && continue
    far=$user
    r=$(partition_of $user)
    break
done
near="" # somebody else, but not in the partition of `far`
for user in bob carol dave erin frank; do [ "$(partition_of $user)" != "$r" ] && near=$user && break; done

# intent KEY OP FIELDS: one of alice's
intent() { printf '{"source":"shop","account":"alice","key":"%s","op":"%s",%s}\n' "$1" "$2" "$3"; }
bought='"to":"coffee","currency":"CNY","amount"'
later=$(($(date +%s000) + 3600000))
{
    intent open hold "$bought:100"
    intent lapses hold "$bought:100,\"expires\":3600000"
    intent lapsed hold "$bought:100,\"expires\":200"
    intent taken hold "$bought:100"
    intent given hold "$bought:100"
    intent c1 capture '"of":"open","amount":30,"final":false'
    intent c2 capture '"of":"taken","amount":60'
    intent r1 release '"of":"given"'
    intent there transfer "\"to\":\"$far\",\"amount\":10"
    intent nobody transfer '"to":"nobody","amount":10'
    intent nobody2 transfer '"to":"nobody2","amount":10'
    intent nobody3 transfer '"to":"nobody3","amount":10'
    intent g group '"steps":[{"op":"pay","to":"coffee","amount":5,"currency":"CNY"},{"op":"hold","key":"gh","to":"coffee","amount":50,
        "currency":"CNY"},{"op":"capture","of":"gh","amount":20},{"op":"pay","to":"coffee","amount":7,"currency":"CNY"}]' | tr -d '\n'
    echo
    intent soon pay "$bought:9,\"not_before\":$(($(date +%s000) + 1500))"
    intent put_off pay "$bought:9,\"not_before\":$later"
    intent taken_back pay "$bought:9,\"not_before\":$later"
    intent u1 unschedule '"of":"taken_back"'
} >day.jsonl
"$TILL" send day.jsonl --wait --timeout 20000 >out
wait_for 10 eval '[ "$("$TILL" bill alice shop soon --json | jq -r .state)" = captured ]'
wait_for 10 eval '[ "$("$TILL" bill alice shop lapsed --json | jq -r .state)" = expired ]'
expect 0 "held: 170 CNY by 2 open holds; in flight: nothing in 0 transfers, 0 more arrived and settling; scheduled: 1" "$TILL" audit
json 0 '.[0] | .sound and .holds == 2 and .held == {"CNY": 170} and .in_flight == 0 and .in_transit == {} and .scheduled == 1' \
    "$TILL" audit --json

# Money between partitions: the receiver's partition is somebody else's for a while.
stop_worker
cli set "{till:$r}:lease" 9999999999999999:nobody >/dev/null
"$TILL_WORKER" 2>>"$dir/worker.log" &
worker=$!
pids="$pids $worker"
intent flies transfer "\"to\":\"$far\",\"amount\":40" | "$TILL" send - >out
wait_for 20 eval '[ "$("$TILL" bill alice shop flies --json | jq -r .state)" = in_progress ]'
wait_for 20 eval '"$TILL" audit --json | jq -e ".pending == 0"'
expect 0 "in flight: 40 CNY in 1 transfers since 2" "$TILL" audit
json 0 '.[0] | .sound and .in_flight == 1 and .in_transit == {"CNY": 40} and .undelivered == 1 and .in_flight_since > 0' \
    "$TILL" audit --json
json 0 '.[0] | .sound and .in_flight == 1' "$TILL" audit --json --partition "$p"
json 0 '.[0] | .sound and .in_flight == 0' "$TILL" audit --json --partition "$r"
stop_worker

day=$(date -u +%Y%m%d)
"$TILL" bill alice shop open --json | jq -e ".day == \"$day\"" >/dev/null || day=$("$TILL" bill alice shop open --json | jq -r .day)
bills="bills:$day"
record() { cli hget "{till:$p}:$bills" "alice/shop/$1"; }
field() { record "$1" | cut -d'|' -f"$2"; } # 4 bill 10 entry 12 state 15 detail
bill_of() { field "$1" 4; }
set_field() { # set_field KEY NUMBER VALUE
    cli hset "{till:$p}:$bills" "alice/shop/$1" "$(record "$1" | awk -F'|' -v OFS='|' -v n="$2" -v v="$3" '{ $n = v; print }')"
}

# Of another partition than the one the text is said of: spoil_far TEXT KEY COMMAND...
spoil_far() { spoil "$p" "$1" "{till:$r}:$2" "${@:3}"; }
due_member() { echo "$1|$(field "$2" 10)|alice/shop/$2"; }
wrong_record() { spoil "$p" "bill record alice/shop/$1: $2" "$bills" set_field "$1" "$3" "$4"; }

# The shape of bookings.
open=$(bill_of open) c1=$(bill_of c1)
spoil "$p" "bill $open: 1 rows that change what is held by -100, of op hold, which holds more, once" ledger \
    rows "$p" "if row[1] == '$open' then row[6] = -100 end"
spoil "$p" "bill record alice/shop/c1: names bill $open as its hold, which is none of alice" ledger \
    rows "$p" "if row[1] == '$open' then row[3] = 'pay' end"
spoil "$p" "bill $open: 1 rows that change what is held by 100, of op gift, which books nothing" ledger \
    rows "$p" "if row[1] == '$open' then row[3] = 'gift' end"
spoil "$p" "bill $c1: 2 rows that change what is held by 0, of op capture, which holds less, once" ledger \
    rows "$p" "if row[1] == '$c1' then row[6] = 0 end"
spoil "$p" "bill $c1: has rows of capture of alice/shop/c1 and of capture of alice/shop/c9" ledger \
    rows "$p" "if row[1] == '$c1' and row[4] == 'coffee' then row[2] = 'alice/shop/c9' end"

# What is held.
spoil "$p" "bill $open: its record leaves 60 of alice held, but the ledger's rows leave 70" "$bills" set_field open 13 40
spoil "$p" "bill $open: its record leaves 0 of alice held, but the ledger's rows leave 70" "$bills" set_field open 12 released
spoil "$p" "bill $(bill_of given): its record leaves 100 of alice held, but the ledger's rows leave 0" "$bills" set_field given 12 open
spoil "$p" "bill $(bill_of lapses): its record leaves 0 of alice held, but the ledger's rows leave 100" "$bills" set_field lapses 12 expired
spoil "$p" "bill $(bill_of lapsed): its record leaves 100 of alice held, but the ledger's rows leave 0" "$bills" set_field lapsed 12 open
spoil "$p" "bill record alice/shop/lapsed: is released, but the ledger says that it expired" "$bills" set_field lapsed 12 released
spoil "$p" "bill $(bill_of lapses): 30 more than it held of alice was taken from it" "$bills" eval \
    'set_field c1 15 $(bill_of lapses) && set_field c2 15 $(bill_of lapses)'
spoil "$p" "bill record alice/shop/c1: names bill $c1 as its hold, which is none of alice" "$bills" set_field c1 15 "$c1"
spoil "$p" "bill record alice/shop/c1: says 31, but the ledger rows of bill $c1 moved 30" "$bills" set_field c1 5 31
expiry=$(cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    for _, row in ipairs(cmsgpack.unpack(e[2][2])) do if row[3] == 'expire' then return row[1] end end end" 1 "{till:$p}:ledger")
spoil "$p" "bill $expiry: expire of alice/shop/lapsed0, which was not booked before" ledger \
    rows "$p" "if row[1] == '$expiry' then row[2] = 'alice/shop/lapsed0' end"
spoil "$p" "bill $expiry: alice/shop/c1 expired, which is no hold" ledger \
    rows "$p" "if row[1] == '$expiry' then row[2] = 'alice/shop/c1' end"
last=$(cli hget "{till:$p}:meta" bill)
chain() { cli hget "{till:$p}:account:$1" "$2"; }
spoil "$p" "bill $p-$((last + 1)): expire of alice/shop/lapsed, for the second time" ledger \
    add_rows "$p" "{ '$p-$((last + 1))', 'alice/shop/lapsed', 'expire', 'alice', 0, -1, 1, 1, $(($(chain alice seq) + 1)), 1, '' }"

# States.
wrong_record open "a hold is open, captured, released or expired" 12 paid
wrong_record open "more is captured than its amount" 13 101
wrong_record open "more went back than was taken" 14 31
wrong_record open "is captured whole, but its state does not say so" 13 100
wrong_record taken "is captured, but nothing of it is" 13 0
wrong_record lapses "its deadline is no time" 15 noon
wrong_record c1 "only payments and holds have a state" 12 captured
wrong_record c1 "only payments and holds are captured" 13 1
wrong_record g "such a code is not stored" 2 5
wrong_record soon "a payment is captured or released" 12 ""
wrong_record soon "is not captured whole" 13 8
wrong_record put_off "is not decided, but neither in progress nor scheduled" 12 ""
wrong_record put_off "has an outcome, but its state says that it waits for one" 2 0
wrong_record put_off "is scheduled, but has a bill number" 4 "$open"
wrong_record put_off "is to move nothing" 5 0
wrong_record put_off "is scheduled, which its operation cannot be" 3 refund
wrong_record put_off "is in progress, but has no bill number" 12 in_progress
wrong_record there "has an outcome, but its state says that it waits for one" 12 in_progress
wrong_record taken_back "was refused, but has a state" 15 ""
wrong_record taken_back "was refused, but moved money" 5 9
wrong_record r1 "an amount is below 0" 5 -100
wrong_record r1 "its entry 1-1 is not of its time" 10 1-1

# Groups.
g=$(bill_of g)
n=${g#*-}
spoil "$p" "bill $g: its group's record says 83, but the ledger rows of bills $g to $p-$((n + 3)) moved 82" "$bills" set_field g 5 83
spoil "$p" "bill $g: its group's record says 82, but the ledger rows of bills $g to $p-$((n + 2)) moved 75" "$bills" \
    set_field g 15 "$p-$((n + 2))"
spoil "$p" "bill record alice/shop/g: a group with steps from bill $g to bill $g" "$bills" set_field g 15 "$g"
spoil "$p" "bill $p-$((n + 1)): is a step of the group with bills $g to $p-$((n + 3)) by its record, but not by its ledger rows" ledger \
    rows "$p" "if row[1] == '$p-$((n + 1))' then row[2] = 'other/shop/gh' end"

# Transfers: `there` arrived, `nobody*` came back or were refused at once, `flies` is on its way.
there=$(bill_of there)
back=""
for key in nobody nobody2 nobody3; do [ -n "$(bill_of $key)" ] && back=$key; done
[ -n "$back" ] || fail "none of the transfers to nobody went to another partition"
moved() { echo "if row[2] == 'alice/shop/$1' and row[3] == '$2' then $3 end"; }
spoil "$r" "transfer alice/shop/there: other money arrived than was sent (sent 10 CNY, arrived 11" ledger rows "$r" "$(moved there arrive \
    "row[5] = row[5] * 11 / 10")"
spoil_far "transfer alice/shop/there: is settled, but never arrived (sent 10 CNY, arrived 0" ledger \
    rows "$r" "$(moved there arrive 'drop = true')"
cli copy "{till:$p}:ledger" sender >/dev/null
rows "$p" "$(moved there transfer 'drop = true')" >/dev/null
expect 1 "partition $r: transfer alice/shop/there: arrived, but was never sent" "$TILL" audit
cli rename sender "{till:$p}:ledger" >/dev/null
spoil "$p" "transfer alice/shop/$back: came back, but is in progress by its bill record" "$bills" \
    eval "set_field $back 2 20 && set_field $back 12 in_progress"
spoil "$p" "bill record alice/shop/$back: says 0, but the ledger says that it came back" "$bills" set_field "$back" 2 0
spoil "$p" "transfer alice/shop/$back: was refused at the other side, but the money did not come back" ledger \
    rows "$p" "$(moved "$back" bounce 'drop = true')"
spoil "$p" "transfer alice/shop/$back: other money came back than was sent (sent 10 CNY, arrived 0, came back 11" ledger \
    rows "$p" "$(moved "$back" bounce 'row[5] = row[5] * 11 / 10')"
forget_arrive() { cli xdel "{till:$r}:intents" "$(cli xrevrange "{till:$r}:intents" + - count 1 | head -n 1)"; }
spoil_far "transfer alice/shop/flies: is in progress, but nothing waits at either end" intents forget_arrive
spoil "$p" "transfer alice/shop/flies: is settled, but never arrived" "$bills" eval "set_field flies 2 0 && set_field flies 12 ''"
spoil "$p" "transfer alice/shop/flies: was refused at the other side, but the money did not come back" "$bills" \
    eval "set_field flies 2 1 && set_field flies 5 0 && set_field flies 12 ''"
spoil "$p" "transfer alice/shop/flies: is on its way, but has no bill record" "$bills" cli hdel "{till:$p}:$bills" alice/shop/flies
lastr=$(cli hget "{till:$r}:meta" bill)
spoil "$r" "bill $r-$((lastr + 1)): arrive of alice/shop/there, for the second time" ledger add_rows "$r" \
    "{ '$r-$((lastr + 1))', 'alice/shop/there', 'arrive', '@transit:CNY', -10, 0, 1, 0, 99, 1, '' }"

# What falls due.
due_key="{till:$p}:due" kept_key="{till:$p}:scheduled"
entry=$(field put_off 10)
spoil "$p" "hold alice/shop/lapses, entry $(field lapses 10): waits by its bill record, but is not in the due set at that time" due \
    cli zrem "$due_key" "$(due_member expire lapses)"
spoil "$p" "hold alice/shop/lapses, entry $(field lapses 10): waits by its bill record, but is not in the due set at that time" due \
    cli zincrby "$due_key" 1 "$(due_member expire lapses)"
spoil "$p" "scheduled alice/shop/put_off, entry $entry: waits by its bill record, but is not in the due set" due \
    cli zrem "$due_key" "$(due_member due put_off)"
spoil "$p" "scheduled alice/shop/put_off, entry $entry: has its bytes kept, but is not in the due set at its time" due \
    cli zincrby "$due_key" 1 "$(due_member due put_off)"
spoil "$p" "scheduled alice/shop/put_off, entry $entry: waits by its bill record, but its bytes are not kept" scheduled \
    cli hdel "$kept_key" "$entry"
spoil "$p" "scheduled alice/shop/put_off, entry $entry: is in the due set, but its bytes are not kept" scheduled \
    cli hdel "$kept_key" "$entry"
spoil "$p" "scheduled: what is kept of entry $entry is no intent that can be put off" scheduled cli hset "$kept_key" "$entry" x
spoil "$p" "scheduled alice/shop/put_off, entry 5-5: has its bytes kept, but is not in the due set" scheduled \
    cli eval "return redis.call('HSET', KEYS[1], '5-5', redis.call('HGET', KEYS[1], ARGV[1]))" 1 "$kept_key" "$entry"
spoil "$p" "hold alice/shop/taken, entry $(field taken 10): is in the due set, but does not wait by its bill record" due \
    cli zadd "$due_key" 5 "$(due_member expire taken)"
spoil "$p" "scheduled alice/shop/soon, entry $(field soon 10): is in the due set, but does not wait by its bill record" due \
    cli zadd "$due_key" 5 "$(due_member due soon)"
spoil "$p" "due: 'lunch|1-1|alice' at 5 is nothing that can fall due" due cli zadd "$due_key" 5 'lunch|1-1|alice'
spoil "$p" "due: 'due|x|alice/shop/k' at 5 is nothing that can fall due" due cli zadd "$due_key" 5 'due|x|alice/shop/k'

# Answers: one each, the late ones too.
answer() { # answer KEY: the ID of its answer
    cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do if e[2][2] == ARGV[1] then return e[1] end end" 1 \
        "{till:$p}:responses:shop" "$1"
}
forget_answer() { cli xdel "{till:$p}:responses:shop" "$(answer "$1")"; }
answer_again() {
    cli eval "local e = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1] return redis.call('XADD', KEYS[1], '*', unpack(e[2]))" 1 \
        "{till:$p}:responses:shop" "$(answer "$1")"
    sleep 0.01 # the audit leaves out what is as new as itself
}
for key in soon there "$back" taken_back c1 g; do
    spoil "$p" "bill record alice/shop/$key: was decided with $(field "$key" 2), but its entry $(field "$key" 10) was never answered" \
        responses:shop forget_answer "$key"
    spoil "$p" "responses of shop: entry" responses:shop answer_again "$key"
done

# The worker comes back, and the money arrives.
cli del "{till:$r}:lease" >/dev/null
start_worker
wait_for 20 eval '[ "$("$TILL" bill alice shop flies --json | jq -r .code)" = 0 ]'
wait_for 20 eval '"$TILL" audit --json | jq -e ".pending == 0 and .undelivered == 0"'
json 0 '.[0] | .sound and .in_flight == 0 and .settling == 0 and .in_transit == {}' "$TILL" audit --json
finish
