#!lua
-- feed: puts a page of archived intents back into their stream, with the IDs they had. All of it is there at once, so that a lane takes it
-- as one batch. What comes before an entry that Redis refuses stays: who goes on looks how far it came.
-- KEYS: 1 intents  ARGV: for each entry: its ID, how many strings follow, field, value, ...
-- Lua's collector is told to wait longer between its rounds: a batch of a replay leaves much garbage at once, and a tenth of all work goes
-- into collecting it. rebuild.lua tells it to be as always.
-- Reply: how many. Errors: XADD's
collectgarbage('setpause', 400)
local last, at, count = #ARGV, 1, 0
while at < last do
  local strings = tonumber(ARGV[at + 1])
  redis.call('XADD', KEYS[1], ARGV[at], unpack(ARGV, at + 2, at + 1 + strings))
  at, count = at + 2 + strings, count + 1
end
return count
