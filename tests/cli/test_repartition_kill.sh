#!/bin/bash
# `till repartition` killed again and again, at moments spread over the whole of it, and gone on with: the book is the same as without,
# never is there half of one, and nothing that anybody tries to enqueue meanwhile is lost. Into another Redis, and undone.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/carried.sh"
traffic() { python3 "$here/random_traffic.py" "$seed" "$1" "$2" >"$2.jsonl"; } # traffic COUNT PREFIX
enqueue() { "$TILL" send "$1.jsonl" --source shop >/dev/null || fail "sending $1.jsonl"; }
sound() { json 0 '.[0] | .sound and .lost == 0' "$TILL" audit --json; }
with() { TILL_BOOK_PARTITIONS=$1 "${@:2}"; } # with PARTITIONS COMMAND...
start_redis
start_worker
traffic "${COUNT:-150}" a
enqueue a
wait_for 40 at_rest
stop_worker
sound
facts "$socket" 4 >facts.before
keep old.rdb
expect 0 "" "$TILL" repartition --to 9
with 9 sound
facts "$socket" 9 | diff -q facts.before - >/dev/null || fail "facts differ: $(facts "$socket" 9 | diff facts.before - | head -n 4)"
cli --raw keys '*' | sort >keys.after
bring_back old.rdb

# Killed at moments spread over as long as it takes; whatever is there then, the same command goes on to the same book.
began=$(date +%s%N)
expect 0 "" "$TILL" repartition --to 9
took_ms=$((($(date +%s%N) - began) / 1000000))
killed=0
for round in $(seq "${ROUNDS:-4}"); do
    bring_back old.rdb
    for try in 1 2; do
        "$TILL" repartition --to 9 >killed.out 2>&1 &
        running=$!
        sleep "$(awk -v r="$round" -v n="${ROUNDS:-4}" -v s="$took_ms" -v t=$try 'BEGIN { printf "%.3f", s * (r - 0.5) / n / 1000 / t }')"
        { kill -9 $running; wait $running; } 2>/dev/null
        [ $? = 137 ] && killed=$((killed + 1)) || took_ms=$((took_ms * 2 / 3 + 1)) # it was faster this time
    done
    state=$(cli hget '{till}:book' repartition | cut -d' ' -f1)
    expect 0 "" "$TILL" repartition --to 9
    with 9 sound
    facts "$socket" 9 | cmp -s facts.before - || fail "killed in state '$state' in round $round: facts differ"
    cli --raw keys '*' | sort >keys.now
    cmp -s keys.after keys.now || fail "other keys: $(diff keys.after keys.now | head -n 4)"
done
echo "$killed killed"
[ $killed -gt 0 ] || fail "none could be killed"
export TILL_BOOK_PARTITIONS=9
start_worker
traffic 100 b
enqueue b
enqueue a
wait_for 40 at_rest
sound
stop_worker

# Killed while the new one is built: nobody gets in, and the old one can be opened again.
for try in $(seq 20); do
    bring_back old.rdb
    TILL_BOOK_PARTITIONS=4 "$TILL" repartition --to 9 >killed.out 2>&1 &
    running=$!
    until [ "$(cli type '{till:3}:intents')" = string ] || ! kill -0 $running 2>/dev/null; do :; done
    { kill -9 $running; wait $running; } 2>/dev/null
    [ "$(cli hget '{till}:book' repartition | cut -d' ' -f1)" = building ] && break
done
export TILL_BOOK_PARTITIONS=4
[ "$(cli type '{till:0}:intents')" = string ] || fail "could not be killed while it was built, in $try tries"
expect 100 "is closed" "$TILL" status
expect 100 "is closed" "$TILL" topup --account u1 --amount 1 --currency CNY
expect 100 "go on with --to 9, or --undo" "$TILL" repartition --to 8
expect 0 "is as it was, with 4 partitions" "$TILL" repartition --undo
sound
facts "$socket" 4 | cmp -s facts.before - || fail "undone, but facts differ"
[ "$(cli --raw keys '{till~*' | grep -c till)" = 0 ] || fail "undone, but something of the new book is left"

# A producer that is connected all the time meets a text where the stream was.
bring_back old.rdb
export TILL_BOOK_PARTITIONS=4
cli hset '{till}:book' version 0 repartition 'building 9 1-0' >/dev/null
before=$(cli xlen '{till:1}:intents')
"$TILL" repartition --to 9 >/dev/null 2>&1 &
running=$!
added=0
while kill -0 $running 2>/dev/null; do
    cli xadd '{till:1}:intents' '*' intent x 2>&1 | grep -qE '^[0-9]+-[0-9]+$' && added=$((added + 1))
done
wait $running
[ "$(cli hget '{till}:book' partitions)" = 9 ] || [ $added -gt 0 ] || fail "neither done nor hindered"
if [ "$(cli hget '{till}:book' partitions)" = 4 ]; then
    [ "$(cli xlen '{till:1}:intents')" = $((before + added)) ] || fail "$added were taken, but not all are there"
fi

# Into another Redis: the old one stays closed, and can be taken back.
bring_back old.rdb
redis-server --port 0 --unixsocket "$dir/t" --save "" --appendonly no --dir "$dir" --dbfilename other.rdb >other.log 2>&1 &
pids="$pids $!"
wait_for 10 redis-cli -s "$dir/t" ping
into() { "$TILL" repartition --to 6 --into "unix:$dir/t" "$@"; }
for part in 1 2 3; do
    "$TILL" repartition --to 6 --into "unix:$dir/t" >killed.out 2>&1 & # not by the function: it itself is to be killed
    running=$!
    sleep "$(awk -v ms="$took_ms" -v p=$part 'BEGIN { printf "%.3f", ms * p / 4000 }')"
    { kill -9 $running; wait $running; } 2>/dev/null
done
expect 0 "stays as it was, and closed" into
TILL_REDIS_URL=unix:$dir/t with 6 sound
facts "$dir/t" 6 | cmp -s facts.before - || fail "into another Redis: facts differ"
expect 100 "is closed" "$TILL" status
expect 100 "has moved and stays closed" "$TILL" repartition --to 6
expect 100 "has moved" "$TILL" repartition --to 6 --book other
expect 0 "" into
expect 0 "see that nobody uses the other one" "$TILL" repartition --undo
sound
facts "$socket" 4 | cmp -s facts.before - || fail "taken back, but facts differ"
expect 100 "there is a book 'till' in Redis" into
expect 0 "there is nothing to undo" "$TILL" repartition --undo

# Under another name beside it.
expect 0 "book spare has 2 partitions now" "$TILL" repartition --to 2 --book spare
TILL_BOOK_NAME=spare with 2 sound
finish
