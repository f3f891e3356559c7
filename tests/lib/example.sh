#!/bin/bash
# example.sh PREFIX: the README's example program, built as a user would against the library installed there, shared and static; it pays
# for real. Called by tests/run.
set -eu
prefix=$1
dir=$(mktemp -d /tmp/te-XXXXXX)
pids=""
trap 'kill $pids 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name till.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name 'libtill.so')")
export LD_LIBRARY_PATH

# Only what is meant to be there: one header, the library, the programs.
(cd "$prefix" && find . -type f -o -type l | sort)
headers=$(find "$prefix" -name '*.h' | wc -l)
[ "$headers" = 1 ] || { echo "FAILED: $headers headers are installed"; exit 1; }
if nm -D --defined-only "$LD_LIBRARY_PATH/libtill.so" | awk '{ print $3 }' | grep -v '^till_'; then
    echo "FAILED: the library exports names that are not its own"
    exit 1
fi

cc -Wall -Wextra -Werror -o "$dir/shared" producer/example.c $(pkg-config --cflags --libs till)
cc -Wall -Wextra -Werror -o "$dir/static" producer/example.c $(pkg-config --cflags till) "$LD_LIBRARY_PATH/libtill.a" \
    $(pkg-config --static --libs till | tr ' ' '\n' | grep -vx -e -ltill)

cat >"$dir/till.yaml" <<END
redis:
  url: embedded:$dir/redis
END
"$prefix/bin/till-worker" -c "$dir/till.yaml" 2>"$dir/worker.log" &
pids=$!
till() { "$prefix/bin/till" "$@" -c "$dir/till.yaml"; }
tries=100
until [ -S "$dir/redis/redis.sock" ]; do
    [ $((tries -= 1)) -gt 0 ] || { cat "$dir/worker.log"; exit 1; }
    sleep 0.1
done
till open --source example --account coffee --kind merchant --currency CNY
till open --source example --account alice --kind user --currency CNY
till topup --source example --account alice --amount 5000 --currency CNY
"$dir/shared" "embedded:$dir/redis" k1 | tee "$dir/first"
"$dir/static" "embedded:$dir/redis" k1 | tee "$dir/second"
grep -q '^paid 1999 .*alice has 3001 left' "$dir/first"
cmp "$dir/first" "$dir/second" # the same key: the same answer, and no second payment
till audit
