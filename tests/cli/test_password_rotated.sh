#!/bin/bash
# Redis' password is changed under running workers and senders, in the right order and in the wrong one: nothing is restarted, nothing lost.
set -u
. "$(dirname "$0")/private.sh"

put_password() { # at once, wherever it is used
    (umask 077; echo "$1" >password.new)
    mv password.new password
}
# Who is logged in must do it again.
cut() { cli client kill user till >/dev/null; }
count() { grep -c "event=$1" worker.log; }

start_redis
for port in $(shuf -i 20000-32000 -n 50); do
    [ "$(cli config set port "$port")" != OK ] || break
done
cli acl setuser till on '>first' '~*' '&*' '+@all' >/dev/null
put_password first
export TILL_REDIS_URL=redis://till:@127.0.0.1:$port TILL_REDIS_PASSWORD_FILE=$dir/password
start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 1000000 --currency CNY
payments() { # payments FROM TO
    seq -f '{"op":"pay","source":"shop","key":"k%.0f","account":"alice","to":"coffee","amount":1,"currency":"CNY"}' "$1" "$2"
}

# In the right order, under load: both passwords are right for a while. Neither the worker nor the sender hears of anything but a
# connection that was cut.
payments 1 1500 >load.jsonl
"$TILL" send --rate 500 --wait load.jsonl >sent.out 2>sent.err &
sender=$!
pids="$pids $sender"
wait_for 10 eval '[ "$("$TILL" bill alice shop k100 --json | jq -r .code)" = 0 ]'
cli acl setuser till '>second' >/dev/null
put_password second
kill -HUP "$worker"
wait_for 10 grep -q event=password_accepted worker.log
cli acl setuser till '<first' >/dev/null
cut
wait "$sender" || fail "the sender: $(tail -n 3 sent.err)"
grep -qE "password_refused|class=refused" worker.log && fail "somebody was refused"

# In the wrong order: one line says so, and what is sent meanwhile waits.
payments 1501 2000 >load.jsonl
expect 0 "" "$TILL" send load.jsonl
cli acl setuser till resetpass '>third' >/dev/null
cut
wait_for 20 grep -q 'event=redis_away .*class=refused.*WRONGPASS' worker.log
kill -HUP "$worker"
wait_for 10 grep -q 'event=password_refused.*WRONGPASS' worker.log
expect 100 "WRONGPASS" "$TILL" account alice
[ "$(grep -c class=refused worker.log)" = 1 ] || fail "it is said $(grep -c class=refused worker.log) times"
backs=$(count redis_back)
put_password third
wait_for 20 eval '[ "$(count redis_back)" -gt '"$backs"' ]'

# A file that cannot be read: what it said before still holds. Each connection has read it before: two of each partition, and main's.
expect 0 "drained" "$TILL" drain --timeout 30s
connected() { [ "$(cli client list | grep -c user=till)" -ge $((2 * TILL_BOOK_PARTITIONS + 1)) ]; }
wait_for 20 connected
chmod 644 password
cut
wait_for 20 connected
chmod 600 password

expect 0 "drained" "$TILL" drain --timeout 30s
expect 0 "sound" "$TILL" audit
json 0 '.[0].balance == 998000' "$TILL" account alice --json
grep -q "first\|second\|third" worker.log sent.err && fail "a password is in a log"
finish
