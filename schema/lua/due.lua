-- due: what is to happen at a time: holds lapse, scheduled intents fall due. Members of the due set are "STEP|ENTRY|IDENTITY" with the time
-- as score; the bytes of a scheduled intent lie in the hash `scheduled` under its entry ID. Written once at the end.
local due = {}       -- member -> time, or false: take it out
local scheduled = {} -- entry ID -> bytes of the intent, or false

local function due_member(step, entry, identity) return step .. '|' .. entry .. '|' .. identity end

-- Sets or, with false, takes out; a journal can take it back.
local function set_due(member, time)
  if journal then journal.due[#journal.due + 1] = { member, due[member] } end
  due[member] = time
end

-- Nothing can be held longer than its bill is kept: from the day's midnight on that is the last of it, every hold has lapsed.
local DAY_MS, BILLS_KEEP_DAYS = 86400000, 180

local function last_moment(ms) return ms - ms % DAY_MS + (policies.bills_keep or BILLS_KEEP_DAYS) * DAY_MS end

-- ZADD and HSET must find their types before anything was written.
local function check_due()
  if next(due) then call('ZCARD', KEYS[DUE]) end
  if next(scheduled) then call('HLEN', KEYS[SCHEDULED]) end
end

local function write_due()
  local set, out, kept, gone = {}, {}, {}, {}
  for member, time in pairs(due) do
    if time then set[#set + 1], set[#set + 2] = to_text(time), member else out[#out + 1] = member end
  end
  for entry, bytes in pairs(scheduled) do
    if bytes then kept[#kept + 1], kept[#kept + 2] = entry, bytes else gone[#gone + 1] = entry end
  end
  if #set > 0 then call('ZADD', KEYS[DUE], unpack(set)) end
  if #out > 0 then call('ZREM', KEYS[DUE], unpack(out)) end
  if #kept > 0 then call('HSET', KEYS[SCHEDULED], unpack(kept)) end
  if #gone > 0 then call('HDEL', KEYS[SCHEDULED], unpack(gone)) end
end
