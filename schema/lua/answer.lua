#!lua
-- answer: gives the answers that apply kept, once their consequences are on their way and they are as durable as is asked, and acknowledges
-- their entries; all of them or none.
-- KEYS: 1 meta 2 intents 3 unanswered, then response streams
-- ARGV: 1 epoch 2 how durable: memory, replica(n), disk 3 msgpack [source, place of its response stream in KEYS, ...], then entries
-- Reply: what was told (told.lua); entries without a kept answer are only acknowledged. Errors: FENCED
--@codes REASON CODE_TEXT
--@include fence.lua
--@include respond.lua
--@include share.lua
fence(KEYS[1], ARGV[1])
local list, places, given = cmsgpack.unpack(ARGV[3]), {}, {}
redis.call('XLEN', KEYS[2])
for n = 1, #list, 2 do
  redis.call('XLEN', KEYS[list[n + 1]])
  places[list[n]] = list[n + 1]
end

local function note(place, id) given[#given + 1], given[#given + 2] = KEYS[place], id end

-- One of place 0 is an outcome that only others hear of.
local function give(a)
  if a[1] == 0 then return end
  a[1] = places[a[3]]
  note(a[1], respond(a, ARGV[2]))
end

-- Those of an entry, of one source after another, that share one.
local function give_shared(kept, entry)
  local at, sources, lines = string.match(entry, '^%d+'), {}, {}
  for n = 1, #kept do
    local source = kept[n][3]
    if not lines[source] then sources[#sources + 1], lines[source] = source, {} end
    table.insert(lines[source], line_of(kept[n], at, entry))
  end
  for n = 1, #sources do
    local source = sources[n]
    note(places[source], share(places[source], source, at, entry, ARGV[2], lines[source]))
  end
end

local function give_all(kept)
  for n = 1, #kept do
    local a = kept[n] and cmsgpack.unpack(kept[n])
    if a and type(a[1]) ~= 'table' then a = { a } end
    if a and a[1][16] == 2 then
      give_shared(a, ARGV[n + 3])
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
