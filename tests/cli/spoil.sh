# Spoils a book in one way at a time, which `till audit` must name. Sourced behind private.sh.

# spoil PARTITION TEXT KEY COMMAND...: runs the command, wants the audit to say the text of that partition and to fail; puts the key back.
# A KEY without {...} is one of that partition. It may be that there is none before.
spoil() {
    local at=$1 text=$2 key=$3
    shift 3
    [[ $key == {* ]] || key="{till:$at}:$key"
    [ "$(cli exists "$key")" = 0 ] || cli copy "$key" kept replace >/dev/null
    "$@" >/dev/null || fail "could not spoil: $*"
    expect 1 "partition $at: $text" "$TILL" audit
    cli del "$key" >/dev/null
    [ "$(cli exists kept)" = 0 ] || cli rename kept "$key" >/dev/null
    expect 0 "sound: " "$TILL" audit
}

# rows PARTITION LUA: rewrites every row of the ledger. The Lua code sees `row` (bill, identity, op, account, amount, hold, balance, held,
# seq, at, note) and may set `drop` to leave it out.
rows() {
    cli eval "local entries = redis.call('XRANGE', KEYS[1], '-', '+')
        redis.call('DEL', KEYS[1])
        for _, e in ipairs(entries) do
          local rows, kept = cmsgpack.unpack(e[2][2]), {}
          for _, row in ipairs(rows) do
            local drop = false
            $2
            if not drop then kept[#kept + 1] = row end
          end
          redis.call('XADD', KEYS[1], e[1], 'rows', cmsgpack.pack(kept))
        end
        return 1" 1 "{till:$1}:ledger"
}

add_rows() { # add_rows PARTITION ROW...: Lua tables
    local at=$1 rows
    shift
    rows=$(IFS=,; echo "$*")
    cli eval "return redis.call('XADD', KEYS[1], '*', 'rows', cmsgpack.pack({ $rows }))" 1 "{till:$at}:ledger"
}
