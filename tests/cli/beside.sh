# A Redis that somebody else uses as well: a book with a worker that goes on, and keys that look like a command's own. Sourced behind private.sh.

beside() { # beside COMMAND: its own book is COMMAND-test
    start_redis
    start_worker
    expect 0 "" "$TILL" open --account alice --kind user --currency CNY
    cli set other 1 >/dev/null
    cli set "{$1-test-not}:key" 1 >/dev/null
    keys >before
}
keys() { cli --scan | grep -v ':lease$' | sort; }
left_alone() { # nothing was left behind, and nothing is gone
    wait_for 10 eval 'keys >after; cmp before after'
}
