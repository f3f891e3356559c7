#!/bin/bash
# Bulk entries, from the sender to the operator: what is sent together shares entries, what is wrong with one intent is nobody else's
# matter, the audit misses a single answer, and what was given up together is put back one by one.
set -u
. "$(dirname "$0")/private.sh"
export TILL_WORKER_MAX_ATTEMPTS=2
idle() { "$TILL" status --no-rate --json | jq -e '[.partitions[] | .undelivered + .pending] | add == 0'; }
sound() { json 0 '.[0] | .sound' "$TILL" audit --json; }

# entry NAME < intents, a line each, "junk" among them: the hex of such an array, as any producer might write it.
cat >pack.py <<'P'
import json, struct, sys

def pack(v):
    if isinstance(v, int):
        return bytes([v]) if v < 128 else b"\xcf" + struct.pack(">Q", v)
    if isinstance(v, str):
        return b"\xd9" + bytes([len(v)]) + v.encode()
    if isinstance(v, list):
        return b"\xdc" + struct.pack(">H", len(v)) + b"".join(pack(x) for x in v)
    return bytes([0x80 + len(v)]) + b"".join(pack(k) + pack(x) for k, x in v.items())

now, lines = int(sys.argv[1]), [line.strip() for line in sys.stdin]
intents = [1 if line == "junk" else {"v": 1, "source": "raw", "at": now, **json.loads(line)} for line in lines]
sys.stdout.buffer.write(pack(intents))
P
entry() { # entry PARTITION < lines
    python3 pack.py "$(date +%s%3N)" >array
    cli -x xadd "{till:$1}:intents" '*' intents <array >/dev/null
}
topup() { echo "{\"op\":\"topup\",\"account\":\"$1\",\"amount\":1,\"currency\":\"CNY\",\"key\":\"$2\"}"; }
raw() { cli xlen "{till:$1}:responses:raw"; }

start_redis
start_worker
"$TILL" open --account alice --kind user --currency CNY >/dev/null
p=$(for n in 0 1 2 3; do [ "$(cli exists "{till:$n}:account:alice")" = 1 ] && echo "$n"; done)
# Another account of that partition, and one elsewhere.
for name in bob carol dave erin frank grace heidi ivan judy; do
    "$TILL" open --account "$name" --kind user --currency CNY >/dev/null
    if [ "$(cli exists "{till:$p}:account:$name")" = 1 ]; then beside=$name; else away=$name; fi
done
stop_worker

# Sent together they share entries; each is answered.
for n in $(seq 600); do topup alice "k$n"; done >day.jsonl
expect 0 "600 sent" "$TILL" send day.jsonl --source shop
entries=$(cli xlen "{till:$p}:intents")
start_worker
wait_for 20 idle
[ "$entries" -lt 30 ] || fail "600 intents made $entries entries"
[ "$(cli xlen "{till:$p}:responses:shop")" = 600 ] || fail "not 600 answers"
json 0 '.[0].balance == 600' "$TILL" account alice --json
sound

# One of 64 that cannot be read; an array of 65; wrong nesting; two partitions in one entry.
{ for n in $(seq 63); do topup alice "r$n"; done; echo junk; } | entry "$p"
wait_for 20 idle
[ "$(raw "$p")" = 63 ] || fail "$(raw "$p") answers to 63 intents beside one that is none"
for n in $(seq 65); do topup alice "s$n"; done | entry "$p"
cli xadd "{till:$p}:intents" '*' intents "$(printf '\222\221\001\221\001')" >/dev/null
{ topup alice t1; topup "$away" t2; topup "$beside" t3; } | entry "$p"
wait_for 20 idle
[ "$(raw "$p")" = 66 ] || fail "$(raw "$p") answers, not 66"
cli xrevrange "{till:$p}:responses:raw" + - COUNT 2 >last
grep -A1 -x detail last | grep -qx account || fail "an intent of another partition: $(cat last)"
json 0 '.[0].balance == 664' "$TILL" account alice --json
# The junk alone, the array of 65 whole, and both parts of the nested one: neither is an intent.
json 0 'length == 4' "$TILL" dead list --json
expect 0 "discarded" "$TILL" dead discard --all --reason "a test"
sound

# An account that is none: the entry is given up whole, and put back one by one the others go through.
cli set "{till:$p}:account:none" x >/dev/null
{ topup alice u1; topup none u2; topup "$beside" u3; } | entry "$p"
wait_for 20 eval '"$TILL" dead list --json | grep -q intents'
wait_for 20 idle
json 0 'length == 1 and (.[0].intents | length == 3) and .[0].intents[1].account == "none"' "$TILL" dead list --json
expect 0 "3 intents" "$TILL" dead list
dead=$(jq -r .id <("$TILL" dead list --json))
expect 0 '"key":"u3"' "$TILL" dead show "$dead"
expect 0 "requeued as" "$TILL" dead requeue "$dead"
expect 1 "not in the dead stream" "$TILL" dead requeue "$dead"
wait_for 20 eval '"$TILL" dead list --json | grep -q u2'
wait_for 20 idle
json 0 'length == 1 and .[0].intent.key == "u2"' "$TILL" dead list --json
json 0 '.[0].balance == 665' "$TILL" account alice --json
json 0 '.[0].balance == 2' "$TILL" account "$beside" --json
cli del "{till:$p}:account:none" >/dev/null
sound

# A single answer of an entry is missed, and sent again from the bills.
forget() { # forget SOURCE KEY
    local id
    id=$(cli eval "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do if e[2][2] == ARGV[1] then return e[1] end end" 1 \
        "{till:$p}:responses:$1" "$2")
    cli xdel "{till:$p}:responses:$1" "$id" >/dev/null
}
forget shop k300
json 0 '.[0] | .sent == 600 and .from_bills == 1' "$TILL" replay --since 1h --source shop --json
sound # it may have been trimmed: it is as old as the oldest
forget raw t3
expect 1 "bill record $beside/raw/t3: was decided with 0, but its entry" "$TILL" audit

# Where older workers may come back, none are made.
expect 0 "off" "$TILL" bulk off
before=$(cli xlen "{till:$p}:intents")
sed 's/"k\([0-9]\)/"v\1/' day.jsonl | head -n 50 >again.jsonl
expect 0 "50 sent" "$TILL" send again.jsonl --source shop --wait
[ "$(cli xlen "{till:$p}:intents")" = $((before + 50)) ] || fail "entries are shared with bulk off"
finish
