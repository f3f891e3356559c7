#!lua
-- close: takes a partition out of use for good, or opens it again: `till repartition` carries over a book that stands still. In place of
-- its stream of intents stands a text: whoever enqueues is refused, and nothing is lost. The lease has no TTL, so that nobody takes it.
-- KEYS: 1 meta 2 intents 3 lease 4 unanswered 5 where the stream goes meanwhile
-- ARGV: 1 close|open 2 the text 3 `applied` and `bill` as they must be, with a space between; '': whatever they are
-- Reply: close: { closed|leased|waiting|pending|unanswered|moved, how many or who }; open: { opened, 1 or 0: it was not closed }
--@include fence.lua
--@include number.lua
local META, INTENTS, LEASE = KEYS[1], KEYS[2], KEYS[3]
local kind = call('TYPE', INTENTS).ok
local known = call('HMGET', META, 'epoch', 'applied', 'bill')

if ARGV[1] == 'open' then
  if kind ~= 'string' then return { 'opened', 0 } end
  call('UNLINK', INTENTS)
  if call('EXISTS', KEYS[5]) == 1 then call('RENAME', KEYS[5], INTENTS) end
  call('DEL', LEASE)
  return { 'opened', 1 }
end
if kind == 'string' then return { 'closed', 0 } end

local function hindrance()
  local holder, kept = call('GET', LEASE), call('HLEN', KEYS[4])
  if holder then return { 'leased', holder } end
  if kept > 0 then return { 'unanswered', kept } end
  if kind ~= 'stream' then return nil end
  local groups = call('XINFO', 'GROUPS', INTENTS)
  for n = 1, #groups do
    for f = 1, #groups[n], 2 do groups[n][groups[n][f]] = groups[n][f + 1] end
    if groups[n].name == 'workers' and groups[n].pending > 0 then return { 'pending', groups[n].pending } end
  end
  if #call('XRANGE', INTENTS, '(' .. (known[2] or '0-0'), '+', 'COUNT', 1) > 0 then return { 'waiting', 1 } end
  return nil
end

local reason = hindrance()
if reason then return reason end
if ARGV[3] ~= '' and ARGV[3] ~= (known[2] or '0-0') .. ' ' .. (known[3] or '0') then return { 'moved', 0 } end
local time = call('TIME')
local epoch = to_text(math.max(to_integer(known[1] or '0') or 0, time[1] * 1000 + math.floor(time[2] / 1000)) + 1)
if kind == 'stream' then call('RENAME', INTENTS, KEYS[5]) end
call('SET', INTENTS, ARGV[2])
call('HSET', META, 'epoch', epoch)
call('SET', LEASE, epoch .. ':repartition')
return { 'closed', 1 }
