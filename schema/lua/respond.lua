-- respond: one answer as an entry of its source's response stream, and how durable it is (memory, replica(n), disk). Returns the new
-- entry's ID; raises when it cannot be appended.
--@include told.lua

local function respond(a, durable)
  told[a[5]] = (told[a[5]] or 0) + 1
  if a[14] == '1' then again = again + 1 end
  if a[17] then
    return call('XADD', KEYS[a[1]], '*', 'key', a[2], 'source', a[3], 'op', a[4], 'code', CODE_TEXT[a[5]], 'reason', REASON[a[5]],
      'account', a[6], 'amount', a[7], 'currency', a[8], 'balance', a[9], 'held', a[10], 'bill', a[11], 'at', a[12], 'entry', a[13],
      'replayed', a[14], 'detail', a[15], 'durable', durable, 'traceparent', a[17])
  end
  return call('XADD', KEYS[a[1]], '*', 'key', a[2], 'source', a[3], 'op', a[4], 'code', CODE_TEXT[a[5]], 'reason', REASON[a[5]],
    'account', a[6], 'amount', a[7], 'currency', a[8], 'balance', a[9], 'held', a[10], 'bill', a[11], 'at', a[12], 'entry', a[13],
    'replayed', a[14], 'detail', a[15], 'durable', durable)
end
