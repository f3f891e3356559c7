-- fence: the first thing every writing script does. A worker whose epoch is not the partition's current one was replaced: it must not
-- write, acknowledge, answer or release anything. No clock and no TTL is involved.
--@given

local function check_epoch(current, epoch)
  if current ~= epoch then error({ err = 'FENCED epoch ' .. epoch .. ' was replaced by ' .. tostring(current or 'none') }) end
end

local function fence(meta, epoch) check_epoch(call('HGET', meta, 'epoch'), epoch) end
