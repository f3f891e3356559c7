#!/bin/bash
# What a worker tells systemd: ready when it serves, beats for as long as its loop turns, also while Redis hangs, and that it stops.
set -u
. "$(dirname "$0")/private.sh"

cat >listen.py <<'END'
"""Prints every line that is sent to the socket, as systemd would read it."""
import socket, sys
at = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
at.bind(sys.argv[1])
while True:
    print(at.recv(4096).decode(), flush=True)
END
python3 listen.py "$dir/notify" >>told 2>listen.log &
pids="$pids $!"
wait_for 10 test -S "$dir/notify"
start_redis
export NOTIFY_SOCKET=$dir/notify WATCHDOG_USEC=4000000
start_worker
wait_for 10 grep -q READY=1 told
beats() { grep -c WATCHDOG=1 told; }
beats_again() { [ "$(beats)" -ge "$wanted" ]; }
wanted=$(($(beats) + 2))
wait_for 30 beats_again

kill -STOP "$redis" # a worker that waits for Redis is not stuck
wanted=$(($(beats) + 4))
wait_for 60 beats_again
kill -CONT "$redis"

stop_worker
wait_for 10 grep -q STOPPING=1 told

# Without a watchdog in the environment there are no beats.
unset WATCHDOG_USEC
: >told
start_worker
wait_for 10 grep -q READY=1 told
stop_worker
wait_for 10 grep -q STOPPING=1 told
[ "$(beats)" = 0 ] || fail "beats that nobody wanted"
finish
