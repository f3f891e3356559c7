#!/bin/bash
# till bench: measures on a Redis that others use, in a book of its own, and leaves nothing behind, also when it is interrupted.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/beside.sh"
beside bench
small="--count 2000 --rate 500 --seconds 1 --accounts 100 --partitions 8 --log bench.log"

json 0 '.[0] | .sound and .found == 0 and .payments_per_s > 0 and .redis_us > 0 and .worker_us > 0 and .producer_us > 0
    and .latency.count == 500 and .latency.p50_ms > 0 and .latency.p999_ms >= .latency.p99_ms and .partitions == 8
    and .bytes_each.bills > 50 and .bytes_each.ledger > 50 and .bytes_each.responses > 50 and .bytes_each.intents > 50
    and .bytes_each.all > .bytes_each.bills' "$TILL" bench --book bench-test $small --json
left_alone
expect 0 "| end to end |" "$TILL" bench $small
expect 0 "ok (0)" "$TILL" topup --account alice --amount 5 --currency CNY

# A book that is there is nobody's to measure in; what it leaves with --keep can be looked at.
expect 100 "there is a book 'till' already: bench wants one of its own" "$TILL" bench --book till
TILL_PRODUCER_BULK_ANSWERS=yes expect 0 "bulk answers: yes |" "$TILL" bench --book bench-kept --keep $small
TILL_BOOK_NAME=bench-kept TILL_BOOK_PARTITIONS=8 expect 0 "sound" "$TILL" audit
entries=$(for p in {0..7}; do cli xlen "{bench-kept:$p}:responses:shop"; done | awk '{ n += $1 } END { print n }')
[ "$entries" -gt 0 ] && [ "$entries" -lt 2000 ] || fail "2500 answers came in $entries entries, though bulk answers were asked for"
expect 100 "there is a book 'bench-kept' already" "$TILL" bench --book bench-kept
expect 100 "dies with its worker" env TILL_REDIS_URL="embedded:$dir/embedded" "$TILL" bench
expect 100 "at most 10000000 payments in all" "$TILL" bench --rate 100000 --seconds 1000
expect 111 "" env TILL_REDIS_URL="unix:$dir/none" TILL_PRODUCER_TIMEOUT=100ms "$TILL" bench

# Interrupted in the middle: the book is deleted all the same.
keys >before
"$TILL" bench --book bench-ended --count 100 --rate 100 --seconds 600 --accounts 100 --log bench.log >out 2>err &
bench=$!
pids="$pids $bench"
wait_for 20 eval '[ "$(cli --raw exists "{bench-ended}:book")" = 1 ]'
kill -INT "$bench"
wait "$bench"
code=$?
[ $code = 100 ] && grep -q "ended early" err || fail "interrupted it ended with $code: $(cat err)"
left_alone
finish
