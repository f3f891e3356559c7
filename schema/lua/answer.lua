#!lua
-- answer: gives the answers that apply kept, once their consequences are on their way and they are as durable as is asked, and acknowledges
-- their entries; all of them or none.
-- KEYS: 1 meta 2 intents 3 unanswered, then response streams
-- ARGV: 1 epoch 2 how durable: memory, replica(n), disk 3 msgpack [source, place of its response stream in KEYS, ...], then entries
-- Reply: what was told (told.lua); entries without a kept answer are only acknowledged. Errors: FENCED
--@codes REASON CODE_TEXT
--@include fence.lua
--@include respond.lua
fence(KEYS[1], ARGV[1])
local list, places, given = cmsgpack.unpack(ARGV[3]), {}, {}
redis.call('XLEN', KEYS[2])
for n = 1, #list, 2 do
  redis.call('XLEN', KEYS[list[n + 1]])
  places[list[n]] = list[n + 1]
end

-- One of place 0 is an outcome that only others hear of.
local function give(a)
  if a[1] == 0 then return end
  a[1] = places[a[3]]
  given[#given + 1], given[#given + 2] = KEYS[a[1]], respond(a, ARGV[2])
end

local function give_all(kept)
  for n = 1, #kept do
    local a = kept[n] and cmsgpack.unpack(kept[n])
    if a and type(a[1]) ~= 'table' then
      give(a)
    elseif a then
      for m = 1, #a do give(a[m]) end
    end
  end
end

local fine, err = pcall(give_all, redis.call('HMGET', KEYS[3], unpack(ARGV, 4)))
if not fine then -- a stream that takes no more entries, or what is kept is none of ours
  for n = 1, #given, 2 do redis.call('XDEL', given[n], given[n + 1]) end
  error(err)
end
redis.call('HDEL', KEYS[3], unpack(ARGV, 4))
redis.call('XACK', KEYS[2], 'workers', unpack(ARGV, 4))
return all_told()
