#!/bin/bash
# Replay where not all is well or not all is wanted: archives that end early or were changed, points in time, restored snapshots, somebody
# else at work, books that went another way.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed (SEED=$seed repeats it)"
export TILL_RETENTION_INTENTS=keep TILL_RETENTION_RESPONSES=keep

send() { # send COUNT PREFIX
    python3 "$here/random_traffic.py" "$seed" "$1" "$2" >"$2.jsonl"
    "$TILL" send "$2.jsonl" --source shop >/dev/null || fail "sending $2.jsonl"
}
sound() { json 0 '.[0] | .sound and .lost == 0' "$TILL" audit --json; }
replay() { "$TILL" replay --from-archive "$@"; }
stop_redis() {
    kill "$redis"
    wait "$redis" 2>/dev/null
}
restart_empty() {
    stop_redis
    rm -f dump.rdb
    start_redis
}
length() { cli xlen "{till:$1}:intents"; }

# A life, all of it archived in the end; of the archive `uneven` two partitions end earlier. In the middle the front of the streams is
# trimmed, and a snapshot is taken while intents are under way.
start_redis
start_worker
send 300 a
wait_for 30 at_rest
expect 0 "" "$TILL" archive all
early=$(cli xrange '{till:1}:intents' - + COUNT 20 | grep -aE '^[0-9]+-[0-9]+$' | tail -n 1)
sleep 0.01
middle=$(date +%s%3N)
sleep 0.01
send 100 b
wait_for 30 at_rest
stop_worker
TILL_RETENTION_INTENTS=1s TILL_RETENTION_LEDGER=1s TILL_ARCHIVE_DIR=$dir/all start_worker # trims what it has archived
wait_for 15 eval '[ $(length 0) -lt 50 ] && [ $(length 1) -lt 50 ] && [ $(length 2) -lt 50 ] && [ $(length 3) -lt 50 ]'
wait_for 10 eval "$TILL digest --json | jq -e 'all(.partitions[]; .parts.ledger.trimmed)'"
stop_worker
expect 0 "" "$TILL" archive all
cp -r all uneven
start_worker
send 200 c
cli save >/dev/null
mv dump.rdb snapshot.rdb
send 200 d
wait_for 30 at_rest
expect 0 "" "$TILL" archive uneven --partitions 2-3
stop_worker
expect 0 "" "$TILL" archive all
expect 0 "sound" "$TILL" archive verify all
expect 0 "(trimmed)" "$TILL" digest --save all --answers
cp all/digest.json .

# In an empty Redis. What was trimmed off the ledger there is there again. Every answer is the one that was recorded, or told.
restart_empty
mv all/answers.jsonl .
awk 'NR > 3 && !done && sub(/"0","ok"/, "\"3\",\"insufficient_funds\"") { done = 1 } NR != 3' answers.jsonl >all/answers.jsonl
echo '[2,"1-1","shop","odd","0","pay","0","ok"]' >>all/answers.jsonl
json 1 '.[0] | .digests_compared == 4 and .answers_differ == 3 and .found == 3' replay all --compare --json
mv answers.jsonl all
cp err said
for text in "was not given before" "code was '3', is '0' reason was 'insufficient_funds', is 'ok'" \
    "shop/odd, code 0: was given, but not any more"; do
    grep -qF "$text" said || fail "it is not said that an answer $text: $(cat said)"
done
restart_empty
json 0 '.[0] | .digests_compared == 4 and .found == 0 and .left_out == 0 and .ledgers_restored == 4' replay all --compare --json
intents=$(jq .intents out)
expect 0 "ledger not compared where they were trimmed" "$TILL" digest --compare digest.json
json 0 '.[0].digest != null and all(.[0].partitions[]; .parts.ledger.trimmed == false)' "$TILL" digest --json --save .
cp digest.json whole.json
sound
json 0 ".[0] | .intents == 0 and .found == 0" replay all --json # once more changes nothing
expect 0 "the same as whole.json" "$TILL" digest --compare whole.json

# On the snapshot: behind what it has, with what was under way then.
stop_redis
cp snapshot.rdb dump.rdb
start_redis
json 0 ".[0] | .digests_compared == 4 and .found == 0 and .intents > 100 and .intents < $intents / 2 and .ledgers_restored == 4" \
    replay all --json
expect 0 "the same as digest.json" "$TILL" digest --compare digest.json
json 0 'all(.archived == 0)' "$TILL" archive all --json
start_worker
wait_for 30 at_rest
stop_worker

# Points in time, and on from there.
restart_empty
json 0 '.[0] | .found == 0 and .digests_compared == 0 and .intents > 0' replay all --until "$early" --json
[ "$(cli xrevrange '{till:1}:intents' + - COUNT 1 | head -n 1)" = "$early" ] || fail "--until $early ended elsewhere"
[ "$(length 1)" = 20 ] || fail "--until the 20th entry of a partition brought $(length 1)"
sound
expect 0 "" replay all --until "$middle"
for p in 0 1 2 3; do
    last=$(cli xrevrange "{till:$p}:intents" + - COUNT 1 | head -n 1)
    [ "${last%-*}" -lt "$middle" ] || fail "--until $middle: partition $p goes up to $last"
done
sound
expect 100 "goes beyond --until already" replay all --until "$early"
json 0 '.[0] | .found == 0 and .digests_compared == 4' replay all --json
expect 0 "the same as whole.json" "$TILL" digest --compare whole.json
restart_empty
expect 0 "" replay all --until "$middle"
start_worker # a book as it was then, that goes its own way
wait_for 30 at_rest
send 50 e
wait_for 30 at_rest
sound
stop_worker
expect 100 "is not what was archived: it is another book, or was worked on since" replay all

# Two partitions whose archive ends early: what came of it elsewhere is left out, and the book is sound.
restart_empty
expect 1 "intents at the end of the archive are left out" replay uneven
sound
restart_empty
json 1 '.[0] | .left_out > 0 and .found > 0 and .digests_compared == 0' replay uneven --json
start_worker
wait_for 30 at_rest
sound
for file in a b c d; do "$TILL" send "$file.jsonl" --source shop >/dev/null || fail "sending $file.jsonl again"; done
wait_for 30 at_rest
sound
stop_worker

# Somebody else at work.
restart_empty
start_worker
expect 100 "serves this book: end it first" replay all
json 0 'all(.[0].partitions[]; .pending == 0 and .owner != null)' "$TILL" status --no-rate --json
stop_worker
restart_empty
"$TILL" archive all --follow >/dev/null 2>&1 &
archiver=$!
pids="$pids $archiver"
sleep 0.3
if kill -0 $archiver 2>/dev/null; then
    expect 100 "another process is archiving this partition here" replay all
    kill $archiver
fi
wait $archiver 2>/dev/null
cli xadd '{till:1}:intents' '*' intent x >/dev/null
expect 100 "partition 1: what is there" replay all
restart_empty
TILL_BOOK_PARTITIONS=8 expect 100 "of book 'till' with 4 partitions, but book.name is 'till' and book.partitions 8" replay all
TILL_BOOK_NAME=shop expect 100 "is the archive of book 'till'" replay all
expect 1 "there is no archive" replay nowhere
expect 100 "--from-archive" "$TILL" replay
expect 100 "--until soon must be" replay all --until soon
expect 100 "nowhere.json: cannot be read" replay all --digest nowhere.json
TILL_PRODUCER_TIMEOUT=100ms expect 111 "not reachable" replay all --into unix:/nowhere/at/all
[ "$(cli dbsize)" = 0 ] || fail "a replay that was refused left $(cli keys '*')"

# What was changed: in the archive, in the digest, in the book while it lived.
copy() { rm -rf bad && cp -r all bad; }
copy
file=$(ls bad/0002/intents-*.seg | tail -n 1)
printf '\377' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc 2>/dev/null
expect 1 "$file: at offset" replay bad
copy
rm -r bad/0003
expect 1 "there is no manifest: is this partition archived elsewhere?" replay bad
[ "$(cli dbsize)" = 0 ] || fail "a replay of a bad archive left $(cli keys '*')"
copy
jq -c '.partitions[1].parts.accounts.digest |= (if startswith("0") then "1" else "0" end + .[1:])' all/digest.json >bad/digest.json
expect 1 "accounts differ" replay bad
restart_empty
copy
file=$(ls bad/0000/ledger-*.seg | tail -n 1)
printf '\377' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc 2>/dev/null
expect 1 "$file: at offset" replay bad # said in the end: the intents are all there
expect 0 "" replay all
sound
start_worker
cli keys '{till:1}:account:u*' | while read -r key; do cli hincrby "$key" balance 1000000; done >/dev/null
send 60 f
wait_for 30 eval '"$TILL" status --no-rate --json | jq -e ".undelivered == 0 and .pending == 0"'
stop_worker
expect 0 "" "$TILL" archive all
rm all/digest.json
restart_empty
expect 1 "came out otherwise than it was archived" replay all
sound
finish
