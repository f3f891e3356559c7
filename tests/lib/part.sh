# Runs the parts of tests/run, each with its own log and its own directory for temporary files, and counts what passed. Sourced.
# A part is a function part_NAME; it says how many tests it was with `counts PASSED FAILED`, otherwise it is one.

logs=$root/build-tests
passed=0 failed=0 skipped=0 broken=""

begin() {
    mkdir -p "$logs"
    exec 9>"$logs/lock"
    if ! flock -n 9; then
        echo "tests/run: another one is running here, waiting for it"
        flock 9
    fi
    scratch=$(mktemp -d /tmp/tt-XXXXXX) # short: a socket's path has room for 107 bytes
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' INT TERM
    started=$(date +%s)
}

# use_server NAME[=PATH]: what all tests find as redis-server. `no_server` says why there is none.
no_server=""
use_server() {
    local name=${1%%=*} path
    path=$(command -v "${1#*=}") || path=""
    export TILL_SERVER=$1
    [ "$1" != redis-server ] || return 0
    if [ -z "$path" ]; then
        no_server="there is no server $name here${1#"$name"}"
        return
    fi
    mkdir "$scratch/server"
    ln -s "$(readlink -f "$path")" "$scratch/server/redis-server"
    command -v redis-cli >/dev/null || ln -s "$(command -v valkey-cli)" "$scratch/server/redis-cli"
    PATH=$scratch/server:$PATH
    echo "Server: $("$path" --version)"
}

needs_server() { case $1 in tidy | cppcheck | model | config | fuzz) false ;; esac; }

# What a reader of the last lines wants to know of a part that passed.
tell() { echo "$1" >>"$scratch/told"; }
counts() { printf '%s %s\n' "$1" "$2" >>"$scratch/counts"; }
# skips COUNT REASON: of a part of which the rest ran.
skips() {
    echo "$1" >>"$scratch/skips"
    echo "$2" >>"$scratch/why"
}
skip() {
    echo "$1"
    touch "$scratch/skipped"
}

# What sanitizers found goes to files, because a test's exit code does not tell of it: Criterion passes a test that leaks.
report_options() {
    local reports=$scratch/reports
    mkdir -p "$reports"
    export TMPDIR=$scratch/t LLVM_PROFILE_FILE=$logs/counted/$1/%2m.profraw # two at a time, of each program
    mkdir -p "$TMPDIR"
    export ASAN_OPTIONS=log_path=$reports/address:detect_leaks=1:strict_string_checks=1
    export UBSAN_OPTIONS=log_path=$reports/undefined:print_stacktrace=1:halt_on_error=1
    export TSAN_OPTIONS=log_path=$reports/thread:second_deadlock_stack=1:suppressions=$root/tests/support/race.txt
    export LSAN_OPTIONS=suppressions=$root/tests/support/leak.txt:print_suppressions=0
}

show_reports() {
    local report found=1
    for report in "$scratch"/reports/*; do
        [ -s "$report" ] || continue
        echo "--- $(basename "$report")"
        head -n 60 "$report"
        found=0
    done
    rm -rf "$scratch/reports"
    return $found
}

run_part() {
    local part=$1 log=$logs/$1.log good bad began status note
    began=$(date +%s)
    if [ -n "$no_server" ] && needs_server "$part"; then
        skipped=$((skipped + 1))
        printf 'skip  %-9s %s\n' "$part" "$no_server"
        return
    fi
    rm -f "$scratch/counts" "$scratch/told" "$scratch/skipped" "$scratch/skips" "$scratch/why"
    rm -rf "$logs/counted/$part"
    (
        report_options "$part"
        "part_$part"
    ) >"$log" 2>&1 </dev/null
    status=$?
    show_reports >>"$log" && status=1
    rm -rf "$scratch/t"
    if [ -e "$scratch/skipped" ] && [ $status = 0 ]; then
        skipped=$((skipped + 1))
        printf 'skip  %-9s %s\n' "$part" "$(tail -n 1 "$log")"
        return
    fi
    good=$(awk '{ n += $1 } END { print n + 0 }' "$scratch/counts" 2>/dev/null) bad=$(awk '{ n += $2 } END { print n + 0 }' "$scratch/counts" 2>/dev/null)
    good=${good:-0} bad=${bad:-0}
    local left=0
    [ ! -e "$scratch/skips" ] || left=$(awk '{ n += $1 } END { print n + 0 }' "$scratch/skips")
    skipped=$((skipped + left))
    if [ $((good + bad)) = 0 ] && [ $status = 0 ]; then good=1; fi
    if [ $status != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad))
    note="$good passed, $(($(date +%s) - began)) s"
    [ "$left" = 0 ] || note="$note, $left skipped"
    [ ! -e "$scratch/why" ] || cp "$scratch/why" "$logs/$part.skipped"
    if [ "$bad" = 0 ]; then
        printf 'ok    %-9s %s\n' "$part" "$note"
        [ ! -e "$scratch/told" ] || sed 's/^/      /' "$scratch/told"
        [ ! -e "$scratch/why" ] || sed 's/^/      skipped: /' "$scratch/why"
        return
    fi
    broken="$broken $part"
    printf 'FAIL  %-9s %s failed, %s. The end of %s:\n' "$part" "$bad" "$note" "${log#"$root"/}"
    grep -aE '^\[(----|FAIL|CRSH|ERR )|FAILED|error:|panic|Assertion' "$log" | head -n 40 | sed 's/^/    /'
    tail -n 40 "$log" | sed 's/^/  | /'
}

finish() {
    [ -z "$broken" ] || echo "Failed:$broken. To run those alone: tests/run$broken"
    echo "All in $(($(date +%s) - started)) s"
    if [ $skipped != 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
    [ $failed = 0 ]
}
