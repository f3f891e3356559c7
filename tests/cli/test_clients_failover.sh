#!/bin/bash
# The Python and the Node client on a Redis Cluster and with sentinels: they pay, a master is killed, and they pay on.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
. "$root/tests/cli/clients.sh"
. "$root/tests/cli/ports.sh"
[ -n "$python$node" ] || { echo "$missing"; exit 77; }

start_scene() { # start_scene SET-UP: $dir/SET-UP is its directory, TILL_REDIS_URL its url
    find_ports 20600
    DOWN_MS=1000 NODE_TIMEOUT_MS=1000 "$root/config/$1" "$dir/$1" $port >"$dir/scene" 2>"$dir/scene.log" &
    scene=$!
    pids="$pids $scene"
    wait_for 60 grep -q :// "$dir/scene"
    TILL_REDIS_URL=$(cat "$dir/scene")
    TILL_WORKER_LEASE_TTL=1s start_worker
}
stop_scene() {
    stop_worker
    kill $scene
    wait $scene
}
# A master dies the hard way when a replica has all that was written before; KEY is one that it has.
pay_on() { # pay_on DIR PORT KEY PROGRAM...
    local kill="printf 'set $3 x\nwait 1 9000\n' | redis-cli -p $2 | tail -n 1 | grep -q '[1-9]' && kill -KILL \$(cat $1/$2.pid)"
    shift 3
    expect 0 "good" timeout 100 "$@" "$TILL_REDIS_URL" "$kill"
}
in_python() { [ -z "$python" ] || pay_on "$@" "$python" "$clients/python/tests/failover.py"; }
in_node() { [ -z "$node" ] || pay_on "$@" node "$node/test/failover.js"; }

start_scene cluster-local
in_python "$dir/cluster-local" $port b
in_node "$dir/cluster-local" $((port + 1)) c
stop_scene
for client in in_python in_node; do
    rm -rf "$dir/sentinel-local"
    start_scene sentinel-local
    $client "$dir/sentinel-local" $port b
    stop_scene
done
[ -n "$python" ] && [ -n "$node" ] || [ $bad != 0 ] || { echo "of one client only: $missing"; exit 77; }
finish
