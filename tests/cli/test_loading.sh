#!/bin/bash
# A Redis that restarts with much to load answers -LOADING for a while: a worker waits, saying so once, and does not take it for an empty
# one; what is sent by commands waits too, for as long as producer.timeout says.
set -u
. "$(dirname "$0")/private.sh"
start_redis --enable-debug-command yes
start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 1000 --currency CNY
cli debug populate 10000 ballast 10 >/dev/null
cli save >/dev/null
lines=$(wc -l <worker.log)
kill -9 "$redis"
wait "$redis" 2>/dev/null

# 10,000 keys, each of which takes 0.4 ms: 4 s.
start_redis --enable-debug-command yes --key-load-delay 400 --loading-process-events-interval-bytes 1024
cli get x | grep -q LOADING || fail "it is not loading"
began=$(date +%s%3N)
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
[ $(($(date +%s%3N) - began)) -ge 1000 ] || fail "it had loaded at once"
cli config set key-load-delay 0 >/dev/null
wait_for 20 eval 'tail -n +$((lines + 1)) worker.log | grep -q event=redis_back'
for event in redis_away redis_back; do
    [ "$(tail -n +$((lines + 1)) worker.log | grep -c event=$event)" = 1 ] || fail "not one $event: $(tail -n +$((lines + 1)) worker.log)"
done
grep -q data_loss_suspected worker.log && fail "a loss is suspected"
failures=$(sed -n 's/.*event=redis_back.* failures=\([0-9]*\).*/\1/p' worker.log | tail -n 1)
[ "$failures" -le 120 ] || fail "$failures failures in some 5 s"
expect 0 "drained" "$TILL" drain --timeout 30s
expect 0 "sound" "$TILL" audit
json 0 '.[0].balance == 900' "$TILL" account alice --json
finish
