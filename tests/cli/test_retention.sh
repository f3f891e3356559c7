#!/bin/bash
# A worker that archives and trims, seen from the command line: `till status`, `till audit`, `till archive` and `till reconcile` on
# streams of which the beginning is gone.
set -u
. "$(dirname "$0")/private.sh"
export TILL_ARCHIVE_DIR=$dir/books TILL_RETENTION_INTENTS=1s TILL_RETENTION_LEDGER=1s TILL_RETENTION_RESPONSES=1s TILL_RETENTION_READERS=1d
start_redis
start_worker

pay() { # pay FIRST LAST
    local n
    for n in $(seq "$1" "$2"); do
        expect 0 "ok (0)" "$TILL" pay --source shop --key "order-$n" --account "u$((n % 3))" --to coffee --amount 100 --currency CNY
    done
}
cut() { # all but the last intent and ledger entry of each partition is gone
    wait_for 30 eval '"$TILL" status --no-rate --json | jq -e ".streams | all(.entries <= if .unarchived == null then 0 else 4 end)"'
}
stream() { # stream NAME FILTER
    json 0 '.[0].streams | map(select(.stream == "'"$1"'")) | .[0] | '"$2" "$TILL" status --no-rate --json
}

expect 0 "ok (0)" "$TILL" open --account coffee --kind merchant --currency CNY
for n in 0 1 2; do
    expect 0 "ok (0)" "$TILL" open --account u$n --kind user --currency CNY
    expect 0 "ok (0)" "$TILL" topup --account u$n --amount 100000 --currency CNY
done
pay 1 12
cut

# What is gone is counted; what is left is sound; what is archived is all of it.
expect 0 "intents" "$TILL" status --no-rate
stream intents '.cut > 15 and .unread == 0 and .unarchived == 0 and .held_by == null and .kept_ms == 1000 and .oldest_ms != null'
stream ledger '.cut > 10 and .unarchived == 0'
stream responses:shop '.cut == 12 and .entries == 0 and .unarchived == null'
stream dead '.cut == 0 and .kept_ms == null'
json 0 '.[0] | .sound and .trimmed > 10' "$TILL" audit --json
expect 0 "bills; what the accounts held then is believed" "$TILL" audit
json 0 '.[0] | .sound and ([.streams[].missing] | add) == 0 and ([.streams[].entries] | add) > 30' "$TILL" archive verify books --json
expect 100 "another process is archiving this partition here" "$TILL" archive books
expect 1 "NOT ARCHIVED" "$TILL" archive late
json 0 'map(.missing) | add > 20' "$TILL" archive late --json
pay 13 20
expect 0 "sound" "$TILL" audit

# The upstream's list is held against the bills, which are kept for half a year.
day=$(date -u +%F)
for n in $(seq 20); do echo "order-$n,u$((n % 3)),100,0"; done | sed '1i key,account,amount,code' >list.csv
expect 0 "" "$TILL" reconcile list.csv --source shop --day "$day"

# More was removed than trimming noted: that is found. (Bills are numbered from 1 in each partition.)
cut
p=$(for n in 0 1 2 3; do echo "$(cli hget "{till:$n}:trimmed" bill) $n"; done | sort -n | tail -n 1 | sed 's/.* //')
was=$(cli hget "{till:$p}:trimmed" bill)
cli hset "{till:$p}:trimmed" bill $((was - 1)) >/dev/null
expect 1 "bill $p-$was: is missing" "$TILL" audit
cli hset "{till:$p}:trimmed" bill "$was" >/dev/null
expect 0 "sound" "$TILL" audit

# A reader that is a group is waited for, and named.
key="{till:$p}:responses:shop"
cli xgroup create "$key" checkout '$' mkstream >/dev/null
pay 21 26
wait_for 20 eval 'cli hexists "{till:$p}:trimmed" held:responses:shop | grep -q 1'
stream responses:shop '.held_by == "checkout" and .held == 1'
expect 0 "checkout" "$TILL" status --no-rate
cli xgroup destroy "$key" checkout >/dev/null
wait_for 20 eval '"$TILL" status --no-rate --json | jq -e ".streams | all(.held_by == null)"'
cut

# What is wrong with the archive is shown where somebody looks.
stop_worker
mv books elsewhere
echo x >books
start_worker
wait_for 20 eval '"$TILL" status --no-rate | grep -q "is not archived: .*books: is no directory"'
json 0 '.[0].archive_faults | length == 4' "$TILL" status --no-rate --json
pay 27 30
stream intents '.unarchived > 0'
ln -s elsewhere there
mv -T there books # in one step: the worker makes a directory that is missing
wait_for 40 eval '"$TILL" status --no-rate --json |
    jq -e ".archive_faults == [] and (.streams | all(.unarchived == null or .unarchived == 0))"'
expect 0 "sound" "$TILL" archive verify books
cut
expect 0 "sound" "$TILL" audit
stop_worker
expect 0 "sound" "$TILL" archive verify books
expect 0 "" "$TILL" archive books
finish
