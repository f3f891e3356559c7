# A private redis-server, a book, a worker and the checks for the tests of the command line. Sourced; needs $TILL and $TILL_WORKER (the
# programs), redis-server, redis-cli and jq. Everything started here ends with the test.

: "${TILL:?is the program to be tested}" "${TILL_WORKER:?is the worker to test it with}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/cli-XXXXXX")
socket=$dir/s
pids=""
bad=0
trap 'kill -CONT $pids 2>/dev/null; kill $pids 2>/dev/null; wait; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
commands="open topup pay hold capture release transfer group refund rollback withdraw unschedule freeze thaw inquire close
    lock unlock limit credential policy price stock order cancel
    bench chaos send watch account bill orders articles ledger status audit dead accept-loss archive doctor acl config id reconcile settle
    digest replay pause resume drain repair repartition bulk completion gateway top"
unset TILL_CONFIG NO_COLOR
export TILL_REDIS_URL=unix:$socket TILL_BOOK_PARTITIONS=4 TILL_PRODUCER_TIMEOUT=20s

wait_for() { # wait_for SECONDS COMMAND...
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || { echo "FAILED: waited in vain for: $*"; cat "$dir"/*.log; exit 1; }
        sleep 0.05
    done
}

cli() { redis-cli -s "$socket" "$@"; }

start_redis() {
    redis-server --port 0 --unixsocket "$socket" --save "" --appendonly no --dir "$dir" "$@" >"$dir/redis.log" 2>&1 &
    redis=$!
    pids="$pids $redis"
    wait_for 10 cli ping
}

start_worker() { # waits until it serves every partition
    "$TILL_WORKER" 2>>"$dir/worker.log" &
    worker=$!
    pids="$pids $worker"
    wait_for 20 eval "\"\$TILL\" status --no-rate --json >\"$dir/owners.json\" && jq -e '[.partitions[] | select(.owner == null)] == []' \"$dir/owners.json\""
}

at_rest() { "$TILL" audit --json | jq -e '.undelivered + .pending + .unanswered + .in_flight + .settling + .paying == 0'; }

stop_worker() {
    kill "$worker"
    wait "$worker"
}

# expect CODE TEXT COMMAND...: the command must end with this exit code and say this text, on stdout or stderr.
expect() {
    local code=$1 text=$2 got
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    if [ $got != "$code" ] || ! cat "$dir/out" "$dir/err" | grep -qF -- "$text"; then
        echo "FAILED: $*"
        echo "  wanted exit code $code and: $text"
        echo "  exit code was $got, and it said:"
        sed 's/^/  | /' "$dir/out" "$dir/err" | head -n 30
        bad=$((bad + 1))
    fi
}

# json CODE FILTER COMMAND...: the command must end with this exit code and print JSON for which jq's filter holds (over all of its values).
json() {
    local code=$1 filter=$2 got
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    if [ $got != "$code" ] || ! jq -es "$filter" "$dir/out" >/dev/null 2>&1; then
        echo "FAILED: $*"
        echo "  wanted exit code $code and JSON with: $filter"
        echo "  exit code was $got, and it said:"
        sed 's/^/  | /' "$dir/out" "$dir/err" | head -n 30
        bad=$((bad + 1))
    fi
}

# fail WHAT: for checks that are neither.
fail() {
    echo "FAILED: $1"
    bad=$((bad + 1))
}

finish() {
    [ $bad = 0 ] || { echo "$bad FAILED"; exit 1; }
    exit 0
}
