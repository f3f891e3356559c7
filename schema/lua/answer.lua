#!lua
-- answer: gives the answers that apply kept, once their consequences are on their way, and acknowledges their entries.
-- KEYS: 1 meta 2 intents 3 unanswered, then response streams
-- ARGV: 1 epoch 2 msgpack [[entry, place of its response stream in KEYS, 0: it has an outcome and no answer], ...]
-- Reply: how many were answered; entries without a kept answer are only acknowledged. Errors: FENCED
--@codes
--@include fence.lua
--@include respond.lua
fence(KEYS[1], ARGV[1])
local entries = cmsgpack.unpack(ARGV[2])
redis.call('XLEN', KEYS[2])
for n = 1, #entries do
  if entries[n][2] > 0 then redis.call('XLEN', KEYS[entries[n][2]]) end
end
local answered = 0
for n = 1, #entries do
  local entry, place = entries[n][1], entries[n][2]
  local kept = redis.call('HGET', KEYS[3], entry)
  if kept then
    local a = cmsgpack.unpack(kept)
    a[1] = place
    if place > 0 then respond(a) end
    redis.call('HDEL', KEYS[3], entry)
    answered = answered + 1
  end
  redis.call('XACK', KEYS[2], 'workers', entry)
end
return answered
