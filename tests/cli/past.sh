# Entries of an earlier time, for the tests of what months that are over need: their IDs are given, so that a worker takes them for that time.
# Sourced before private.sh; to be used before anything else came to the streams.

partition_of() { python3 -c 'import sys, zlib; print(zlib.crc32(sys.argv[1].encode()) % int(sys.argv[2]))' "$1" "$TILL_BOOK_PARTITIONS"; }

# at PARTITION MS JSON: an intent with an entry ID of that time; v, source, at and, where it has none, a key are added. Says the ID.
keys=0
at() {
    keys=$((keys + 1))
    cli eval "local i = cjson.decode(ARGV[2])
        i.v, i.at, i.source, i.key = 1, tonumber(ARGV[1]), i.source or 'shop', i.key or ARGV[3]
        return redis.call('XADD', KEYS[1], ARGV[1] .. '-*', 'intent', cmsgpack.pack(i))" 1 "{${TILL_BOOK_NAME:-till}:$1}:intents" \
        "$2" "$3" "past$keys" |
        grep -E '^[0-9]+-[0-9]+$' || { echo "FAILED: an entry of $2 in partition $1: $3" >&2; exit 1; }
}

# open_merchant MS NAME: in all partitions, as its worker would have it.
open_merchant() {
    local home entry p
    home=$(partition_of "$2")
    entry=$(at "$home" "$1" '{"op":"open","key":"open","account":"'"$2"'","kind":"merchant","currency":"CNY"}')
    for p in $(seq 0 $((TILL_BOOK_PARTITIONS - 1))); do
        [ "$p" = "$home" ] || at "$p" "$1" '{"op":"adopt","source":"till","key":"'"$2"'/shop/open>adopt","account":"'"$2"'","kind":"merchant",
            "currency":"CNY","origin":"'"$home:$entry"'","entry":"'"$entry"'"}' >/dev/null
    done
}

# The book's rules in every partition: policy_at MS SETTINGS.
policy_at() {
    local p
    for p in $(seq 0 $((TILL_BOOK_PARTITIONS - 1))); do at "$p" "$1" '{"op":"policy","account":"@book","settings":{'"$2"'}}' >/dev/null; done
}

# month_ago N: YYYY-MM. middle_of MONTH: ms of its 15th.
month_ago() { date -ud "$(date -u +%Y-%m-01) -$1 month" +%Y-%m; }
middle_of() { date -ud "$1-15" +%s000; }

# All streams are applied to their ends.
applied() { "$TILL" status --no-rate --json | jq -e '[.partitions[] | .undelivered + .pending] | add == 0'; }
