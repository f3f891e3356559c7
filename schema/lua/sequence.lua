-- sequence: nothing is pending before this batch that was not applied; what was may have to wait for its answer. Reading is not fenced:
-- a worker that was replaced, or a connection that is gone, may have had a read under way, which took entries that only a claim brings
-- back. Once the watermark were past them they would never be applied.
--@call
do
  local pending = redis.pcall('XPENDING', KEYS[PLACE.intents], 'workers', '(' .. applied, '+', 1)
  if pending.err then
    if string.sub(pending.err, 1, 7) == 'NOGROUP' then error(pending) end
    broken(KEYS[PLACE.intents], pending.err)
  end
  local oldest = pending[1] and pending[1][1]
  if oldest and comes_after(ENTRY[1], oldest) then
    error({ err = 'TRYAGAIN entry ' .. oldest .. ' is pending before ' .. ENTRY[1] })
  end
end
