#!/bin/bash
# `till doctor`: each thing that is wrong is found, and its fix, done as it is said, mends it.
set -u
. "$(dirname "$0")/private.sh"

start_redis --appendonly yes
start_worker
expect 0 "all well" "$TILL" doctor
json 0 '.[0] | .ok and (.findings | all(.level != "wrong"))' "$TILL" doctor --json
[ "$(cli --raw keys '*probe*')" = "" ] || fail "doctor leaves keys behind"

# spoil SETTING VALUE TEXT: with this setting of the server doctor says this; the CONFIG SET of its fix makes it well again.
spoil() {
    cli config set "$1" "$2" >/dev/null
    expect 1 "$3" "$TILL" doctor
    "$TILL" doctor --json | jq -r '.findings[] | select(.level == "wrong") | .fix' |
        sed -n 's/^CONFIG SET \([a-z-]*\) \([a-z0-9]*\).*/\1 \2/p' >fixes
    while read -r name value; do cli config set "$name" "$value" >/dev/null; done <fixes
    wait_for 20 "$TILL" doctor # a worker stops while Redis evicts
    expect 0 "all well" "$TILL" doctor
}
spoil maxmemory-policy allkeys-lru "maxmemory-policy is allkeys-lru"
spoil appendonly no "appendonly is off"
spoil appendfsync no "appendfsync is no"
used=$(cli info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p')
spoil maxmemory $((used / 95 * 100)) "above backlog.memory_high_water"

# Rights: what a user lacks is named by the line that gives it.
cli acl setuser default -xadd -hscan '-xgroup|create' >/dev/null
expect 1 "ACL SETUSER default +xadd +xgroup|create +hscan" "$TILL" doctor
cli acl setuser default +@all resetkeys '~other:*' >/dev/null
expect 1 "ACL SETUSER default ~{till}:* ~{till:*" "$TILL" doctor
cli acl setuser default allkeys >/dev/null
expect 0 "all well" "$TILL" doctor

# The function of this version, and what another has left there.
expect 0 "of this version is there" "$TILL" doctor
cli function load "#!lua name=till_old
redis.register_function('till_old', function() return 0 end)" >/dev/null
expect 0 "FUNCTION DELETE till_old" "$TILL" doctor
cli function delete till_old >/dev/null

stop_worker
sleep 0.1
expect 1 "none is alive" "$TILL" doctor
finish
