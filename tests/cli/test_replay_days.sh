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
    echo "$(basename "$day"): $(jq .intents replay.out) intents"
    rm -rf day
    days=$((days + 1))
done
[ $days -gt 0 ] || fail "there are no days"
finish
