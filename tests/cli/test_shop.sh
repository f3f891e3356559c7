#!/bin/bash
# A shop's day from the command line, against a real worker: prices and stock, orders that are paid, cancelled or lapse, and what looking at
# them says. Payers live in the shop's home partition and in others, where a payment takes the long way.
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
stock() { "$TILL" articles coffee "$1" --json | jq .stock; }
stocks() { # stocks TEA CAKE
    local got
    got="$(stock tea) $(stock cake)"
    [ "$got" = "$*" ] || fail "line ${BASH_LINENO[0]}: there are '$got' tea and cake, not '$*'"
}
state() { "$TILL" orders coffee "$1" --json | jq -r .state; }
cny="--currency CNY"
is "0 " open --account coffee --kind merchant $cny
shop=$(home coffee)
near="" far=""
for n in $(seq 40); do # a customer who lives where the shop does, and one who does not
    is "0 " open --account guest$n --kind user $cny
    [ "$(home guest$n)" = "$shop" ] && near=${near:-guest$n} || far=${far:-guest$n}
    [ -z "$near" ] || [ -z "$far" ] || break
done
[ -n "$near" ] && [ -n "$far" ] || { echo "FAILED: no customers near and far"; exit 1; }
for user in $near $far; do is "0 " topup --account $user --amount 10000 $cny; done
is "0 " open --account poor --kind user $cny

# The morning: an article comes into being by its price or by its stock.
expect 0 "coffee has no articles" "$TILL" articles coffee
expect 0 "coffee has no orders" "$TILL" orders coffee
json 0 'length == 0' "$TILL" articles coffee --json
is "0 10" stock coffee tea +10
expect 0 "stock    13" "$TILL" stock coffee tea +3 --source shop --key s1
expect 0 "the answer given before" "$TILL" stock coffee tea +3 --source shop --key s1
is "13 " stock coffee tea -14
expect 1 "there is less in stock than is to be taken off" "$TILL" stock coffee tea -14
is "0 10" stock coffee tea -3
json 0 '.[0] | .price == null and .stock == 10 and .currency == "CNY" and .merchant == "coffee"' "$TILL" articles coffee tea --json
is "1 lines" order coffee o-0 --line tea=1
expect 1 "is not there or has no price" "$TILL" order coffee o-0 --line milk=1
is "0 " price coffee tea 300
is "15 " price coffee cake 500 --currency EUR
is "0 " price coffee cake 500 $cny
is "0 2" stock coffee cake +2
is "1 account" price nobody tea 300
is "1 account" stock $near tea +1
is "12 " stock coffee tea +9007199254740991
for n in 'sp*t' 'sp[o]t' 'a=b' 'spot'; do is "0 1" stock coffee "$n" +1; done # names are names, whatever they look like
json 0 'map(.sku) == ["a=b", "cake", "sp*t", "sp[o]t", "spot", "tea"]' "$TILL" articles coffee --json
json 0 'map(.sku) == ["sp*t", "tea"] and .[1].stock == 10 and .[1].price == 300' "$TILL" articles coffee 'sp*t' tea --json
expect 0 "tea       300  CNY" "$TILL" articles coffee
expect 1 "coffee has no article 'milk'" "$TILL" articles coffee tea milk
expect 0 "" "$TILL" price coffee 'a=b' 7
is "0 " order coffee named --line a=b=1
json 0 '.[0].lines == [["a=b", 1, 7]]' "$TILL" orders coffee named --json

# An order of lines: reserved at once, priced once, paid once.
json 0 '.[0] | .code == 0 and .amount == 1100 and .currency == "CNY" and ((.detail | tonumber) - .at == 900000)' \
    "$TILL" order coffee o-1 --line tea=2 --line cake=1 --expires 15m --json
stocks 8 1
is "0 " price coffee tea 999
is "10 " order coffee o-1 --line tea=1
expect 1 "has an order of this name already" "$TILL" order coffee o-1 --amount 5
json 0 '.[0] | .state == "created" and .amount == 1100 and .lines == [["tea", 2, 300], ["cake", 1, 500]] and .to == "" and .payer == "" and
    .deadline - .opened == 900000 and (.identity | startswith("coffee/cli/"))' "$TILL" orders coffee o-1 --json
expect 0 "2 tea at 300, 1 cake at 500" "$TILL" orders coffee
pay="pay --source shop --to coffee $cny"
is "12 amount" $pay --account $near --order o-1 --amount 1099
expect 1 "the amount is not the order's total" "$TILL" $pay --account $near --order o-1 --amount 1099
is "1 order" $pay --account $near --order o-9 --amount 1100
expect 1 "has no such order" "$TILL" $pay --account $near --order o-9 --amount 1100
is "3 " $pay --account poor --order o-1 --amount 1100
json 0 '.[0] | .code == 0 and .amount == 1100 and .balance == 8900 and .bill != ""' \
    "$TILL" $pay --account $near --key p1 --order o-1 --amount 1100 --json
expect 0 "the answer given before" "$TILL" $pay --account $near --key p1 --order o-1 --amount 1100
json 0 '.[0] | .state == "paid" and .payer == "'$near'/shop/p1"' "$TILL" orders coffee o-1 --json
is "11 " $pay --account $near --order o-1 --amount 1100
expect 1 "the order is paid already" "$TILL" $pay --account $near --order o-1 --amount 1100
is "11 " cancel coffee o-1
expect 1 "the order is paid, or cancelled already" "$TILL" cancel coffee o-1
stocks 8 1

# The same from far away: reserved there, agreed here, moved there; and every refusal comes back with the money.
is "0 " price coffee tea 300
is "0 " order coffee o-2 --line tea=3
is "12 amount" $pay --account $far --order o-2 --amount 901
is "1 order" $pay --account $far --order o-9 --amount 900
json 0 '.[0] | .balance == 10000 and .held == 0' "$TILL" account $far --json
json 0 '.[0] | .code == 0 and .amount == 900 and .balance == 9100 and .held == 0 and (.bill | startswith("'$(home $far)'-"))' \
    "$TILL" $pay --account $far --key p2 --order o-2 --amount 900 --json
expect 0 "the answer given before" "$TILL" $pay --account $far --key p2 --order o-2 --amount 900
json 0 '.[0] | .state == "captured" and .captured == 900 and .code == 0' "$TILL" bill $far shop p2 --json
json 0 '.[0] | .state == "paid" and .payer == "'$far'/shop/p2"' "$TILL" orders coffee o-2 --json
is "11 " $pay --account $far --order o-2 --amount 900
json 0 '.[0] | .balance == 9100 and .held == 0' "$TILL" account $far --json
json 0 '.[0].balance == 2000' "$TILL" account coffee --json
stocks 5 1
json 0 '.[0] | .code == 0 and .amount == 900' "$TILL" refund --source shop --account $far --of p2 --json
[ "$(state o-2)" = paid ] || fail "a refund changes the order"

# An order over an amount, made out to somebody.
is "0 " order coffee o-3 --amount 700 --to $far --currency CNY
is "1 order" $pay --account $near --order o-3 --amount 700
json 0 '.[0] | .to == "'$far'" and .lines == [] and .deadline == null' "$TILL" orders coffee o-3 --json
is "15 " order coffee o-4 --amount 700 --currency EUR
is "0 " $pay --account $far --order o-3 --amount 700

# All lines or none; cancelled and lapsed ones are back in stock, once.
is "13 " order coffee o-5 --line tea=5 --line cake=2
expect 1 "nothing was reserved" "$TILL" order coffee o-5 --line tea=5 --line cake=2
stocks 5 1
expect 1 "coffee has no order 'o-5'" "$TILL" orders coffee o-5
is "0 " order coffee o-5 --line tea=5 --line cake=1
stocks 0 0
json 0 '.[0] | .code == 0 and .amount == 2000' "$TILL" cancel coffee o-5 --json
is "11 " cancel coffee o-5
stocks 5 1
for payer in $near $far; do is "11 " $pay --account $payer --order o-5 --amount 2000; done
is "1 order" cancel coffee o-9
is "1 account" cancel nobody o-9
expect 0 "deadline 20" "$TILL" order coffee o-6 --line tea=4 --expires 3s --source shop --key m6
stocks 1 1
expect 0 "deadline    20" "$TILL" bill coffee shop m6
json 0 '.[0] | .deadline - .at == 3000 and .op == "order"' "$TILL" bill coffee shop m6 --json
wait_for 10 eval "\"\$TILL\" orders coffee o-6 --json | jq -e '.state == \"lapsed\"'"
stocks 5 1
for payer in $near $far; do is "16 " $pay --account $payer --order o-6 --amount 1200; done
expect 1 "the order has lapsed" "$TILL" cancel coffee o-6
stocks 5 1
is "0 " freeze --account coffee
is "4 " order coffee o-7 --line tea=1
is "0 6" stock coffee tea +1
is "0 " thaw --account coffee

# The evening: all of them, and the same from JSON lines.
json 0 'map("\(.order) \(.state)") == ["named created", "o-1 paid", "o-2 paid", "o-3 paid", "o-5 cancelled", "o-6 lapsed"]' \
    "$TILL" orders coffee --json
json 0 'map(.order) == ["o-3", "o-1"]' "$TILL" orders coffee o-3 o-1 --json
expect 1 "there is no merchant 'nobody'" "$TILL" orders nobody
expect 1 "$near is of kind user, not a merchant" "$TILL" articles $near
cat >day.jsonl <<END
{"op":"price","account":"coffee","sku":"bun","amount":200,"source":"lines"}
{"op":"stock","account":"coffee","sku":"bun","quantity":5,"source":"lines"}
{"op":"stock","account":"coffee","sku":"bun","quantity":-1,"source":"lines"}
{"op":"order","account":"coffee","order":"j-1","lines":[["bun",2],["tea",1]],"to":"$near","expires":60000,"source":"lines"}
{"op":"pay","account":"$near","to":"coffee","order":"j-1","amount":700,"currency":"CNY","source":"lines"}
{"op":"order","account":"coffee","order":"j-2","amount":50,"source":"lines"}
{"op":"cancel","account":"coffee","order":"j-2","source":"lines"}
END
json 0 '.[-1].summary | .sent == 7 and .answered == 7 and .bad == 0 and .by_code == {"ok": 7}' "$TILL" send day.jsonl --wait --json
json 0 'map(.state) == ["paid", "cancelled"]' "$TILL" orders coffee j-1 j-2 --json
json 0 '.[0].stock == 2' "$TILL" articles coffee bun --json
json 0 'map(select(.op == "stock") | .detail) == ["5", "4"]' "$TILL" watch --source lines --from 0 --limit 7 --json

# Many orders are many pages.
for n in $(seq 250); do echo '{"op":"order","account":"coffee","order":"many-'$n'","amount":1,"source":"lines"}'; done >many.jsonl
json 0 '.[-1].summary.answered == 250' "$TILL" send many.jsonl --wait --json
json 0 'length == 258 and (map(.order) | unique | length) == 258' "$TILL" orders coffee --json
expect 0 "many-250" "$TILL" orders coffee

# One that nobody can read is said, the others are shown.
cli hset "{till:$shop}:sku:coffee/odd" price 1.5 >/dev/null
expect 1 "the article 'odd' of coffee cannot be read: its price is no number" "$TILL" articles coffee
json 1 'map(.sku) == ["tea"]' "$TILL" articles coffee odd tea --json
cli del "{till:$shop}:sku:coffee/odd" >/dev/null
finish
