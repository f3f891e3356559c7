#!/bin/bash
# Trace context from `till send` to `till watch`: of a line, of all lines, none. What is no traceparent refuses nothing.
set -u
. "$(dirname "$0")/private.sh"

id=4bf92f3577b34da6a3ce929d0e0e4736
trace=00-$id-00f067aa0ba902b7-01
other=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00

start_redis
start_worker
"$TILL" open --account alice --kind user --currency CNY >/dev/null
line() { echo "{\"op\":\"topup\",\"account\":\"alice\",\"amount\":1,\"currency\":\"CNY\",\"source\":\"shop\",\"key\":\"$1\"${2-}}"; }

# --- lines with, without, with none; the option for those without
expect 100 "--traceparent 00-x is none" "$TILL" send --traceparent 00-x /dev/null
{ line one ",\"traceparent\":\"$trace\""; line two; line three ',"traceparent":"00-x"'; line four ',"traceparent":7'; } >lines
json 0 '.[-1].summary | .sent == 4 and .bad == 0' "$TILL" send lines --wait --json
json 0 "map({key, value: .traceparent}) | from_entries == {one: \"$trace\", two: null, three: null, four: null}" \
    "$TILL" watch --source shop --from 0 --limit 4 --json
line five | "$TILL" send --traceparent "$other" - --wait >/dev/null
line one | "$TILL" send --traceparent "$other" - --wait >/dev/null # a copy is told in its own trace
json 0 ".[4:] | map(.traceparent) == [\"$other\", \"$other\"] and .[1].replayed" "$TILL" watch --source shop --from 0 --limit 6 --json
json 0 '.[0].balance == 5' "$TILL" account alice --json

# --- an entry that fails alone: what the log says of it can be found by the trace, and the dead entry keeps it
p=$("$TILL" account alice --json | jq .partition)
stop_worker
cli del "{till:$p}:responses:shop" >/dev/null
cli set "{till:$p}:responses:shop" broken >/dev/null
line six ",\"traceparent\":\"$trace\"" | "$TILL" send - >/dev/null
TILL_WORKER_MAX_ATTEMPTS=2 "$TILL_WORKER" 2>>worker.log &
pids="$pids $!"
wait_for 20 grep -q event=entry_dead worker.log
grep -q "event=entry_broken.*trace_id=$id" worker.log || fail "no trace in the line about the broken entry"
grep -q "event=entry_dead.*trace_id=$id" worker.log || fail "no trace in the line about the dead entry"
cli xrange "{till:$p}:dead" - + | grep -q "$trace" || fail "the dead entry has lost its trace"
finish
