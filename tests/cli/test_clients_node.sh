#!/bin/bash
# The Node client against the golden vectors and against a running worker. Its dependencies come from npm: where they are not (npm install
# in producer/clients/node, or NODE_CLIENT_MODULES naming a node_modules that has them), it is skipped.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"

command -v node >/dev/null || { echo "there is no node"; exit 77; }
cp -r "$root/producer/clients/node" client
modules=${NODE_CLIENT_MODULES:-$root/producer/clients/node/node_modules}
[ ! -d "$modules" ] || ln -sfn "$modules" client/node_modules
(cd client && node -e 'for (const name of ["ioredis", "@msgpack/msgpack", "@noble/hashes/blake2.js"]) require.resolve(name)') 2>/dev/null ||
    { echo "the Node client's dependencies are not here: npm install in producer/clients/node"; exit 77; }

expect 0 " intents" node client/test/vectors.js "$root/tests/vectors"
start_redis
start_worker
expect 0 "good" timeout 60 node client/test/worker.js "$socket"
stop_worker
expect 0 "good" timeout 60 node client/test/busy.js "$socket"
finish
