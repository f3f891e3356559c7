#!/bin/bash
# durability.replicas for whoever sits in front of it: what commands say while no replica is there, and once one is.
set -u
. "$(dirname "$0")/private.sh"
start_redis
for port in $(shuf -i 20000-32000 -n 50); do
    [ "$(cli config set port "$port")" != OK ] || break
done
cli config set repl-diskless-sync-delay 0 >/dev/null
export TILL_DURABILITY_REPLICAS=1 TILL_DURABILITY_TIMEOUT=2s
start_worker
expect 0 "durability: 0 replicas there, 1 wanted: nobody is answered" "$TILL" status --no-rate
expect 1 "on 0 of 1 replicas" "$TILL" open --account alice --kind user --currency CNY
json 0 '.[0] | .replicas == 0 and .replicas_wanted == 1 and .unanswered == 1' "$TILL" status --no-rate --json
mkdir second
redis-server --port 0 --unixsocket second.sock --save "" --dir second --replicaof 127.0.0.1 "$port" >second.log 2>&1 &
pids="$pids $!"
wait_for 20 eval '"$TILL" status --no-rate | grep -q "durability: 1 replicas there, 1 wanted; the slowest is"'
wait_for 20 eval '[ "$("$TILL" topup --account alice --amount 100 --currency CNY --json | jq -r .durable)" = "replica(1)" ]'

# What waited for it is told in its trace.
trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
echo '{"op":"inquire","account":"alice"}' | "$TILL" send --source traced --traceparent $trace --wait - >/dev/null
json 0 ".[0] | .durable == \"replica(1)\" and .traceparent == \"$trace\"" "$TILL" watch --source traced --from 0 --limit 1 --json
TILL_DURABILITY_REPLICAS=0 expect 0 "book till" "$TILL" status --no-rate
grep -q durability out && fail "it speaks of what nobody wants"
expect 0 "sound" "$TILL" audit
finish
