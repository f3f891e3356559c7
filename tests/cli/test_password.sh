#!/bin/bash
# A password goes into `till` and nowhere else: not into a key, a stream, a log, the arguments or environment, nor the memory of anybody
# once the credential is derived. What is wrong with a password file is said without what is in it.
set -u
. "$(dirname "$0")/secrets.sh" || exit 1
. "$(dirname "$0")/private.sh"

marker="marker-$$-$RANDOM$RANDOM$RANDOM" # the password
other="other-$$-$RANDOM$RANDOM$RANDOM"
keep=$dir/*.password
(umask 077; echo "$marker" >new.password; printf '%s' "$other" >old.password)
start_redis
cli config set slowlog-log-slower-than 0 >/dev/null
cli config set slowlog-max-len 1000 >/dev/null
start_worker
cli set control-key control-key >/dev/null

# What cannot be a password is refused before anything is sent.
password() { # password EXIT TEXT OPTION...
    local code=$1 text=$2
    shift 2
    expect "$code" "$text" "$TILL" pay --account alice --to coffee --amount 1 --currency CNY "$@"
}
password 100 "No such file" --password-file nowhere
password 100 "is a directory" --password-file .
password 100 "stdin holds no password" --password-file - # which is /dev/null here
(umask 077; printf '\n' >empty.password; head -c 1025 /dev/zero | tr '\0' p >long.password; head -c 5000 /dev/zero >longer.password)
password 100 "holds no password" --password-file empty.password
password 100 "more than 1024 bytes" --password-file long.password
password 100 "more than 1024 bytes" --password-file longer.password
cp new.password open.password
chmod 644 open.password
password 100 "can be read by others" --password-file open.password
expect 100 "both" "$TILL" credential --account alice --password-file - --old-password-file -
expect 100 "--remove" "$TILL" credential --account alice
expect 100 "--remove" "$TILL" credential --account alice --remove --password-file new.password
expect 100 "no option --password-file" "$TILL" topup --account alice --amount 1 --currency CNY --password-file new.password
rm -f empty.password long.password longer.password open.password

# Every way a password is given, answered or not: what is left is searched below.
"$TILL" open --account alice --kind user --currency CNY --password-file new.password >open.out 2>&1
"$TILL" pay --account alice --to coffee --amount 1 --currency CNY --password-file new.password --json >pay.out 2>&1
"$TILL" hold --account alice --to coffee --amount 1 --currency CNY --password-file - <new.password >hold.out 2>&1
"$TILL" withdraw --account alice --amount 1 --no-wait --password-file <(cat new.password) >withdraw.out 2>&1
"$TILL" credential --account alice --password-file old.password --old-password-file new.password >credential.out 2>&1
"$TILL" credential --account alice --remove --old-password-file - <old.password >remove.out 2>&1
for stream in $(cli --scan --pattern '*:intents'); do cli xrange "$stream" - +; done >streams
[ "$(grep -c '^sig$' streams)" = 5 ] || fail "five of six were to be signed: $(cat streams *.out)"

# While it waits for an answer that does not come, the command holds the credential at most.
kill -STOP "$worker"
CONTROL=control-$$ "$TILL" pay --account alice --to coffee --amount 1 --currency CNY --source late --key late \
    --password-file new.password --timeout 20000 >late.out 2>&1 &
late=$!
pids="$pids $late"
waits() { for stream in $(cli --scan --pattern '*:intents'); do cli xrange "$stream" - +; done | grep -aq late; }
wait_for 10 waits
seen_in_process $late "$marker" && fail "the password is in the arguments or the environment"
seen_in_memory $late "$marker" "control-$$" && fail "the password is still in the memory of till"
kill -CONT "$worker"
wait $late

for text in "$marker" "$other"; do
    seen_in_redis "$text" && fail "the password is in Redis"
    seen_in_files "$text" && fail "the password is in a file: $(grep -ralF -- "$text" "$dir" 2>/dev/null)"
    seen_in_memory "$worker" "$text" "$TILL_REDIS_URL" && fail "the password is in the memory of the worker"
    seen_in_memory "$redis" "$text" "control-key" && fail "the password is in the memory of Redis"
done
finish
