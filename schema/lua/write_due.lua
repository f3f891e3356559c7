-- write_due: the due set and the scheduled intents as they are after the batch.

-- ZADD and HSET must find their types before anything was written.
local function check_due()
  if next(due) then call('ZCARD', KEYS[PLACE.due]) end
  if next(scheduled) then call('HLEN', KEYS[PLACE.scheduled]) end
end

local function write_due()
  local set, out, kept, gone = {}, {}, {}, {}
  for member, time in pairs(due) do
    if time then set[#set + 1], set[#set + 2] = to_text(time), member else out[#out + 1] = member end
  end
  for entry, bytes in pairs(scheduled) do
    if bytes then kept[#kept + 1], kept[#kept + 2] = entry, bytes else gone[#gone + 1] = entry end
  end
  if #set > 0 then call('ZADD', KEYS[PLACE.due], unpack(set)) end
  if #out > 0 then call('ZREM', KEYS[PLACE.due], unpack(out)) end
  if #kept > 0 then call('HSET', KEYS[PLACE.scheduled], unpack(kept)) end
  if #gone > 0 then call('HDEL', KEYS[PLACE.scheduled], unpack(gone)) end
end
