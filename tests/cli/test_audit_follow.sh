#!/bin/bash
# `till audit --follow`: sound while a worker goes on, every kind of fault of what is added said at once, a Redis that goes away waited for.
set -u
. "$(dirname "$0")/private.sh"

start_redis
start_worker
{
    echo '{"op":"open","account":"coffee","kind":"merchant","currency":"CNY"}'
    for user in alice bob carol dave erin; do
        printf '{"op":"open","account":"%s","kind":"user","currency":"CNY"}\n' $user
        printf '{"op":"topup","account":"%s","amount":50000,"currency":"CNY"}\n' $user
    done
} | "$TILL" send - --wait >out || { cat out; exit 1; }
expect 100 "--interval is for --follow" "$TILL" audit --interval 1s
expect 100 "--keep-going is for --follow" "$TILL" audit --keep-going
expect 100 "--interval 1ms must be a length of time" "$TILL" audit --follow --interval 1ms

follow() { # follow OPTION...: in the background, past the full audit
    rm -f follow.out
    "$TILL" audit --follow --interval 200ms "$@" >follow.out 2>follow.err &
    follower=$!
    pids="$pids $follower"
    wait_for 20 grep -qE 'accounts compared|"interval"' follow.out
}
ends() { # ends CODE: by itself, or by Ctrl-C
    local got
    kill -INT $follower 2>/dev/null
    wait $follower
    got=$?
    [ $got = "$1" ] || fail "exit code $got, not $1: $(cat follow.out follow.err)"
}
paid() { # paid COUNT: payments of everybody, and a transfer each
    local n user
    for n in $(seq "$1"); do
        for user in alice bob carol dave erin; do
            printf '{"op":"pay","account":"%s","to":"coffee","amount":1,"currency":"CNY"}\n' $user
            printf '{"op":"hold","account":"%s","to":"coffee","amount":1,"currency":"CNY"}\n' $user
        done
        printf '{"op":"transfer","account":"alice","to":"bob","amount":1}\n'
    done | "$TILL" send - --wait >out || fail "not paid: $(cat out)"
}

# While a worker goes on, and another takes over.
follow
paid 100
stop_worker
start_worker
paid 100
followed() { grep -oE '[0-9]+ rows' follow.out | awk '{ n += $1 } END { exit n < least }' least="$1"; } # in the lines together
wait_for 20 followed 3300
ends 0
tail -n 1 follow.out | grep -qE 'sound: [0-9]+ rows of [0-9]+ bills, [0-9]+ accounts compared, .* 0 dead in all$' ||
    fail "$(tail -n 1 follow.out)"
rows=$(tail -n 1 follow.out | grep -oE '[0-9]+ rows' | cut -d' ' -f1)
[ "$rows" -ge 3300 ] || fail "only $rows rows were followed"
expect 0 "sound: " "$TILL" audit
follow --json --partition 1
paid 1
ends 0
jq -es '.[0].sound and (map(select(.interval)) | length > 0 and all(.interval.sound)) and .[-1].followed.sound' follow.out >/dev/null ||
    fail "JSON: $(cat follow.out)"
stop_worker

p=$("$TILL" account alice --json | jq .partition)
chain() { cli hget "{till:$p}:account:$1" "$2"; }
last() { cli hget "{till:$p}:meta" bill; }
also="" # Lua that is run with it
add_rows() { # add_rows [-b] ROW...: Lua tables, as a ledger entry of its own; -b: and all that a worker would have written with it, at once
    local rows booked=0
    [ "$1" = -b ] && booked=1 && shift
    rows=$(IFS=,; echo "$*")
    cli eval "if ARGV[1] == '1' then
          redis.call('HINCRBY', KEYS[2], 'balance', -1) redis.call('HINCRBY', KEYS[3], 'balance', 1)
          redis.call('HINCRBY', KEYS[2], 'seq', 1) redis.call('HINCRBY', KEYS[3], 'seq', 1) redis.call('HINCRBY', KEYS[4], 'bill', 1)
        end
        $also
        return redis.call('XADD', KEYS[1], '*', 'rows', cmsgpack.pack({ $rows }))" 4 "{till:$p}:ledger" "{till:$p}:account:alice" \
        "{till:$p}:account:coffee" "{till:$p}:meta" $booked
}
row() { # row BILL OP ACCOUNT AMOUNT HOLD BALANCE HELD SEQ
    echo "{ '$p-$1', 'alice/x/$1', '$2', '$3', $4, $5, $6, $7, $8, $(date +%s000), '' }"
}
# right COUNT: the rows of a right booking under the COUNTth number from now, of alice to coffee.
right() {
    row $(($(last) + $1)) pay alice -1 0 $(($(chain alice balance) - 1)) "$(chain alice held)" $(($(chain alice seq) + 1))
    row $(($(last) + $1)) pay coffee 1 0 $(($(chain coffee balance) + 1)) "$(chain coffee held)" $(($(chain coffee seq) + 1))
}
# faults TEXT COMMAND...: while it follows, the command is run; it must say the text, and end with 1 by itself. Everything is put back.
faults() {
    local text=$1 key n=0
    shift
    for key in ledger meta account:alice account:coffee; do cli copy "{till:$p}:$key" "kept:$key" replace >/dev/null; done
    follow
    "$@" >/dev/null || fail "could not spoil: $*"
    while kill -0 $follower 2>/dev/null && [ $((n += 1)) -lt 100 ]; do sleep 0.1; done
    ends 1
    grep -qF -- "partition $p: $text" follow.out || fail "wanted: $text; it said: $(cat follow.out)"
    tail -n 1 follow.out | grep -q "NOT SOUND" || fail "no summary of: $text: $(cat follow.out)"
    for key in ledger meta account:alice account:coffee; do cli rename "kept:$key" "{till:$p}:$key" >/dev/null; done
}
right_rows() { right 1 | sed "$1" >rows && add_rows -b "$(paste -sd, rows)"; } # booked, but for what sed changes

next=$(($(last) + 1)) seq=$(chain alice seq) balance=$(chain alice balance)
faults "bill $p-$next: rows sum to 1 CNY" right_rows "1s/-1, 0, $((balance - 1))/0, 0, $balance/"
faults "bill $p-$next: account alice: balance $balance + -1 is not $((balance - 2)) at seq $((seq + 1))" \
    right_rows "1s/-1, 0, $((balance - 1))/-1, 0, $((balance - 2))/"
faults "bill $p-$next: account alice: seq goes from $seq to $((seq + 2))" right_rows "1s/, $((seq + 1)), /, $((seq + 2)), /"
faults "bill $p-$next: 2 rows that change what is held by 0, of op gift, which books nothing" right_rows "s/'pay'/'gift'/"
faults "bill $p-$next: is missing" right_rows "s/'$p-$next'/'$p-$((next + 1))'/"
faults "bill $p-$((next - 1)): comes again after $p-$((next - 1))" right_rows "s/'$p-$next'/'$p-$((next - 1))'/"
faults "bill 'x': is no bill number of partition $p" right_rows "s/'$p-$next'/'x'/"
faults "ledger entry" cli xadd "{till:$p}:ledger" '*' rows nonsense
faults "account alice: is at seq $seq, but has ledger rows up to $((seq + 1))" eval 'add_rows "$(right 1 | paste -sd,)"'
also="redis.call('HINCRBY', KEYS[2], 'balance', 5)"
faults "account alice: balance $((balance + 4)), held" right_rows ""
also="redis.call('HINCRBY', KEYS[2], 'seq', 2)"
faults "account alice: is at seq $((seq + 3)), but its ledger rows end at $((seq + 1))" \
    right_rows ""
also="redis.call('DEL', KEYS[2])"
faults "account alice: has gone" right_rows ""
also=""
faults "account nobody: has ledger rows but is not there" right_rows "1s/'alice', -1/'nobody', -1/"
faults "bill $p-$next: is missing; the ledger ends before it" cli hincrby "{till:$p}:meta" bill 1
faults "bill $p-$((next - 1)): is beyond the last bill number in meta, $((next - 2))" cli hincrby "{till:$p}:meta" bill -1
faults "halted: bill 7 is gone" cli hset "{till:$p}:meta" halted "bill 7 is gone"
expect 0 "sound: " "$TILL" audit

# With --keep-going it goes on, and ends with 1; without, a book that is not sound is not followed at all.
cli hset "{till:$p}:meta" halted "bill 7 is gone" >/dev/null
expect 1 "NOT SOUND" timeout 20 "$TILL" audit --follow
cli hdel "{till:$p}:meta" halted >/dev/null
follow --keep-going
cli hset "{till:$p}:meta" halted "bill 7 is gone" >/dev/null
wait_for 10 grep -q "partition $p: halted: bill 7 is gone" follow.out
sleep 0.5
[ "$(grep -c "halted: bill 7" follow.out)" = 1 ] || fail "said more than once: $(cat follow.out)"
ends 1
cli hdel "{till:$p}:meta" halted >/dev/null

# Redis goes away.
start_worker
follow
cli client kill type normal skipme yes >/dev/null
wait_for 10 grep -q "back again" follow.err
paid 5
wait_for 20 followed 80
ends 0
finish
