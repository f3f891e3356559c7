#!/bin/bash
# `till pause`, `till resume`, `till drain`, and what status, doctor and audit say of paused partitions and quiet workers.
set -u
. "$(dirname "$0")/private.sh"
start_redis
start_worker

expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 10000 --currency CNY
expect 0 "drained after" "$TILL" drain
p=$("$TILL" account alice --json | jq .partition)

# One partition.
expect 0 "partition $p paused" "$TILL" pause --partition "$p" --reason "the bank asked us to"
expect 0 "partition $p was paused" "$TILL" pause --partition "$p" --reason "the bank asked us to"
expect 0 "paused by $(id -un)@$(hostname): the bank asked us to" "$TILL" status --no-rate
expect 0 "till resume --help" "$TILL" status --no-rate
json 0 '.[0] | .paused == 1 and ([.partitions[] | select(.paused != null)] | length == 1 and .[0].partition == '"$p"'
    and .[0].paused_since > 1700000000000 and .[0].owner != null)' "$TILL" status --no-rate --json
"$TILL" doctor >doctor.out
grep -q "partition $p is paused by .*: the bank asked us to" doctor.out || fail "doctor does not say that it is paused: $(cat doctor.out)"
echo '{"op":"pay","source":"shop","key":"late","account":"alice","to":"coffee","amount":1999,"currency":"CNY"}' >late.jsonl
expect 0 "" "$TILL" send late.jsonl
json 0 '.[0] | .sound and .paused == 1 and .undelivered + .pending == 1' "$TILL" audit --json
expect 0 "paused: 1 partitions apply nothing" "$TILL" audit
expect 1 "1 partitions with some of it are paused" "$TILL" drain --timeout 300ms
json 1 '.[0] | .drained == false and .undelivered + .pending == 1 and .paused == 1' "$TILL" drain --timeout 1s --json
json 0 '.[0].balance == 10000' "$TILL" account alice --json

# A worker that comes later keeps to it.
stop_worker
start_worker
wait_for 5 grep -q 'event=partition_paused.*partition='"$p"'.*reason="the bank asked us to"' worker.log
json 0 '.[0].balance == 10000' "$TILL" account alice --json
expect 0 "partition $p goes on" "$TILL" resume
expect 0 "partition $p was not paused" "$TILL" resume --partition "$p"
expect 0 "drained after" "$TILL" drain
json 0 '.[0].balance == 8001' "$TILL" account alice --json

# All of them; nothing waits, so there is nothing to wait for.
json 0 '.[0] | length == 4 and all(.paused and (.was_paused | not))' "$TILL" pause --json
expect 0 "drained after" "$TILL" drain --timeout 5s
json 0 '.[0] | length == 4 and all((.paused | not) and .was_paused)' "$TILL" resume --json
json 0 '.[0].drained' "$TILL" drain --json
expect 100 "--timeout never" "$TILL" drain --timeout never
expect 100 "--reason has more than" "$TILL" pause --reason "$(printf 'x%.0s' $(seq 300))"

# A quiet worker: alive, holds nothing, and does not count.
kill -TSTP "$worker"
wait_for 10 eval '"$TILL" status --no-rate --json | jq -e ".workers[0].quiet and .workers[0].alive and .workers[0].partitions == 0"'
expect 0 "quiet" "$TILL" status --no-rate
expect 1 "1 quiet: they take no partitions" "$TILL" doctor
expect 0 "" "$TILL" send late.jsonl
json 1 '.[0].unserved == 1' "$TILL" drain --timeout 300ms --json
kill -CONT "$worker"
expect 0 "drained after" "$TILL" drain
expect 0 "sound" "$TILL" audit
stop_worker
finish
