#!/bin/bash
# `till send` and `till watch` when things do not go smoothly: a full backlog, no worker, a Redis that goes away, Ctrl-C.
set -u
. "$(dirname "$0")/private.sh"

start_redis
start_worker
"$TILL" open --account alice --kind user --currency CNY >/dev/null
stop_worker
line='{"op":"topup","account":"alice","amount":1,"currency":"CNY","source":"shop","key":"k%d"}\n'
for n in $(seq 600); do printf "$line" "$n"; done >day.jsonl

# Too long a backlog: tried until the timeout, then said; what was enqueued is counted. (600 in entries they share are no long one.)
export TILL_BACKLOG_MAX=100
expect 0 "bulk entries are off" "$TILL" bulk off
expect 1 "busy" "$TILL" send day.jsonl --timeout 1500
json 1 '.[-1].summary | .sent == 0 and .not_sent > 0' "$TILL" send day.jsonl --timeout 1500 --json
expect 1 "busy (-1)" "$TILL" inquire --account alice --source shop
expect 0 "enqueued" "$TILL" inquire --account alice --source bar --no-wait # who floods holds up nobody else

# It is waited out when a worker comes; nothing is counted twice.
(sleep 0.5; exec "$TILL_WORKER" 2>>"$dir/worker.log") &
worker=$!
pids="$pids $worker"
json 0 '.[-1].summary | .sent == 600 and .answered == 600 and .unanswered == 0 and .bad == 0' \
    "$TILL" send day.jsonl --wait --timeout 20000 --json
json 0 '.[0].balance == 600' "$TILL" account alice --json
stop_worker
expect 0 "bulk entries are on" "$TILL" bulk on
before=$("$TILL" status --no-rate --json | jq '[.partitions[].undelivered] | add')
expect 0 "600 sent" "$TILL" send day.jsonl
json 0 "[.[0].partitions[].undelivered] | add - $before < 12" "$TILL" status --no-rate --json
unset TILL_BACKLOG_MAX
start_worker
json 0 '.[0].balance == 600' "$TILL" account alice --json # all of them copies
stop_worker

# Nobody answers: said, with how to ask again; the same key and time get the one answer later.
expect 1 "not answered yet" "$TILL" send day.jsonl --wait --timeout 300
expect 1 "say the same with --key late --at" "$TILL" topup --account alice --amount 5 --currency CNY --key late --timeout 300
at=$(sed -n 's/.*--at \([0-9]*\).*/\1/p' err)
start_worker
json 0 '.[0] | .code == 0 and .amount == 5' "$TILL" topup --account alice --amount 5 --currency CNY --key late --at "$at" --json
json 0 '.[0].balance == 605' "$TILL" account alice --json

# Ctrl-C ends a send with its summary, and a watch with the place to go on from.
interrupted() { # interrupted TEXT COMMAND...: exit code 0 or 1 after SIGINT
    local text=$1 child
    shift
    "$@" >out 2>err </dev/zero &
    child=$!
    sleep 0.7
    kill -INT $child
    wait $child
    [ $? -le 1 ] || fail "$*: $(cat err)"
    cat out err | grep -qF -- "$text" || fail "$* does not say '$text': $(cat out err)"
}
for n in $(seq 2000); do echo '{"op":"inquire","account":"alice"}'; done >slow.jsonl
set -m # so that a child in the background gets SIGINT
interrupted "sent in" "$TILL" send slow.jsonl --rate 100
interrupted "to go on here: --from" "$TILL" watch --source shop
set +m

# A Redis that hangs is waited for by watch, and ends a send with 111.
kill -STOP "$redis"
export TILL_PRODUCER_TIMEOUT=200ms
TILL_REDIS_TIMEOUT=1100ms expect 111 "" "$TILL" send day.jsonl --timeout 800
TILL_REDIS_TIMEOUT=1100ms expect 111 "not reachable" "$TILL" audit
kill -CONT "$redis"
TILL_PRODUCER_TIMEOUT=20s expect 0 "sound" "$TILL" audit
kill -KILL "$redis"
wait "$redis" 2>/dev/null
expect 111 "not reachable" "$TILL" status
finish
