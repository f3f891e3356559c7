#!/bin/bash
# A Redis that is there and sick: each way it can be is brought about under a running worker, and ended; then what was sent meanwhile is
# answered and the audit finds nothing.
set -u
. "$(dirname "$0")/private.sh"
start_redis --enable-protected-configs yes --save ""
export TILL_PRODUCER_TIMEOUT=3s
start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 1000000 --currency CNY

sent=0
send() { # send N: payments, of which nobody waits for the answers; what is refused is sent again when all is well
    local n
    for n in $(seq "$1"); do
        echo '{"op":"pay","source":"shop","key":"k'$((sent += 1))'","account":"alice","to":"coffee","amount":1,"currency":"CNY"}'
    done >>sent.jsonl
    timeout 2 "$TILL" send sent.jsonl >/dev/null 2>&1
}
well() { # well WHAT: all is answered, once, and sound
    wait_for 30 eval '"$TILL" send sent.jsonl'
    expect 0 "drained" "$TILL" drain --timeout 30s
    json 0 '.[0].sound' "$TILL" audit --json
    json 0 '.[0].balance == 1000000 - '$sent "$TILL" account alice --json
    [ $bad = 0 ] || { echo "after: $1"; cat worker.log; finish; }
}

# A snapshot that fails (a full disk): MISCONF.
where=$(cli config get dir | tail -n 1)
cli config set save "3600 1" >/dev/null
cli config set dir /proc >/dev/null
cli bgsave >/dev/null
wait_for 10 eval 'cli info persistence | grep -q rdb_last_bgsave_status:err'
send 5
wait_for 10 grep -q 'MISCONF' worker.log
cli config set dir "$where" >/dev/null
cli config set save "" >/dev/null
well MISCONF

# No replica to write to: NOREPLICAS.
cli config set min-replicas-to-write 1 >/dev/null
send 5
wait_for 10 grep -q 'NOREPLICAS' worker.log
cli config set min-replicas-to-write 0 >/dev/null
well NOREPLICAS

# Somebody else's script: BUSY.
cli config set busy-reply-threshold 100 >/dev/null
cli eval 'while true do end' 0 >/dev/null 2>&1 &
busy=$!
wait_for 10 eval 'cli ping | grep -q BUSY'
send 5
wait_for 10 grep -q 'BUSY' worker.log
wait_for 10 eval 'cli script kill | grep -qE "OK|NOTBUSY"'
wait $busy
well BUSY

# Replies that are larger than the server keeps for a client: it drops the connection.
cli config set client-output-buffer-limit "normal 1024 1024 1" >/dev/null
send 200
sleep 0.5 # some are dropped, some are not: either is fine
cli config set client-output-buffer-limit "normal 0 0 0" >/dev/null
well "an output buffer that is too small"

# Rights that are taken away, and given back.
cli acl setuser default -evalsha >/dev/null
send 5
wait_for 10 grep -q 'NOPERM' worker.log
cli acl setuser default +evalsha >/dev/null
well "rights taken away"

# The function: taken away, and a right to it with which it was found.
cli function flush >/dev/null
send 5
well "FUNCTION FLUSH"
cli acl setuser default -fcall >/dev/null
send 5
wait_for 20 grep -q 'applies_by.*way=script because="NOPERM' worker.log
cli acl setuser default +fcall >/dev/null
well "no right to FCALL"

stop_worker
finish
