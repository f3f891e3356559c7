#!/bin/bash
# What the dashboard and the alerts ask, asked of a Prometheus that reads a running worker: everything is there, with the labels that are
# shown. Grafana itself is in no Debian.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
command -v prometheus >/dev/null || { echo "there is no prometheus"; exit 77; }
command -v curl >/dev/null || { echo "there is no curl"; exit 77; }

export TILL_ADMIN_LISTEN=127.0.0.1:0 TILL_ARCHIVE_DIR=$dir/archive
mkdir archive
start_redis
start_worker
worker_port=$(sed -n 's/.*admin_listens.* port=\([0-9]*\).*/\1/p' worker.log)
cat >prometheus.yml <<END
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: till
    static_configs: [{targets: ["127.0.0.1:$worker_port"]}]
END
start_prometheus() { # on a port that nobody has: it ends if it is not its
    port=$((10000 + RANDOM % 20000))
    prometheus --config.file=prometheus.yml --storage.tsdb.path="$dir/tsdb" --web.listen-address=127.0.0.1:$port >prometheus.log 2>&1 &
    prometheus=$!
    until curl -sf "127.0.0.1:$port/-/ready" >/dev/null; do
        kill -0 $prometheus 2>/dev/null || return 1
        sleep 0.1
    done
}
tries=5
until start_prometheus; do [ $((tries -= 1)) -gt 0 ] || { cat prometheus.log; exit 1; }; done
pids="$pids $prometheus"

# Something of everything: answers of two codes, one of them repeated; something that is pending, in the stream and due.
expect 0 "ok (0)" "$TILL" open --account alice --kind user --currency CNY
expect 0 "ok (0)" "$TILL" topup --account alice --amount 100 --currency CNY --key t
expect 0 "given before" "$TILL" topup --account alice --amount 100 --currency CNY --key t
expect 1 "not_found" "$TILL" pay --account alice --to nobody --amount 1 --currency CNY

# What is asked, a line each: the labels that must be there, and the query.
{
    jq -r '.panels[].targets[] | "\([.legendFormat | scan("{{(\\w+)}}")[0]] | join(" "))\t\(.expr)"' "$root/config/grafana-dashboard.json" |
        sed 's/\$job/till/; s/\$__rate_interval/1m/g'
    # An alert is quiet: what it compares is asked, without the comparison. The audit's timer is no worker.
    sed -nE 's/^ *expr: (.*) (>|==) [0-9]+$/\t\1/p' "$root/config/prometheus-rules.yml" | grep -v till_audit
} >queries
[ "$(wc -l <queries)" -gt 30 ] || fail "too little is asked: $(cat queries)"
ask() { curl -s -m 10 "127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" >reply; }
there() { # else $labels and $query are what is not
    while IFS=$'\t' read -r labels query; do
        ask "$query"
        jq -e --arg labels "$labels" '($labels | split(" ") - [""]) as $wanted |
            .data.result | length > 0 and all(.metric as $m | $wanted | all(in($m)))' reply || return 1
    done < <(sed 's/^\t/ \t/' queries)
}
until there >there.log; do
    [ $SECONDS -lt 60 ] || { echo "FAILED: nothing with the labels ($labels) for: $query"; cat reply; exit 1; }
    sleep 0.2
done
ask 'sum(till_answers_total{code="not_found"})'
jq -e '.data.result[0].value[1] == "1"' reply >/dev/null || fail "the refusal was not counted: $(cat reply)"
kill $prometheus
wait $prometheus
finish
