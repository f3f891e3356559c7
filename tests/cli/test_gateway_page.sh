#!/bin/bash
# The gateway's page for operators: who may see and change what, and that it works in a browser, where there is one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/gateway.sh"

export TILL_GATEWAY_TOKENS_FILE=$dir/tokens TILL_GATEWAY_OPERATORS_FILE=$dir/operators
shop=$("$TILL" gateway token shop 2>/dev/null) joe=$("$TILL" gateway token --operator joe 2>/dev/null)
start_redis
start_worker
start_gateway
topup='{"op":"topup","account":"alice","amount":1000,"currency":"CNY"}'
post k1 '{"op":"open","account":"alice","kind":"user","currency":"CNY"}' -H "Authorization: Bearer $shop"
post k2 "$topup" -H "Authorization: Bearer $shop"
want 200 '.balance == 1000' "a payment to look at"
bill=$(jq -r .bill "$dir/body")
for p in 0 1 2; do cli xadd "{till:$p}:intents" '*' intent "unreadable $p" >/dev/null; done

# Nothing without logging in; a source's token is no operator's.
ask GET /
[ "$status" = 200 ] || fail "the page: $status"
grep -q "^Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'" "$dir/head" ||
    fail "no policy: $(cat "$dir/head")"
grep -qE '<script>|<style|style=| on[a-z]+="' "$dir/body" && fail "something is inline that the policy forbids"
for path in /ui/session /ui/dead /ui/events /ui/look?q=alice; do
    ask GET "$path"
    want 401 '.type == "/problems/unauthorized"' "$path without logging in"
done
login() { ask POST /ui/login -H 'Content-Type: application/json' -d "{\"token\":\"$1\"}" "${@:2}"; }
login "$shop"
want 401 .detail "a source's token"
login "$joe" -H 'Origin: http://evil.example'
want 403 '.type == "/problems/forbidden"' "logging in from another site"
login "$joe"
want 200 '.name == "joe"' "logging in"
grep -qi '^set-cookie: till_session=[^;]*; Path=/; HttpOnly; SameSite=Strict' "$dir/head" || fail "the cookie: $(cat "$dir/head")"
cookie=$(sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\).*/\1/p' "$dir/head") proof=$(jq -r .proof "$dir/body")
as() { ask "$@" -H "Cookie: $cookie" -H 'Content-Type: application/json'; }
as GET '/ui/look?q=alice'
want 200 '.account.balance == 1000' "an account"
as GET '/ui/look?q=alice/shop/k2'
want 200 '.bill.key == "k2"' "an intent"
for what in k2 shop/k2 "$bill"; do
    as GET "/ui/look?q=$what"
    want 200 '.found[0].identity == "alice/shop/k2" and .whole' "$what"
done
as GET '/ui/look?q=nothing'
want 200 '.found == []' "nothing"
dead() { as GET /ui/dead && jq -e ".dead | length == $1" "$dir/body" >/dev/null; }
wait_for 10 dead 3
ids=$(jq -c '[.dead[].id]' "$dir/body") first=$(jq -r '.dead[0].id' "$dir/body")

# A change needs the proof, and must not come from another site.
as POST /ui/dead/discard -d "{\"ids\":[\"$first\"],\"reason\":\"test\"}"
want 403 '.type == "/problems/forbidden"' "without the proof"
as POST /ui/dead/discard -H "X-Till-Proof: ${proof}x" -d "{\"ids\":[\"$first\"],\"reason\":\"test\"}"
want 403 '.type == "/problems/forbidden"' "with a wrong proof"
for header in 'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site' 'Origin: http://evil.example' 'Origin: null'; do
    as POST /ui/dead/requeue -H "X-Till-Proof: $proof" -H "$header" -d "{\"ids\":$ids}"
    want 403 '.detail == "this comes from another site"' "$header"
done
as POST /ui/dead/discard -H "X-Till-Proof: $proof" -d "{\"ids\":[\"$first\"],\"reason\":\" \"}"
want 400 .detail "without a reason"
dead 3 || fail "something was changed that was refused"
as POST /ui/dead/discard -H "X-Till-Proof: $proof" -H "Origin: $url" -H 'Sec-Fetch-Site: same-origin' \
    -d "{\"ids\":[\"$first\"],\"reason\":\"a test\"}"
want 200 '.done == 1' "discarding"
cli xrange "{till:${first%%:*}}:discarded" - + | grep -q 'a test' || fail "the reason was not kept"
as POST /ui/dead/discard -H "X-Till-Proof: $proof" -d "{\"ids\":[\"$first\"],\"reason\":\"a test\"}"
want 200 '.done == 0 and .gone == 1' "discarding again"
curl -s -N -m 3 -H "Cookie: $cookie" "$url/ui/events" >"$dir/events"
grep -q '^event: state' "$dir/events" && sed -n 's/^data: //p' "$dir/events" | jq -se '.[0].partitions | length == 4' >/dev/null ||
    fail "the events: $(cat "$dir/events")"
as POST /ui/logout -H "X-Till-Proof: $proof" -d '{}'
as GET /ui/session
want 401 .title "after logging out"

# In a browser.
[ $bad = 0 ] || finish
. "$here/browser.sh"
start_browser
drive POST /url "{\"url\":\"$url/\"}" >/dev/null
wait_for 20 holds 'document.activeElement.id == "token"'
press "$joe\\n"
wait_for 20 holds '!document.getElementById("main").hidden && document.getElementById("link").textContent == "live"'
wait_for 20 holds 'document.getElementById("dead-count").textContent == "2" && document.querySelectorAll("#partitions li").length == 4'
post k3 "$topup" -H "Authorization: Bearer $shop"
wait_for 20 holds '[...document.querySelectorAll("#answers td")].some(cell => cell.textContent == "k3")'
js 'document.getElementById("look").focus()' >/dev/null
press 'alice\n'
wait_for 20 holds 'document.getElementById("look-result").textContent.includes("2\u202f000 CNY")'

# By keyboard alone: from the first dead letter to its button, a reason, Enter.
js 'document.querySelector(".letter summary").focus()' >/dev/null
press '\t\t\n'
wait_for 20 holds 'document.getElementById("discard").open && document.activeElement.id == "reason"'
press 'by keyboard\n'
wait_for 20 holds 'document.getElementById("dead-done").textContent.includes("put aside")'
wait_for 20 holds 'document.getElementById("dead-count").textContent == "1"'

# On a phone nothing is wider than the screen; dark is dark.
for width in 390 320; do
    look $width 800 light
    holds "document.documentElement.scrollWidth <= $width" || fail "wider than a screen of $width"
done
[ "$(js 'return getComputedStyle(document.body).backgroundColor')" = '"rgb(246, 245, 242)"' ] || fail "light is not light"
look 1200 900 dark
[ "$(js 'return getComputedStyle(document.body).backgroundColor')" = '"rgb(21, 23, 26)"' ] || fail "dark is not dark"

# It ends at once though the browser still follows.
began=$(date +%s%N)
stop_gateway || fail "it ended with $?"
[ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] || [ "${TILL_SLOW:-1}" != 1 ] || fail "it took longer than 2 s to end"
stop_browser
finish
