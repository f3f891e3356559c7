# Looks for a text in everything that outlives a command or can be seen from outside it. Sourced, before private.sh, whose
# functions and directory it uses.

seen_in_redis() { # seen_in_redis TEXT: every key's content, scripts' and clients' lists, the slow log
    local key
    { cli --scan | while read -r key; do
        echo "$key"
        case $(cli type "$key") in
            string) cli get "$key" ;;
            hash) cli hgetall "$key" ;;
            stream) cli xrange "$key" - + ;;
            zset) cli zrange "$key" 0 -1 withscores ;;
            *) cli dump "$key" ;;
        esac
    done
    cli slowlog get 1000
    cli client list; } | grep -qaF -- "$1"
}

seen_in_files() { # seen_in_files TEXT: logs and whatever else was left where the test runs; $keep is not looked at
    find "$dir" -type f -not -path "$keep" -print0 | xargs -0 grep -qaF -- "$1"
}

seen_in_process() { # seen_in_process PID TEXT: arguments and environment
    tr '\0' '\n' <"/proc/$1/cmdline" | grep -qaF -- "$2" || tr '\0' '\n' <"/proc/$1/environ" | grep -qaF -- "$2"
}

# All that a process may write to, which is more than a core file of it has; but for the huge ranges that sanitizers reserve.
memory_of() {
    local range rights size
    while read -r range rights _; do
        size=$((16#${range#*-} - 16#${range%-*}))
        case $rights in rw*) [ $size -le $((1 << 30)) ] || continue ;; *) continue ;; esac
        dd if="/proc/$1/mem" iflag=skip_bytes,count_bytes bs=1M skip=$((16#${range%-*})) count=$size 2>/dev/null
    done <"/proc/$1/maps"
}

# seen_in_memory PID TEXT CONTROL: fails the test when the control, which is there, is not found.
seen_in_memory() {
    memory_of "$1" >"$dir/memory"
    grep -qaF -- "$3" "$dir/memory" || fail "the memory of process $1 cannot be searched"
    grep -qaF -- "$2" "$dir/memory"
    local seen=$?
    rm -f "$dir/memory"
    return $seen
}
