#!/bin/bash
# Who may come in to `till gateway`, how much and how slowly: tokens, limits, connections that say nothing, a socket of systemd's.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/gateway.sh"

expect 100 "needs a gateway.tokens_file" "$TILL" gateway --listen 0.0.0.0:0
expect 100 "gateway.listen must be an address and a port" "$TILL" gateway --listen nowhere
expect 100 "'tokens'? token NAME" "$TILL" gateway tokens
expect 100 "gateway.tokens_file must name the file first" "$TILL" gateway token shop
expect 111 "connecting" env TILL_PRODUCER_TIMEOUT=100ms "$TILL" gateway --listen 127.0.0.1:0
export TILL_GATEWAY_TOKENS_FILE=$dir/tokens
expect 100 "'Shop' is no name" "$TILL" gateway token Shop
expect 100 "cannot be read" "$TILL" gateway --listen 127.0.0.1:0
shop=$("$TILL" gateway token shop 2>/dev/null) other=$("$TILL" gateway token other 2>/dev/null)
grep -q "$shop" "$dir/tokens" && fail "the token itself is in the file"

start_redis
start_worker
export TILL_GATEWAY_BODY_MAX=4KiB TILL_GATEWAY_CONNECTIONS=16
start_gateway
open='{"op":"open","source":"shop","account":"alice","kind":"user","currency":"CNY"}'
post k1 "$open"
want 401 '.type == "/problems/unauthorized"' "no token"
grep -q '^WWW-Authenticate: Bearer' "$dir/head" || fail "401 without WWW-Authenticate"
post k1 "$open" -H "Authorization: Bearer ${shop}x"
want 401 '.type == "/problems/unauthorized"' "a wrong token"
post k1 "$open" -H "Authorization: Bearer $other"
want 403 '.type == "/problems/forbidden"' "another's token"
post k1 "${open/\"source\":\"shop\",/}" -H "Authorization: Bearer $shop" -H 'Origin: http://shop.example'
want 200 '.source == "shop"' "its own"
ask GET /v1/answers/alice/shop/k1 -H "Authorization: Bearer $other"
want 403 '.type == "/problems/forbidden"' "another's answer"
ask GET /v1/accounts/alice
want 401 .title "an account without a token"
ask GET /healthz
[ "$status" = 200 ] || fail "healthz needs no token"

# A new token is known after SIGHUP; a file with faults changes nothing.
third=$("$TILL" gateway token third 2>/dev/null)
kill -HUP "$gateway"
knows() { ask GET /v1/accounts/alice -H "Authorization: Bearer $third" && [ "$status" = 200 ]; }
wait_for 10 knows
echo nonsense >>"$dir/tokens"
kill -HUP "$gateway"
wait_for 10 grep -q 'must be NAME and 64 hex digits' "$dir/gateway.log"
knows || fail "a file with faults was taken"
sed -i '$d' "$dir/tokens"

# Bodies that are too large, said or not.
head -c 5000 /dev/zero | tr '\0' ' ' >"$dir/large"
post k2 "@$dir/large" -H "Authorization: Bearer $shop"
want 413 '.type == "/problems/too_large"' "a large body"
post k2 "@$dir/large" -H "Authorization: Bearer $shop" -H 'Transfer-Encoding: chunked'
want 413 '.type == "/problems/too_large"' "a large body in chunks"
head -c 20000000 /dev/zero >"$dir/huge"
post k2 "@$dir/huge" -H "Authorization: Bearer $shop" -H 'Transfer-Encoding: chunked' -H 'Expect:'
[ "$status" = 413 ] || [ "$status" = 000 ] || fail "a huge body: $status"
post k2 "$open" -H "X-Long: $(head -c 40000 /dev/zero | tr '\0' x)" -H "Authorization: Bearer $shop"
[ "$status" = 431 ] || [ "$status" = 413 ] || [ "$status" = 400 ] || [ "$status" = 000 ] || fail "long headers: $status"

# Every connection taken by those who say a byte now and then: whoever has something to say comes in all the same.
port=${url##*:}
python3 - "$port" <<'END' &
import socket, sys, time
links = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for n in range(40)]
while True:
    for link in links:
        try: link.send(b"G")
        except OSError: pass
    time.sleep(0.1)
END
slow=$!
pids="$pids $slow"
post k3 "${open/alice/bob}" -H "Authorization: Bearer $shop" -m 15
want 200 '.account == "bob"' "among slow ones"
kill "$slow"
wait "$slow" 2>/dev/null
stop_gateway || fail "it ended with $?"

# No more than so many a second.
TILL_GATEWAY_RATE=2 start_gateway
for n in 1 2 3 4 5 6; do ask GET /v1/accounts/alice -H "Authorization: Bearer $shop"; echo "$status"; done >"$dir/statuses"
grep -q 200 "$dir/statuses" && grep -q 429 "$dir/statuses" || fail "six requests of two a second: $(tr '\n' ' ' <"$dir/statuses")"
stop_gateway

# A socket that systemd made, and a word when it is ready.
export NOTIFY=$dir/notify
python3 - "$TILL" 2>"$dir/activated.log" <<'END' &
import os, signal, socket, sys
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(5)
if listening.fileno() != 3: os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(os.environ["NOTIFY"])
child = os.fork()
if child == 0:
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=os.environ["NOTIFY"])
    os.execv(sys.argv[1], [sys.argv[1], "gateway"])
signal.signal(signal.SIGTERM, lambda *ignored: os.kill(child, signal.SIGTERM))
words = told.recv(100)
open("ready", "w").write("%d %s" % (listening.getsockname()[1], words.decode()))
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
END
activated=$!
pids="$pids $activated"
wait_for 10 grep -q READY=1 "$dir/ready"
url=http://127.0.0.1:$(cut -d' ' -f1 "$dir/ready")
ask GET /v1/accounts/alice -H "Authorization: Bearer $shop"
want 200 '.account == "alice"' "by systemd's socket"
kill "$activated"
wait "$activated" || fail "the activated one ended with $?"
finish
