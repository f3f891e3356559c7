-- sequence: nothing is pending before this batch. Reading is not fenced: a worker that was replaced, or a connection that is gone, may have
-- had a read under way, which took entries that only a claim brings back. Once the watermark were past them they would never be applied.
local function check_order()
  local pending = redis.pcall('XPENDING', KEYS[PLACE.intents], 'workers')
  if pending.err then
    if string.sub(pending.err, 1, 7) == 'NOGROUP' then error(pending) end
    broken(KEYS[PLACE.intents], pending.err)
  end
  local oldest = pending[2]
  if oldest and comes_after(ENTRY[1], oldest) then
    error({ err = 'TRYAGAIN entry ' .. oldest .. ' is pending before ' .. ENTRY[1] })
  end
end
