# Rows of tests/bench about whole books rather than single intents: archive, replay, reconcile, settle_bills. Sourced by it.

# CPU so far of these processes, in microseconds.
cpu_us() {
    local pid
    for pid in "$@"; do sed 's/.*) //' "/proc/$pid/stat"; done |
        awk -v tick="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { printf "%.0f", n * 1000000 / tick }'
}

# spent NAME EXIT COMMAND...: runs it; what that took goes to NAME.json, and Redis' CPU for it too. Its output goes to NAME.out.
spent() {
    local name=$1 exit=$2 code redis_us
    shift 2
    redis_us=$(cpu_us "$redis")
    build/traffic/spend "$dir/spent.json" "$@" >"$dir/$name.out" 2>"$dir/$name.err"
    code=$?
    jq -c --argjson us $(($(cpu_us "$redis") - redis_us)) '. + {redis_us: $us}' "$dir/spent.json" >"$dir/$name.json"
    [ $code = "$exit" ] || wrong "$name ended with $code: $(tail -n 3 "$dir/$name.err")"
}

wrong() {
    echo "bench: $1" >&2
    status=1
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
    local tries=$(($1 * 10)) what=$2
    shift 2
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || die "$what takes longer than it may" 1
        sleep 0.1
    done
}

all_archived() {
    build/producer/cli/till status --no-rate --json -c "$dir/till.yaml" |
        jq -e '[.streams[] | select(.unarchived != null)] | length == 2 and all(.unarchived == 0)' >/dev/null
}

all_applied() {
    build/producer/cli/till status --no-rate --json -c "$dir/till.yaml" |
        jq -e '[.partitions[] | select(.undelivered != 0 or .pending != 0)] == []' >/dev/null
}

# pay_live COUNT: payments at full speed and nothing else. The verdict goes to verdict.json, the audit to $audit.
pay_live() {
    build/traffic/traffic --url "${TILL_REDIS_URL:-unix:$dir/redis.sock}" --rush "$1" --steady "${2:-0}" --rate 1000 --window "$window" --retries 0 --poor 0 \
        --malformed 0 --refunds 0 --orders 0 --quiet --redis "$redis" --workers "$(echo $worker_pids | tr ' ' ,)" \
        --json "$dir/verdict.json" || status=1
}

# One run of payments at full speed; with a directory until all of it is archived there. Appends a line to the file.
run_archive() { # run_archive DIR FILE
    local redis_us worker_us units=$((2 * row_count))
    start_redis
    TILL_ARCHIVE_DIR=$1 start_workers
    redis_us=$(cpu_us "$redis") worker_us=$(cpu_us $worker_pids)
    pay_live "$units" 1000
    [ -z "$1" ] || wait_until 60 "archiving" all_archived
    redis_us=$(($(cpu_us "$redis") - redis_us)) worker_us=$(($(cpu_us $worker_pids) - worker_us))
    jq -c --argjson redis "$redis_us" --argjson worker "$worker_us" --argjson units "$units" \
        '{per_s: .payments_per_s, redis_us: ($redis / ($units + 1000)), worker_us: ($worker / ($units + 1000))}' "$dir/verdict.json" >>"$2"
    judge
    stop_all
    [ -z "$1" ] || build/producer/cli/till archive verify "$1" >"$dir/verify.log" 2>&1 || wrong "$(cat "$dir/verify.log")"
}

# The row archive: in turns with and without, each on a fresh Redis; the median of each.
bench_archive() {
    local round bytes=0
    for ((round = 0; round < rounds; round++)); do
        run_archive "" "$dir/plain.json"
        rm -rf "$dir/books"
        run_archive "$dir/books" "$dir/archived.json"
    done
    bytes=$(du -sb "$dir/books" | cut -f1)
    jq -nc --slurpfile plain "$dir/plain.json" --slurpfile with "$dir/archived.json" --arg audit $audit --argjson bytes "$bytes" \
        --argjson count $((2 * row_count)) '
        def median(f): map(f) | sort | .[length / 2 | floor];
        def two: . * 100 | round / 100;
        def all: {per_s: median(.per_s), redis_us: (median(.redis_us) | two), worker_us: (median(.worker_us) | two)};
        ($plain | all) as $p | ($with | all) as $w |
        {kind: "archive", payments: ({count: $count} + $p), each: ({count: $count} + $w), bytes: ($bytes / ($count + 1000) | round),
         redis_to_payment: ($w.redis_us / $p.redis_us | two), per_s_to_payment: ($w.per_s / $p.per_s | two),
         audit: $audit}' >>"$dir/rows.json"
    rm -rf "$dir/books"
}

# One book live, then the same one from its archive, each on a fresh Redis; appends a line to replays.json.
run_replay() {
    start_redis
    start_workers
    pay_live "$bills"
    judge
    stop_workers
    rm -rf "$dir/books"
    build/producer/cli/till archive "$dir/books" -c "$dir/till.yaml" >"$dir/archive.log" 2>&1 || wrong "$(cat "$dir/archive.log")"
    build/producer/cli/till digest --save "$dir/books" -c "$dir/till.yaml" >"$dir/archive.log" 2>&1 || wrong "$(cat "$dir/archive.log")"
    stop_all
    start_redis
    spent replay 0 build/producer/cli/till replay --from-archive "$dir/books" --json -c "$dir/till.yaml"
    judge
    stop_all
    jq -c --slurpfile live "$dir/verdict.json" --slurpfile spent "$dir/replay.json" \
        '{live: $live[0], replay: ., spent: $spent[0]}' "$dir/replay.out" >>"$dir/replays.json"
    jq -e --argjson p "$partitions" '.digests_compared == $p and .found == 0' "$dir/replay.out" >/dev/null ||
        wrong "the replay came out otherwise: $(cat "$dir/replay.err")"
}

# The row replay: in turns; sums of all turns. A live payment is sent, applied, and its answer read and checked; a replayed intent is read
# from the archive, put into its stream and applied: per_s and redis_us of both are of that. What proves it comes behind: proving_s, and the
# whole command is in `all`.
bench_replay() {
    local round
    for ((round = 0; round < (rounds + 1) / 2; round++)); do run_replay; done
    jq -sc --arg audit $audit '
        def two: . * 100 | round / 100;
        def sum(f): map(f) | add;
        sum(.live.count) as $paid | $paid as $intents | # not .replay.intents: entries, of which one may have many
        {kind: "replay", payments: {count: $paid, per_s: ($paid / sum(.live.seconds) | round),
                                    redis_us: (sum(.live.redis_us * .live.count) / $paid | two),
                                    worker_us: (sum(.live.worker_us * .live.count) / $paid | two)},
         each: {count: $intents, per_s: ($intents / sum(.replay.ms) * 1000 | round)},
         all: {seconds: (sum(.spent.seconds) | two), proving_s: (sum(.replay.proving_ms) / 1000 | two),
               redis_us: (sum(.spent.redis_us) / $intents | two), till_us: (sum(.spent.cpu_us) / $intents | two),
               peak_mb: (map(.spent.peak_mb) | max)},
         audit: $audit} | . + {per_s_to_payment: (.each.per_s / .payments.per_s | two)}' "$dir/replays.json" >>"$dir/rows.json"
    rm -rf "$dir/books"
}

# A book of last month with this many payments, or a few less: as many of each partition's user to each of ten merchants. Sets bills and
# made; users.txt has the users.
make_past_book() {
    local merchants=10
    per_pair=$((bills / partitions / merchants))
    [ $per_pair -gt 0 ] || per_pair=1
    made=$((per_pair * partitions * merchants))
    start_redis
    redis_does --eval tests/traffic/past.lua , till "$partitions" $merchants $per_pair >"$dir/users.txt"
    [ "$(wc -l <"$dir/users.txt")" = "$partitions" ] || die "no book of last month: $(head -c 200 "$dir/users.txt")" 1
    start_workers
    wait_until $((120 + made / 2000)) "applying $made payments" all_applied
}

# The list that an upstream would have of that day, but for three lines: one that has no bill, one with another amount, one left out.
list_past_day() {
    awk -v merchants=10 -v payments=$per_pair -v partitions="$partitions" '
        { user[NR] = $1 }
        END {
            print "key,account,amount,code"
            print "never," user[1] ",1000,ok"
            for (n = 1; n <= payments; n++)
                for (m = 0; m < merchants; m++)
                    for (p = 1; p <= partitions; p++) {
                        if (n == 1 && m == 1 && p == 1) continue
                        print user[p] "-" m "-" n "," user[p] "," (n == 1 && m == 2 && p == 1 ? 999 : 1000) ",0"
                    }
        }' "$dir/users.txt" >"$dir/list.csv"
}

# row_of KIND NAME: what `spent` measured, for each bill.
row_of() {
    jq -c --arg kind "$1" --arg audit $audit --argjson n "$made" '
        def two: . * 100 | round / 100;
        {kind: $kind, unit: "bill", each: {count: $n, per_s: ($n / .seconds | round), redis_us: (.redis_us / $n | two),
                                           till_us: (.cpu_us / $n | two)},
         seconds, peak_mb, audit: $audit}' "$dir/$2.json" >>"$dir/rows.json"
}

# The row reconcile: `till reconcile` over all bills of a day.
bench_reconcile() {
    list_past_day
    spent reconcile 1 build/producer/cli/till reconcile "$dir/list.csv" --source past --day "$(date -ud "$(date -u +%Y-%m-01) -15 days" +%F)" \
        --json -c "$dir/till.yaml"
    # The top-ups are bills too, and on nobody's list.
    jq -se --argjson n "$made" --argjson p "$partitions" '.[-1].summary | .listed == $n and .bills == $n + $p and .agree == $n - 2
        and .missing_here == 1 and .differs == 1 and .missing_there == $p + 1' "$dir/reconcile.out" >/dev/null ||
        wrong "reconcile found: $(tail -n 1 "$dir/reconcile.out")"
    rm -f "$dir/list.csv"
    judge
    row_of reconcile reconcile
}

# The row settle_bills: `till settle --bills` of the month, settled before, so that it is the postings that are measured.
bench_settle_bills() {
    local month
    month=$(date -ud "$(date -u +%Y-%m-01) -1 month" +%Y-%m)
    spent settle 0 build/producer/cli/till settle --month "$month" --json -c "$dir/till.yaml"
    spent settle_bills 0 build/producer/cli/till settle --month "$month" --bills --csv -c "$dir/till.yaml"
    [ "$(wc -l <"$dir/settle_bills.out")" = $((made + 1)) ] || wrong "settle --bills wrote $(wc -l <"$dir/settle_bills.out") lines"
    jq -se --argjson n "$made" '[.[] | .gross // 0] | add == $n * 1000' "$dir/settle.out" >/dev/null || wrong "the statements do not sum up"
    rm -f "$dir/settle_bills.out"
    judge
    row_of settle_bills settle_bills
}

# Both on one book of last month.
bench_past_book() {
    make_past_book
    case " $kinds " in *" reconcile "*) bench_reconcile ;; esac
    case " $kinds " in *" settle_bills "*) bench_settle_bills ;; esac
    stop_all
}
