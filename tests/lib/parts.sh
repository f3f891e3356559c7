# The parts of tests/run. Each is a function part_NAME that fails when something is wrong. Sourced; the current directory is the root.

# configure DIR OPTION...: once; CMake itself sees later what has changed.
configure() {
    local dir=$1
    shift
    [ -f "$dir/build.ninja" ] || cmake -S . -B "$dir" -G Ninja "$@" || return 1
}

sanitized="-DCMAKE_BUILD_TYPE=Debug -DTILL_TESTS=ON"

# With gcc, or whatever is `cc`, so that two compilers' warnings are seen.
built_release() { configure build -DCMAKE_BUILD_TYPE=Release -DTILL_WERROR=ON && ninja -C build -j "$JOBS"; }
# With clang, whose counting costs next to nothing beside the sanitizers.
built_address() {
    grep -qs '^TILL_COVERAGE:BOOL=ON' build-asan/CMakeCache.txt || rm -rf build-asan # gcc's, of before
    configure build-asan $sanitized -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS_DEBUG="-O1 -g" -DTILL_SANITIZE=address -DTILL_COVERAGE=ON \
        -DTILL_WERROR=ON && ninja -C build-asan -j "$JOBS"
}
# With gcc, which guesses wrongly about truncated texts in sanitized code.
built_thread() {
    configure build-tsan $sanitized -DCMAKE_C_FLAGS_DEBUG="-O1 -g -Wno-format-truncation" -DTILL_SANITIZE=thread &&
        ninja -C build-tsan -j "$JOBS" till_worker
}
built_fuzzers() {
    configure build-fuzz $sanitized -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS_DEBUG="-O1 -g" -DTILL_SANITIZE=fuzzer &&
        ninja -C build-fuzz -j "$JOBS" fuzzers
}

# criterion PROGRAM [OPTION]...: runs it and counts its tests, TEST_JOBS at a time.
criterion() {
    local out=$scratch/criterion status
    if [ ! -x "$1" ]; then
        skip "no tests here yet: $1"
        return 0
    fi
    timeout 600 "$@" -j"${TEST_JOBS:-$JOBS}" --timeout 120 >"$out" 2>&1
    status=$?
    cat "$out"
    sed 's/\x1b\[[0-9;]*m//g' "$out" |
        sed -nE 's/.*Tested: ([0-9]+) \| Passing: ([0-9]+) \| Failing: ([0-9]+) \| Crashing: ([0-9]+).*/\2 \3 \4/p' |
        while read -r good bad crashed; do counts "$good" $((bad + crashed)); done
    return $status
}

part_tidy() { tests/tidy; }

part_cppcheck() {
    cppcheck --quiet -j "$JOBS" --std=c11 --language=c --enable=warning,portability,performance --error-exitcode=1 --inline-suppr \
        --suppressions-list=tests/support/cppcheck.txt -D_GNU_SOURCE -D'TILL_VERSION=""' -D'__VA_OPT__(...)=__VA_ARGS__' -I . \
        schema config producer worker tests/support tests/traffic
}

# The protocol itself, without any of our code.
part_model() {
    local status
    tests/model/check >"$scratch/model" 2>&1
    status=$?
    cat "$scratch/model"
    counts "$(grep -c '^ok' "$scratch/model")" "$(grep -c '^FAILED' "$scratch/model")"
    return $status
}

part_schema() { built_address && criterion build-asan/tests/test_schema; }
part_config() { built_address && criterion build-asan/tests/test_config; }
part_producer() { built_address && criterion build-asan/tests/test_producer; }
part_worker() { built_address && criterion build-asan/tests/test_worker; }
# These wait for leases, deadlines and dead workers more than they compute.
part_flow() { built_address && TEST_JOBS=$((3 * JOBS)) criterion build-asan/tests/test_flow; }

# A day at the checkout and the flow tests, with workers that watch for data races. (Criterion itself does not run under that sanitizer.)
part_race() {
    built_address && built_thread || return 1
    export TILL_WORKER=$root/build-tsan/worker/till-worker TILL_SLOW=3
    ./run --count 6000 --accounts 200 --rate 1500 --workers 3 --dir "$scratch/race" || return 1
    counts 1 0
    # Left out: workers dying one after the other, and what is about Redis, configuration or the checker, tell nothing of threads that the
    # rest does not, and take minutes. A clock that is preloaded comes before the sanitizer, which cannot start then.
    [ ! -x build-asan/tests/test_flow ] || TEST_JOBS=$((3 * JOBS)) criterion build-asan/tests/test_flow \
        --filter '!(flow_crash*|flow_check*|flow_clock|flow_config|flow_url|flow_sentinel|flow_cluster|flow_away|flow_loss|flow_sweep|flow_network|flow_sick)/*'
}

# shell_one FILE: its output, its exit code and how many seconds it took go beside each other.
shell_one() {
    local out=$scratch/shell/${1//\//_} began=$SECONDS
    timeout 300 bash "$1" >"$out.out" 2>&1
    echo $? >"$out.rc"
    echo $((SECONDS - began)) >"$out.s"
}

# Each has servers and directories of its own, and waits much more than it computes.
part_shell() {
    built_address || return 1
    local file files bad=0
    files=$(find tests -name 'test_*.sh' | sort)
    export TILL=$root/build-asan/producer/cli/till TILL_WORKER=$root/build-asan/worker/till-worker
    mkdir -p "$scratch/shell"
    for file in $files; do
        shell_one "$file" &
        [ "$(jobs -pr | wc -l)" -lt $((4 * JOBS)) ] || wait -n
    done
    wait
    for file in $files; do
        echo "== $file, $(cat "$scratch/shell/${file//\//_}.s") s"
        cat "$scratch/shell/${file//\//_}.out"
        if [ "$(cat "$scratch/shell/${file//\//_}.rc")" = 0 ]; then counts 1 0
        elif [ "$(cat "$scratch/shell/${file//\//_}.rc")" = 77 ]; then skips 1 "$file: $(tail -n 1 "$scratch/shell/${file//\//_}.out")"; else
            counts 0 1
            bad=1
            echo "FAILED: $file"
        fi
    done
    [ $bad = 0 ]
}

# fuzz_one PROGRAM: every input that ever crashed it, then new ones from the kept corpus for a while.
fuzz_one() {
    local name corpus new
    name=$(basename "$1")
    corpus=tests/fuzz/corpus/${name#fuzz_}
    new=$scratch/fuzz/$name
    mkdir -p "$new"
    echo "== $name"
    set -- "$1" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$logs/crash-$name-"
    if [ -d "$corpus" ]; then
        "$@" -runs=0 "$corpus" 2>&1 || return 1
    fi
    "$@" -max_total_time="$FUZZ_SECONDS" -print_final_stats=1 "$new" $([ -d "$corpus" ] && echo "$corpus") 2>&1 | tail -n 40
    return "${PIPESTATUS[0]}"
}

part_fuzz() {
    built_fuzzers || return 1
    unset ASAN_OPTIONS UBSAN_OPTIONS # a fuzzer dies of what it finds, and says so itself
    local program bad=0 pids="" pid
    for program in build-fuzz/tests/fuzz_*; do
        [ -x "$program" ] || continue
        { fuzz_one "$program" >"$scratch/$(basename "$program").out"; echo $? >"$scratch/$(basename "$program").rc"; } &
        pids="$pids $!"
        [ "$(jobs -pr | wc -l)" -lt "$JOBS" ] || wait -n
    done
    for pid in $pids; do wait "$pid"; done
    for program in build-fuzz/tests/fuzz_*; do
        [ -x "$program" ] || continue
        cat "$scratch/$(basename "$program").out"
        if [ "$(cat "$scratch/$(basename "$program").rc")" = 0 ]; then counts 1 0; else
            counts 0 1
            bad=1
            echo "FAILED: $program; its input is in build-tests/: put it into tests/fuzz/corpus/ and mend it"
        fi
    done
    [ $bad = 0 ]
}

# The example program of the README, built as a user would: against what is installed, shared and static, and paying for real. Then what is
# installed beside it, and the Debian packages.
part_install() {
    built_release || return 1
    local to=$scratch/installed script bad=0
    cmake --install build --prefix "$to" >/dev/null || return 1
    for script in "example.sh $to" "installed.sh $to" "packages.sh build"; do
        echo "== tests/lib/$script"
        bash tests/lib/$script >"$scratch/install" 2>&1
        case $? in
        0) counts 1 0 ;;
        77) skips 1 "tests/lib/$script: $(tail -n 1 "$scratch/install")" ;;
        *) counts 0 1 && bad=1 ;;
        esac
        cat "$scratch/install"
    done
    [ $bad = 0 ]
}

part_bench() {
    local out=$scratch/bench.json
    tests/bench --count 10000 --turns 2 --rate 2000 --seconds 2 >"$out" || return 1
    cat "$out"
    jq -e '.audit == "sound" and .payments_per_s > 0 and .floor.redis_us > 0 and .redis_us > 0 and .latency.p99_ms > 0 and
        .unread.redis_us > 0 and .floor.redis_read_us > 0 and (.redis_cpu_to | length == 4 and all(. > 0))' "$out" || return 1
    tests/bench --row replay --row reconcile --row settle_bills --bills 3000 --rounds 1 >"$out" || return 1
    cat "$out"
    jq -e '.rows | length == 3 and all(.audit == "sound" and .each.per_s > 0)' "$out"
}

# Instructions a payment, beside the recorded ones.
part_guard() {
    built_release || return 1
    local said status
    said=$(tests/guard 2>&1)
    status=$?
    echo "$said"
    [ $status != 77 ] || skip "$(tail -n 1 <<<"$said")"
    [ $status = 0 ] || [ $status = 77 ]
}

# Which lines the parts before it reached. Of some parts alone it would tell nothing.
part_coverage() {
    local part said status
    for part in schema config producer worker flow shell; do
        case " ${wanted:-$parts} " in *" $part "*) ;; *) skip "without the part $part it tells nothing; tests/coverage shows what was reached" && return ;; esac
    done
    said=$(tests/coverage)
    status=$?
    echo "$said"
    tail -n 3 <<<"$said" | while read -r line; do
        case $line in *BELOW* | "") counts 0 1 ;; *) counts 1 0 ;; esac
        tell "$line"
    done
    return $status
}

part_demo() { ./run --count 5000 --accounts 200 --dir "$scratch/demo"; }
