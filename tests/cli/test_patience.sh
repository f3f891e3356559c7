#!/bin/bash
# A Redis that restarts is waited for by commands that are run once, for as long as producer.timeout says.
set -u
. "$(dirname "$0")/private.sh"

late() { # late NAME EXPECT-ARGUMENTS...: runs it while Redis is away; it comes back when the command has found that out
    local name=$1
    shift
    ("$@" >"$dir/$name.out" 2>"$dir/$name.err"; echo $? >"$dir/$name.code") &
    waiting="$waiting $!"
    names="$names $name"
}

# Nobody there: 111, and not before the time is over.
began=$(date +%s%3N)
TILL_PRODUCER_TIMEOUT=600ms expect 111 "not reachable" "$TILL" status
[ $(($(date +%s%3N) - began)) -ge 300 ] || fail "it did not wait"
TILL_PRODUCER_TIMEOUT=100ms expect 111 "" "$TILL" account alice

# Redis restarts, with what it had.
start_redis --appendonly yes --appendfsync always
start_worker
expect 0 "ok" "$TILL" open --account alice --kind user --currency CNY
stop_worker
kill -9 "$redis"
wait "$redis" 2>/dev/null
waiting="" names=""
late account "$TILL" account alice
late status "$TILL" status --no-rate
late audit "$TILL" audit
late ledger "$TILL" ledger --account alice
late send "$TILL" topup --account alice --amount 5 --currency CNY --no-wait
sleep 0.5 # so that they have tried: were it too short, they would only find it easier
start_redis --appendonly yes --appendfsync always
for child in $waiting; do wait "$child"; done
for name in $names; do
    [ "$(cat "$dir/$name.code")" = 0 ] || fail "$name ended with $(cat "$dir/$name.code"): $(cat "$dir/$name.err")"
done
grep -q "0 CNY" "$dir/account.out" || fail "account says $(cat "$dir/account.out")"
finish
