-- share: the answers to the intents of one entry and source as one entry of the response stream, a line each (schema/README.md, "Bulk
-- answers"). Returns the new entry's ID; raises when it cannot be appended.
local function share(place, source, at, entry, durable, lines)
  return call('XADD', KEYS[place], '*', 'source', source, 'at', at, 'entry', entry, 'durable', durable, 'answers',
    table.concat(lines, '\n'))
end
