#!/bin/bash
# tests/cli/test_sentinel.sh: every command finds the master by the sentinels, which have a password of their own, and says what is wrong
# when it does not. The set-up is config/sentinel-local.
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/tests/cli/private.sh"
again="" # a server that writes its first AOF refuses a SIGTERM
trap 'kill $pids 2>/dev/null; kill -9 $again 2>/dev/null; wait; rm -rf "$dir"' EXIT
. "$source/tests/cli/ports.sh"
umask 077
find_ports 21800
PASSWORD='open-sesame' SENTINEL_PASSWORD='guards' DOWN_MS=2000 "$source/config/sentinel-local" "$dir/ha" $port >scene.log 2>&1 &
pids=$!
wait_for 60 grep -q sentinel:// scene.log
seeds=127.0.0.1:$((port + 3)),127.0.0.1:$((port + 4)),127.0.0.1:$((port + 5))
echo open-sesame >redis.password
echo guards >sentinel.password
export TILL_REDIS_URL=sentinel://$seeds/till TILL_REDIS_PASSWORD_FILE=$dir/redis.password TILL_BOOK_PARTITIONS=4 TILL_PRODUCER_TIMEOUT=20s
export TILL_REDIS_SENTINEL_PASSWORD_FILE=$dir/sentinel.password TILL_WORKER_LEASE_TTL=1s
[ "$(cat scene.log)" = "$TILL_REDIS_URL" ] || fail "the url that the set-up prints: $(cat scene.log)"

"$TILL_WORKER" 2>worker.log &
pids="$pids $!"
wait_for 20 "$TILL" status --no-rate
open_accounts() {
    expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
    expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
    expect 0 "ok (0)" "$TILL" topup --account alice --amount 10000 --currency CNY
}
open_accounts
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
expect 0 "9900 CNY" "$TILL" account alice
expect 0 "sentinel://$seeds/till" "$TILL" config
expect 0 "" "$TILL" audit
expect 0 "topup" "$TILL" ledger --account alice
"$TILL" doctor >doctor.log 2>&1 || fail "doctor: $(cat doctor.log)"
grep -q 'sesame\|guards' worker.log doctor.log && fail "a password is shown"

# What is wrong is said.
expect 100 "knows no master named mill" env TILL_REDIS_URL=sentinel://$seeds/mill "$TILL" account alice
TILL_REDIS_SENTINEL_PASSWORD_FILE='' expect 100 "NOAUTH" "$TILL" status --no-rate
TILL_REDIS_PASSWORD_FILE='' expect 100 "NOAUTH" "$TILL" status --no-rate
TILL_PRODUCER_TIMEOUT=100ms \
    expect 111 "sentinel 127.0.0.1:1: Connection refused" env TILL_REDIS_URL=sentinel://127.0.0.1:1/till "$TILL" status --no-rate
expect 100 "name of the master" env TILL_REDIS_URL=sentinel://$seeds "$TILL" status --no-rate

# One live sentinel among dead ones is enough.
expect 0 "9900 CNY" env TILL_REDIS_URL=sentinel://127.0.0.1:1,127.0.0.1:2,127.0.0.1:$((port + 5))/till "$TILL" account alice

# The master dies, and a sentinel with it.
kill -9 "$(cat "$dir/ha/$port.pid")" "$(cat "$dir/ha/$((port + 3)).pid")"
TILL_PRODUCER_TIMEOUT=100ms expect 111 "" "$TILL" account alice
TILL_PRODUCER_TIMEOUT=60s expect 0 "9900 CNY" "$TILL" account alice
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 200 --currency CNY
expect 0 "9700 CNY" "$TILL" account alice
expect 0 "" "$TILL" audit
[ "$(grep -c event=redis_away worker.log):$(grep -c event=redis_back worker.log)" = 1:1 ] || fail "not one line each: $(cat worker.log)"
grep -q "event=redis_moved .*to=127.0.0.1:" worker.log || fail "the worker does not tell where the master is: $(cat worker.log)"

# It comes back and becomes a replica, which nobody takes for the master meanwhile.
redis-server "$dir/ha/$port.conf" >again.log 2>&1 &
again=$!
for n in 1 2 3 4 5; do
    expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 10$n --currency CNY
done
export REDISCLI_AUTH=open-sesame
wait_for 60 eval "redis-cli -p $port role | grep -q slave"
expect 0 "9185 CNY" "$TILL" account alice

finish
