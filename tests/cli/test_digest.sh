#!/bin/bash
# `till digest`: the number that schema/README.md defines, the same however Redis keeps things and whoever serves them, another one for
# every change of what a book is, and none for what moves while it is read.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
reference() { python3 "$here/digest.py" "$socket" 4 "$here/../../schema/code.def"; }
ours() { "$TILL" digest --json | jq -r '(.partitions[].digest), .digest'; }
agree() { [ "$(ours)" = "$(reference)" ] || fail "line ${BASH_LINENO[0]}: digest.py, which follows schema/README.md, has another digest"; }
at_rest() { # nothing under way, and nothing that falls due in the next minutes
    local p
    for p in 0 1 2 3; do [ "$(cli zcount "{till:$p}:due" -inf $(($(date +%s%3N) + 600000)))" = 0 ] || return 1; done
    "$TILL" audit --json | jq -e '.undelivered + .pending + .unanswered + .in_flight + .settling + .paying == 0'
}

start_redis --enable-debug-command yes
start_worker
agree # of an empty book
json 0 '.[0] | .digest != null and all(.partitions[]; .applied == "0-0" and .parts.accounts.count == 0)' "$TILL" digest --json
python3 "$here/random_traffic.py" "$seed" 400 a >a.jsonl
"$TILL" send a.jsonl --source shop >/dev/null || fail "sending a.jsonl"
for n in $(seq 400); do echo '{"op":"open","account":"customer-with-a-long-name-'$n'","kind":"user","currency":"CNY"}'; done >open.jsonl
"$TILL" send open.jsonl --source desk >/dev/null || fail "sending open.jsonl" # their names fill more than a block
wait_for 30 at_rest
"$TILL" policy fee=250 >/dev/null
stop_worker
agree
expect 0 "book till: " "$TILL" digest --save .
expect 0 "the same as digest.json, in 4 partitions" "$TILL" digest --compare digest.json
expect 0 "the same as digest.json, in 1 partitions" "$TILL" digest --compare digest.json --partition 2
json 0 '.[0] | .digest == null and (.partitions | length) == 1 and .partitions[0].partition == 2' "$TILL" digest --partition 2 --json

# However it is kept, whoever served it.
same() { expect 0 "the same as digest.json, in 4 partitions" "$TILL" digest --compare digest.json; }
cli config set hash-max-listpack-entries 1 >/dev/null
cli config set zset-max-listpack-entries 0 >/dev/null
cli config set stream-node-max-entries 3 >/dev/null
cli debug reload >/dev/null
same
agree
for n in 1 2 3; do
    start_worker
    stop_worker
done
cli xadd '{till:0}:dead' '*' entry 1-1 reason odd attempts 1 >/dev/null
cli hset '{till}:book' created 1 >/dev/null
cli hset '{till:1}:meta' suspect 1-1 tries 7 replaying - >/dev/null
same
cli hdel '{till:1}:meta' replaying >/dev/null

# Every part tells of its changes, and of no other's.
first() { cli keys "{till:1}:$1*" | sort | head -n 1; }
bills=$(first bills:) account=$(first account:u) order=$(cli keys '{till:*}:order:*' | sort | head -n 1)
sku=$(cli keys '{till:*}:sku:*' | sort | head -n 1)
while IFS='~' read -r part change undo; do
    eval "cli $change" >/dev/null
    "$TILL" digest --compare digest.json >out 2>&1 && fail "$change: the same digest"
    grep -q "$part differ" out || fail "$change: $part do not differ: $(tail -n 3 out)"
    [ "$(grep -c differ out)" = 1 ] || fail "$change: other parts differ too: $(grep differ out)"
    [ "$part" = answers ] || [ "$(ours | tail -n 1)" = "$(reference | tail -n 1)" ] || fail "$change: digest.py has another digest"
    eval "cli $undo" >/dev/null
done <<'ROWS'
accounts~hincrby "$account" balance 1~hincrby "$account" balance -1
accounts~hset "$account" more ""~hdel "$account" more
accounts~hset '{till:2}:account:x' balance 0~del '{till:2}:account:x'
meta~hset '{till:3}:meta' policy:bills_keep 9~hdel '{till:3}:meta' policy:bills_keep
meta~hset '{till:3}:meta' from:9 1-1~hdel '{till:3}:meta' from:9
bills~hset "$bills" a/b/c x~hdel "$bills" a/b/c
bills~hset '{till:1}:bills:20010101' a/b/c x~del '{till:1}:bills:20010101'
orders~hset "$order" more 1~hdel "$order" more
stock~hincrby "$sku" stock 1~hincrby "$sku" stock -1
merchants~sadd '{till:0}:merchants' nobody~srem '{till:0}:merchants' nobody
due~zadd '{till:0}:due' 99 'due|1-1|a/b/c'~zrem '{till:0}:due' 'due|1-1|a/b/c'
scheduled~hset '{till:0}:scheduled' 1-1 x~hdel '{till:0}:scheduled' 1-1
ROWS
same
id=$(cli xadd '{till:1}:responses:shop' '*' key k source shop)
expect 1 "partition 1: answers differ" "$TILL" digest --compare digest.json
cli xdel '{till:1}:responses:shop' "$id" >/dev/null # leaves a trace: it cannot be told from trimming
expect 0 "answers not compared where they were trimmed" "$TILL" digest --compare digest.json
cli xtrim '{till:2}:ledger' MAXLEN 1 >/dev/null
expect 0 "ledger not compared where they were trimmed" "$TILL" digest --compare digest.json
expect 0 "(trimmed)" "$TILL" digest

# What is wrong with the file.
expect 100 "no.json: cannot be read as JSON" "$TILL" digest --compare no.json
echo '{"version":1}' >odd.json
expect 100 "odd.json: is no digest as" "$TILL" digest --compare odd.json
jq -c '.book = "other"' digest.json >other.json
expect 100 "other.json: is the digest of another book" "$TILL" digest --compare other.json
expect 1 "" "$TILL" digest --save /nowhere/at/all

# While it is paid in: never a wrong number, rather none.
start_worker
more=0
while [ ! -e enough ]; do "$TILL" send open.jsonl --source "more$((more += 1))" >/dev/null; done &
pids="$pids $!"
paying=$!
for n in $(seq 40); do
    "$TILL" digest --tries 1 --json >moved.json 2>moved.err && continue
    jq -e '.digest == null and any(.partitions[]; .moved and .digest == null)' moved.json >/dev/null || fail "what moved: $(cat moved.json)"
    grep -q "moved while they were read" moved.err || fail "it is not said that it moved"
    moved=1
    break
done
[ -n "${moved-}" ] || fail "it never moved"
moved_once() { ! "$TILL" digest --tries 1 >out 2>err && grep -qF "moved while it was read" out err; } # a round may fall into a pause
wait_for 20 moved_once
json 0 '.[0].digest != null' "$TILL" digest --tries 1 --pause --json # nobody pays meanwhile, and everybody goes on after
touch enough
wait $paying
wait_for 20 at_rest
agree
finish
