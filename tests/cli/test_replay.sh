#!/bin/bash
# The disaster drill: a book with everything in it, workers that die in the middle, Redis' data gone, and all of it back from the archive,
# by a replay that is itself killed over and over; then everybody goes on.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed (SEED=$seed repeats it)"
export TILL_RETENTION_INTENTS=keep TILL_RETENTION_RESPONSES=keep

traffic() { python3 "$here/random_traffic.py" "$seed" "$1" "$2" >"$2.jsonl"; } # traffic COUNT PREFIX
enqueue() { for file; do "$TILL" send "$file.jsonl" --source shop >/dev/null || fail "sending $file.jsonl"; done; }
crash_points="before_apply after_apply after_apply amid_follow_ups amid_follow_ups after_follow_ups after_answer after_due"
die() { # die N: a worker that comes and dies, for good, at a random point or after a while
    TILL_CRASH_AT=$(shuf -n 1 -e $crash_points --random-source=<(yes $RANDOM)):$((1 + RANDOM % $1)) "$TILL_WORKER" 2>>worker.log &
    local dying=$!
    pids="$pids $dying"
    for _ in $(seq 20); do
        kill -0 $dying 2>/dev/null || break
        sleep 0.05
    done
    { kill -9 $dying; wait $dying; } 2>/dev/null
}
# Nothing under way: no intent waits, nothing is pending, nothing falls due in the next moment.
sound() { json 0 '.[0] | .sound and .lost == 0' "$TILL" audit --json; }
# All answers that were given, by what they answer.
answers() {
    "$TILL" watch --source shop --from 0 --json --limit "$(total)" |
        jq -c 'select(.replayed == false) | [.entry, .key, .code, .reason, .amount, .balance, .held, .bill, .detail]' | sort
}
total() { for p in 0 1 2 3; do cli xlen "{till:$p}:responses:shop"; done | awk '{ n += $1 } END { print n }'; }
start_redis
start_worker
traffic 400 a
enqueue a
wait_for 30 at_rest
stop_worker
for round in 1 2 3 4 5 6; do
    traffic 150 "b$round"
    enqueue "b$round"
    die 6
done
# Dead in the middle: entries that wait, that are applied but not answered, follow-ups that were never sent.
"$TILL" digest --save . >digest.txt || fail "the digest of a book at rest: $(cat digest.txt)"
answers >answers.before
expect 0 "" "$TILL" archive a
expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify a
cp digest.json a/

# All gone; back, by replays and workers that are killed.
restart_empty() {
    kill "$redis"
    wait "$redis" 2>/dev/null
    rm -f dump.rdb
    start_redis
}
replay() { "$TILL" replay --from-archive a "$@"; }
restart_empty
json 0 '.[0] | .digests_compared == 4 and .found == 0 and .left_out == 0 and .rows_compared > 0 and .ledgers_restored == 4' replay --json
again=$(jq .pending_again out)
sound
"$TILL" digest --save . >/dev/null || fail "the digest of what was rebuilt"
python3 "$here/digest.py" "$socket" 4 "$here/../../schema/code.def" >digest.python || fail "digest.py does not work"
[ "$(tail -n 1 digest.python)" = "$(jq -r .digest digest.json)" ] || fail "digest.py, which follows schema/README.md, has another digest"

restart_empty
killed=0
for round in $(seq "${ROUNDS:-8}"); do
    TILL_CRASH_AT=$(shuf -n 1 -e $crash_points after_aside after_claim after_group --random-source=<(yes $RANDOM)):$((1 + RANDOM % 4)) \
        "$TILL" replay --from-archive a --workers $((1 + RANDOM % 3)) >killed.out 2>&1 &
    replaying=$!
    sleep "0.$(printf '%03d' $((RANDOM % 700)))"
    { kill -9 $replaying; wait $replaying; } 2>/dev/null
    [ $? = 137 ] && killed=$((killed + 1)) || { [ "$round" = 8 ] || restart_empty; } # it was done: begin anew
done
[ $killed -gt 1 ] || fail "only $killed replays could be killed"
json 0 ".[0] | .found == 0 and .left_out == 0 and .pending_again == $again" replay --json
expect 0 "the same as digest.json, in 4 partitions" "$TILL" digest --compare digest.json
sound
restart_empty
json 0 ".[0] | .digests_compared == 4 and .found == 0 and .pending_again == $again" replay --json --workers 1
expect 0 "the same as digest.json, in 4 partitions" "$TILL" digest --compare digest.json
echo "$killed replays killed, $again entries pending again"

# Workers as always; what was under way goes on; checkouts send again whatever they like.
start_worker
wait_for 30 at_rest
enqueue a b1 b2 b3 b4 b5 b6
wait_for 30 at_rest
sound
answers >answers.after
sort answers.before | comm -23 - answers.after >gone
[ -s gone ] && fail "$(wc -l <gone) answers are other ones now: $(head -n 3 gone)"
stop_worker
expect 0 "" "$TILL" archive a
expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify a
finish
