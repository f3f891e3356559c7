#!/bin/bash
# Days that earlier builds recorded (record_day.sh) come out with this one as they did then: every answer, every row, every digest.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
start_redis
days=0
for day in "$here"/../vectors/day-*/; do
    cli flushall >/dev/null
    cp -r "$day" day
    expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify day
    json 0 '.[0] | .digests_compared == 4 and .answers_differ == 0 and .left_out == 0 and .found == 0 and .rows_compared > 100' \
        "$TILL" replay --from-archive day --compare --json
    cp out replay.out
    json 0 '.[0] | .sound' "$TILL" audit --json
    # The answers are there for their source, readable as any: each of the recorded ones, once.
    jq -c 'select(.[2] == "shop") | [.[1], .[3], .[6], .[8], .[9], .[11]]' "$day/answers.jsonl" 2>/dev/null | sort >recorded
    "$TILL" watch --source shop --from 0 --limit "$(wc -l <recorded)" --json |
        jq -c '[.entry, .key, (.code | tostring), .account, (.amount // "" | tostring), (.balance // "" | tostring)]' | sort >watched
    [ -s recorded ] && cmp recorded watched || fail "the answers of the shop of $day: $(diff recorded watched | head -n 4)"
    echo "$(basename "$day"): $(jq .intents replay.out) intents"
    rm -rf day
    days=$((days + 1))
done
[ $days -gt 0 ] || fail "there are no days"

# By workers that somebody else runs, and that go on with the book afterwards; and in a server of Till's own.
cp -r "$here/../vectors/day-v1" day
cli flushall >/dev/null
"$TILL" replay --from-archive day --workers 0 >other.out 2>&1 &
replaying=$!
sleep 0.3
kill -0 $replaying || fail "it did not wait for workers: $(cat other.out)"
"$TILL_WORKER" 2>>worker.log &
worker=$!
pids="$pids $worker"
wait $replaying || fail "with somebody else's worker: $(cat other.out)"
grep -q "digests compared with day/digest.json: 4 partitions" other.out || fail "no digests: $(cat other.out)"
expect 0 "ok (0)" "$TILL" topup --account u1 --amount 5 --currency CNY
json 0 '.[0] | .sound' "$TILL" audit --json
stop_worker
export TILL_REDIS_URL=embedded:own
expect 0 "digests compared with day/digest.json: 4 partitions" env TILL_DURABILITY_REPLICAS=1 "$TILL" replay --from-archive day
"$TILL_WORKER" 2>>worker.log &
worker=$!
pids="$pids $worker"
wait_for 20 "$TILL" status --no-rate
expect 0 "ok (0)" "$TILL" topup --account u1 --amount 5 --currency CNY
json 0 '.[0] | .sound' "$TILL" audit --json
stop_worker
finish
