#!/bin/bash
# Every way money moves from the command line, against a real worker: holds, groups, transfers, locks, limits, policies, what is for later,
# and passwords.
set -u
. "$(dirname "$0")/private.sh"

start_redis
start_worker
home() { "$TILL" account "$1" --json | jq .partition; }
intent() { "$TILL" "$@" --json </dev/null | jq -r '"\(.code) \(.detail)"'; } # "CODE DETAIL"
is() { # is WANTED COMMAND...
    local wanted=$1 got
    shift
    got=$(intent "$@" 2>&1)
    [ "$got" = "$wanted" ] || fail "$* gave '$got', not '$wanted'"
}
cny="--currency CNY"
for user in alice bob carol dave erin; do
    is "0 " open --account $user --kind user $cny
    is "0 " topup --account $user --amount 10000 $cny
done
is "0 " open --account coffee --kind merchant $cny
is "0 " open --account tea --kind merchant $cny

# A hold, captured in two parts; the second gives back the rest.
alice="--source shop --account alice"
hold="hold $alice --key h1 --to coffee --amount 900 $cny --expires 15m"
json 0 '.[0] | .code == 0 and .held == 900 and .balance == 10000 and ((.detail | tonumber) - .at == 900000)' "$TILL" $hold --json
expect 0 "deadline 20" "$TILL" $hold
expect 0 "left        900 CNY" "$TILL" bill alice shop h1
json 0 '.[0] | .state == "open" and .deadline - .at == 900000' "$TILL" bill alice shop h1 --json
expect 0 "held       900 CNY" "$TILL" account alice
h1=$("$TILL" bill alice shop h1 --json | jq -r .bill)
is "0 $h1" capture $alice --of h1 --amount 300 --final no --key c1
is "12 $h1" capture $alice --of h1 --amount 601
json 0 '.[0] | .amount == 200 and .balance == 9500 and .held == 0' "$TILL" capture $alice --of h1 --amount 200 --json
json 0 '.[0] | .state == "captured" and .captured == 500' "$TILL" bill alice shop h1 --json
is "11 $h1" release $alice --of h1
is "0 $h1" refund $alice --of h1 --amount 500
is "0 " hold $alice --key h2 --to coffee --amount 5 $cny
json 0 '.[0] | .deadline == null' "$TILL" bill alice shop h2 --json
is "0 $("$TILL" bill alice shop h2 --json | jq -r .bill)" release $alice --of h2
expect 0 "released" "$TILL" bill alice shop h2
"$TILL" hold $alice --key h3 --to coffee --amount 7 $cny --expires 300ms >/dev/null || fail "hold h3"
wait_for 10 eval "\"\$TILL\" bill alice shop h3 --json | jq -e '.state == \"expired\"'"
json 0 '.[0] | .held == 0 and .balance == 10000' "$TILL" account alice --json
is "16 $("$TILL" bill alice shop h3 --json | jq -r .bill)" capture $alice --of h3

# A group: a split of one payment, all or nothing.
json 0 '.[0] | .code == 0 and .amount == 350 and .balance == 9650' \
    "$TILL" group $alice --key g1 $cny 'pay to=coffee amount=300 key=a' 'pay to=tea amount=50' --json
json 0 '.[0].amount == 300' "$TILL" bill alice shop a --json
json 0 '.[0].amount == 50 and .[0].to == "tea"' "$TILL" bill alice shop 'g1>2' --json
is "17 2 insufficient_funds" group $alice $cny 'pay to=coffee amount=300' 'pay to=tea amount=10000'
echo '[{"op":"hold","to":"tea","amount":20,"currency":"CNY","key":"gh"},{"op":"capture","of":"gh","amount":5}]' >steps.json
json 0 '.[0] | .code == 0 and .balance == 9645 and .held == 0' "$TILL" group $alice --steps steps.json --json

# Transfers: to the same partition and to another.
for to in bob carol dave erin; do
    is "0 " transfer --account alice --to $to --amount 10
    json 0 '.[0].balance == 10010' "$TILL" account $to --json
done
[ "$(for user in alice bob carol dave erin; do home $user; done | sort -u | wc -l)" -gt 1 ] || fail "all live in one partition"
is "1 to" transfer --account alice --to nobody --amount 10
json 0 '.[0].balance == 9605' "$TILL" account alice --json

# Locks and limits.
is "0 " lock --account bob --token order-7 --expires 5m
expect 0 "locked     until 20" "$TILL" account bob
json 0 '.[0] | .locked and .lock_until > .changed and .credential == false and .limit_payments == null' "$TILL" account bob --json
pay="--source shop --to coffee --amount 1 $cny"
is "5 " pay --account bob $pay
is "0 " pay --account bob $pay --token order-7
is "2 " unlock --account bob --token order-8
is "0 " unlock --account bob --token order-7
json 0 '.[0] | .locked == false and .lock_until == null' "$TILL" account bob --json
is "0 " lock --account bob --token order-9 --expires 0
expect 0 "until it is unlocked" "$TILL" account bob
is "0 " unlock --account bob --token order-9
is "0 " limit --account bob --payments 2 --per 1h
expect 0 "limit      2 payments in 1h" "$TILL" account bob
is "0 " pay --account bob $pay
is "0 " pay --account bob $pay
is "8 " pay --account bob $pay

# Guards and the rules of the book.
seq=$("$TILL" account carol --json | jq .seq)
is "18 " pay --account carol $pay --guard seq=$((seq + 1))
is "0 " pay --account carol $pay --guard seq=$seq,balance_min=100
is "0 " policy duplicate_window=1h
for partition in 0 1 2 3; do
    [ "$(cli hget "{till:$partition}:meta" policy:duplicate_window)" = 3600000 ] || fail "partition $partition has no policy"
done
is "0 " pay --account carol --to tea --amount 2 $cny
is "9 " pay --account carol --to tea --amount 2 $cny
is "0 " pay --account carol --to tea --amount 2 $cny --allow-duplicate
is "0 " policy duplicate_window=0 bills_keep=200d

# For later: enqueued and not waited for, decided when it is time, taken back before.
dave="--source shop --account dave"
json 0 '.[0] | .code == 0 and .entry != "" and .key == "rent"' \
    "$TILL" pay $dave --key rent --to coffee --amount 100 $cny --not-before +1h --json
expect 0 "enqueued, to be decided at 20" "$TILL" pay $dave --key soon --to coffee --amount 10 $cny --not-before +1s
wait_for 10 eval "\"\$TILL\" bill dave shop rent --json | jq -e '.state == \"scheduled\" and .code == 20'"
expect 0 "scheduled" "$TILL" bill dave shop rent
is "0 " unschedule $dave --of rent
is "1 of" unschedule $dave --of never
wait_for 10 eval "\"\$TILL\" bill dave shop soon --json | jq -e '.code == 0'"
json 0 '.[0].balance == 10000' "$TILL" account dave --json
answers=0
for partition in 0 1 2 3; do answers=$((answers + $(cli xlen "{till:$partition}:responses:shop"))); done
json 0 'map(select(.key == "rent" or .key == "soon") | [.key, .code, .detail]) | sort == [["rent", 11, "unscheduled"], ["soon", 0, ""]]' \
    "$TILL" watch --source shop --from 0 --limit $answers --json

# Passwords: set when it is opened, needed from then on, changed with the old one, removed.
(umask 077; echo first >first; echo second >second)
is "0 " open --account fay --kind user $cny --password-file first
is "0 " topup --account fay --amount 1000 $cny
expect 0 "signed     debits need" "$TILL" account fay
is "2 " pay --account fay $pay
is "2 " pay --account fay $pay --password-file second
is "0 " pay --account fay $pay --password-file first
is "0 " hold --account fay $pay --key f1 --password-file first
is "2 " transfer --account fay --to bob --amount 1
is "0 " transfer --account fay --to bob --amount 1 --password-file first
is "2 " group --account fay $cny 'pay to=tea amount=1' 'pay to=tea amount=2'
json 0 '.[0] | .code == 0 and .amount == 3' \
    "$TILL" group --account fay $cny 'pay to=tea amount=1' 'pay to=tea amount=2' --password-file first --json
is "2 " credential --account fay --password-file second
is "2 " credential --account fay --password-file second --old-password-file second
is "0 " credential --account fay --password-file second --old-password-file first
is "2 " withdraw --account fay --amount 1 --password-file first
is "0 " withdraw --account fay --amount 1 --password-file second
is "2 " credential --account fay --remove
is "0 " credential --account fay --remove --old-password-file second
is "0 " withdraw --account fay --amount 1
"$TILL" account fay --json | jq -e '.credential == false' >/dev/null || fail "fay still has a credential"

# The same from JSON lines.
soon=$(($(date +%s%3N) + 4000))
cat >lines.jsonl <<END
{"op":"hold","account":"erin","to":"tea","amount":50,"currency":"CNY","expires":60000,"key":"jh","source":"lines","guard":{"seq":2}}
{"op":"capture","account":"erin","of":"jh","amount":20,"final":false,"source":"lines"}
{"op":"group","account":"erin","source":"lines","steps":[{"op":"pay","to":"tea","amount":1,"currency":"CNY"},{"op":"release","of":"jh"}]}
{"op":"policy","settings":{"fee":30,"balance_cap":100000000},"source":"lines"}
{"op":"lock","account":"erin","token":"t","expires":0,"source":"lines"}
{"op":"withdraw","account":"erin","amount":1,"token":"t","not_before":$soon,"source":"lines","key":"jw"}
{"op":"open","account":"gina","kind":"user","currency":"CNY","payments":5,"per":1000,"credential":"$(printf '%064d' 7)","source":"lines"}
END
json 0 '.[-1].summary | .sent == 7 and .scheduled == 1 and .answered == 9 and .unanswered == 0 and .bad == 0' \
    "$TILL" send lines.jsonl --wait --json
expect 0 "of them for later" "$TILL" send lines.jsonl
wait_for 20 eval "\"\$TILL\" bill erin lines jw --json | jq -e '.code == 0'"
json 0 '.[0] | .credential and .limit_payments == 5 and .limit_per == 1000' "$TILL" account gina --json
expect 0 "sound" "$TILL" audit

# A book with a secret takes a policy from those who have it.
stop_worker
(umask 077; printf '%064d' 5 >book.secret)
export TILL_BOOK_SECRET_FILE=$dir/book.secret
start_worker
is "0 " policy fee=20
TILL_BOOK_SECRET_FILE= is "2 " policy fee=30
echo '{"op":"policy","settings":{"fee":40}}' >policy.jsonl
json 0 '.[-1].summary | .answered == 4' "$TILL" send policy.jsonl --wait --json
[ "$(cli hget "{till:1}:meta" policy:fee)" = 40 ] || fail "the policy sent as JSON does not hold"
finish
