#!lua
-- discard: puts a dead entry aside for good, with the reason an operator gave. It stays readable in the discarded stream.
-- KEYS: 1 dead 2 discarded  ARGV: 1 ID in the dead stream 2 reason  Reply: 1, or 0 when it is not there
redis.call('XLEN', KEYS[2])
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local time = redis.call('TIME')
redis.call('XADD', KEYS[2], '*', 'discarded', ARGV[2], 'at', time[1] * 1000 + math.floor(time[2] / 1000), unpack(found[1][2]))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
