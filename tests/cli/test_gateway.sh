#!/bin/bash
# `till gateway`: intents over HTTP, their answers with the statuses that are promised, and who may not come in.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/gateway.sh"

start_redis
start_worker
start_gateway

# what it answers | status | filter
number=0
while IFS='|' read -r json code filter; do
    [ -n "$json" ] || continue
    number=$((number + 1))
    post "t$number" "$json"
    want "$code" "$filter" "$json"
done <<'END'
{"op":"open","source":"shop","account":"alice","kind":"user","currency":"CNY"}|200|.code == 0 and .key == "t1"
{"op":"open","source":"shop","account":"coffee","kind":"merchant","currency":"CNY"}|200|.reason == "ok"
{"op":"topup","source":"shop","account":"alice","amount":1000,"currency":"CNY"}|200|.balance == 1000 and .replayed == false
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":5000,"currency":"CNY"}|402|.reason == "insufficient_funds"
{"op":"pay","source":"shop","account":"bob","to":"coffee","amount":5,"currency":"CNY"}|404|.reason == "not_found"
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":5,"currency":"EUR"}|422|.reason == "currency_mismatch"
{"op":"open","source":"shop","account":"alice","kind":"user","currency":"CNY"}|409|.reason == "already_exists"
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":5.5,"currency":"CNY"}|400|.field == "amount"
{"op":"pay","source":"shop","account":"alice","too":"coffee","amount":5,"currency":"CNY"}|400|.field == "too"
{"op":"pay","account":"alice","to":"coffee","amount":5,"currency":"CNY"}|400|.field == "source"
{"op":"pay","source":"till","account":"alice","to":"coffee","amount":5,"currency":"CNY"}|400|.field == "source"
{"op":"policy","source":"shop","settings":{"fee":5}}|403|.type == "/problems/forbidden"
{"op":"lock","source":"shop","account":"alice","token":"t","expires":60000}|200|.code == 0
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":5,"currency":"CNY"}|409|.reason == "account_locked"
{"op":"unlock","source":"shop","account":"alice","token":"wrong"}|403|.reason == "not_permitted"
{"op":"unlock","source":"shop","account":"alice","token":"t"}|200|.code == 0
{"op":"limit","source":"shop","account":"alice","payments":1,"per":3600000}|200|.code == 0
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":5,"currency":"CNY"}|200|.bill != ""
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":6,"currency":"CNY"}|429|.reason == "rate_limited"
{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":6,"currency":"CNY","at":1000}|422|.reason == "stale"
[1]|400|.type == "/problems/bad_request"
{"op":|400|.type == "/problems/bad_request"
END
grep -qi '^retry-after: 1' "$dir/head" && fail "nothing will be otherwise about bytes that are no JSON"

# The same again: the same answer. The same key for something else: refused.
topup='{"op":"topup","source":"shop","account":"alice","amount":1000,"currency":"CNY"}'
post t3 "$topup"
want 200 '.replayed and .balance == 1000' "the same again"
grep -qi '^idempotent-replayed: true' "$dir/head" || fail "a replayed answer does not say so: $(cat "$dir/head")"
post t3 "${topup/1000/1001}"
want 422 '.reason == "key_reused" and .field == "amount"' "the key of another"

# Keys: quoted as the draft wants it, bare, in the body; never missing, never two.
json() { ask POST /v1/intents -H 'Content-Type: application/json' "$@"; }
json -H 'Idempotency-Key: bare' -d "$topup"
want 200 '.key == "bare"' "a bare key"
json -d "${topup/\{/\{\"key\":\"inside\",}"
want 200 '.key == "inside"' "a key in the body"
json -d "$topup"
want 400 '.type == "/problems/key_missing"' "no key"
json -H 'Idempotency-Key: "one"' -d "${topup/\{/\{\"key\":\"two\",}"
want 400 '.type == "/problems/key_differs"' "two keys"
for key in '""' '"a b"' '"a' '"a/b"' "\"$(printf 'x%.0s' {1..129})\""; do
    json -H "Idempotency-Key: $key" -d "$topup"
    [ "$status" = 400 ] || fail "the key $key was taken: $(cat "$dir/body")"
done

# Not waited for: where the answer will be.
kill -STOP "$worker" # else it may be answered at once all the same
post later "$topup" -H 'Prefer: respond-async'
kill -CONT "$worker"
want 202 '.key == "later" and .entry != null' "not waited for"
location=$(sed -n 's/^Location: \(.*\)\r$/\1/p' "$dir/head")
answered() { ask GET "$location" && [ "$status" = 200 ]; }
wait_for 10 answered
want 200 '.key == "later" and .code == 0' "the answer later"
kill -STOP "$worker"
post unbooked '{"op":"pay","source":"shop","account":"alice","to":"coffee","amount":7,"currency":"CNY"}' -H 'Prefer: wait=0'
location=$(sed -n 's/^Location: \(.*\)\r$/\1/p' "$dir/head")
ask GET "$location"
want 202 '.key == "unbooked"' "the answer that is still to come"
kill -CONT "$worker"
refused() { ask GET "$location" && [ "$status" = 429 ]; }
wait_for 10 refused # which leaves no bill
post scheduled "${topup/\}/,\"not_before\":$(($(date +%s) * 1000 + 600000))\}}"
want 202 .entry "for later"
scheduled() { ask GET /v1/answers/alice/shop/scheduled && [ "$status" = 202 ]; }
wait_for 10 scheduled

# Looking up.
ask GET /v1/accounts/alice
want 200 '.balance == 3995 and .limit_payments == 1' "an account"
ask GET /v1/accounts/nobody
want 404 '.reason == "not_found"' "no account"
ask GET /v1/accounts/a%20b
want 400 '.reason == "invalid"' "no account's name"
ask GET /v1/answers/alice/shop/t4
want 402 '.answer.key == "t4"' "the answer to what was refused"
ask GET /v1/answers/alice/shop/never
want 404 '.type == "/problems/unknown_answer"' "the answer to nothing"
ask GET /v1/answers/alice/shop
want 404 '.type == "/problems/no_such_page"' "half an identity"
ask GET /openapi.json
want 200 '.paths["/v1/intents"].post' "its description"
ask GET /problems/stale
want 200 '.code == 14 and .status == 422' "a problem"
ask DELETE /v1/intents
want 405 '.type == "/problems/method_not_allowed"' "a method that is not taken"
grep -q '^Allow: POST' "$dir/head" || fail "405 without Allow"
ask GET /nothing
want 404 '.type == "/problems/no_such_page"' "a page that is not there"

# No web page gets in where nobody needs a token.
post x1 "$topup" -H 'Origin: http://evil.example'
want 403 '.type == "/problems/forbidden"' "a request from a page"
post x1 "$topup" -H 'Host: evil.example'
want 403 '.type == "/problems/forbidden"' "another name of this machine"
ask POST /v1/intents -H 'Idempotency-Key: x1' -H 'Content-Type: text/plain' -d "$topup"
want 415 '.type == "/problems/unsupported_type"' "a form's type"

# Redis away: nothing is promised, and it is well again when Redis is.
kill -STOP "$redis"
post away "$topup" -H 'Prefer: wait=1'
want 503 '.code < 0' "Redis does not answer"
grep -q '^Retry-After' "$dir/head" || fail "503 without Retry-After"
kill -CONT "$redis"
post away "$topup"
want 200 '.code == 0' "Redis is back"

# The end: what waits is told where its answer will be.
kill -STOP "$worker"
post waits "$topup" -H 'Prefer: wait=30' &
waiting=$!
enqueued() { cli --raw xrevrange '{till:3}:intents' + - count 1 | grep -q waits; }
wait_for 10 enqueued
began=$(date +%s%N)
stop_gateway || fail "it ended with $?"
[ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] || [ "${TILL_SLOW:-1}" != 1 ] || fail "it took longer than 2 s to end"
wait "$waiting"
jq -e '.answer | test("^/v1/answers/alice/shop/waits")' "$dir/body" >/dev/null || fail "what waited was told: $(cat "$dir/body")"
kill -CONT "$worker"
finish
