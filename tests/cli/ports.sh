# Ports for a set-up of six servers, by config/cluster-local or sentinel-local. Sourced.

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
all_free() { for n in 0 1 2 3 4 5; do is_free $((port + n)) && is_free $((port + n + 10000)) || return 1; done; }

# find_ports FROM: $port is the first of six in a row that nobody listens on, nor on those 10000 above, which a cluster's nodes have among each
# other; those must stay below what the system gives to connections, 32768. Each test has a range of its own, 600 wide.
find_ports() {
    port=$(($1 + $$ % 60 * 10))
    until all_free; do port=$((port + 10)); done
}
