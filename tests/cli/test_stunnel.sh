#!/bin/bash
# TLS through stunnel, by the configuration that config/README.md gives: the road of a payment, a certificate that is not accepted, a server
# that falls silent and comes back.
set -u
manual=$(cd "$(dirname "$0")/../.." && pwd)/config/README.md
. "$(dirname "$0")/tls.sh"
. "$(dirname "$0")/private.sh"
command -v stunnel >/dev/null || { echo "SKIPPED: stunnel is not installed (package stunnel4)"; exit 77; }

make_ca ca
make_ca other
make_cert ca server 30 DNS:redis.internal
make_cert other wrong 30 DNS:redis.internal
start_tls_redis --requirepass till-secret
cli() { REDISCLI_AUTH=till-secret redis-cli -s "$socket" "$@"; }
sed -n '/^    foreground = yes$/,/^$/s/^    //p' "$manual" |
    sed "s#/run/till-redis/redis.sock#$dir/tunnel#; s#redis.internal:6379#127.0.0.1:$port#; s#/etc/till/ca.pem#$dir/ca.pem#" >stunnel.conf
grep -q "^verifyChain = yes" stunnel.conf || fail "config/README.md has no such configuration: $(cat stunnel.conf)"
stunnel stunnel.conf >stunnel.log 2>&1 &
pids="$pids $!"
(umask 077; echo till-secret >password)
export TILL_REDIS_URL=unix:$dir/tunnel TILL_REDIS_PASSWORD_FILE=$dir/password TILL_REDIS_TIMEOUT=2s
wait_for 10 test -S tunnel

start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 10000 --currency CNY
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
expect 0 "sound" "$TILL" audit

away_and_back() { # away_and_back AWAY BACK: two commands; the worker says that Redis is away, and that it is back
    local lines
    lines=$(wc -l <worker.log)
    eval "$1"
    wait_for 20 eval "tail -n +$((lines + 1)) worker.log | grep -q redis_away"
    eval "$2"
    wait_for 20 eval "tail -n +$((lines + 1)) worker.log | grep -q redis_back"
    expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
}
away_and_back 'kill -STOP $redis' 'kill -CONT $redis'
away_and_back 'cli config set tls-cert-file wrong.pem tls-key-file wrong.key >/dev/null; cli client kill type normal >/dev/null' \
    'expect 111 "" "$TILL" status; cli config set tls-cert-file server.pem tls-key-file server.key >/dev/null'
grep -q "verif\|Rejected by CERT" stunnel.log || fail "stunnel does not say what it missed: $(cat stunnel.log)"
expect 0 "sound" "$TILL" audit
stop_worker
finish
