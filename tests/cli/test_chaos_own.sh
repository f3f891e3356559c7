#!/bin/bash
# till chaos: breaks its own workers on a Redis that others use, judges, and leaves nothing behind and everything else as it was.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
. "$here/beside.sh"
beside chaos
connections=$(cli client list | grep -c 'name=')

json 0 '.[0] | .sound and .intents > 100 and .unanswered == 0 and .doubled == 0 and .found == 0 and .faults > 0 and .unexpected_ends == 0' \
    "$TILL" chaos --book chaos-test --seconds 4 --log chaos.log --json
left_alone
[ "$(cli client list | grep -c 'name=')" -ge "$connections" ] || fail "somebody else's connection is gone"
expect 0 "ok (0)" "$TILL" topup --account alice --amount 5 --currency CNY

# A book that is there is nobody's to break; what it leaves with --keep can be looked at.
expect 100 "there is a book 'till' already" "$TILL" chaos --book till
expect 0 "Everything adds up" "$TILL" chaos --book chaos-kept --seconds 1 --keep --no-flush
TILL_BOOK_NAME=chaos-kept TILL_BOOK_PARTITIONS=8 expect 0 "sound" "$TILL" audit
expect 100 "there is a book 'chaos-kept' already" "$TILL" chaos --book chaos-kept
expect 100 "dies with its worker" env TILL_REDIS_URL="embedded:$dir/embedded" "$TILL" chaos
finish
