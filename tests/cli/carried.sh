# What a repartition must carry over as it is, of a traffic from a seed. Sourced behind private.sh.

seed=${SEED:-$RANDOM}
echo "seed $seed (SEED=$seed repeats it)"
[ $((seed % 2)) = 0 ] || export TILL_PRODUCER_BULK_ANSWERS=yes

# Everything that does not depend on the number of partitions: hashes of accounts, orders and articles, bills, what is due, answers. (Where
# two entries put off come together that have one ID, the second gets another.)
facts() { # facts SOCKET PARTITIONS
    local p key
    for p in $(seq 0 $(($2 - 1))); do
        redis-cli -s "$1" --raw keys "{till:$p}:*" | grep -aE ':(account:u|order:|sku:|bills:)' | while read -r key; do
            redis-cli -s "$1" --json hgetall "$key" | jq -c --arg key "${key#*\}}" 'to_entries[] | [$key, .key, .value]'
        done
        redis-cli -s "$1" --json zrange "{till:$p}:due" 0 -1 withscores | jq -c '.[] | tostring'
        redis-cli -s "$1" --json xrange "{till:$p}:responses:shop" - + | jq -c '.[][1] | [range(0; length; 2) as $n | {(.[$n]): .[$n + 1]}] |
            add | if .answers then del(.answers) + {line: (.answers / "\n")[]} else . end'
    done | sed -E 's/(due\|[0-9]+)-[0-9]+/\1/; s/(\|[0-9]+)-[0-9]+(\|[^|]*\|scheduled)/\1\2/' | sort
}
keep() { redis-cli -s "$socket" save >/dev/null && cp dump.rdb "$1"; } # keep FILE; bring_back FILE: the whole Redis
bring_back() {
    kill -9 "$redis"
    wait "$redis" 2>/dev/null
    cp "$1" dump.rdb
    start_redis --dbfilename dump.rdb
}
