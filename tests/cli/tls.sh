# Certificates, and a redis-server that speaks TLS, for the tests of it. Sourced beside private.sh; needs openssl.

# make_ca NAME: an authority, NAME.pem and NAME.key.
make_ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>openssl.log
}

# make_cert CA NAME DAYS [SUBJECT_ALTERNATIVE_NAMES]: NAME.pem and NAME.key, signed by CA. DAYS -1: it is over.
make_cert() {
    local valid="-days $3"
    [ "$3" != -1 ] || ! openssl x509 -help 2>&1 | grep -q not_after || valid="-not_before 20200101000000Z -not_after 20200201000000Z"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$2.key" -out "$2.csr" 2>openssl.log
    openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial $valid -out "$2.pem" \
        -extfile <(echo "subjectAltName=${4:-DNS:$2}") 2>>openssl.log || { cat openssl.log; exit 1; }
}

# start_tls_redis OPTION...: on $port, without TLS on $socket. Another port is tried when one is taken. The nine behind it are the test's too:
# a range like those of ports.sh, since the system gives those from 32768 on to connections.
start_tls_redis() {
    local try
    for try in 1 2 3 4 5; do
        port=$((22400 + RANDOM % 36 * 10))
        redis-server --port 0 --tls-port $port --bind 127.0.0.1 --unixsocket "$socket" --save "" --appendonly no --dir "$dir" \
            --tls-cert-file server.pem --tls-key-file server.key --tls-ca-cert-file ca.pem --tls-auth-clients no "$@" >redis.log 2>&1 &
        redis=$!
        pids="$pids $redis"
        for wait in $(seq 200); do
            cli ping 2>/dev/null | grep -qE "PONG|NOAUTH" && return
            kill -0 $redis 2>/dev/null || break
            sleep 0.05
        done
        ! grep -q "TLS not built\|Bad directive" redis.log || { echo "SKIPPED: this redis-server has no TLS"; exit 77; }
    done
    cat redis.log
    exit 1
}
