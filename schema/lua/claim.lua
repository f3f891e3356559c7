#!lua
-- claim: the new owner takes over what is pending, one page in ID order. An entry that was trimmed while pending is lost: XAUTOCLAIM
-- drops it from the list, so its trace is written to the dead stream in the same step.
-- KEYS: 1 meta 2 intents 3 dead
-- ARGV: 1 epoch 2 consumer 3 cursor 4 count
-- Reply: { next cursor ("0-0": no more), entries as XRANGE gives them, how often each was delivered, IDs of lost entries }
-- Errors: FENCED, NOGROUP
--@include fence.lua
fence(KEYS[1], ARGV[1])
redis.call('XLEN', KEYS[3])
local page = redis.call('XAUTOCLAIM', KEYS[2], 'workers', ARGV[2], 0, ARGV[3], 'COUNT', ARGV[4])
local entries, lost, deliveries = page[2], page[3] or {}, {}
for n = 1, #lost do redis.call('XADD', KEYS[3], '*', 'entry', lost[n], 'reason', 'lost: trimmed while pending', 'attempts', 0) end
if #entries > 0 then
  local pending = redis.call('XPENDING', KEYS[2], 'workers', entries[1][1], entries[#entries][1], #entries, ARGV[2])
  for n = 1, #pending do deliveries[n] = pending[n][4] end
end
return { page[1], entries, deliveries, lost }
