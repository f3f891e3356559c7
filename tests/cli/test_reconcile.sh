#!/bin/bash
# `till reconcile` finds every difference that is planted and nothing else: an upstream's list made from what a real worker did, then spoilt
# one line at a time; its CSV in every shape; days that do not begin at midnight UTC; 300,000 rows within bounded memory.
set -u
. "$(dirname "$0")/private.sh"

start_redis
start_worker
t() { "$TILL" "$@" --source shop >>said 2>&1 || fail "$*: $(tail -n 3 said)"; }
refused() { "$TILL" "$@" --source shop >/dev/null 2>&1 && fail "not refused: $*"; }
started=$(date -u +%F)
t open --account coffee --kind merchant --currency CNY --key o1
t open --account rider --kind merchant --currency CNY --key o2
for user in alice bob carol dave; do # several partitions, so that some transfer crosses from one to another
    t open --account $user --kind user --currency CNY --key open
    t topup --account $user --amount 10000 --currency CNY --key up-$user
done
t pay --account alice --to coffee --amount 1999 --currency CNY --key p1
t pay --account bob --to coffee --amount 300 --currency CNY --key p2
t pay --account carol --to coffee --amount 301 --currency CNY --key 'p,"3"'
refused pay --account bob --to coffee --amount 99999 --currency CNY --key p4
t refund --account alice --of p1 --amount 500 --key r1
t pay --account bob --to coffee --amount 7 --currency CNY --key p5
t rollback --account bob --of p5 --key b1
t withdraw --account carol --amount 50 --key w1
t hold --account alice --to coffee --amount 900 --currency CNY --expires 15m --key h1
t capture --account alice --of h1 --amount 600 --key c1
t hold --account alice --to coffee --amount 5 --currency CNY --key h2
t release --account alice --of h2 --key l2
for user in bob carol dave; do t transfer --account alice --to $user --amount 11 --key t-$user; done
refused transfer --account alice --to nobody --amount 11 --key t-nobody
t group --account alice --currency CNY --key g1 'pay to=coffee amount=450 key=g1-food' 'pay to=rider amount=50'
refused group --account bob --currency CNY --key g2 'pay to=coffee amount=1' 'pay to=rider amount=99999'
"$TILL" topup --source shop --account dave --amount 9 --currency CNY --key later --not-before +1h >/dev/null 2>&1
"$TILL" topup --source other --account alice --amount 1 --currency CNY --key p1 >/dev/null
for other in mall shop2 sho; do "$TILL" topup --source $other --account alice --amount 1 --currency CNY --key x1 >/dev/null; done
day=$(date -u +%F)
[ "$day" = "$started" ] || { echo "midnight came in between; run it again"; exit 1; }
R="$TILL reconcile list.csv --source shop --day $day"

cat >good.csv <<'END'
key,account,amount,code
up-alice,alice,10000,0
up-bob,bob,10000,0
up-carol,carol,10000,0
up-dave,dave,10000,0
p1,alice,1999,0
p2,bob,300,0
"p,""3""",carol,301,0
p4,bob,99999,3
r1,alice,500,0
p5,bob,7,0
b1,bob,7,0
w1,carol,50,0
c1,alice,600,0
t-bob,alice,11,0
t-carol,alice,11,0
t-dave,alice,11,0
g1,alice,500,0
END
same() { # same: the list and the bills agree
    json 0 'length == 1 and (.[0].summary | .bad == 0 and .listed == 16 and .bills == 16 and .agree == 16)' $R --json
}
cp good.csv list.csv
same
expect 0 "16 listed, 16 bills, 16 agree; missing here: 0" $R
expect 0 "is not over" $R

# spoil SCRIPT WANTED: the list, edited by sed, must give exactly these findings (jq, "found key account in-what line-or-bill...").
spoil() {
    sed "$1" good.csv >list.csv
    cmp -s good.csv list.csv && fail "sed did nothing: $1"
    local code=1
    [ -n "$2" ] || code=0
    "$TILL" reconcile list.csv --source shop --day "$day" --json >out 2>err
    local got=$? found
    found=$(jq -r 'select(.found) | [.found, .key, .account, (.differs | join("+")), (.list | "\(.account) \(.amount) \(.code) \(.line)"),
        (.till | "\(.account) \(.amount) \(.code) \(.op)")] | join("|")' out | sort)
    [ $got = $code ] && [ "$found" = "$2" ] || fail "$1: exit code $got, wanted $code, found:
$found
wanted:
$2
$(cat err)"
}
none='null null null null'
spoil '/^p2,/d' "missing_there|p2|bob||$none|bob 300 0 pay"
spoil '/^"p/d' "missing_there|p,\"3\"|carol||$none|carol 301 0 pay"
spoil '/^r1,/d' "missing_there|r1|alice||$none|alice 500 0 refund"
spoil '/^b1,/d' "missing_there|b1|bob||$none|bob 7 0 rollback"
spoil '/^w1,/d' "missing_there|w1|carol||$none|carol 50 0 withdraw"
spoil '/^c1,/d' "missing_there|c1|alice||$none|alice 600 0 capture"
spoil '/^t-dave,/d' "missing_there|t-dave|alice||$none|alice 11 0 transfer"
spoil '/^up-dave,/d' "missing_there|up-dave|dave||$none|dave 10000 0 topup"
spoil '/^g1,/d' "missing_there|g1|alice||$none|alice 500 0 group"
spoil '$ap9,bob,5,0' "missing_here|p9|bob||bob 5 0 19|$none"
spoil '2ip9,bob,5,0' "missing_here|p9|bob||bob 5 0 2|$none"
spoil '/^p1,/s/1999/1998/' "differs|p1|alice|amount|alice 1998 0 6|alice 1999 0 pay"
spoil '/^p1,/s/alice/bob/' "differs|p1|bob|account|bob 1999 0 6|alice 1999 0 pay"
spoil '/^p1,/s/alice,1999/bob,1/' "differs|p1|bob|account+amount|bob 1 0 6|alice 1999 0 pay"
spoil '/^p1,/s/1999,0/1999,3/' "differs|p1|alice|code|alice 1999 3 6|alice 1999 0 pay"
spoil '/^p1,/s/1999,0/,write_failed/' "differs|p1|alice|amount+code|alice null -3 6|alice 1999 0 pay"
spoil '/^p4,/s/,3$/,0/' "differs|p4|bob|amount+code|bob 99999 0 9|bob 0 3 pay"
spoil '$alater,dave,9,0' "differs|later|dave|code|dave 9 0 19|dave 9 20 topup"
spoil '$at-nobody,alice,11,0' "differs|t-nobody|alice|amount+code|alice 11 0 19|alice 0 1 transfer"
spoil '$ag2,bob,100000,0' "differs|g2|bob|amount+code|bob 100000 0 19|bob 0 17 group"
spoil '$ag1-food,alice,449,0' "differs|g1-food|alice|amount|alice 449 0 19|alice 450 0 pay"
spoil '$ap1,alice,1,0' "differs|p1|alice|amount|alice 1 0 19|alice 1999 0 pay"
# What may be listed or not: refusals that agree or are not known, steps, holds, what came in between, a row twice.
spoil '/^p4,/d' ""
spoil '$ap8,bob,5,13' ""
spoil '$ag1-food,alice,450,0\ng1>2,alice,50,0' ""
spoil '$ah1,alice,900,0\nh2,alice,5,0\nl2,alice,5,0\nopen,alice,0,ok' ""
spoil '2ip1,alice,,-3' ""
spoil '$ap1,alice,,20' ""
spoil '$ap1,alice,1999,0' ""
json 0 '.[0].summary | .repeated == 1 and .listed == 16' $R --json
spoil '/^p1,/s/1999/1998/;/^p2,/d;$ap9,bob,5,0' "differs|p1|alice|amount|alice 1998 0 6|alice 1999 0 pay
missing_here|p9|bob||bob 5 0 18|$none
missing_there|p2|bob||$none|bob 300 0 pay"
expect 1 "missing here   p9   bob           amount 5                    18" $R
expect 1 "missing here: 1, missing there: 1, differ: 1" $R
json 1 '.[-1].summary | .missing_here == 1 and .missing_there == 1 and .differs == 1 and .agree == 14' $R --json
expect 1 "missing here,p9,18,bob,5,0,,,,,"$'\n'"missing there,p2,,,,," $R --csv
expect 1 "differs,p1,6,alice,1998,0," $R --csv
spoil '/^"p/s/301/302/' "differs|p,\"3\"|carol|amount|carol 302 0 8|carol 301 0 pay"
expect 1 'differs,"p,""3""",8,carol,302,0' $R --csv
cp good.csv list.csv
json 1 '.[-1].summary | .bills == 1 and .missing_here == 15 and .missing_there == 0 and .differs == 1' \
    "$TILL" reconcile list.csv --source other --day "$day" --json
json 1 '.[-1].summary | .bills == 0 and .missing_here == 16' "$TILL" reconcile list.csv --source shop --day 2020-02-29 --json

# The shapes of a CSV file.
sed 's/$/\r/' good.csv >list.csv
same
{ printf '\xef\xbb\xbf'; cat good.csv; } >list.csv
same
sed 's/,/","/g; s/^/"/; s/$/"/; s/""p","""3"""""/"p,""3"""/; s/^""p.*/"p,""3""","carol","301","0"/' good.csv >list.csv
grep -q '^"p,""3""","carol"' list.csv || fail "the quoted list is not what it should be"
same
{ echo 'note,CODE,Amount,other,account,KEY'; jq -rRn '[inputs | select(test("^key") | not)] | .[] |
    if startswith("\"p") then ["x\ny, \"z\"", "0", "301", "", "carol", "p,\"3\""]
    else (split(",") | ["n", .[3], .[2], "", .[1], .[0]]) end | @csv' good.csv; } >list.csv
same
{ cat good.csv; echo; echo; } >list.csv
same
printf '%s' "$(cat good.csv)" >list.csv # no newline at the end
same
json 0 '.[0].summary.agree == 16' bash -c "cat good.csv | \"$TILL\" reconcile - --source shop --day $day --json"

# wrong TEXT HOW: the list, edited by sed, is told to be wrong with this text, once, and all else is compared.
wrong() {
    sed "$2" good.csv >list.csv
    expect 100 "list.csv:$1" $R
    json 100 '.[-1].summary | .bad == 1 and .agree == '"${3:-15}" $R --json
}
wrong "6:10: amount '19.99' must be a whole number of minor units: 1999 for 19.99" '/^p1,/s/1999/19.99/'
wrong "6:10: amount '-5' must be a whole number" '/^p1,/s/1999/-5/'
wrong "6:10: amount '9007199254740992' must be at most" '/^p1,/s/1999/9007199254740992/'
for amount in NaN 1e3 99999999999999999999999 "$(printf '9%.0s' {1..5000})"; do
    wrong "6:10: amount '${amount:0:40}" "/^p1,/s/1999/$amount/"
done
wrong "6:15: code '-99999999999999999999' " '/^p1,/s/,0$/,-99999999999999999999/'
wrong "6:15: code 'NaN' " '/^p1,/s/,0$/,NaN/'
wrong "6:1: key 'p" '/^p1,/s/^p1/p\xff\xfe/'
wrong "6:1: key 'pppp" "/^p1,/s/^p1/$(printf 'p%.0s' {1..16385})/"
wrong "6:1: more than 256 fields" "/^p1,/s/\$/$(printf ',%.0s' {1..10000})/"
wrong "6:10: amount '' is missing" '/^p1,/s/1999//'
wrong "6:15: code 'done' must be an answer's code: 0 for what was done" '/^p1,/s/,0$/,done/'
wrong "6:15: code '21' is no code" '/^p1,/s/,0$/,21/'
wrong "6:1: key 'p 1' must be 1..128 printable ASCII characters without space" '/^p1,/s/^p1/p 1/'
wrong "6:4: account 'a/b' must be" '/^p1,/s/alice/a\/b/'
wrong "6:1: has 3 fields, but the header has 4" '/^p1,/s/,0$//'
wrong "6:1: has 5 fields, but the header has 4" '/^p1,/s/$/,x/'
wrong "6:2: a quote in a field that does not begin with one" '/^p1,/s/p1/p"1/'
wrong "6:5: text behind a closing quote" '/^p1,/s/p1/"p1"x/'
wrong "6:1: this quote is never closed" '/^p1,/s/p1/"p1/;/^"p,/d' 14
wrong "6:3: a carriage return without a newline" '/^p1,/s/p1/p1\r/'
wrong "6:3: a NUL byte" '/^p1,/s/p1/p1\x00/'
sed '/^p1,/s/1999/x/;/^p2,/s/300/y/' good.csv >list.csv
expect 100 "list.csv:6:10: amount 'x'" $R
expect 100 "list.csv:7:8: amount 'y'" $R
expect 100 "2 of 17 lines are wrong" $R
{ echo key,account,amount,code; for n in $(seq 50); do echo "k$n,a,x,0"; done; } >list.csv
expect 100 "and 30 more wrong lines" $R
{ cat good.csv; printf '"'; head -c 200000 /dev/zero | tr '\0' x; echo; echo p9,bob,5,0; } >list.csv
json 100 '.[-1].summary | .bad == 1 and .agree == 16 and .missing_here == 1' $R --json # what follows is read
printf 'key;account;amount;code\n' >list.csv
expect 100 "the separator must be a comma, not a semicolon" $R
printf 'key,acount,amount,code\n' >list.csv
expect 100 "list.csv:1:1: no column 'account' in the header; needed are key, account, amount, code; is it 'acount'?" $R
printf 'key,account,amount,code,Key\n' >list.csv
expect 100 "list.csv:1:25: column 'key' is there twice" $R
printf '\xff\xfek\0e\0y\0' >list.csv
expect 100 "UTF-16: save it as UTF-8" $R
: >list.csv
expect 100 "is empty; the first line must be a header" $R
rm list.csv
expect 100 "list.csv: No such file" $R
expect 100 "Is a directory" "$TILL" reconcile . --source shop --day "$day"
cp good.csv list.csv
while IFS='|' read -r arguments text; do expect 100 "$text" "$TILL" reconcile $arguments; done <<END
|needs FILE.csv
list.csv --day $day|which --source?
list.csv --source shop|which --day?
list.csv --source Shop --day $day|--source Shop must be
list.csv --source shop --day 2025-02-30|--day 2025-02-30 must be a day
list.csv --source shop --day yesterday|must be a day like
list.csv --source shop --day $day --utc-offset 8|must be +HH:MM or -HH:MM
list.csv --source shop --day $day --utc-offset +8:00|must be +HH:MM
list.csv --source shop --day $day --utc-offset +14:01|at most 14:00
list.csv --source shop --day $day --csv --json|not both
END
TILL_PRODUCER_TIMEOUT=100ms TILL_REDIS_URL=unix:$dir/nowhere expect 111 "not reachable" $R

# Days: bills at the edges of two UTC days, of which an offset takes the end of one and the beginning of the other.
at() { # at KEY TIME: a bill of that time
    local ms=$(($(date -u -d "$2" +%s) * 1000 + ${3:-0}))
    cli hset "{till:1}:bills:$(date -u -d "$2" +%Y%m%d)" "alice/edge/$1" \
        "0123456789abcdef|0|pay|1-9$1|5|CNY|1|0|$ms|$ms-0|coffee|captured|5|0|" >/dev/null
}
at 1 "2025-03-09 15:59:59" 999
at 2 "2025-03-09 16:00:00"
at 3 "2025-03-09 23:59:59" 999
at 4 "2025-03-10 00:00:00"
at 5 "2025-03-10 03:29:59" 999
at 6 "2025-03-10 03:30:00"
at 7 "2025-03-10 15:59:59" 999
at 8 "2025-03-10 16:00:00"
at 9 "2025-03-11 03:29:59" 999
echo key,account,amount,code >none.csv
edge() { # edge KEYS ARGUMENT...: exactly these bills are of the day
    local keys=$1
    shift
    json 1 '([.[] | select(.found == "missing_there") | .key] | sort | join("")) == "'"$keys"'"' \
        "$TILL" reconcile none.csv --source edge --json "$@"
}
edge 123 --day 2025-03-09
edge 45678 --day 2025-03-10
edge 45678 --day 2025-03-10 --utc-offset +00:00
edge 234567 --day 2025-03-10 --utc-offset +08:00
edge 6789 --day 2025-03-10 --utc-offset -03:30
edge 9 --day 2025-03-11
expect 1 "differ: 0" "$TILL" reconcile none.csv --source edge --day 2025-03-11
cli hset "{till:1}:bills:20250311" "alice/edge/bad" "nonsense" >/dev/null
expect 1 "bill record alice/edge/bad: has fewer than fifteen fields" "$TILL" reconcile none.csv --source edge --day 2025-03-11
{ cat none.csv; echo 9,alice,5,0; } >list.csv
expect 1 "1 bill records could not be read" "$TILL" reconcile list.csv --source edge --day 2025-03-11

# Many: memory must not grow with the list.
rows=300000
many() { # many COUNT DAY: bills and a list, of which each 10,000th is planted
    local day=$2 ms
    ms=$(($(date -u -d "$day" +%s) * 1000 + 1000))
    seq "$1" | awk -v day="${day//-/}" -v ms="$ms" '
        $1 % 10000 != 1 { # bill 1, 10001, ... are missing here
            printf "HSET {till:%d}:bills:%s user%d/big/%08d-4f6a-order ", $1 % 4, day, $1 % 977, $1
            printf "0123456789abcdef|0|pay|%d-%d|%d|CNY|1|0|", $1 % 4, $1, 100 + $1 % 10000
            printf "%.0f|%.0f-0|coffee|captured|5|0|\r\n", ms + $1, ms + $1
        }' | redis-cli -s "$socket" --pipe >pipe.out || fail "writing bills: $(cat pipe.out)"
    { # 2, ... are missing there, 3, ... differ in amount, 4, ... in account
        echo key,account,amount,code
        seq "$1" | awk '$1 % 10000 != 2 {
            printf "%08d-4f6a-order,%s%d,%d,0\n", $1, $1 % 10000 == 4 ? "User" : "user", $1 % 977, 100 + $1 % 10000 + ($1 % 10000 == 3) }'
    } >"many$1.csv"
}
peak_kb() { # peak_kb COUNT DAY: the most memory that it had
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=0 \
        "$TILL" reconcile "many$1.csv" --source big --day "$2" --json >many.out 2>many.err &
    local pid=$! peak=0 now
    while now=$(awk '/VmHWM/ { print $2 }' /proc/$pid/status 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.01
    done
    wait $pid
    [ $? = 1 ] || fail "$1 rows: exit code: $(cat many.err)"
    echo "$peak"
}
mkdir tmp
export TMPDIR=$dir/tmp
many $((rows / 10)) 2025-04-01
many $rows 2025-04-02
few=$(peak_kb $((rows / 10)) 2025-04-01)
lots=$(peak_kb $rows 2025-04-02)
planted=$((rows / 10000))
for found in missing_here:1 missing_there:2 differs:3 differs:4; do
    jq -r "select(.found == \"${found%:*}\") | .key" many.out | sort >found.keys
    for n in $(seq "${found#*:}" 10000 $rows); do printf '%08d-4f6a-order\n' "$n"; done | sort >planted.keys
    [ "$(comm -12 found.keys planted.keys | wc -l)" = $planted ] || fail "$rows rows: not all planted are found: $found"
done
jq -es --argjson n $planted '(.[-1].summary | .missing_here == $n and .missing_there == $n and .differs == 2 * $n and
    .agree == .bills - 3 * $n) and ([.[] | select(.found == "differs") | .differs[0]] | sort | unique == ["account", "amount"])' \
    many.out >/dev/null || fail "$rows rows: $(tail -n 1 many.out)"
echo "peak memory: $few KiB of $((rows / 10)) rows, $lots KiB of $rows"
[ "$lots" -gt 1000 ] && [ $((lots - few)) -lt 12000 ] || fail "memory grows with the list: $few KiB, then $lots KiB"
[ -z "$(ls tmp)" ] || fail "temporary files are left behind: $(ls tmp)"
summary=$(tail -n 1 many.out)
sed 's/,/","/g; s/^/"/; s/$/"\r/' many$rows.csv >quoted.csv # what is read at once ends anywhere in this
json 1 ".[-1] == $summary" "$TILL" reconcile quoted.csv --source big --day 2025-04-02 --json
TMPDIR=$dir/nowhere expect 100 "TMPDIR names another place" "$TILL" reconcile many$rows.csv --source big --day 2025-04-02
finish
