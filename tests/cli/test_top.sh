#!/bin/bash
# `till top`: one view for scripts, and the live one in a terminal that is resized, has no colours, and whose Redis goes away.
set -u
. "$(dirname "$0")/private.sh"

expect 100 "this is no terminal; --once prints one view" "$TILL" top
expect 100 "--interval 1ms must be from 100ms to 10m" "$TILL" top --once --interval 1ms
expect 100 "--sort size must be partition, waiting, oldest, rate or dead" "$TILL" top --once --sort size
start_redis
start_worker
"$TILL" open --account coffee --kind merchant --currency CNY >/dev/null
"$TILL" open --account alice --kind user --currency CNY >/dev/null
"$TILL" topup --account alice --amount 1000000 --currency CNY >/dev/null
for ((n = 0; n < 100000; n++)); do echo '{"op":"pay","account":"alice","to":"coffee","amount":1,"currency":"CNY"}'; done |
    "$TILL" send --source shop --rate 100 - >sent 2>&1 &
pids="$pids $!"
busy() { "$TILL" top --json | jq -e '.out_per_s > 0 and .answers > 0 and .median_ms <= .high_ms and .high_ms <= .longest_ms'; }
wait_for 30 busy
json 0 '.[0] | .served == 4 and .workers == 1 and .dead == 0' "$TILL" top --json
expect 0 "partitions 4 of 4 served, 0 paused, 0 halted; dead 0" "$TILL" top --once
expect 0 "99 % in" "$TILL" top --once
# The partition in which alice pays comes first by rate, and the rows say what the sums do.
[ "$("$TILL" top --once --sort rate | sed -n '/^PARTITION/{n;p}' | awk '{ print ($4 > 0) }')" = 1 ] || fail "not sorted by rate"

command -v tmux >/dev/null || { [ $bad = 0 ] && echo "the live view is left out: there is no tmux" && exit 77; }
export TMUX_TMPDIR=$dir
tm() { tmux -L till -f /dev/null "$@"; }
trap 'tm kill-server 2>/dev/null; kill -CONT $pids 2>/dev/null; kill $pids 2>/dev/null; wait; rm -rf "$dir"' EXIT
screen() { tm capture-pane -p -t till >screen && cat screen; }
shows() { screen | grep -qE -- "$1"; }
lacks() { ! shows "$1"; }
top() { # top COLUMNS LINES COMMAND: in a terminal of its own
    tm kill-session -t till 2>/dev/null
    tm new-session -d -s till -x "$1" -y "$2" "$3; echo ended with \$?; exec sleep 1000" || fail "tmux does not start"
}
top 100 20 "'$TILL' top --interval 200ms"
wait_for 20 shows '^book till, 4 partitions'
wait_for 20 shows '^ +3 +[^ ]+ .*served'
wait_for 20 shows '^in [1-9][0-9]*/s, out [1-9]'
wait_for 20 shows '^q quit .*\(by partition\)'
tm send-keys -t till s
wait_for 20 shows '\(by waiting\)'

# Smaller: nothing is wrapped, the rest scrolls. Larger again: all is back.
tm resize-window -t till -x 50 -y 10
wait_for 20 lacks '^ +3 +[^ ]+ '
wait_for 20 shows '^q quit'
[ "$(screen | wc -l)" -le 10 ] || fail "it is longer than the terminal"
tm send-keys -t till NPage
wait_for 20 shows '^ +3 '
shows '^book till' || fail "its head has scrolled away: $(cat screen)"
tm resize-window -t till -x 120 -y 30
wait_for 20 shows '^ +3 +[^ ]+ .*served'
wait_for 20 shows '^WORKER'

# Paused it stands still while payments go on; `q` ends it and leaves the terminal as it was.
tm send-keys -t till p
wait_for 20 shows 'view stands still'
screen >before
wait_for 20 busy
screen | diff before - >changed || fail "the view does not stand still: $(cat changed)"
tm send-keys -t till p
wait_for 20 lacks 'view stands still'
kill -STOP "$worker" # and it goes on: a worker that says nothing is gone when its lease is over
wait_for 20 shows ' gone$'
kill -CONT "$worker"
wait_for 20 lacks ' gone$'
tm send-keys -t till q
wait_for 20 shows 'ended with 0'

# Redis away: it says so and keeps what it saw, and goes on when it is back.
export TILL_REDIS_TIMEOUT=2s
top 100 20 "TERM=vt100 NO_COLOR=1 '$TILL' top --interval 200ms"
wait_for 20 shows '^in [1-9]'
kill -KILL "$redis"
wait_for 30 shows 'is not reachable'
shows '^book till' || fail "what was seen is gone"
start_redis
wait_for 30 lacks 'is not reachable'
tm send-keys -t till q
wait_for 20 shows 'ended with'
top 100 20 "TERM=nonesuch '$TILL' top"
wait_for 20 shows 'TERM is nonesuch'
wait_for 20 shows 'ended with 100'
finish
