#!/bin/bash
# The Node client against the golden vectors and against a running worker.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
. "$root/tests/cli/clients.sh"
[ -n "$node" ] || { echo "$missing"; exit 77; }

expect 0 " intents" node "$node/test/vectors.js" "$root/tests/vectors"
start_redis
start_worker
expect 0 "good" timeout 60 node "$node/test/worker.js" "$socket"
stop_worker
expect 0 "good" timeout 60 node "$node/test/busy.js" "$socket"
grep -q '"resolved"' "$clients/node/package-lock.json" &&
    fail "the lockfile names a registry: npm install --omit-lockfile-registry-resolved"
finish
