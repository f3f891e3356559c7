#!/bin/bash
# TLS as hiredis has it (Debian 13): what is believed, what is not and what is said then, certificates that are exchanged, and a server that
# falls silent. Where this build has none, that it says so.
set -u
. "$(dirname "$0")/tls.sh"
. "$(dirname "$0")/private.sh"

if TILL_REDIS_URL=rediss://127.0.0.1:1 "$TILL" status 2>&1 | grep -q "TLS is not built in"; then
    for url in rediss://127.0.0.1:1 sentinel+tls://127.0.0.1:1/till; do
        TILL_REDIS_URL=$url expect 100 "use redis:// through stunnel on this host" "$TILL" status
        TILL_REDIS_URL=$url expect 100 "use redis:// through stunnel on this host" "$TILL_WORKER"
    done
    finish
fi
command -v openssl >/dev/null || { echo "SKIPPED: openssl is not installed"; exit 77; }

make_ca ca
make_ca other
make_cert ca server 30 DNS:redis.test,IP:127.0.0.1
make_cert ca old -1 DNS:redis.test,IP:127.0.0.1
make_cert ca client 30
start_tls_redis --requirepass till-secret
cli() { REDISCLI_AUTH=till-secret redis-cli -s "$socket" "$@"; }
export TILL_REDIS_URL=rediss://:till-secret@127.0.0.1:$port TILL_TLS_CA_FILE=$dir/ca.pem TILL_REDIS_TIMEOUT=2s

# The road of a payment.
start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 10000 --currency CNY
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
expect 0 "sound" "$TILL" audit
expect 0 "rediss://:***@127.0.0.1:$port/0" "$TILL" status --no-rate
cli client list | grep -q "fd=.*name=.*" || fail "nobody is connected"
grep -q "redis=rediss://:\*\*\*@127.0.0.1:$port/0" worker.log || fail "the worker does not say where Redis is: $(cat worker.log)"

# What is not believed.
TILL_TLS_CA_FILE=$dir/other.pem expect 100 "TLS: the certificate of 127.0.0.1 is not accepted: " "$TILL" status
TILL_TLS_CA_FILE="" expect 100 "is not accepted: " "$TILL" status
TILL_TLS_CA_FILE=$dir/nowhere.pem expect 100 "TLS: tls.ca_file $dir/nowhere.pem: No such file" "$TILL" status
TILL_TLS_CA_FILE=$dir/other.pem TILL_TLS_VERIFY=no expect 0 "sound" "$TILL" audit
TILL_REDIS_URL=rediss://:till-secret@localhost:$port expect 100 "it does not name localhost" "$TILL" status
TILL_REDIS_URL=rediss://:till-secret@localhost:$port TILL_TLS_SERVER_NAME=redis.test expect 0 "sound" "$TILL" audit
TILL_TLS_SERVER_NAME=redis.elsewhere expect 100 "hostname mismatch, it does not name redis.elsewhere" "$TILL" status
TILL_TLS_SERVER_NAME=10.0.0.1 expect 100 "IP address mismatch, it does not name 10.0.0.1" "$TILL" status
TILL_TLS_CERT_FILE=$dir/client.pem expect 100 "tls.cert_file and tls.key_file go together" "$TILL" status
TILL_TLS_CERT_FILE=$dir/client.pem TILL_TLS_KEY_FILE=$dir/ca.key expect 100 "TLS: tls.key_file $dir/ca.key" "$TILL" status
TILL_TLS_CA_FILE=$dir/other.pem expect 111 "is not accepted" "$TILL_WORKER"
mkdir authorities
cp ca.pem authorities
openssl rehash authorities
TILL_TLS_CA_FILE="" TILL_TLS_CA_DIR=$dir/authorities expect 0 "sound" "$TILL" audit
cli config set tls-cert-file old.pem tls-key-file old.key >/dev/null
expect 100 "is not accepted: certificate has expired" "$TILL" status
cli config set tls-cert-file server.pem tls-key-file server.key >/dev/null

# A server that wants to see a certificate.
cli config set tls-auth-clients yes >/dev/null
expect 100 "does it want a certificate (tls.cert_file)?" "$TILL" status
TILL_TLS_CERT_FILE=$dir/client.pem TILL_TLS_KEY_FILE=$dir/client.key expect 0 "sound" "$TILL" audit
cli config set tls-auth-clients no >/dev/null

# No TLS at the other end, and nothing at all.
python3 -c '
import socket, time
quiet = socket.socket(); quiet.bind(("127.0.0.1", 0)); quiet.listen(); print(quiet.getsockname()[1], flush=True)
time.sleep(600)' >quiet.port &
pids="$pids $!"
wait_for 10 test -s quiet.port
TILL_REDIS_CONNECT_TIMEOUT=300ms TILL_REDIS_URL=rediss://127.0.0.1:$(cat quiet.port) \
    expect 111 "TLS: no handshake with 127.0.0.1 within 300 ms; does it speak TLS on this port?" "$TILL" status
python3 -c '
import socket
talks = socket.socket(); talks.bind(("127.0.0.1", 0)); talks.listen(); print(talks.getsockname()[1], flush=True)
while True: talks.accept()[0].sendall(b"-ERR unknown command\r\n")' >plain.port &
pids="$pids $!"
wait_for 10 test -s plain.port
TILL_REDIS_URL=rediss://127.0.0.1:$(cat plain.port) expect 100 "does not speak TLS on this port" "$TILL" status
TILL_REDIS_URL=redis://:till-secret@127.0.0.1:$port expect 111 "" "$TILL" status

# Certificates of another authority, under a running worker: it says what is wrong once, and goes on when the file is exchanged too.
make_cert other renewed 30 IP:127.0.0.1
lines=$(wc -l <worker.log)
cli config set tls-cert-file renewed.pem tls-key-file renewed.key >/dev/null
cli client kill type normal >/dev/null
wait_for 20 eval 'tail -n +$((lines + 1)) worker.log | grep -q "is not accepted"'
cp other.pem ca.pem
kill -HUP "$worker"
wait_for 20 eval 'tail -n +$((lines + 1)) worker.log | grep -q redis_back'
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY

# A server that falls silent is noticed within redis.timeout, and missed no longer than that.
lines=$(wc -l <worker.log)
kill -STOP "$redis"
wait_for 20 eval 'tail -n +$((lines + 1)) worker.log | grep -q "redis_away.*timed out after"'
kill -CONT "$redis"
wait_for 20 eval 'tail -n +$((lines + 1)) worker.log | grep -q redis_back'
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
expect 0 "sound" "$TILL" audit

# A sentinel, and the master that it names, over TLS.
sentinel_port=$((port + 1))
cat >sentinel.conf <<END
port 0
tls-port $sentinel_port
bind 127.0.0.1
dir $dir
tls-cert-file renewed.pem
tls-key-file renewed.key
tls-ca-cert-file ca.pem
tls-auth-clients no
tls-replication yes
sentinel monitor till 127.0.0.1 $port 1
sentinel auth-pass till till-secret
END
redis-server sentinel.conf --sentinel >sentinel.log 2>&1 &
pids="$pids $!"
export TILL_REDIS_URL=sentinel+tls://:till-secret@127.0.0.1:$sentinel_port/till
wait_for 20 "$TILL" status --no-rate
expect 0 "sentinel+tls://:***@127.0.0.1:$sentinel_port/till/0" "$TILL" status --no-rate
expect 0 "ok (0)" "$TILL" pay --account alice --to coffee --amount 100 --currency CNY
TILL_TLS_CA_FILE=$dir/client.pem \
    expect 100 "sentinel 127.0.0.1:$sentinel_port: TLS: the certificate of 127.0.0.1 is not accepted" "$TILL" status

stop_worker

# A cluster of two masters: its nodes name each other by address, and each is spoken to over TLS.
first=$((port + 2)) second=$((port + 3))
for node in $first $second; do
    mkdir $node
    redis-server --port 0 --tls-port $node --bind 127.0.0.1 --save "" --appendonly no --dir $node --tls-cert-file $dir/renewed.pem \
        --tls-key-file $dir/renewed.key --tls-ca-cert-file $dir/ca.pem --tls-auth-clients no --cluster-enabled yes --tls-cluster yes \
        --requirepass till-secret >$node.log 2>&1 &
    pids="$pids $!"
done
node() { REDISCLI_AUTH=till-secret redis-cli --tls --cacert ca.pem -h 127.0.0.1 -p "$@"; }
wait_for 20 eval "node $first ping | grep -q PONG && node $second ping | grep -q PONG"
node $first cluster addslotsrange 0 8191 >/dev/null
node $second cluster addslotsrange 8192 16383 >/dev/null
node $first cluster meet 127.0.0.1 $second >/dev/null
wait_for 30 eval "node $first cluster info | grep -q cluster_state:ok && node $second cluster info | grep -q cluster_state:ok"
export TILL_REDIS_URL=cluster+tls://:till-secret@127.0.0.1:$first
wait_for 20 eval "node $second cluster slots | grep -q $first"
start_worker
expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
for name in alice bob carol dave; do
    expect 0 "ok (0)" "$TILL" open --account $name --kind user --currency CNY
    expect 0 "ok (0)" "$TILL" topup --account $name --amount 1000 --currency CNY
    expect 0 "ok (0)" "$TILL" pay --account $name --to coffee --amount 100 --currency CNY
done
expect 0 "ok (0)" "$TILL" transfer --account alice --to bob --amount 100
expect 0 "sound" "$TILL" audit
for node in $first $second; do [ "$(node $node dbsize)" -gt 10 ] || fail "not all is served by port $node alone, and it has nothing"; done
TILL_TLS_CA_FILE=$dir/client.pem expect 100 "TLS: the certificate of 127.0.0.1 is not accepted" "$TILL" status

grep -q till-secret worker.log out err && fail "somebody shows the password"
stop_worker
finish
