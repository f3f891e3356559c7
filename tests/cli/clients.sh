# What the tests of the clients run them with, sourced behind private.sh: $python, which has their packages, or nothing; $node, a copy of the
# Node client with its packages, or nothing. They come from npm, by the lockfile, unless they are there already: in the client's node_modules,
# or where NODE_CLIENT_MODULES says. $missing says why there is none.

clients=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../producer/clients" && pwd)
missing=""

python=""
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import redis, msgpack' 2>/dev/null; then python=$candidate; fi
done
[ -n "$python" ] || missing="there is no python3-redis or no python3-msgpack"
export PYTHONPATH=$clients/python PYTHONDONTWRITEBYTECODE=1

has_packages() { (cd "$1" && node -e 'for (const name of ["ioredis", "@msgpack/msgpack", "@noble/hashes/blake2.js"]) require.resolve(name)') 2>/dev/null; }
find_node() {
    command -v node >/dev/null || { missing="there is no node" && return; }
    mkdir client
    cp -r "$clients/node"/{package.json,package-lock.json,src,test} client
    local there=${NODE_CLIENT_MODULES:-$clients/node/node_modules}
    if [ -d "$there" ]; then
        ln -s "$there" client/node_modules
    else
        command -v npm >/dev/null || { missing="the Node client's packages are not here, and there is no npm" && return; }
        (cd client && timeout 40 npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0) >npm.log 2>&1 || {
            missing="npm does not give the Node client's packages: $(grep -m 1 'npm error' npm.log)"
            return
        }
    fi
    has_packages client && node=$dir/client || missing="the Node client's packages are not in $there"
}
node=""
find_node
