#!lua flags=allow-oom
-- heartbeat: a worker is alive, or quiet (alive, but takes no partitions), or leaves; who else takes some? By the server's clock only. Also
-- in a full Redis (allow-oom). A quiet worker's beat is at half a millisecond: so nothing else needs to be kept of it, or to be cleared.
-- KEYS: 1 workers  ARGV: 1 worker 2 ttl ms 3 alive|quiet|leave  Reply: names of the live workers that are not quiet, sorted
local time = redis.call('TIME')
local now, ttl = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
if ARGV[3] == 'leave' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], string.format('%.1f', ARGV[3] == 'quiet' and now + 0.5 or now), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 100 * ttl)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ttl, '+inf') -- beats of before the clock was set back: whoever lives will beat again
local live, seen = {}, redis.call('ZRANGEBYSCORE', KEYS[1], now - ttl, '+inf', 'WITHSCORES')
for n = 1, #seen, 2 do
  if tonumber(seen[n + 1]) % 1 == 0 then live[#live + 1] = seen[n] end
end
table.sort(live)
return live
