# One book, worked on by two builds at once: what tests/upgrade runs. From the environment: OLD_TILL OLD_WORKER NEW_TILL NEW_WORKER, FIRST (old
# or new: who creates the book), SEED, COUNT.
set -u
here=$(cd "$(dirname "$0")/../cli" && pwd)
of() { [ "$1" = old ] && echo "$OLD_TILL" || echo "$NEW_TILL"; } # of BUILD: its command
TILL=$(of "$FIRST") TILL_WORKER=$([ "$FIRST" = old ] && echo "$OLD_WORKER" || echo "$NEW_WORKER")
. "$here/private.sh"
export TILL_RETENTION_INTENTS=keep TILL_RETENTION_RESPONSES=keep TILL_WORKER_LEASE_TTL=1s

has() { "$OLD_TILL" "$1" --help >/dev/null 2>&1 || { echo "left out: the earlier build has no till $1"; return 1; }; }
has pause && has drain && has bulk

# A worker of a build, noted with it.
declare -A build_of
run_worker() { # run_worker old|new
    local program=$NEW_WORKER
    [ "$1" = new ] || program=$OLD_WORKER
    "$program" 2>>"worker-$1.log" &
    build_of[$!]=$1
    pids="$pids $!"
}
other() { [ "$1" = old ] && echo new || echo old; }

start_redis
start_worker
first_worker=$worker
"$OLD_TILL" bulk --help >/dev/null 2>&1 || "$NEW_TILL" bulk off >/dev/null
run_worker "$FIRST"
for n in 1 2; do run_worker "$(other "$FIRST")"; done
build_of[$first_worker]=$FIRST

answers() { # answers SOURCE: how many there are
    local p sum=0
    for p in 0 1 2 3; do sum=$((sum + $(cli xlen "{till:$p}:responses:$1"))); done
    echo $sum
}
traffic() { python3 "$here/random_traffic.py" "$SEED" "$COUNT" "$1" >"$1.jsonl"; } # traffic PREFIX
traffic a
json 1 '.[-1].summary | .unanswered == 0 and .not_sent == 0' "$TILL" send a.jsonl --source shop --wait --timeout 60000 --json # some are refused
senders=""
for prefix in b c d e; do
    traffic $prefix
    build=$([ $prefix = b ] || [ $prefix = d ] && echo old || echo new)
    source=$([ $prefix = b ] || [ $prefix = c ] && echo shop || echo app)
    "$(of $build)" send $prefix.jsonl --source $source --timeout 120000 >"send-$prefix.out" 2>&1 &
    senders="$senders $!"
done

# One after the other goes, every second one without a word, and one of the other build comes.
turn=0
for gone in "${!build_of[@]}"; do
    sleep 1
    kill $([ $((turn % 2)) = 0 ] && echo -KILL) "$gone"
    wait "$gone" 2>/dev/null
    run_worker "$(other "${build_of[$gone]}")"
    turn=$((turn + 1))
done
for sender in $senders; do wait "$sender" || fail "a sender ended with $?: $(tail -n 2 send-*.out)"; done
for late in old new; do # an earlier one that goes away just before the end, and a last intent of each
    json 0 '.[0].code == 0' "$(of $late)" topup --account u1 --amount 5 --currency CNY --key "late-$late" --source shop --json
done
TILL=$NEW_TILL wait_for 60 at_rest

for build in old new; do
    json 0 '.[0] | .sound and .lost == 0 and .dead == 0' "$(of $build)" audit --json
    for source in shop app; do
        "$(of $build)" watch --source $source --from 0 --limit "$(answers $source)" --json | jq -c '[.source, .key, .code, .account, .amount, .balance, .entry, .bill]' | sort >"answers-$build-$source"
    done
    "$(of $build)" digest --json >"digest-$build" 2>digest.err || fail "digest of the $build one: $(cat digest.err)"
done
for source in shop app; do cmp "answers-old-$source" "answers-new-$source" || fail "they read different answers of $source"; done
[ "$(jq -S . digest-old)" = "$(jq -S . digest-new)" ] || fail "their digests differ: $(diff <(jq -S . digest-old) <(jq -S . digest-new) | head -n 4)"
wc -l <answers-new-shop | sed 's/$/ answers to the shop, the same for both/'

# Each rebuilds from what the other archived.
for p in ${!build_of[@]} $(jobs -p); do [ "$p" = "$redis" ] || kill "$p" 2>/dev/null; done
for p in $(jobs -p); do [ "$p" = "$redis" ] || wait "$p" 2>/dev/null; done
for build in old new; do
    expect 0 "" "$(of $build)" archive "archive-$build"
    expect 0 "" "$(of $build)" digest --save "archive-$build"
done
for build in old new; do
    cli flushall >/dev/null
    TILL_WORKER=$([ $build = old ] && echo "$OLD_WORKER" || echo "$NEW_WORKER") \
        expect 0 "" "$(of $build)" replay --from-archive "archive-$(other $build)"
    json 0 '.[0] | .sound' "$(of $build)" audit --json
done
[ $bad = 0 ] && echo "sound, and the same for both"
finish
