#!/bin/bash
# That the judge of the traffic notices what must not happen: a second answer, money that moved by itself. And that it is content otherwise.
set -u
dir=$(mktemp -d /tmp/tj-XXXXXX) bad=0 pids="" worker=""
trap 'kill $pids $worker 2>/dev/null; wait; rm -rf "$dir"' EXIT
build=$(dirname "$(dirname "$TILL_WORKER")")
cmake -S tests/traffic -B "$dir/build" -G Ninja -DTILL_BUILD="$build" -DCMAKE_C_FLAGS="-fsanitize=address,undefined" >"$dir/log" &&
    ninja -C "$dir/build" traffic >>"$dir/log" || { cat "$dir/log"; exit 1; }

redis_does() { redis-cli -s "$dir/redis.sock" "$@"; }
redis-server --port 0 --unixsocket redis.sock --dir "$dir" --save "" --appendonly no >"$dir/redis.log" 2>&1 &
pids=$!
until [ "$(redis_does ping 2>/dev/null)" = PONG ]; do kill -0 $pids || exit 1; done
printf 'book:\n  partitions: 4\nredis:\n  url: unix:%s\n' "$dir/redis.sock" >"$dir/till.yaml"

answers='{till:1}:responses:shop'
second_answer() {
    redis_does --raw xrange "$answers" - + COUNT 1 | tail -n +2 | xargs -d '\n' redis-cli -s "$dir/redis.sock" xadd "$answers" '*'
}
payer_is_richer() { redis_does hincrby "$(redis_does --raw keys '{till:2}:account:user*' | head -n 1)" balance 1; }
merchant_is_richer() { redis_does hincrby '{till:3}:account:merchant01' balance 1; }
nothing() { :; }

# expect STATUS TEXT INTERFERENCE: a new book each time, interfered with in the middle.
expect() {
    local status
    redis_does flushall >/dev/null
    "$TILL_WORKER" -c "$dir/till.yaml" 2>"$dir/worker.log" &
    worker=$!
    "$dir/build/traffic" --url "unix:$dir/redis.sock" --accounts 50 --merchants 3 --rush 500 --steady 1500 --rate 1000 >"$dir/out" 2>&1 &
    sleep 1.5
    "$3" >/dev/null
    wait $!
    status=$?
    kill $worker
    wait $worker
    worker=""
    if [ $status != "$1" ] || ! grep -q "$2" "$dir/out"; then
        echo "$3: exit $status, wanted $1 and '$2':"
        cat "$dir/out"
        bad=1
    fi
}
expect 0 "2,103 of 2,103 intents answered, each exactly once; none wrong" nothing
expect 1 "1 answers too many" second_answer
expect 1 "wrong answers" payer_is_richer
expect 1 "account merchant01 has" merchant_is_richer
exit $bad
