#!lua flags=no-writes
-- overdue: what has fallen due by the server's clock, the earliest first, and when the next will. Reads only: its owner puts it on the
-- stream.
-- KEYS: 1 due 2 scheduled  ARGV: 1 how many to skip (they are on their way) 2 how many at most
-- Reply: { ms until the first one that is not due yet, or -1: there is none; member, bytes of the scheduled intent or '', ... }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now), 'LIMIT', ARGV[1], ARGV[2])
local coming = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%d', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local reply = { coming[2] and tonumber(coming[2]) - now or -1 }
for n = 1, #members do
  local entry = string.match(members[n], '^due|([^|]*)|')
  reply[2 * n] = members[n]
  reply[2 * n + 1] = entry and redis.call('HGET', KEYS[2], entry) or ''
end
return reply
