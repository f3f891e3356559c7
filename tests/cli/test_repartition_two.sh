#!/bin/bash
# Two runs of `till repartition` on one book: the second is refused while the first lives, and goes on where it was once that is dead. One
# that is taken over while it is frozen does nothing more. And a book of another name, in which the passwords would be refused.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/carried.sh"
state() { cli hget '{till}:book' repartition | cut -d' ' -f1; }
is_carried() { # is_carried WHEN: sound and as it was, in 9 partitions
    TILL_BOOK_PARTITIONS=9 json 0 '.[0].sound' "$TILL" audit --json
    facts "$socket" 9 | cmp -s facts.before - || fail "$1: facts differ: $(facts "$socket" 9 | diff facts.before - | head -n 4)"
    [ -z "$(cli hget '{till}:book' repartition_by)" ] || fail "$1: the book still says that somebody is at it"
}
freeze() { # a run that is stopped while it builds
    local try
    for try in $(seq 30); do
        bring_back old.rdb
        "$TILL" repartition --to 9 >first.out 2>&1 &
        first=$!
        pids="$pids $first"
        until [ "$(state)" = building ] || ! kill -0 $first 2>/dev/null; do :; done
        { kill -STOP $first; } 2>/dev/null
        sleep 0.1 # what it has sent is done
        [ "$(state)" = building ] && kill -0 $first 2>/dev/null && return
        { kill -CONT $first; wait $first; } 2>/dev/null
    done
    fail "no run could be stopped while it builds"
}

start_redis
start_worker
python3 "$here/random_traffic.py" "$seed" 150 a >a.jsonl
"$TILL" send a.jsonl --source shop >/dev/null || fail "sending"
wait_for 60 at_rest
stop_worker
facts "$socket" 4 >facts.before
keep old.rdb

freeze
expect 100 "another till repartition is at book 'till' (client " "$TILL" repartition --to 9
expect 100 "another till repartition is at book 'till'" "$TILL" repartition --undo
[ "$(state)" = building ] || fail "the second one changed something"
{ kill -9 $first; wait $first; } 2>/dev/null
expect 0 "book till has 9 partitions now" "$TILL" repartition --to 9
is_carried "taken over from one that was killed"

# Frozen, and cut off: when it wakes it finds that another has taken over.
freeze
by=$(cli hget '{till}:book' repartition_by)
cli client kill id "${by#* }" >/dev/null
expect 0 "book till has 9 partitions now" "$TILL" repartition --to 9
kill -CONT $first
wait $first
code=$?
[ $code != 0 ] && grep -q "has taken book 'till' over" first.out || fail "one that was taken over ended with $code: $(cat first.out)"
is_carried "taken over from one that lives"

# After a restart of Redis nobody who was at it before is.
bring_back old.rdb
cli hset '{till}:book' repartition_by "0123456789012345678901234567890123456789 3" >/dev/null
expect 0 "book till has 9 partitions now" "$TILL" repartition --to 9
is_carried "left by another server's client"

# Both at the same moment: one does it.
bring_back old.rdb
"$TILL" repartition --to 9 >first.out 2>&1 &
first=$!
"$TILL" repartition --to 9 >second.out 2>&1 &
second=$!
wait $first
a=$?
wait $second
b=$?
case $a$b in 0100 | 1000 | 00) ;; *) fail "two at once ended with $a and $b: $(cat first.out second.out)" ;; esac
is_carried "two at once"

# What is derived from a password depends on the book's name.
bring_back old.rdb
start_worker
(umask 077; echo "correct horse battery staple" >carol.password)
expect 0 "ok (0)" "$TILL" open --account carol --kind user --currency CNY --password-file carol.password
expect 0 "ok (0)" "$TILL" topup --account carol --amount 100 --currency CNY
expect 0 "ok (0)" "$TILL" open --account shop --kind merchant --currency CNY
stop_worker
expect 100 "account carol has a credential" "$TILL" repartition --to 2 --book spare
expect 0 "book till has 2 partitions now" "$TILL" repartition --to 2
export TILL_BOOK_PARTITIONS=2
start_worker
expect 1 "not_permitted" "$TILL" pay --account carol --to shop --amount 5 --currency CNY
expect 0 "ok (0)" "$TILL" pay --account carol --to shop --amount 5 --currency CNY --password-file carol.password
stop_worker
finish
