#!/bin/bash
# The file of spans (trace.file): its form, IDs, parents and times; unsampled intents are not in it, SIGHUP begins a new one, and a disk
# that takes nothing costs spans and no payment.
set -u
. "$(dirname "$0")/private.sh"

trace() { printf '00-%032x-00f067aa0ba902b7-%s' "$1" "$2"; } # of the request with this number
pay() { # pay KEY NUMBER FLAGS
    jq -nc --arg key "$1" --arg trace "$(trace "$2" "$3")" \
        '{op: "pay", account: "alice", to: "cafe", amount: 1, currency: "CNY", key: $key, traceparent: $trace}'
}
start_redis
export TILL_TRACE_FILE=$dir/spans.jsonl
start_worker
for user in alice bob; do "$TILL" open --account $user --kind user --currency CNY >/dev/null; done
"$TILL" open --account cafe --kind merchant --currency CNY >/dev/null
"$TILL" topup --account alice --amount 1000 --currency CNY >/dev/null
{
    pay one 1 01
    pay two 2 00
    echo '{"op":"pay","account":"alice","to":"cafe","amount":1,"currency":"CNY","key":"untraced"}'
    echo "{\"op\":\"transfer\",\"account\":\"alice\",\"to\":\"bob\",\"amount\":5,\"key\":\"over\",\"traceparent\":\"$(trace 3 01)\"}"
} | "$TILL" send - --wait >/dev/null
stop_worker

# --- the form of every line, by OTLP; all spans in one list, each with the partition of its resource
[ -s spans.jsonl ] || fail "nothing was written"
jq -e '(keys == ["resourceSpans"]) and all(.resourceSpans[];
        (.resource.attributes | map({key: .key, value: .value}) | from_entries
            | .["service.name"].stringValue == "till-worker" and (.["service.version"].stringValue | length > 0)
              and (.["till.partition"].intValue | test("^[0-3]$"))) and
        all(.scopeSpans[]; .scope.name == "till" and all(.spans[];
            (.traceId | test("^[0-9a-f]{32}$")) and (.spanId | test("^[0-9a-f]{16}$")) and (.parentSpanId | test("^[0-9a-f]{16}$"))
            and (.startTimeUnixNano | test("^[0-9]{19}$")) and (.endTimeUnixNano | test("^[0-9]{19}$"))
            and .startTimeUnixNano <= .endTimeUnixNano and (.kind | type == "number") and .flags == 1)))' spans.jsonl >/dev/null ||
    fail "a line is no ExportTraceServiceRequest"
jq -s '[.[].resourceSpans[] | (.resource.attributes[] | select(.key == "till.partition") | .value.intValue) as $p
    | .scopeSpans[].spans[] | . + {p: $p, op: (.attributes[] | select(.key == "till.op") | .value.stringValue)}]' spans.jsonl >all.json
of() { jq --arg id "$(printf %032x "$1")" '[.[] | select(.traceId == $id)]' all.json; }

# --- a payment: waited, then was applied, then answered, below the request's span
of 1 | jq -e 'length == 3 and (map({key: .name, value: .}) | from_entries
    | .["till.wait"] as $w | .["till.apply"] as $a | .["till.answer"] as $n
    | $w.parentSpanId == "00f067aa0ba902b7" and $a.parentSpanId == "00f067aa0ba902b7" and $n.parentSpanId == $a.spanId
    and $w.endTimeUnixNano <= $a.startTimeUnixNano and $a.endTimeUnixNano <= $n.startTimeUnixNano and all(.[]; .op == "pay"))' >/dev/null ||
    fail "the spans of a payment: $(of 1)"
[ "$(of 2)" = "[]" ] || fail "a trace that is not sampled was written"
jq -e 'map(.spanId) | length == (unique | length)' all.json >/dev/null || fail "span IDs repeat"
jq -e 'map(.traceId) | unique | length == 2' all.json >/dev/null || fail "untraced intents have spans"

# --- a transfer: forwarded below its own application, answered below that of what came back
if [ "$("$TILL" account alice --json | jq .partition)" != "$("$TILL" account bob --json | jq .partition)" ]; then
    of 3 | jq -e '(map({key: (.op + " " + .name), value: .}) | from_entries) as $s
        | $s["transfer till.forward"].parentSpanId == $s["transfer till.apply"].spanId
        and $s["arrive till.apply"].parentSpanId == $s["transfer till.apply"].spanId
        and $s["settled till.apply"].parentSpanId == $s["arrive till.apply"].spanId
        and $s["settled till.answer"].parentSpanId == $s["settled till.apply"].spanId
        and $s["arrive till.apply"].p != $s["transfer till.apply"].p and ($s | length) == 9' >/dev/null ||
        fail "the spans of a transfer: $(of 3)"
else
    fail "alice and bob are to live in two partitions"
fi

# --- renamed and SIGHUP: a new file
start_worker
mv spans.jsonl spans.jsonl.1
kill -HUP "$worker"
wait_for 10 test -e spans.jsonl
pay four 4 01 | "$TILL" send - --wait >/dev/null
wait_for 10 grep -q "$(printf %032x 4)" spans.jsonl
stop_worker
grep -q "$(printf %032x 4)" spans.jsonl.1 && fail "the renamed file was written on"

# --- a disk that takes nothing: payments go on, spans are counted, the log says it once
export TILL_TRACE_FILE=/dev/full TILL_ADMIN_LISTEN=127.0.0.1:$((20000 + $$ % 20000))
start_worker
for n in 5 6 7; do pay $n $n 01; done | "$TILL" send - --wait --json >answers.json
jq -es '.[-1].summary.answered == 3' answers.json >/dev/null || fail "payments waited for a disk"
metric() { exec 3<>"/dev/tcp/127.0.0.1/${TILL_ADMIN_LISTEN#*:}" && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3; exec 3>&-; }
dropped() { metric | grep -q '^till_trace_spans_dropped_total 9'; }
wait_for 10 dropped
[ "$(grep -c event=trace_file_fails worker.log)" = 1 ] || fail "the log tells of the disk once"
stop_worker

# --- a file that cannot be there is told at the start
export TILL_TRACE_FILE=$dir/nowhere/spans.jsonl
unset TILL_ADMIN_LISTEN
expect 100 "event=trace_refused" timeout 10 "$TILL_WORKER"
finish
