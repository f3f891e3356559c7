#!/bin/bash
# Links lead somewhere; each alert fires for what it says, and has its page; everything on the dashboard is served. What Prometheus says of
# the rules needs its promtool.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
config=$root/config bad=0
fail() {
    echo "FAILED: $1"
    bad=1
}

cd "$root" || exit 100
for page in ./*.md */README.md config/*.md; do
    for link in $(grep -oE '\]\([^)#: ]+' "$page" | sed 's/](//'); do
        [ -e "$(dirname "$page")/$link" ] || fail "$page leads to $link, which there is not"
    done
done
for path in $(grep -oE '`(schema|config|producer|worker|tests)/[A-Za-z0-9_./]+`' CONTRIBUTING.md | tr -d '`'); do
    [ -e "$path" ] || fail "CONTRIBUTING.md names $path, which there is not"
done

alerts=$(sed -n 's/^ *- alert: //p' "$config/prometheus-rules.yml")
[ "$(echo "$alerts" | wc -l)" -gt 5 ] || fail "no alerts: $alerts"
for alert in $alerts; do
    page=config/incidents.md#$(echo "$alert" | tr '[:upper:]' '[:lower:]')
    sed -n "/- alert: $alert\$/,/- alert:/p" "$config/prometheus-rules.yml" | grep -qx " *runbook: $page" ||
        fail "$alert does not name $page"
    [ "$(grep -cx "## $alert" "$config/incidents.md")" = 1 ] || fail "incidents.md has no section $alert"
    grep -q "^ *alertname: $alert\$" "$root/tests/lib/alerts.yml" || fail "nothing shows that $alert fires"
done
for section in $(sed -n 's/^## //p' "$config/incidents.md"); do
    echo "$alerts" | grep -qx "$section" || fail "incidents.md tells of $section, which is no alert"
done

served=$(grep -hoE '"till_[a-z_]+"' "$root"/worker/*.c | tr -d '"')
wanted=$(jq -r '.panels[].targets[].expr, .templating.list[].query' "$config/grafana-dashboard.json" | grep -oE 'till_[a-z_]+' | sort -u)
[ "$(echo "$wanted" | wc -l)" -gt 10 ] || fail "the dashboard shows nothing: $wanted"
for name in $wanted; do
    echo "$served" | grep -qx "${name%_bucket}" || fail "the dashboard wants $name, which no worker serves"
done
# The settings that the containers are given are there, and could be what they say.
env $(sed -nE 's/^ +(TILL_[A-Z_]+): /\1=/p' config/docker/compose.yaml) "$TILL_WORKER" --check-config >/dev/null ||
    fail "config/docker/compose.yaml"
jq -e '[.panels[].id] | length == (unique | length)' "$config/grafana-dashboard.json" >/dev/null || fail "two panels have the same number"

[ $bad = 0 ] || exit 1
command -v promtool >/dev/null || { echo "whether the alerts fire is left out: there is no promtool (package prometheus)"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/ta-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cp "$config/prometheus-rules.yml" "$root/tests/lib/alerts.yml" "$dir"
jq -r '.panels[].targets[].expr' "$config/grafana-dashboard.json" | sed 's/\$job/.*/; s/\$__rate_interval/1m/g' |
    jq -R '{expr: .}' | jq -s '{groups: [{name: "dashboard", rules: [to_entries[] | {record: "r\(.key)", expr: .value.expr}]}]}' \
        >"$dir/dashboard.yml"
promtool check rules "$dir/dashboard.yml" >"$dir/out" 2>&1 || fail "the dashboard: $(cat "$dir/out")"
(cd "$dir" && promtool test rules alerts.yml) || fail "alerts"
exit $bad
