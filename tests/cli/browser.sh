# A headless Chromium, driven by WebDriver with curl and jq. Sourced behind private.sh; needs chromium and chromedriver.

command -v chromium >/dev/null && command -v chromedriver >/dev/null || { echo "skipped: there is no chromium with its chromedriver"; exit 77; }

start_browser() {
    local profile=$dir/profile arguments
    mkdir -p "$profile"
    chromedriver --port=0 >"$dir/driver.log" 2>&1 &
    driver=$!
    pids="$pids $driver"
    wait_for 20 grep -q 'on port [1-9]' "$dir/driver.log" # it first says that it wants any
    driver_url=http://127.0.0.1:$(sed -n 's/.*on port \([1-9][0-9]*\).*/\1/p' "$dir/driver.log" | tail -n 1)
    arguments=$(printf '"%s",' --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1200,900 "--user-data-dir=$profile")
    session=$(curl -s -m 60 "$driver_url/session" -d \
        "{\"capabilities\":{\"alwaysMatch\":{\"goog:chromeOptions\":{\"binary\":\"$(command -v chromium)\",\"args\":[${arguments%,}]}}}}" |
        jq -r .value.sessionId)
    [ -n "$session" ] && [ "$session" != null ] || { echo "FAILED: no browser: $(cat "$dir/driver.log")"; exit 1; }
}

stop_browser() {
    drive DELETE "" >/dev/null
    kill "$driver" 2>/dev/null
}

# drive METHOD PATH [JSON]: of the session.
drive() { curl -s -m 30 -X "$1" "$driver_url/session/$session$2" ${3:+-d "$3"}; }
# js SCRIPT: its value, as JSON.
js() { drive POST /execute/sync "$(jq -nc --arg script "$1" '{script: $script, args: []}')" | jq -c .value; }
# holds SCRIPT: whether its value is true.
holds() { [ "$(js "return $1")" = true ]; }
# press KEYS: to whatever has the focus. \uE004 is Tab, \uE007 Enter.
press() {
    drive POST /actions "$(printf '%s' "$1" | jq -Rc '{actions: [{type: "key", id: "k", actions: [(tostring | gsub("\\\\t"; "\ue004") |
        gsub("\\\\n"; "\ue007") | explode | map([.] | implode)[] | ({type: "keyDown", value: .}, {type: "keyUp", value: .}))]}]}')" >/dev/null
}
# look WIDTH HEIGHT light|dark FILE: a screenshot.
look() {
    drive POST /goog/cdp/execute "{\"cmd\":\"Emulation.setDeviceMetricsOverride\",\"params\":{\"width\":$1,\"height\":$2,\"deviceScaleFactor\":1,\"mobile\":false}}" >/dev/null
    drive POST /goog/cdp/execute "{\"cmd\":\"Emulation.setEmulatedMedia\",\"params\":{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$3\"}]}}" >/dev/null
    [ -z "${4:-}" ] || drive GET /screenshot | jq -r .value | base64 -d >"$4"
}
