#!/bin/bash
# Answers that share entries: a book says the same of itself whichever form they have, to whoever reads them: digest, audit, watch, replay,
# repartition, and what tells a faulty entry.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/join_answers.sh"
seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
all() { seq 0 $((TILL_BOOK_PARTITIONS - 1)); }
entries() { for p in $(all); do cli xlen "{till:$p}:responses:${1-shop}"; done | awk '{ n += $1 } END { print n }'; }
watched() { "$TILL" watch --source shop --from 0 --json --limit "$1" | jq -c 'del(.response, .partition)' | sort; }
join_all() { for p in $(all); do join_answers "{till:$p}:responses:shop" "$1" >/dev/null; done; }
by_hand() { python3 "$here/digest.py" "$socket" "$TILL_BOOK_PARTITIONS" "$here/../../schema/code.def" | tail -n 1; }
sound() { json 0 '.[0].sound' "$TILL" audit --json; }

start_redis
start_worker
python3 "$here/random_traffic.py" "$seed" 250 a >a.jsonl
"$TILL" send a.jsonl --source shop >/dev/null || fail "sending a.jsonl"
head -n 100 a.jsonl | "$TILL" send --source shop >/dev/null || fail "sending some of a.jsonl again" # replayed by the book itself
wait_for 30 at_rest
stop_worker
mkdir plain
"$TILL" digest --save plain >/dev/null
sound
plain=$(by_hand) count=$(entries)
watched "$count" >plain.watched

# The same answers, some to an entry, some alone.
join_all 7
bulk=$(entries)
[ $((3 * bulk)) -lt "$count" ] || fail "$count answers make $bulk entries"
expect 0 "the same as plain" "$TILL" digest --compare plain/digest.json
[ "$(by_hand)" = "$plain" ] || fail "by the contract alone it is another digest: $(by_hand), was $plain"
sound
json 0 ".[0].answers == $count" "$TILL" audit --json
watched "$count" >bulk.watched
cmp -s plain.watched bulk.watched || fail "watched: $(diff plain.watched bulk.watched | head -n 4)"
expect 0 "ok" "$TILL" watch --source shop --from 0 --limit 3

# A single one that is missing, decided otherwise, or given twice.
saved() { for p in $(all); do cli --raw dump "{till:$p}:responses:shop" | head -c -1 >"dump$p"; done; }
restore() {
    for p in $(all); do
        cli del "{till:$p}:responses:shop" >/dev/null
        cli -x restore "{till:$p}:responses:shop" 0 <"dump$p" >/dev/null
    done
}
edit() { # edit LUA: has `lines` of the second bulk entry of the longest stream changed
    local longest
    longest=$(for p in $(all); do echo "$(cli xlen "{till:$p}:responses:shop") $p"; done | sort -n | tail -n 1 | cut -d' ' -f2)
    cli eval "local entries = redis.call('XRANGE', KEYS[1], '-', '+')
        redis.call('DEL', KEYS[1])
        for n, entry in ipairs(entries) do
            local lines = {}
            for line in string.gmatch(entry[2][10], '[^\n]+') do lines[#lines + 1] = line end
            if n == #entries - 1 then $1 end
            entry[2][10] = table.concat(lines, '\n')
            redis.call('XADD', KEYS[1], entry[1], unpack(entry[2]))
        end" 1 "{till:$longest}:responses:shop" >/dev/null
}
saved
edit "table.remove(lines, 3)"
expect 1 "answers" "$TILL" digest --compare plain/digest.json
restore
edit "lines[#lines + 1] = lines[2]"
expect 1 "differ" "$TILL" digest --compare plain/digest.json
restore
edit "lines[2] = 'k\tpay\t0\tok'"
expect 1 "is no response: a line of \`answers\` has less than 11 values" "$TILL" audit
expect 0 "left out: entry " "$TILL" watch --source shop --from 0 --limit $((count - 6)) # of seven the first was read
restore
edit "for n = 1, 65 do lines[n] = 'k\tpay\t14\tstale\talice\t\t\t\t\t\t0' end"
expect 1 "is no response: \`answers\` has more than 64 lines" "$TILL" audit
restore
sound

# Sent again they come one by one, as they were; and the digest leaves them out.
first=$(jq -c 'select(.replayed == false)' bulk.watched | wc -l)
json 0 ".[0] | .sent == $first and .from_bills == 0" "$TILL" replay --since 1h --source shop --json
[ "$(entries)" = $((bulk + first)) ] || fail "$(entries) entries after $bulk and $first"
watched $((count + first)) | jq -c 'select(.replayed) | del(.replayed, .durable)' | sort -u >again
jq -c 'select(.replayed == false) | del(.replayed, .durable)' bulk.watched | sort -u >first
[ -z "$(comm -13 again first)" ] || fail "was not sent again: $(comm -13 again first | head -n 2)"
expect 0 "the same as plain" "$TILL" digest --compare plain/digest.json
restore

# By a worker, for a sender that asks for them so; and once more by a replay of what was archived.
start_worker
for n in $(seq 200); do echo "{\"op\":\"pay\",\"account\":\"u$((n % 3))\",\"to\":\"tea\",\"amount\":1,\"currency\":\"CNY\"}"; done >b.jsonl
export TILL_PRODUCER_BULK_ANSWERS=yes
"$TILL" send b.jsonl --source desk --wait --json >sent.json
jq -es '.[-1].summary | .sent == 200 and .answered == 200' sent.json >/dev/null || fail "sending b.jsonl: $(tail -n 1 sent.json)"
export TILL_PRODUCER_BULK_ANSWERS=no
wait_for 30 at_rest
stop_worker
[ "$(entries desk)" -lt 50 ] || fail "200 intents were answered in $(entries desk) entries"
[ "$("$TILL" watch --source desk --from 0 --limit 200 --json | jq -r .key | sort -u | wc -l)" = 200 ] || fail "not 200 answers to the desk"
sound
mkdir worked
"$TILL" digest --save worked >/dev/null
[ "$(by_hand)" = "$(jq -r .digest worked/digest.json)" ] || fail "worked off, by the contract alone it is $(by_hand)"
expect 0 "" "$TILL" archive a
cp worked/digest.json a/
cli flushall >/dev/null
json 0 '.[0] | .digests_compared == 4 and .found == 0' "$TILL" replay --from-archive a --json
[ "$(entries desk)" -lt 50 ] || fail "after a replay there are $(entries desk) entries for the desk"

# More partitions: the answers of an entry part where their accounts do.
count=$(entries)
watched "$count" >whole.watched
join_all 7
bulk=$(entries)
expect 0 "$((count + 200)) answers; the audit finds it sound" "$TILL" repartition --to 7
export TILL_BOOK_PARTITIONS=7
watched "$count" >parted.watched
cmp -s whole.watched parted.watched || fail "parted: $(diff whole.watched parted.watched | head -n 4)"
[ "$(entries)" -gt "$bulk" ] || fail "none of $bulk entries was parted"
sound
start_worker
expect 0 "ok" "$TILL" inquire --account u1 --source shop
finish
