#!/bin/bash
# Records a day of a small book for tests/vectors/: record_day.sh DIR [plain] puts its archive, its digest and its answers into DIR. Days
# are added when operations are, never changed: test_replay_days.sh replays each with every build to come. `plain`: one without a shop.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath "${1:?where to}") plain=${2-}
. "$here/private.sh"
seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
rest() { "$TILL" audit --json | jq -e '.undelivered + .pending + .unanswered + .in_flight + .settling + .paying == 0'; }

start_redis
start_worker
for prefix in a b c; do
    python3 "$here/random_traffic.py" "$seed" 130 $prefix $plain >traffic.jsonl
    "$TILL" send traffic.jsonl --source shop >/dev/null || fail "sending"
    sleep 0.4
done
"$TILL" send traffic.jsonl --source shop >/dev/null # repeats
"$TILL" policy duplicate_window=60000 fee=250 >/dev/null
printf '{"op":"pay","account":"u%d","to":"coffee","amount":5,"currency":"CNY"}\n' 1 1 2 2 3 >twice.jsonl
"$TILL" send twice.jsonl --source shop >/dev/null
sleep 3.5 # what was put off, and what lapses
wait_for 30 rest
stop_worker
[ $bad = 0 ] || exit 1
mkdir -p "$out"
"$TILL" archive "$out" >/dev/null && "$TILL" archive verify "$out" && "$TILL" digest --save "$out" --answers && "$TILL" audit || exit 1
rm -f "$out"/*/lock
