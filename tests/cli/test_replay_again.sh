#!/bin/bash
# `till replay --since`: a checkout that lost its answers gets each once more, from the streams or from the bills; nothing else changes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
lengths() { for p in 0 1 2 3; do cli xlen "{till:$p}:responses:shop"; done | awk '{ n += $1 } END { print n }'; }
# What was answered to each entry; the first time, or again.
content() { jq -c '[.entry, .key, .op, .code, .reason, .account, .amount, .currency, .balance, .held, .bill, .at, .detail]' | sort; }
watched() { "$TILL" watch --source shop --from 0 --json --limit "$(lengths)"; }

start_redis
start_worker
python3 "$here/random_traffic.py" "$seed" 300 a >a.jsonl
"$TILL" send a.jsonl --source shop >/dev/null || fail "sending a.jsonl"
"$TILL" send a.jsonl --source desk >/dev/null || fail "sending a.jsonl from the desk"
wait_for 30 at_rest
sleep 0.01
middle=$(date +%s%3N)
sleep 0.01
python3 "$here/random_traffic.py" "$seed" 100 b >b.jsonl
"$TILL" send b.jsonl --source shop >/dev/null || fail "sending b.jsonl"
"$TILL" send b.jsonl --source shop >/dev/null || fail "sending b.jsonl again" # these are replayed by the book itself
wait_for 30 at_rest
stop_worker
"$TILL" digest --save . >/dev/null
watched | jq -c 'select(.replayed == false)' | content >first
before=$(lengths)

# All of them, each once; marked; for this source only.
json 0 ".[0] | .source == \"shop\" and .sent == $(wc -l <first) and .from_bills == 0" "$TILL" replay --since 1h --source shop --json
[ "$(lengths)" = $((before + $(wc -l <first))) ] || fail "$(lengths) answers after $before and $(wc -l <first)"
watched | tail -n "$(wc -l <first)" >again
watched | jq -c 'select(.replayed)' | content | sort -u >replayed
comm -23 first replayed | head -n 3 >missing
[ -s missing ] && fail "was not sent again: $(cat missing)"
expect 0 "the same as digest.json" "$TILL" digest --compare digest.json
json 0 '.[0] | .sound' "$TILL" audit --json

# From a time on, or from an entry on; and once more after that, not more than before.
later=$(watched | jq -c "select(.replayed == false and (.entry | split(\"-\")[0] | tonumber) >= $middle)" | wc -l)
[ "$later" -gt 20 ] || fail "only $later answers after the middle"
expect 0 "$later answers sent again to shop, 0 of them from the bills" "$TILL" replay --since "$middle" --source shop
last=$(jq -r '.[0]' first | sort -t- -k1,1n -k2,2n | tail -n 1)
json 0 '.[0] | .sent >= 1 and .sent <= 4' "$TILL" replay --since "$last" --source shop --json
json 0 '.[0] | .sent == 0' "$TILL" replay --since "$middle" --source nobody --json

# What was trimmed comes from the bills: what was decided, that is.
for p in 0 1 2 3; do cli xtrim "{till:$p}:responses:shop" MAXLEN 0 >/dev/null; done
decided=$(jq -c 'select([.[3]] | inside([0, 1, 3, 4, 9, 10, 11, 12, 13, 15, 16, 17]))' first | sort)
json 0 ".[0] | .sent == $(wc -l <<<"$decided") and .from_bills == .sent" "$TILL" replay --since 1h --source shop --json
watched | content >again
[ "$(cat again)" = "$decided" ] || fail "the bills tell other answers: $(diff again <(echo "$decided") | head -n 4)"

expect 100 "go together" "$TILL" replay --since 1h
expect 100 "go together" "$TILL" replay --source shop
expect 100 "--from-archive does not go with --since" "$TILL" replay --since 1h --source shop --from-archive a
expect 100 "--since soon must be" "$TILL" replay --since soon --source shop
expect 100 "--source S" "$TILL" replay --since 1h --source S
finish
