#!lua flags=allow-oom
-- heartbeat: a worker is alive, or leaves; who else is alive? By the server's clock only. Also in a full Redis (allow-oom).
-- KEYS: 1 workers  ARGV: 1 worker 2 ttl ms 3 alive|leave  Reply: names of the live workers, sorted
local time = redis.call('TIME')
local now, ttl = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
if ARGV[3] == 'leave' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 100 * ttl)
local live = redis.call('ZRANGEBYSCORE', KEYS[1], now - ttl, '+inf')
table.sort(live)
return live
