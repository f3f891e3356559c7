# Makes bulk entries of the answers that are there, as a worker would have given them to a sender that wants them so. Sourced behind
# private.sh.

# Runs of up to MOST plain answers share an entry, with the ID of the first; the others' own entry stands in their lines.
join_answers() { # join_answers KEY MOST
    cli eval "local columns = {'key', 'op', 'code', 'reason', 'account', 'amount', 'currency', 'balance', 'held', 'bill', 'replayed',
            'detail', 'at', 'entry', 'traceparent'}
        local entries, shared, lines = redis.call('XRANGE', KEYS[1], '-', '+'), nil, nil
        local function finish()
            if not shared then return end
            redis.call('XADD', KEYS[1], shared.id, 'source', shared.source, 'at', shared.at, 'entry', shared.entry,
                'durable', shared.durable, 'answers', table.concat(lines, '\n'))
            shared = nil
        end
        redis.call('DEL', KEYS[1])
        for _, entry in ipairs(entries) do
            local fields, line = {id = entry[1]}, {}
            for n = 1, #entry[2], 2 do fields[entry[2][n]] = entry[2][n + 1] end
            if shared and #lines == tonumber(ARGV[1]) then finish() end
            if not shared then shared, lines = fields, {} end
            for n, name in ipairs(columns) do
                local theirs = (name == 'at' or name == 'entry') and fields[name] == shared[name]
                line[n] = theirs and '' or fields[name] or ''
            end
            lines[#lines + 1] = string.gsub(table.concat(line, '\t'), '\t+$', '')
        end
        finish()
        return #entries" 1 "$1" "$2"
}
