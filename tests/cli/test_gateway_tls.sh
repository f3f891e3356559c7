#!/bin/bash
# `till gateway` over HTTPS: with whom it speaks, what it refuses to start with, and that its page's cookie stays on HTTPS.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/tls.sh"
. "$here/gateway.sh"
command -v openssl >/dev/null || { echo "skipped: there is no openssl"; exit 77; }

make_ca ca
make_cert ca server 30 IP:127.0.0.1
start_redis
start_worker
export TILL_GATEWAY_TLS_CERT_FILE=$dir/server.pem
expect 100 "gateway.tls_cert_file and gateway.tls_key_file go together" "$TILL" gateway --listen 127.0.0.1:0
export TILL_GATEWAY_TLS_KEY_FILE=$dir/none.key
expect 100 "none.key cannot be read" "$TILL" gateway --listen 127.0.0.1:0
export TILL_GATEWAY_TLS_KEY_FILE=$dir/server.key
chmod 644 server.key
expect 100 "chmod 600" "$TILL" gateway --listen 127.0.0.1:0
chmod 600 server.key
echo nonsense >broken.pem
expect 100 "" env TILL_GATEWAY_TLS_CERT_FILE="$dir/broken.pem" timeout 20 "$TILL" gateway --listen 127.0.0.1:0

export TILL_GATEWAY_TOKENS_FILE=$dir/tokens TILL_GATEWAY_OPERATORS_FILE=$dir/operators
shop=$("$TILL" gateway token shop 2>/dev/null) joe=$("$TILL" gateway token --operator joe 2>/dev/null)
start_gateway
[[ $url == https://127.0.0.1:* ]] || fail "it listens on $url"
open='{"op":"open","account":"alice","kind":"user","currency":"CNY"}'
post k1 "$open" -H "Authorization: Bearer $shop" --cacert ca.pem
want 200 '.code == 0' "over TLS"
post k2 "$open" -H "Authorization: Bearer $shop"
[ "$status" = 000 ] || fail "an authority that curl does not know: $status"
curl -s -m 5 "http://${url#https://}/healthz" | grep -q alive && fail "it speaks plainly too"
ask POST /ui/login --cacert ca.pem -H 'Content-Type: application/json' -d "{\"token\":\"$joe\"}"
want 200 '.name == "joe"' "logging in"
grep -qi '^set-cookie: till_session=.*; Secure' "$dir/head" || fail "the cookie goes over plain HTTP too: $(cat "$dir/head")"
stop_gateway || fail "it ended with $?"
finish
