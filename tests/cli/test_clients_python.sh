#!/bin/bash
# The Python client against the golden vectors, against a running worker, and the values that its page about producers quotes; its types.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
. "$root/tests/cli/clients.sh"
[ -n "$python" ] || { echo "$missing"; exit 77; }

expect 0 "intents, " "$python" "$clients/python/tests/vectors.py" "$root/tests/vectors" "$root/producer/clients/README.md"
start_redis
start_worker
expect 0 "good" timeout 60 "$python" "$clients/python/tests/worker.py" "$socket"
stop_worker
expect 0 "good" timeout 60 "$python" "$clients/python/tests/busy.py" "$socket"
! command -v mypy >/dev/null ||
    expect 0 "no issues" mypy --config-file "$clients/python/pyproject.toml" --cache-dir "$dir/mypy" "$clients/python/till_payments"
finish
