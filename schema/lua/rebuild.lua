#!lua
-- rebuild: begins and ends the time in which a partition is rebuilt from its recorded stream. Whoever serves it is replaced each time, so
-- that from here on nobody works in the other way: while meta has `replaying`, lanes send neither follow-ups nor what has fallen due.
-- Also keeps everybody off a partition for a while, so that it stands still; released as any lease of worker `rebuild`.
-- KEYS: 1 meta 2 lease 3 intents 4 unanswered
-- ARGV: 1 begin: from now on | hold: nobody serves it, for a while | end: it is as it was, and anybody may take it
--       2 begin: what the recorded streams contain, as worker/replaying.h reads it; hold: for how many ms
-- Reply: end: how many entries are pending again: those put aside, whose follow-ups are still to be sent; else the new epoch
local time = redis.call('TIME')
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '') or time[1] * 1000 + math.floor(time[2] / 1000)
local taken, reply = string.format('%.0f', epoch + 1), epoch + 1
collectgarbage('setpause', 200) -- feed.lua had it wait
redis.call('XLEN', KEYS[3])
redis.call('HLEN', KEYS[4])

-- Lanes have read past the group: it stands where they do.
local function set_group()
  local applied, last, added = redis.call('HGET', KEYS[1], 'applied'), nil, nil
  local stream = applied and redis.pcall('XINFO', 'STREAM', KEYS[3]) or {}
  for n = 1, #stream, 2 do
    if stream[n] == 'last-generated-id' then last = stream[n + 1] end
    if stream[n] == 'entries-added' then added = stream[n + 1] end
  end
  if last == applied then redis.pcall('XGROUP', 'SETID', KEYS[3], 'workers', applied, 'ENTRIESREAD', added)
  elseif last then redis.pcall('XGROUP', 'SETID', KEYS[3], 'workers', applied) end
end

redis.call('HSET', KEYS[1], 'epoch', taken)
redis.call('DEL', KEYS[2])
if ARGV[1] == 'begin' then
  redis.call('HSET', KEYS[1], 'replaying', ARGV[2])
  redis.call('HDEL', KEYS[1], 'halted', 'halted_epoch') -- what was lost is being brought back
  set_group()
elseif ARGV[1] == 'hold' then
  redis.call('SET', KEYS[2], taken .. ':rebuild', 'PX', ARGV[2])
else
  local kept = redis.call('HKEYS', KEYS[4])
  reply = 0
  for n = 1, #kept do
    reply = reply + #redis.call('XCLAIM', KEYS[3], 'workers', 'rebuild', 0, kept[n], 'FORCE', 'JUSTID')
  end
  set_group()
  redis.call('HDEL', KEYS[1], 'replaying', 'aside')
end
return reply
