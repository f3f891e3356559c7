#!lua
-- lease: says who may serve a partition. The lease has a TTL and only tells when another may take over; what keeps a replaced worker
-- from writing is the epoch, which every taking raises.
-- KEYS: 1 lease 2 meta
-- ARGV: 1 take|renew|release 2 worker 3 ttl ms 4 epoch (renew, release)
-- Reply: take: { epoch, applied, bill, loss_accepted } or { 0, holder }; renew: epoch; release: 1 if it was still held. Errors: FENCED
--@include fence.lua
local action, worker, ttl, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local holder = redis.call('GET', KEYS[1])
if action == 'take' then
  if holder then return { 0, holder } end
  local known = redis.call('HMGET', KEYS[2], 'epoch', 'applied', 'bill', 'loss_accepted')
  local taken = (tonumber(known[1] or '0') or 0) + 1
  redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', taken))
  redis.call('SET', KEYS[1], string.format('%.0f', taken) .. ':' .. worker, 'PX', ttl)
  return { taken, known[2] or '0-0', known[3] or '0', known[4] or '0' }
end
local mine = epoch .. ':' .. worker
if action == 'renew' then
  fence(KEYS[2], epoch)
  if holder and holder ~= mine then error({ err = 'FENCED the lease is held by ' .. holder }) end
  redis.call('SET', KEYS[1], mine, 'PX', ttl)
  return tonumber(epoch)
end
if holder ~= mine then return 0 end
return redis.call('DEL', KEYS[1])
