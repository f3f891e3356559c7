#!/bin/bash
# `till repair`: one partition is put back to what it was a moment ago, as when a replica that lagged takes over, and another is not; what
# lay between the two is put right again. The book has a secret: what repairs it is signed.
set -u
. "$(dirname "$0")/roll_back.sh"
. "$(dirname "$0")/private.sh"
start_redis
(umask 077; head -c 32 /dev/urandom >book.secret)
export TILL_BOOK_SECRET_FILE=$dir/book.secret
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
home=$(partition_of coffee)
for user in alice bob carol dave erin frank; do # pays orders from elsewhere
    [ "$(partition_of $user)" != "$home" ] && here=$user && break
done
p=$(partition_of "$here")
for user in alice bob carol dave erin frank; do [ "$(partition_of $user)" != "$p" ] && there=$user && break; done
r=$(partition_of "$there")

balance() { "$TILL" account "$1" --json | jq .balance; }
# transfer KEY [OPTION]...: 10 from here to there; the same intent again when it is sent again
transfer() {
    [ -e "$1.jsonl" ] || printf '{"op":"transfer","source":"shop","key":"%s","at":%s,"account":"%s","to":"%s","amount":10}\n' \
        "$1" "$(date +%s000)" "$here" "$there" >"$1.jsonl"
    "$TILL" send "$1.jsonl" "${@:2}" >sent
}
code_of() { "$TILL" bill "$here" shop "$1" --json | jq .code; }
# repaired CODE HOW_MANY LEFT [FILTER] [TIMEOUT]
repaired() {
    json "$1" ".[0] | .repaired == $2 and .left == $3 and .twice == 0 and .untold == 0 and (${4:-true})" \
        "$TILL" repair --json --timeout "${5:-10s}"
}

# A sound book needs none of it, with traffic and without.
expect 0 "0 repaired, 0 not" "$TILL" repair
for n in $(seq 300); do
    printf '{"op":"transfer","source":"shop","key":"m%s","account":"%s","to":"%s","amount":1}\n' "$n" "$here" "$there"
done >many.jsonl
"$TILL" send many.jsonl >sent &
sending=$!
repaired 0 0 0
wait "$sending"
repaired 0 0 0
wait_for 20 at_rest

# Sent and settled, and the receiver's side has lost it.
before=$(balance "$there")
keep "$r"
transfer there --wait
roll_back "$r"
expect 1 "transfer $here/shop/there: is settled, but never arrived" "$TILL" audit
expect 1 "was sent and never arrived: not repaired yet" "$TILL" repair --list
[ "$(balance "$there")" = "$before" ] || fail "--list moves money"
expect 0 "was sent and never arrived: sent again" "$TILL" repair
[ "$(balance "$there")" = $((before + 10)) ] || fail "it is not there"
expect 0 "sound" "$TILL" audit
repaired 0 0 0

# On its way, and lost there before it was applied.
keep "$r"
expect 0 "partition $r paused" "$TILL" pause --partition "$r"
transfer way
wait_for 10 eval '[ "$(code_of way)" = 20 ]'
wait_for 10 eval '[ "$(cli xpending "{till:$p}:intents" workers | head -n 1)" = 0 ]'
repaired 1 0 1 '.items[0].text | test("do not get on")' 300ms
roll_back "$r"
repaired 0 1 0 '.items[0].found == "was sent and never arrived"'
[ "$(code_of way)" = 0 ] || fail "it is not answered: $(code_of way)"
[ "$(balance "$there")" = $((before + 20)) ] || fail "it is not there, or twice"
expect 0 "sound" "$TILL" audit

# Its sender has forgotten it, and the checkout sends it again.
keep "$p"
left=$(balance "$here")
transfer here --wait
roll_back "$p"
expect 1 "transfer $here/shop/here: arrived, but was never sent" "$TILL" audit
repaired 0 1 0 '.items[0].found == "arrived, and its sender knows nothing of it"'
expect 1 "noted before" "$TILL" repair
transfer here --wait
[ "$(balance "$here")" = $((left - 10)) ] || fail "it was not paid for"
[ "$(balance "$there")" = $((before + 30)) ] || fail "it came twice"
expect 0 "sound" "$TILL" audit
repaired 0 0 0

# The same, and nobody sends it again.
keep "$p"
transfer gone --wait
roll_back "$p"
expect 1 "arrived, but was never sent" "$TILL" audit
repaired 0 1 0
expect 0 "went back from there" "$TILL" repair --take-back
[ "$(balance "$there")" = $((before + 30)) ] || fail "it did not go back"
expect 0 "sound" "$TILL" audit
repaired 0 0 0

# The same, and it is spent.
keep "$p"
transfer spent --wait
roll_back "$p"
repaired 0 1 0
expect 0 "ok (0)" "$TILL" withdraw --account "$there" --amount "$(balance "$there")"
expect 1 "no longer has as much" "$TILL" repair --take-back
expect 1 "arrived, but was never sent" "$TILL" audit
expect 0 "ok (0)" "$TILL" topup --account "$there" --amount 10 --currency CNY
expect 0 "went back from there" "$TILL" repair --take-back
expect 0 "sound" "$TILL" audit

# The payment of an order that lies elsewhere: lost at the order's home, and forgotten by the payer's side.
order() { expect 0 "ok (0)" "$TILL" order coffee "$1" --amount 7 --currency CNY; }
pay() { # pay KEY ORDER [OPTION]...
    [ -e "$1.jsonl" ] || printf '{"op":"pay","source":"shop","key":"%s","at":%s,"account":"%s","to":"coffee","order":"%s","amount":7%s}\n' \
        "$1" "$(date +%s000)" "$here" "$2" ',"currency":"CNY"' >"$1.jsonl"
    "$TILL" send "$1.jsonl" "${@:3}" >sent
}
order o1
keep "$home"
expect 0 "partition $home paused" "$TILL" pause --partition "$home"
pay p1 o1
wait_for 10 eval '[ "$(code_of p1)" = 20 ]'
wait_for 10 eval '[ "$(cli xpending "{till:$p}:intents" workers | head -n 1)" = 0 ]'
roll_back "$home"
repaired 0 1 0 '.items[0].text == "the order'"'"'s home was asked again"'
[ "$(code_of p1)" = 0 ] || fail "the order is not paid: $(code_of p1)"
expect 0 "sound" "$TILL" audit
order o2
keep "$p"
pay p2 o2 --wait
roll_back "$p"
expect 1 "order coffee/o2: is paid, but its payer's side knows nothing of it" "$TILL" audit
pay p2 o2 --wait
[ "$(code_of p2)" = 0 ] || fail "the order is not paid for: $(code_of p2)"
expect 0 "sound" "$TILL" audit

# A merchant's shard, of a merchant who was frozen since; and one that did not hear of that.
expect 0 "ok (0)" "$TILL" open --account tea --kind merchant --currency CNY
t=$("$TILL" account tea --json | jq .partition)
for lost in 0 1 2 3; do [ "$lost" != "$t" ] && break; done
keep "$lost"
expect 0 "ok (0)" "$TILL" open --account milk --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" freeze --account tea
roll_back "$lost"
m=$("$TILL" account milk --json | jq .partition)
[ "$m" = "$lost" ] || expect 1 "account milk: has no shard here" "$TILL" audit
expect 1 "account tea: its shard here is active, but it is frozen" "$TILL" audit
expect 0 "merchant tea, at home in partition $t (partition $lost) has a shard of another status there: told" "$TILL" repair
grep -q "merchant milk, at home in partition $m (partition $lost) has no shard there: made" out || [ "$m" = "$lost" ] || fail "no milk"
expect 0 "sound" "$TILL" audit
repaired 0 0 0

expect 100 "--timeout never" "$TILL" repair --timeout never
stop_worker
finish
