#!/bin/bash
# The Python client against the golden vectors, against a running worker, and the values that its page about producers quotes.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"

python=""
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import redis, msgpack' 2>/dev/null; then python=$candidate; fi
done
[ -n "$python" ] || { echo "python3-redis and python3-msgpack are not here"; exit 77; }

export PYTHONPATH=$root/producer/clients/python PYTHONDONTWRITEBYTECODE=1
expect 0 "intents, " "$python" "$root/producer/clients/python/tests/vectors.py" "$root/tests/vectors" "$root/producer/clients/README.md"
start_redis
start_worker
expect 0 "good" timeout 60 "$python" "$root/producer/clients/python/tests/worker.py" "$socket"
stop_worker
expect 0 "good" timeout 60 "$python" "$root/producer/clients/python/tests/busy.py" "$socket"
finish
