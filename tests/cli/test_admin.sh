#!/bin/bash
# What Prometheus itself says of the admin endpoint and of the alerts. Where its promtool is not on hand the rules are only read.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/private.sh"
rules=$here/../../config/prometheus-rules.yml

# Every metric that an alert is about is served, but those of the audit's timer.
export TILL_ADMIN_LISTEN=127.0.0.1:0
start_redis
start_worker
port=$(sed -n 's/.*admin_listens.* port=\([0-9]*\).*/\1/p' "$dir/worker.log")
get() { # get PATH: the body
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&3
    sed '1,/^\r$/d' <&3
    exec 3>&-
}
get /metrics >metrics
for name in $(grep -o 'till_[a-z_]*' "$rules" | sort -u); do
    case $name in till_audit_* | till_archive_*) continue ;; esac
    grep -q "^$name[{ ]" metrics || fail "an alert is about $name, which is not served: $(cat metrics)"
done
grep -q "^till_trim_lag_seconds{" metrics || fail "nothing is said of trimming"
[ "$(get /readyz)" = ready ] || fail "it is not ready"

if command -v promtool >/dev/null; then
    promtool check metrics <metrics || fail "promtool does not like the metrics"
    promtool check rules "$rules" || fail "promtool does not like the rules"
else
    echo "skipped: there is no promtool"
fi
finish
