#!lua flags=allow-oom
-- lease: says who may serve a partition. The lease has a TTL and only tells when another may take over; what keeps a replaced worker
-- from writing is the epoch, which every taking raises. It is above the server's clock, so that one that was lost is never given again,
-- not even when a failover lost only the last of them.
-- A full Redis changes no owner: hence allow-oom; what is written has the size of what was there.
-- KEYS: 1 lease 2 meta
-- ARGV: 1 take|renew|release|halt 2 worker 3 ttl ms 4 epoch (take: the longest ttl there is)
--       5 what was lost (halt; '': the loss is accepted)
-- Reply: take: { epoch, applied, bill, loss_accepted } or { 0, holder }; renew: epoch, or 0 while the partition is paused; halt: epoch;
--        release: 1 if it was still held
-- Errors: FENCED
--@include fence.lua
local action, worker, ttl, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local holder = redis.call('GET', KEYS[1])
if action == 'take' then
  local lasts = holder and redis.pcall('PTTL', KEYS[1]) -- an error: the rights of earlier releases do not have it
  local valid = type(lasts) == 'table' or (lasts or 0) <= tonumber(ARGV[4]) -- one longer than any: the clock was set back since
  if holder and valid then return { 0, holder } end
  local known = redis.call('HMGET', KEYS[2], 'epoch', 'applied', 'bill', 'loss_accepted')
  local time = redis.call('TIME')
  local taken = math.max(tonumber(known[1] or '') or 0, time[1] * 1000 + math.floor(time[2] / 1000)) + 1
  redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', taken))
  redis.call('SET', KEYS[1], string.format('%.0f', taken) .. ':' .. worker, 'PX', ttl)
  return { taken, known[2] or '0-0', known[3] or '0', known[4] or '0' }
end
local mine = epoch .. ':' .. worker
if action == 'renew' then
  fence(KEYS[2], epoch)
  if holder and holder ~= mine then error({ err = 'FENCED the lease is held by ' .. holder }) end
  redis.call('SET', KEYS[1], mine, 'PX', ttl)
  return redis.call('HEXISTS', KEYS[2], 'paused') == 1 and 0 or tonumber(epoch)
end
if action == 'halt' then
  fence(KEYS[2], epoch)
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[2], 'halted', ARGV[5], 'halted_epoch', epoch)
  else
    redis.call('HDEL', KEYS[2], 'halted', 'halted_epoch')
  end
  return tonumber(epoch)
end
if holder ~= mine then return 0 end
return redis.call('DEL', KEYS[1])
