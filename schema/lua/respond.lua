-- respond: one answer as an entry of its source's response stream, and how durable it is (memory, replica(n), disk); or as a line of one
-- that it shares with others. Returns the new entry's ID; raises when it cannot be appended.
--@include told.lua

local function count_told(a)
  told[a[5]] = (told[a[5]] or 0) + 1
  if a[14] == '1' then again = again + 1 end
end

local function respond(a, durable)
  count_told(a)
  if a[17] then
    return call('XADD', KEYS[a[1]], '*', 'key', a[2], 'source', a[3], 'op', a[4], 'code', CODE_TEXT[a[5]], 'reason', REASON[a[5]],
      'account', a[6], 'amount', a[7], 'currency', a[8], 'balance', a[9], 'held', a[10], 'bill', a[11], 'at', a[12], 'entry', a[13],
      'replayed', a[14], 'detail', a[15], 'durable', durable, 'traceparent', a[17])
  end
  return call('XADD', KEYS[a[1]], '*', 'key', a[2], 'source', a[3], 'op', a[4], 'code', CODE_TEXT[a[5]], 'reason', REASON[a[5]],
    'account', a[6], 'amount', a[7], 'currency', a[8], 'balance', a[9], 'held', a[10], 'bill', a[11], 'at', a[12], 'entry', a[13],
    'replayed', a[14], 'detail', a[15], 'durable', durable)
end

-- The same in an answer to this entry: what follows from that, and what is empty at the end, is left out.
local function line_of(a, at, entry)
  count_told(a)
  local other_at, other_entry = a[12] == at and '' or a[12], a[13] == entry and '' or a[13]
  local line = a[2] .. '\t' .. a[4] .. '\t' .. CODE_TEXT[a[5]] .. '\t' .. REASON[a[5]] .. '\t' .. a[6] .. '\t' .. a[7] .. '\t' .. a[8]
    .. '\t' .. a[9] .. '\t' .. a[10] .. '\t' .. a[11] .. '\t' .. a[14]
  if a[17] then return line .. '\t' .. a[15] .. '\t' .. other_at .. '\t' .. other_entry .. '\t' .. a[17] end
  if other_entry ~= '' then return line .. '\t' .. a[15] .. '\t' .. other_at .. '\t' .. other_entry end
  if other_at ~= '' then return line .. '\t' .. a[15] .. '\t' .. other_at end
  return a[15] ~= '' and line .. '\t' .. a[15] or line
end
