#!/bin/bash
# That the judges of the traffic and of the bench's rows notice what must not happen: a second answer, money that moved by itself, an answer
# other than the one that had to come. And that they are content otherwise.
set -u
dir=$(mktemp -d /tmp/tj-XXXXXX) bad=0 pids="" worker=""
trap 'kill $pids $worker 2>/dev/null; wait; rm -rf "$dir"' EXIT
build=$(dirname "$(dirname "$TILL_WORKER")")
cmake -S tests/traffic -B "$dir/build" -G Ninja -DTILL_BUILD="$build" -DCMAKE_C_FLAGS="-fsanitize=address,undefined" >"$dir/log" &&
    ninja -C "$dir/build" traffic rows >>"$dir/log" || { cat "$dir/log"; exit 1; }

redis_does() { redis-cli -s "$dir/redis.sock" "$@"; }
redis-server --port 0 --unixsocket redis.sock --dir "$dir" --save "" --appendonly no >"$dir/redis.log" 2>&1 &
pids=$!
until [ "$(redis_does ping 2>/dev/null)" = PONG ]; do kill -0 $pids || exit 1; done
printf 'book:\n  partitions: 4\nredis:\n  url: unix:%s\n' "$dir/redis.sock" >"$dir/till.yaml"

# The first key of a pattern, once there is one.
first_key() {
    local key=""
    until [ -n "$key" ]; do key=$(redis_does --raw keys "$1" | sort | head -n 1); done
    echo "$key"
}
second_answer() {
    local answers
    answers=$(first_key '{till:1}:responses:*')
    redis_does --raw xrange "$answers" - + COUNT 1 | tail -n +2 | xargs -d '\n' redis-cli -s "$dir/redis.sock" xadd "$answers" '*'
}
payer_is_richer() { redis_does hincrby "$(first_key '{till:2}:account:*user*')" balance 1; }
merchant_is_richer() { redis_does hincrby "$(first_key '{till:3}:account:*merchant01')" balance 1; }
more_in_stock() { redis_does hincrby "$(first_key '{till:*}:sku:merchant02/article')" stock 1; }
nothing() { :; }

traffic="traffic --accounts 50 --merchants 3 --rush 500 --steady 1500 --rate 1000 --orders 10"
row() { echo "rows --accounts 100 --count $2 --rounds 4 --waiting 300 --kind $1"; }

# expect STATUS TEXT INTERFERENCE PROGRAM: a new book each time, interfered with in the middle, of a row at its beginning.
expect() {
    local status
    redis_does flushall >/dev/null
    [ "${4##* }" != settle ] || redis_does --eval tests/traffic/past.lua , till 4 20 >/dev/null
    "$TILL_WORKER" -c "$dir/till.yaml" 2>"$dir/worker.log" &
    worker=$!
    "$dir/build/"$4 --url "unix:$dir/redis.sock" >"$dir/out" 2>&1 &
    [ "${4%% *}" = rows ] || sleep 1.5
    "$3" >/dev/null
    wait $!
    status=$?
    kill $worker
    wait $worker
    worker=""
    if [ $status != "$1" ] || ! grep -q "$2" "$dir/out"; then
        echo "$4, $3: exit $status, wanted $1 and '$2':"
        cat "$dir/out"
        bad=1
    fi
}
expect 0 "2,149 of 2,149 intents answered, each exactly once; none wrong" nothing "$traffic"
expect 1 "1 answers too many" second_answer "$traffic"
expect 1 "wrong answers" payer_is_richer "$traffic"
expect 1 "account merchant01 has" merchant_is_richer "$traffic"
for kind in pay hold transfer group signed refund waiting lapsing order order_pay order_pay_away settle; do
    expect 0 '"count":[1-9]' nothing "$(row $kind 800)"
done
expect 1 "pieces in stock" more_in_stock "$traffic"
expect 1 "was answered twice" second_answer "$(row pay 8000)"
expect 1 "expected was ok" payer_is_richer "$(row pay 8000)"
expect 1 "account pay-merchant01 has" merchant_is_richer "$(row pay 8000)"
exit $bad
