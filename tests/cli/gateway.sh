# A gateway before the worker of private.sh. Sourced behind it; needs curl.

command -v curl >/dev/null || { echo "skipped: there is no curl"; exit 77; }

start_gateway() { # start_gateway [OPTION]...: $url is where it listens
    : >"$dir/gateway.log"
    "$TILL" gateway --listen 127.0.0.1:0 "$@" 2>>"$dir/gateway.log" &
    gateway=$!
    pids="$pids $gateway"
    wait_for 10 grep -q 'listens on' "$dir/gateway.log"
    url=$(sed -n 's/.*listens on //p' "$dir/gateway.log")
}

stop_gateway() { # its exit code
    kill "$gateway"
    wait "$gateway"
}

# ask METHOD PATH [CURL OPTION]...: body in $dir/body, headers in $dir/head, status in $status.
ask() {
    local method=$1 path=$2
    shift 2
    status=$(curl -s -m 20 -X "$method" -o "$dir/body" -D "$dir/head" -w '%{http_code}' "$@" "$url$path")
}

# post KEY JSON [CURL OPTION]...
post() {
    local key=$1 json=$2
    shift 2
    ask POST /v1/intents -H 'Content-Type: application/json' -H "Idempotency-Key: \"$key\"" --data-binary "$json" "$@"
}

# want STATUS FILTER WHAT: of the last one; jq's filter must hold for its body.
want() {
    [ "$status" = "$1" ] && jq -e "$2" "$dir/body" >/dev/null 2>&1 && return
    fail "$3: wanted $1 and $2, got $status: $(cat "$dir/body")"
}
