#!/bin/bash
# `till audit` finds what is wrong: each row spoils a sound book in one way, wants the exact place named, and mends it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/spoil.sh"

start_redis
start_worker
{
    echo '{"op":"open","account":"coffee","kind":"merchant","currency":"CNY"}'
    for user in alice bob carol; do
        printf '{"op":"open","account":"%s","kind":"user","currency":"CNY"}\n' $user
        printf '{"op":"topup","account":"%s","amount":5000,"currency":"CNY"}\n' $user
        pay='{"op":"pay","account":"%s","to":"coffee","amount":%d,"currency":"CNY","source":"shop","key":"k%d"}\n'
        printf "$pay" $user 100 1 $user 200 2 $user 9000 3
    done
} >day.jsonl
"$TILL" send day.jsonl --wait --timeout 20000 >out || [ $? = 1 ] || { cat out; exit 1; }
stop_worker
expect 0 "sound: " "$TILL" audit
p=$("$TILL" account alice --json | jq .partition)
b=$("$TILL" bill alice shop k1 --json | jq -r .bill) # a bill of alice's, in the middle of her chain
day=$("$TILL" bill alice shop k1 --json | jq -r .day)
last=$(cli hget "{till:$p}:meta" bill)

# spoil_it TEXT KEY COMMAND...: the same of partition p, also in JSON; puts meta back as well.
spoil_it() {
    local text=$1 key="{till:$p}:$2"
    shift 2
    cli copy "$key" kept replace >/dev/null
    cli copy "{till:$p}:meta" meta replace >/dev/null
    "$@" >/dev/null || fail "could not spoil: $*"
    expect 1 "partition $p: $text" "$TILL" audit --partition "$p"
    json 1 '.[0] | .sound == false and .found > 0 and .findings[0].partition == '"$p" "$TILL" audit --json
    cli del "$key" >/dev/null
    cli rename kept "$key" >/dev/null
    cli rename meta "{till:$p}:meta" >/dev/null
    expect 0 "sound: " "$TILL" audit
}

# The same of the ledger's rows: BILL is replaced by the bill above.
rewrite() { rows "$p" "${1//BILL/\'$b\'}"; }
add_answer() { # add_answer ACCOUNT KEY CODE
    cli xadd "{till:$p}:responses:shop" '*' key "$2" source shop op pay code "$3" reason x account "$1" amount 0 currency CNY \
        balance 1 held 0 bill "" at "$(date +%s000)" entry 1-1 replayed 0 detail ""
    sleep 0.01 # the audit leaves out what is as new as itself
}
strangers() { # records of accounts of which most live elsewhere
    local n
    for n in 1 2 3 4 5 6 7 8 9; do cli hset "{till:$p}:bills:$day" "other$n/shop/k1" "$(sed 's/|0|pay|[^|]*|/|3|pay||/' <<<"$record")"; done
}
charge_twice() {
    cli hset "{till:$p}:meta" bill $((last + 1))
    local bill="'$p-$((last + 1))', 'alice/shop/k1', 'pay'"
    add_rows "$p" "{ $bill, 'alice', -1, 0, $(chain alice balance) - 1, 0, $(chain alice seq) + 1, 1, '' }" \
        "{ $bill, 'coffee', 1, 0, $(chain coffee balance) + 1, 0, $(chain coffee seq) + 1, 1, '' }"
}
chain() { cli hget "{till:$p}:account:$1" "$2"; }

spoil_it "bill $b: rows sum to 5 CNY" ledger rewrite "if row[1] == BILL and row[4] == 'alice' then row[5] = row[5] + 5 end"
spoil_it "bill $b: rows sum to -100 CNY" ledger rewrite "if row[1] == BILL and row[4] == 'coffee' then drop = true end"
spoil_it "bill $b: account alice: balance" ledger rewrite "if row[1] == BILL and row[4] == 'alice' then row[7] = row[7] + 1 end"
spoil_it "bill $b: account alice: held 0 + 0 is not 7" ledger rewrite "if row[1] == BILL and row[4] == 'alice' then row[8] = 7 end"
spoil_it "bill $b: account alice: held 0 + 7 is not 0" ledger rewrite "if row[1] == BILL and row[4] == 'alice' then row[6] = 7 end"
spoil_it "bill $b: account alice: seq goes from" ledger rewrite "if row[1] == BILL and row[4] == 'alice' then row[9] = row[9] + 1 end"
spoil_it "bill $b: is missing" ledger rewrite "if row[1] == BILL then drop = true end"
spoil_it "bill $p-$last: is missing; the ledger ends before it" ledger rewrite "if row[1] == '$p-$last' then drop = true end"
spoil_it "bill '9-1': is no bill number of partition $p" ledger rewrite "if row[1] == BILL then row[1] = '9-1' end"
spoil_it "bill 'x': is no bill number" ledger rewrite "if row[1] == BILL then row[1] = 'x' end"
spoil_it "bill $p-$last: is beyond the last bill number in meta" meta cli hset "{till:$p}:meta" bill $((last - 1))
spoil_it "account alice: balance 1, held 0, but the ledger says" account:alice cli hset "{till:$p}:account:alice" balance 1
spoil_it "account alice: balance 4700, held 3, but the ledger says 4700, 0" account:alice cli hset "{till:$p}:account:alice" held 3
spoil_it "account alice: balance -5 is below 0" account:alice cli hset "{till:$p}:account:alice" balance -5
spoil_it "account alice: is at seq 2, but has ledger rows up to 3" account:alice cli hset "{till:$p}:account:alice" seq 2
spoil_it "account alice: is at seq 9, but its ledger rows end at 3" account:alice cli hset "{till:$p}:account:alice" seq 9
spoil_it "account alice: has ledger rows but is not there" account:alice cli del "{till:$p}:account:alice"
spoil_it "bill $b: rows sum to -100 CNX" account:alice cli hset "{till:$p}:account:alice" currency CNX
spoil_it "account @world:CNY: its currency is 'EUR'" account:@world:CNY cli hset "{till:$p}:account:@world:CNY" currency EUR
spoil_it "bill $b: has ledger rows, but no bill record" "bills:$day" cli hdel "{till:$p}:bills:$day" alice/shop/k1
spoil_it "bill $b: has ledger rows, but no bill record" "bills:$day" cli del "{till:$p}:bills:$day"
record=$(cli hget "{till:$p}:bills:$day" alice/shop/k1)
spoil_it "bill record alice/shop/k1: says 3, but the answer was 0" "bills:$day" \
    cli hset "{till:$p}:bills:$day" alice/shop/k1 "${record/|0|pay|/|3|pay|}"
spoil_it "bill record alice/shop/k1: says bill '$p-999', but its ledger rows are of bill $b" "bills:$day" \
    cli hset "{till:$p}:bills:$day" alice/shop/k1 "${record/|$b|/|$p-999|}"
spoil_it "bill $p-999: has a bill record, but no ledger rows" "bills:$day" \
    cli hset "{till:$p}:bills:$day" alice/shop/k99 "${record/|$b|/|$p-999|}"
spoil_it "bill record alice/shop/k1: " "bills:$day" cli hset "{till:$p}:bills:$day" alice/shop/k1 nonsense
spoil_it "bill record other" "bills:$day" strangers
spoil_it "bill record alice/shop/k1: lies under the wrong day" "bills:$day" \
    cli hset "{till:$p}:bills:$day" alice/shop/k1 "$(sed -E 's/^(([^|]*\|){8})[0-9]+/\186400000/' <<<"$record")"
spoil_it "responses of shop: entry" responses:shop add_answer alice k77 3
spoil_it "alice/shop/k1: was answered 0 and 3" responses:shop add_answer alice k1 3
spoil_it "ledger entry" ledger cli xadd "{till:$p}:ledger" '*' rows nonsense
spoil_it "bill $p-$((last + 1)): alice/shop/k1 was booked before, as bill $b: twice charged" ledger charge_twice
spoil_it "intent 5-5: lost, trimmed while it was pending" dead \
    cli xadd "{till:$p}:dead" '*' entry 5-5 reason "lost: trimmed while pending" attempts 0
spoil_it "halted: bill 7 is gone" meta cli hset "{till:$p}:meta" halted "bill 7 is gone"

# More than 20 findings are counted.
cli copy "{till:$p}:ledger" kept >/dev/null
rewrite "row[7] = row[7] + (tonumber(string.match(row[1], '%d+$')) % 2)" >/dev/null
for n in $(seq 40); do cli xadd "{till:$p}:ledger" '*' rows x >/dev/null; done
json 1 '.[0] | .found > 40 and (.findings | length) == 20' "$TILL" audit --json
expect 1 "more" "$TILL" audit
finish
