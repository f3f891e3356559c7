#!/bin/bash
# The gateway on a Redis Cluster of which one master is away, and its replica too: 503 for the accounts that lie there, the others go on, as
# fast as ever. Each answer has reached a replica, since the workers are told to wait for one.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
. "$root/tests/cli/gateway.sh"
. "$root/tests/cli/ports.sh"

export TILL_DURABILITY_REPLICAS=1 TILL_BOOK_PARTITIONS=8 TILL_PRODUCER_TIMEOUT=3s TILL_WORKER_LEASE_TTL=2s
find_ports 21200
NODE_TIMEOUT_MS=1000 "$root/config/cluster-local" "$dir/rc" $port >scene 2>scene.log &
pids="$pids $!"
wait_for 60 grep -q :// scene
TILL_REDIS_URL=$(cat scene)
start_worker
start_gateway

users="u0 u1 u2 u3 u4 u5 u6 u7 u8 u9"
send() { # send KEY WAIT JSON
    post "$1" "{\"source\":\"shop\",\"currency\":\"CNY\",$3}" -H "Prefer: wait=$2"
}
topup() { send "$1-$2" "$3" "\"op\":\"topup\",\"account\":\"$2\",\"amount\":5"; } # topup KEY USER WAIT
for user in $users; do
    send "open-$user" 20 "\"op\":\"open\",\"account\":\"$user\",\"kind\":\"user\""
    want 200 '.durable == "replica(1)"' "open $user"
done

# A master and its replica; what is sent to it is retried until its time is over, and keeps nobody else waiting.
gone="" there=""
for user in $users; do
    slot=$(redis-cli -p $port cluster keyslot "{till:$("$TILL" account $user --json | jq .partition)}")
    if [ "$slot" -lt 5461 ]; then gone="$gone $user"; else there="$there $user"; fi
done
[ -n "$gone" ] && [ -n "$there" ] || fail "all accounts lie on one side: $gone, $there"
kill -KILL "$(cat rc/$port.pid)" "$(cat rc/$((port + 3)).pid)"
wait_for 20 eval "redis-cli -p $((port + 1)) cluster nodes | grep ':$port@' | grep -q 'fail '"
topup first "${gone##* }" 3 # a first one, by which the gateway learns
away=""
for user in $gone; do
    mkdir "$dir/$user"
    (
        bad=0 dir=$dir/$user
        topup away "$user" 8
        want 503 '.code < 0' "$user, whose master is away"
        exit $bad
    ) &
    away="$away $!"
done
for user in $there $there $there; do
    began=$(date +%s%N)
    topup here "$user" 20
    want 200 .code==0 "$user, whose master is there"
    took_ms=$((($(date +%s%N) - began) / 1000000))
    [ $took_ms -lt 4000 ] || fail "$user, whose master is there, waited for $took_ms ms"
done
for pid in $away; do wait "$pid" || bad=$((bad + 1)); done

# A checkout that nobody has heard of before is answered too, once it is found out that not every stream can be read.
for user in $there; do
    post "late-$user" "{\"op\":\"inquire\",\"source\":\"late\",\"account\":\"$user\"}" -H 'Prefer: wait=20'
    want 200 .code==0 "$user, of a new source"
done

for n in $port $((port + 3)); do redis-server "$dir/rc/$n.conf" >/dev/null 2>&1 & pids="$pids $!"; done
for user in $users; do
    topup away "$user" 20
    want 200 '.code == 0 and .durable == "replica(1)"' "$user, when all are back"
done
stop_gateway || fail "it ended with $?"
expect 0 "sound" "$TILL" audit
finish
