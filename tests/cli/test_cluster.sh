#!/bin/bash
# tests/cli/test_cluster.sh: every command against a Redis Cluster with a password, whose partitions lie on three masters; and what is said
# when something is wrong with the url. The set-up is config/cluster-local.
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/tests/cli/private.sh"
. "$source/tests/cli/ports.sh"
umask 077
find_ports 20000
PASSWORD='open-sesame' REPLICAS=0 "$source/config/cluster-local" "$dir/rc" $port >scene.log 2>&1 &
pids=$!
wait_for 60 grep -q cluster:// scene.log
echo open-sesame >redis.password
export TILL_REDIS_URL=cluster://127.0.0.1:$port,127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2)) TILL_REDIS_PASSWORD_FILE=$dir/redis.password
export TILL_BOOK_PARTITIONS=8 TILL_PRODUCER_TIMEOUT=20s TILL_WORKER_LEASE_TTL=1s TILL_RETENTION_INTENTS=keep TILL_RETENTION_RESPONSES=keep
[ "$(cat scene.log)" = "$TILL_REDIS_URL" ] || fail "the url that the set-up prints: $(cat scene.log)"
export REDISCLI_AUTH=open-sesame
start_worker() {
    "$TILL_WORKER" 2>>worker.log &
    worker=$!
    pids="$pids $worker"
    wait_for 30 served
}
stop_worker() {
    kill $worker
    wait $worker
}
served() { "$TILL" status --no-rate --json | jq -e '[.partitions[].owner | select(. != "" and . != null)] | length == 8'; }
start_worker

# Money and accounts, in partitions of all masters.
for n in 0 1 2 3 4 5 6 7 8 9; do
    echo "{\"op\":\"open\",\"account\":\"u$n\",\"kind\":\"user\",\"currency\":\"CNY\"}"
    echo "{\"op\":\"topup\",\"account\":\"u$n\",\"amount\":10000,\"currency\":\"CNY\",\"key\":\"top$n\"}"
done >accounts.jsonl
expect 0 "" "$TILL" send accounts.jsonl --source shop --wait
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
for n in 0 1 2 3 4 5 6 7 8; do
    expect 0 "ok (0)" "$TILL" transfer --account u$n --to u$((n + 1)) --amount 10 --currency CNY
    expect 0 "ok (0)" "$TILL" pay --account u$n --to coffee --amount 100 --currency CNY --source shop --key pay$n
done
expect 0 "ok (0)" "$TILL" hold --account u0 --to coffee --amount 50 --currency CNY --key h --source shop
expect 0 "ok (0)" "$TILL" capture --account u0 --of h --source shop
expect 0 "ok (0)" "$TILL" refund --account u1 --of pay1 --amount 10 --source shop
expect 0 "ok (0)" "$TILL" price coffee beans 200
expect 0 "ok (0)" "$TILL" stock coffee beans +5
expect 0 "ok (0)" "$TILL" order coffee o1 --line beans=2
expect 0 "ok (0)" "$TILL" pay --account u2 --to coffee --amount 400 --currency CNY --order o1
expect 0 "ok (0)" "$TILL" policy bills_keep=100d

# What a source sent is counted beside the partition's other keys (the commands have told it when they ended).
counted() { for p in 0 1 2 3 4 5 6 7; do redis-cli -p $port -c hget "{till:$p}:sent:shop" sent; done | awk '{ n += $1 } END { print n }'; }
wait_for 10 eval '[ "$(counted)" = 32 ]'

# Looking.
expect 0 "9840 CNY" "$TILL" account u0
expect 0 "pay" "$TILL" bill u1 shop pay1
expect 0 "refund" "$TILL" ledger --account u1
expect 0 "8 of 8 served" "$TILL" status --no-rate
expect 0 "o1" "$TILL" orders coffee
expect 0 "beans" "$TILL" articles coffee
expect 0 "pay8" "$TILL" watch --source shop --from 0 --limit 32
expect 0 "sound" "$TILL" audit
expect 0 "" "$TILL" dead list
expect 0 "cluster://127.0.0.1:$port" "$TILL" config
expect 0 "" "$TILL" settle --month "$(date -u -d "$(date -u +%Y-%m-15) -1 month" +%Y-%m)" --dry-run
"$TILL" doctor >doctor.log 2>&1 || fail "doctor: $(cat doctor.log)"
grep -q "cluster  *3 masters; partitions: 127.0.0.1:$port" doctor.log || fail "doctor says nothing of the cluster: $(cat doctor.log)"
[ "$(grep -c 'maxmemory-policy is noeviction' doctor.log)" = 3 ] || fail "doctor does not look at every master: $(cat doctor.log)"
redis-cli -p $((port + 2)) config set maxmemory-policy allkeys-lru >/dev/null
expect 1 "127.0.0.1:$((port + 2)): maxmemory-policy is allkeys-lru" "$TILL" doctor
redis-cli -p $((port + 2)) config set maxmemory-policy noeviction >/dev/null

# Operating: a pause, and the whole book from its archive again.
expect 0 "" "$TILL" pause --partition 3
expect 0 "" "$TILL" resume --partition 3
expect 0 "" "$TILL" drain
expect 0 "" "$TILL" archive a
expect 0 "sound: 8 of 8 partitions" "$TILL" archive verify a
expect 0 "" "$TILL" digest --save a
stop_worker
for n in 0 1 2; do redis-cli -p $((port + n)) flushall >/dev/null; done
expect 0 "" "$TILL" replay --from-archive a
start_worker
expect 0 "9840 CNY" "$TILL" account u0
expect 0 "sound" "$TILL" audit
expect 0 "" "$TILL" replay --since 1h --source shop
stop_worker

# Another number of partitions: beside it, under another name; not in place, and nothing is touched then.
expect 100 "in a Redis Cluster a book cannot be replaced in place: name another" "$TILL" repartition --to 5
expect 0 "9840 CNY" "$TILL" account u0
expect 0 "book spare has 5 partitions now, it had 8" "$TILL" repartition --to 5 --book spare
export TILL_BOOK_NAME=spare TILL_BOOK_PARTITIONS=5
expect 0 "sound" "$TILL" audit
expect 0 "9840 CNY" "$TILL" account u0
export TILL_BOOK_NAME=till TILL_BOOK_PARTITIONS=8
expect 100 "is closed" "$TILL" account u0
expect 0 "is as it was, with 8 partitions" "$TILL" repartition --undo
expect 0 "sound" "$TILL" audit
grep -q sesame ./*.log && fail "a password is shown"

# A master away: what can be reached is shown, and what cannot; first one that has not the book's own keys, then the one that has.
start_worker
home=$(redis-cli -p $port -c cluster slots | tr '\n' ' ') # "FIRST LAST ADDRESS PORT ID ..." for each
slot=$(redis-cli -p $port cluster keyslot '{till}')
home=$(awk -v s="$slot" '{ for (n = 1; n <= NF; n++) if ($(n + 2) == "127.0.0.1" && s >= $n && s <= $(n + 1)) print $(n + 3) }' <<<"$home")
other=$([ "$home" = $port ] && echo $((port + 1)) || echo $port)
has() { for p in 0 1 2 3 4 5 6 7; do redis-cli -p "$1" exists "{till:$p}:meta" 2>&1 | grep -q '^[01]' && echo "$p"; done | wc -l; }
for node in "$other" "$home"; do
    away=$(has "$node")
    [ "$away" -gt 0 ] || fail "node $node has no partition"
    kill -9 "$(cat "rc/$node.pid")"
    wait_for 10 is_free "$node"
    "$TILL" status --no-rate >away.log 2>&1
    code=$?
    [ $code = 111 ] && grep -q "$away out of reach" away.log && [ "$(grep -c "away: 127.0.0.1:$node: " away.log)" = "$away" ] ||
        fail "status with $node away: $code, $(cat away.log)"
    [ "$(grep -cE "(served|free) *$" away.log)" = $((8 - away)) ] || fail "with $node away the others are not shown: $(cat away.log)"
    expect 1 "$node: not reachable" "$TILL" doctor
    expect 111 "127.0.0.1:$node" "$TILL" audit
    expect 111 "127.0.0.1:$node" "$TILL" drain --timeout 2s
    [ "$node" = "$home" ] && { grep -q "workers: not known" away.log || fail "workers: $(cat away.log)"; }
    [ "$node" = "$home" ] || grep -q alive away.log || fail "workers: $(cat away.log)"
    setpriv --pdeathsig KILL redis-server "rc/$node.conf" >/dev/null 2>&1 &
    pids="$pids $!"
    echo $! >"rc/$node.pid"
    wait_for 30 eval "\"\$TILL\" status --no-rate"
done
wait_for 30 served
stop_worker

# What is wrong is said.
TILL_REDIS_PASSWORD_FILE='' expect 100 "NOAUTH" "$TILL" status --no-rate
expect 100 "one database" env TILL_REDIS_URL=cluster://127.0.0.1:$port/3 "$TILL" status --no-rate
expect 111 "127.0.0.1:1: Connection refused" env TILL_REDIS_URL=cluster://127.0.0.1:1 "$TILL" status --no-rate
expect 111 "write cluster://" env TILL_REDIS_URL=redis://127.0.0.1:$port "$TILL" audit
expect 0 "9840 CNY" env TILL_REDIS_URL=cluster://127.0.0.1:1,127.0.0.1:2,127.0.0.1:$((port + 1)) "$TILL" account u0

finish
