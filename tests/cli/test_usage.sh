#!/bin/bash
# What `till` says without any Redis: help, slips of the finger, exit codes, JSON lines that are wrong.
set -u
. "$(dirname "$0")/private.sh"
export TILL_PRODUCER_TIMEOUT=100ms # there is no Redis to be waited for

expect 0 "Payment intents in" "$TILL" --help
expect 0 "till 0." "$TILL" --version
expect 100 "which command" "$TILL"
for command in $commands; do
    expect 0 "  $command " "$TILL" --help
    expect 0 "Usage: till $command" "$TILL" "$command" --help
    expect 0 "Usage: till $command" "$TILL" help "$command"
    "$TILL" "$command" --help | sed '1,/^Examples$/d' >"$dir/examples"
    grep -q "till $command" "$dir/examples" || fail "the help of $command does not end with examples"
    expect 100 "no option --confog; did you mean --config?" "$TILL" "$command" --confog x
    expect 100 "no option --jso; did you mean --json?" "$TILL" "$command" --jso
    expect 100 "no option -Z" "$TILL" "$command" -Z
    expect 100 "--json takes no value" "$TILL" "$command" --json=1
    expect 100 "--config needs a value" "$TILL" "$command" --config
    expect 100 "--config is given twice" "$TILL" "$command" -c a -c b
done

# command line | exit code | what is said
while IFS='|' read -r arguments code text; do
    [ -n "$arguments" ] || continue
    expect "$code" "$text" "$TILL" $arguments
done <<'END'
pya|100|no command 'pya'; did you mean 'pay'?
frobnicate|100|no command 'frobnicate'; `till --help` lists all
pay --acount alice|100|no option --acount; did you mean --account?
pay --account alice --amount 5 --currency CNY|100|to is missing
pay --account alice --to alice --amount 5 --currency CNY|100|to must not be the account itself
pay --account alice --to coffee --amount 19.99 --currency CNY|100|--amount 19.99 must be a whole number of minor units: 1999 for 19.99
pay --account alice --to coffee --amount 0 --currency CNY|100|--amount 0
pay --account alice --to coffee --amount -5 --currency CNY|100|--amount -5
pay --account alice --to coffee --amount 9007199254740992 --currency CNY|100|--amount 9007199254740992
pay --account alice --to coffee --amount 5 --currency cny|100|--currency cny
pay --account a/b --to coffee --amount 5 --currency CNY|100|--account a/b
pay --account alice --to coffee --amount 5 --currency CNY --key a{b|100|--key a{b
pay --account alice --to coffee --amount 5 --currency CNY --at soon|100|must be a time
pay --account alice --to coffee --amount 5 --amount 5 --currency CNY|100|--amount is given twice
pay --account alice --to coffee --amount 5 --currency CNY --source till|100|--source till must not be till, which is for workers
pay --account alice --to coffee --amount 5 --currency CNY nonsense|100|'nonsense' is one argument too many
refund --account alice --of k1 --of_at soon|100|must be a time
open --account alice --kind prince --currency CNY|100|--kind prince
hold --account alice --to coffee --amount 5 --currency CNY --expires soon|100|must be a length of time: ms, or 250ms, 30s, 15m, 2h, 7d
hold --account alice --to coffee --amount 5 --currency CNY --not-before 10m|100|must be a time: ms since 1970
hold --account alice --to coffee --amount 5 --currency CNY --not-before +soon|100|or +15m, +2h, +7d from now
hold --account alice --to coffee --amount 5 --currency CNY --not-before 2026-02-30|100|must be a time
hold --account alice --to coffee --amount 5 --currency CNY --not-before 2026-11-30T14:05+8:00|100|must be a time
capture --account alice --of h1 --final perhaps|100|--final perhaps must be yes or no
capture --account alice --of h1 --final|100|--final needs a value
pay --account alice --to coffee --amount 5 --currency CNY --guard seq|100|must be conditions like seq=3,balance_min=100
pay --account alice --to coffee --amount 5 --currency CNY --guard seq=x|100|must compare with whole numbers
pay --account alice --to coffee --amount 5 --currency CNY --guard balance=5|100|is none of seq balance_min refunded
pay --account alice --to coffee --amount 5 --currency CNY --guard refunded=5|100|goes only with of
pay --account alice --to coffee --amount 5 --currency CNY --guard seq=9007199254740992|100|from 0 to 9007199254740991
pay --account alice --to coffee --amount 5 --currency CNY --guard seq=1,,|100|must be conditions
lock --account alice --token t|100|--expires is missing
lock --account alice --expires 5m|100|--token is missing
limit --account alice --payments 5|100|--per is missing
limit --account alice --payments 5 --per 32d|100|--per 32d must be an integer
open --account alice --kind user --currency CNY --payments 5|100|--per is missing
policy|100|settings is missing
policy fee|100|'fee' must be SETTING=VALUE
policy fees=5|100|'fees=5' is no setting: duplicate_window fee
policy fee=10001|100|'fee=10001' must be an integer from 0 to 10000
policy fee=5 fee=6|100|'fee=6' is given twice
policy fee=5s|100|must be a whole number
policy bills_keep=36h|100|must be whole days
policy duplicate_window=soon|100|must be a length of time
policy duplicate_window=25h|100|from 0 to 86400000
policy fee=5 --account alice|100|no option --account
group --account alice|100|--steps is missing
group --account alice --steps nowhere.json|100|steps nowhere.json:
group --account alice --steps - pay|100|steps are arguments or in --steps -, not both
transfer --account alice --to alice --amount 5|100|--to must not be the account itself
unschedule --account alice|100|--of is missing
price coffee tea|100|needs MERCHANT SKU AMOUNT; `till price --help` shows how
price coffee tea 5.50|100|AMOUNT 5.50 must be a whole number of minor units: 1999 for 19.99
price coffee t/ea 5|100|SKU t/ea must be 1..64 printable ASCII characters
price cof*ee tea 5|100|MERCHANT cof*ee must be
price coffee tea 5 6|100|'6' is one argument too many
price --account coffee tea 5|100|no option --account
stock coffee tea 5|100|'5' must say whether it is more or less: +5 or -5
stock coffee tea +0|100|not 0
stock coffee tea -5x|100|'-5x' must be a whole number
stock coffee tea +9007199254740992|100|must be a whole number up to 9007199254740991
stock coffee tea -9007199254740991|111|
order coffee o-1|100|needs --line SKU=QUANTITY, once for each article, or --amount MINOR
order coffee o-1 --line tea=1 --amount 5|100|--amount is not taken beside --line
order coffee o-1 --line tea|100|--line tea must be SKU=QUANTITY
order coffee o-1 --line tea=x|100|--line tea=x must be SKU=QUANTITY, the quantity a whole number: tea=2
order coffee o-1 --line tea=0|100|--line tea=0 has a quantity that is not an integer from 1
order coffee o-1 --line =1|100|--line =1 has a sku
order coffee o-1 --line tea=1 --line cake=1 --line tea=2|100|--line tea=2 has a sku that is in the order already
order coffee o-1 --lines tea=1|100|no option --lines; did you mean --line?
order coffee o/1 --amount 5|100|ORDER o/1 must be
order coffee o-1 --amount 5 --to coffee|100|--to must not be the account itself
order coffee o-1 --amount 5 --expires soon|100|must be a length of time
cancel coffee|100|needs MERCHANT ORDER
pay --account alice --to coffee --amount 5 --currency CNY --order a/b|100|--order a/b
hold --account alice --to coffee --amount 5 --currency CNY --order o-1|100|no option --order
orders|100|needs MERCHANT [ORDER]
orders coffee a/b|100|ORDER a/b must be
articles coff*|100|MERCHANT coff* must be
articles coffee t{a|100|SKU t{a must be
orders coffee|111|is not reachable
articles coffee tea|111|is not reachable
account|100|needs ID
bill alice shop|100|needs ACCOUNT SOURCE KEY
watch|100|which --source?
audit --partition x|111|not reachable
ledger --from yesterday|100|a time
ledger --account a/b|100|--account a/b
dead|100|needs list|show
id -n 0|100|is not a number from 1 to 1000000
send nowhere.jsonl|100|No such file
send --rate 0 -|100|--rate: '0' is not a number
config -c nowhere.yaml|100|nowhere.yaml
status|111|is not reachable
audit|111|is not reachable
doctor|111|is not reachable
dead list|111|is not reachable
accept-loss|111|is not reachable
ledger|111|is not reachable
END
steps() { # steps TEXT STEP...: a group that is wrong
    local text=$1
    shift
    expect 100 "$text" "$TILL" group --account alice "$@"
}
pay='pay to=coffee amount=5 currency=CNY'
steps "steps must be an array of 2..16 steps" "$pay"
steps "step 2: currency is missing" "$pay" 'pay to=coffee amount=5'
steps "step 2: op is missing" "$pay" ''
steps "step 2: steal must be one of" "$pay" 'steal to=coffee'
steps "step 2: op must be one of pay hold" "$pay" 'topup amount=5 currency=CNY'
steps "step 2: amount must be a whole number of minor units" "$pay" 'pay to=coffee amount=5.5 currency=CNY'
steps "step 2: account is no field of a step" "$pay" "$pay account=bob"
steps "step 2: to is given twice" "$pay" "$pay to=tea"
steps "step 2: tea must be NAME=VALUE" "$pay" "$pay tea"
steps "step 2: key is another step's" "$pay key=a" "$pay key=a"
steps "step 2: expires is not taken by this step" "$pay" "$pay expires=5m"
steps "step 2: of must not be the step's own key" "$pay" "refund of=x key=x"
steps "is one argument too many" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" "$pay" \
    "$pay" "$pay" "$pay"
printf '[%s{"op":"release","of":"x"}]' "$(printf '{"op":"release","of":"x"},%.0s' {1..16})" >steps.json
steps "step 17: it is one too many" --steps steps.json
echo '[{"op":"release"' >steps.json
steps "steps steps.json:" --steps steps.json
for arguments in "account alice" "bill alice shop k1" "watch --source shop" \
    "inquire --account alice" "inquire --account alice --no-wait"; do
    TILL_PRODUCER_TIMEOUT=100ms expect 111 "" "$TILL" $arguments
done

expect 0 "-" "$TILL" id
json 0 'length == 3 and (unique | length) == 3 and all(test("^[0-9a-f]{8}-[0-9a-f]{4}-7"))' "$TILL" id -n 3 --json

# Configuration: where from, what is wrong, no secrets.
json 0 '.[0].settings["book.partitions"] | .value == "4" and .from == "TILL_BOOK_PARTITIONS"' "$TILL" config --json
printf 'worker:\n  batch: 7\nredis:\n  url: redis://:geheim@host/1\n' >good.yaml
TILL_REDIS_URL= TILL_CONFIG=good.yaml expect 100 "redis.url" "$TILL" config
unset TILL_REDIS_URL
sed -i 's|:geheim@||' good.yaml
export TILL_REDIS_URL=redis://:geheim@host/1
TILL_CONFIG=good.yaml json 0 '.[0].settings["worker.batch"].from == "good.yaml:2:10"' "$TILL" config --json
expect 0 "good.yaml:2:10" "$TILL" config -c good.yaml
expect 0 "good.yaml:2:10" "$TILL" -c good.yaml config
"$TILL" config -c good.yaml | grep -q geheim && fail "till config shows a password"
"$TILL" config -c good.yaml --json | grep -q geheim && fail "till config --json shows a password"
unset TILL_REDIS_URL
mkdir config && printf 'worker:\n  batch: 9\n' >config/till.yaml
expect 0 "config/till.yaml:2:10" "$TILL" config
printf 'worker:\n  batch: 5000\n  blokc: 1s\n' >bad.yaml
expect 100 "bad.yaml:2:10: worker.batch: 5000" "$TILL" config -c bad.yaml
expect 100 "block" "$TILL" status -c bad.yaml

# JSON lines: each bad one is named by number and field, and what would be right is said.
while IFS='~' read -r line text; do
    [ -n "$line" ] || continue
    printf '\n%s\n' "$line" >line.jsonl
    expect 1 "line 2: $text" "$TILL" send --check line.jsonl
done <<'END'
{"op":"topup","account":"a","amount":5~no JSON object:
[1]~no JSON object: an intent is {
"topup"~no JSON object: an intent is {
{}~op is missing
{"op":"topup","op":"pay"}~no JSON object: duplicate object key
{"op":"topup","account":"a","amount":5.0,"currency":"CNY"}~amount must be an integer of minor units: 1999 for 19.99
{"op":"topup","account":"a","amount":1e3,"currency":"CNY"}~amount must be an integer of minor units
{"op":"topup","account":"a","amount":"5","currency":"CNY"}~amount must be a number without quotes
{"op":"topup","account":"a","amount":-5,"currency":"CNY"}~amount must not be negative
{"op":"topup","account":"a","amount":0,"currency":"CNY"}~amount must be
{"op":"topup","account":"a","amount":9007199254740992,"currency":"CNY"}~amount must be
{"op":"topup","account":"a","amount":99999999999999999999,"currency":"CNY"}~the line has a number that is too large
{"op":"topup","account":"a","amuont":5,"currency":"CNY"}~amuont is no field of an intent; did you mean amount?
{"op":"topup","account":"a","amount":5,"currency":"CNY","to":"b"}~to is not taken by this operation
{"op":"topup","account":5,"amount":5,"currency":"CNY"}~account must be a text in quotes
{"op":"topup","account":null,"amount":5,"currency":"CNY"}~account must be a text in quotes
{"op":"topup","account":"a b","amount":5,"currency":"CNY"}~account must be
{"op":"topup","account":"a","amount":5,"currency":"CNY","source":"till"}~source must not be till
{"op":"steal","account":"a"}~op must be
{"v":2,"op":"inquire","account":"a"}~v must be
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","allow_duplicate":"true"}~allow_duplicate must be true or false
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":5}~guard must be an object of names and numbers
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":{}}~guard must name at least one
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":{"seq":"5"}}~guard: seq must be a number without quotes
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":{"seq":1.5}}~guard: seq must be an integer
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":{"sep":5}}~guard: sep is none of seq balance_min refunded
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","guard":{"seq":-1}}~guard: seq must not be negative
{"op":"pay","account":"a","to":"m","amount":5,"currency":"CNY","expires":"15m"}~expires must be a number without quotes
{"op":"policy","settings":{"fee":10001}}~settings: fee must be an integer from 0 to 10000
{"op":"policy","settings":{"fees":1}}~settings: fees is no setting
{"op":"policy","settings":[]}~settings must be an object
{"op":"policy"}~settings is missing
{"op":"policy","account":"a","settings":{"fee":1}}~account must be @book
{"op":"credential","account":"a","credential":"00"}~credential must be 64 hex digits in quotes
{"op":"credential","account":"a","credential":7}~credential must be 64 hex digits in quotes
{"op":"group","account":"a","steps":{}}~steps must be an array of 2 to 16 objects
{"op":"group","account":"a","steps":[]}~steps is missing
{"op":"group","account":"a","steps":[1]}~steps: step 1: must be an object
{"op":"group","account":"a","steps":[{"op":"pay","to":"m","amount":5,"currency":"CNY"}]}~steps must be an array of 2..16
{"op":"group","account":"a","steps":[{"op":"pay","to":"m","amount":"5"}]}~steps: step 1: amount must be a number without quotes
{"op":"group","account":"a","steps":[{"op":"pay","too":"m"}]}~steps: step 1: too is no field of an intent; did you mean to?
{"op":"group","account":"a","steps":[{"op":"pay","source":"m"}]}~steps: step 1: source is not taken by a step
{"op":"group","account":"a","steps":[{"op":"pay","to":"m","amount":5}]}~steps: step 1: currency is missing
{"op":"stock","account":"m","sku":"tea","quantity":0}~quantity must be an integer from -9007199254740991 to 9007199254740991, not 0
{"op":"stock","account":"m","sku":"tea","quantity":"3"}~quantity must be a number without quotes
{"op":"stock","account":"m","sku":"tea","quantity":-1.5}~quantity must be an integer, without fraction
{"op":"stock","account":"m","sku":"tea","quantity":-9007199254740992}~quantity must be an integer from
{"op":"price","account":"m","sku":"te a","amount":5}~sku must be 1..64
{"op":"order","account":"m","order":"o","lines":[]}~lines must be an array like [["tea", 2], ["cake", 1]]
{"op":"order","account":"m","order":"o","lines":{"tea":2}}~lines must be an array like
{"op":"order","account":"m","order":"o","lines":["tea"]}~lines: line 1 must be [SKU, QUANTITY], as ["tea", 2]
{"op":"order","account":"m","order":"o","lines":[["tea",2,3]]}~lines: line 1 must be [SKU, QUANTITY]
{"op":"order","account":"m","order":"o","lines":[["tea",1],["cake","2"]]}~lines: line 2 must be [SKU, QUANTITY]
{"op":"order","account":"m","order":"o","lines":[["tea",1],["cake",-2]]}~lines: line 2 has a quantity that is not an integer from 1
{"op":"order","account":"m","order":"o","lines":[["tea",1],["tea",2]]}~lines: line 2 has a sku that is in the order already
{"op":"order","account":"m","order":"o","lines":[["tea",1]],"amount":5}~amount is not taken beside lines
{"op":"order","account":"m","order":"o"}~lines is missing
{"op":"order","account":"m","order":"o","line":[["tea",1]]}~line is no field of an intent; did you mean lines?
{"op":"settle","account":"m","currency":"CNY","month":"2026-13"}~month must be a month
{"op":"lapse","account":"m","order":"o"}~op is for workers only
{"op":"group","account":"a","steps":[{"op":"pay","to":"m","amount":5,"order":"o"}]}~steps: step 1: order is not taken by a step
{"op":"capture","account":"a","of":"h","final":"no"}~final must be true or false
{"op":"due","account":"a"}~op is for workers only
{"op":"inquire","account":"a","inner":"00"}~inner is for workers only
{"op":"inquire","account":"a"} x~no JSON object:
{"op":"inquire","account":"a","note":"\ud800"}~no JSON object:
END
printf '{"op":"inquire","account":"a","note":"%070000d"}\n{"op":"inquire","account":"a"}\r\n\n{"op":"inquire","account":"b"}' 0 >long.jsonl
expect 1 "line 1: the line is longer than 64 KiB" "$TILL" send --check long.jsonl
json 1 '.[0].summary | .good == 2 and .bad == 1' "$TILL" send --check long.jsonl --json
head -c 65000 /dev/zero | tr '\0' ' ' >padded.jsonl
echo '{"op":"inquire","account":"a"}' >>padded.jsonl
expect 0 "1 good" "$TILL" send --check padded.jsonl
finish
