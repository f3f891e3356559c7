# Rows of tests/bench about how figures change with what surrounds them: large, rss, memory, durable, open_loop, scale. Sourced by it.

two='def two: . * 100 | round / 100;'

# keep_live FILE JQ_OBJECT: of the last verdict, as one more line.
keep_live() {
    jq -c "$two $2" "$dir/verdict.json" >>"$1"
}

# pay_kind ACCOUNTS BEFORE FILE: payments on a fresh Redis, so many accounts and bills being there.
pay_kind() {
    start_redis
    start_workers
    build/traffic/rows --url "unix:$dir/redis.sock" --kind pay --accounts "$1" --before "$2" --count "$row_count" --rounds "$rounds" \
        --window "$window" --redis "$redis" --workers "$(echo $worker_pids | tr ' ' ,)" >"$3" || status=1
    judge
    stop_all
}

# The row large: payments with many accounts and bills there, beside those of 1,000 accounts in an empty book.
bench_large() {
    pay_kind 1000 0 "$dir/small.json"
    pay_kind "$accounts" "$present" "$dir/large.json"
    jq -nc --slurpfile small "$dir/small.json" --slurpfile large "$dir/large.json" --arg audit $audit --argjson accounts "$accounts" \
        --argjson bills "$present" "$two"'
        {kind: "large", unit: "payment", accounts: $accounts, bills: $bills, payments: $small[0].each, each: $large[0].each,
         redis_to_payment: ($large[0].each.redis_us / $small[0].each.redis_us | two),
         per_s_to_payment: ($large[0].each.per_s / $small[0].each.per_s | two), audit: $audit}' >>"$dir/rows.json"
}

rss_mb() { awk '/^VmRSS:/ { n += $2 } END { printf "%.1f\n", n / 1024 }' $(for pid in $worker_pids; do echo "/proc/$pid/status"; done); }

# The row rss: memory of all workers together while they are saturated, at the quarters of the run.
bench_rss() {
    start_redis
    start_workers
    pay_live "$count" &
    local paying=$!
    while kill -0 $paying 2>/dev/null; do rss_mb 2>/dev/null; sleep 0.5; done >"$dir/rss"
    wait $paying
    judge
    jq -Rsc --arg audit $audit --argjson count "$count" --argjson workers "$workers" '
        split("\n") | map(select(. != "") | tonumber) as $mb | ($mb | length) as $n |
        {kind: "rss", payments: {count: $count}, workers: $workers,
         mb: {first_quarter: $mb[$n / 4 | floor], half: $mb[$n / 2 | floor], last_quarter: $mb[3 * $n / 4 | floor], peak: ($mb | max)},
         audit: $audit}' "$dir/rss" >>"$dir/rows.json"
    stop_all
}

# The row memory: bytes in Redis for each settled payment, by kinds of keys, as `till bench` weighs them.
bench_memory() {
    start_redis
    printf 'redis:\n  url: unix:%s\n' "$dir/redis.sock" >"$dir/till.yaml"
    build/producer/cli/till bench --count "$bills" --seconds 1 --json -c "$dir/till.yaml" >"$dir/memory.json" 2>"$dir/memory.log" ||
        wrong "$(cat "$dir/memory.log")"
    jq -c "$two"'{kind: "memory", payments: {count}, bytes: (.bytes_each | map_values(round)),
        settled_bytes: (.bytes_each | .bills + .ledger + .responses | round), audit: (if .found == 0 then "sound" else "unsound" end)}' \
        "$dir/memory.json" >>"$dir/rows.json"
    stop_all
}

is_followed() { redis_does info replication | grep -q '^slave0:.*state=online'; }

has_waitaof() { redis_does command info waitaof | grep -q waitaof; }

# run_durable NAME AOF REPLICAS [SETTING]...: one run on a fresh Redis, with a replica beside it or not, and workers with these settings in
# their environment. Nothing when the server cannot do it.
run_durable() {
    local name=$1 replicas=$3 before=$aof
    aof=$2 redis_port=$([ "$replicas" = 0 ] && echo 0 || free_port)
    shift 3
    start_redis
    aof=$before
    if [ "$name" != aof ] || has_waitaof; then
        [ "$replicas" = 0 ] || start_replica
        [ $# = 0 ] || export "$@"
        start_workers
        [ $# = 0 ] || unset "${@%%=*}"
        rm -f "$dir/verdict.json"
        pay_live $((2 * row_count)) 1000
        judge
        keep_live "$dir/durable.json" "{name: \"$name\", per_s: .payments_per_s, redis_us, worker_us, p50_ms: .latency.p50_ms,
            p99_ms: .latency.p99_ms}"
    fi
    stop_all
    redis_port=0
}

start_replica() {
    mkdir -p "$dir/replica"
    redis-server --port 0 --unixsocket "$dir/replica.sock" --dir "$dir/replica" --save "" --replicaof 127.0.0.1 "$redis_port" \
        --repl-diskless-sync-delay 0 >"$dir/replica.log" 2>&1 &
    pids="$! $pids"
    wait_until 30 "following" is_followed
}

# A port nobody listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The row durable: in turns without a log, with one, with a replica that nobody waits for, with the replica waited for, with the log waited
# for (where the server can say so). A run takes some 12 seconds, most of them not of payments: hence half the rounds.
bench_durable() {
    local round
    for ((round = 0; round < (rounds + 1) / 2; round++)); do
        run_durable off no 0
        run_durable everysec yes 0
        run_durable followed no 1
        run_durable replica no 1 TILL_DURABILITY_REPLICAS=1
        run_durable aof yes 0 TILL_DURABILITY_AOF=yes
    done
    jq -sc --arg audit $audit "$two"'
        def median(f): map(f) | sort | .[(length - 1) / 2 | floor];
        def to(a; b): if a and b then a.per_s / b.per_s | two else null end;
        group_by(.name) | map({key: .[0].name, value: {per_s: median(.per_s), redis_us: median(.redis_us), worker_us: median(.worker_us),
                                                       p50_ms: median(.p50_ms), p99_ms: median(.p99_ms)}}) | from_entries |
        . + {kind: "durable", everysec_to_off: to(.everysec; .off), replica_to_off: to(.replica; .off),
             replica_to_followed: to(.replica; .followed), aof_to_everysec: to(.aof; .everysec), audit: $audit}' \
        "$dir/durable.json" >>"$dir/rows.json"
}

# The row open_loop: enqueue to answer at rates that are kept, with the append-only file.
bench_open_loop() {
    local offered before=$aof
    for offered in $rates; do
        aof=yes
        start_redis
        aof=$before
        start_workers
        build/traffic/traffic --url "unix:$dir/redis.sock" --rush 1000 --steady $((offered * seconds)) --rate "$offered" --retries 0 --poor 0 \
            --malformed 0 --refunds 0 --orders 0 --quiet --redis "$redis" --workers "$(echo $worker_pids | tr ' ' ,)" \
            --json "$dir/verdict.json" || status=1
        judge
        stop_all
        keep_live "$dir/open.json" '.latency'
    done
    jq -sc --arg audit $audit '{kind: "open_loop", aof: "everysec", offered: ., audit: $audit}' "$dir/open.json" >>"$dir/rows.json"
}

scale_line='{redis_us, worker_us, producer_us, per_s: .payments_per_s}'

# start_nodes N: a Redis Cluster of so many masters. Sets redis (their process ids) and TILL_REDIS_URL.
start_nodes() {
    local port
    port=$((20000 + RANDOM % 5000 * 2))
    rm -rf "$dir/cluster" "$dir/cluster.url"
    MASTERS=$1 REPLICAS=0 config/cluster-local "$dir/cluster" $port >"$dir/cluster.url" 2>"$dir/cluster.log" &
    pids="$! $pids"
    wait_until 60 "starting $1 nodes" test -s "$dir/cluster.url"
    TILL_REDIS_URL=$(cat "$dir/cluster.url")
    export TILL_REDIS_URL
    redis=$(cat "$dir"/cluster/*.pid | paste -sd,)
}

# The row scale: Redis' CPU for a payment over partitions of one server, and over masters of a cluster (each with its log). The model: n
# masters with a core each do n / redis_us; here all share the cores with workers and producer, so cores / (redis + worker + producer) is what
# to expect, which is compared with what came.
bench_scale() {
    local n before=$partitions
    for n in 1 4 16 64; do
        partitions=$n
        start_redis
        start_workers
        pay_live $((2 * row_count))
        judge
        stop_all
        keep_live "$dir/partitions.json" "{partitions: $n} + $scale_line"
    done
    partitions=$before
    for n in 1 2 4; do
        start_nodes $n
        start_workers
        pay_live $((2 * row_count))
        judge
        stop_all
        unset TILL_REDIS_URL
        keep_live "$dir/nodes.json" "{nodes: $n} + $scale_line"
    done
    jq -nc --slurpfile partitions "$dir/partitions.json" --slurpfile nodes "$dir/nodes.json" --arg audit $audit \
        --argjson cores "$(nproc)" "$two"'
        {kind: "scale", partitions: ($partitions | map(. + {redis_to_16: (.redis_us / $partitions[2].redis_us | two)})),
         nodes: ($nodes | map(. + {redis_to_1: (.redis_us / $nodes[0].redis_us | two), model_per_s: (.nodes * 1e6 / .redis_us | round),
                                   here_per_s: ($cores * 1e6 / (.redis_us + .worker_us + .producer_us) | round)})),
         audit: $audit}' >>"$dir/rows.json"
}
