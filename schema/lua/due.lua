-- due: what is to happen at a time: holds lapse, scheduled intents fall due. Members of the due set are "STEP|ENTRY|IDENTITY" with the time
-- as score; the bytes of a scheduled intent lie in the hash `scheduled` under its entry ID. Written once at the end.
--@call
local due = {}       -- member -> time, or false: take it out
local scheduled = {} -- entry ID -> bytes of the intent, or false
--@once

local function due_member(step, entry, identity) return step .. '|' .. entry .. '|' .. identity end

-- Sets or, with false, takes out; a journal can take it back.
local function set_due(member, time)
  if journal then journal.due[#journal.due + 1] = { member, due[member] } end
  due[member] = time
end

-- Nothing can be held longer than its bill is kept: from the day's midnight on that is the last of it, every hold has lapsed. (The bill is
-- dropped a good while later, so that what falls due then still finds it.)

local function last_moment(ms) return ms - ms % DAY_MS + (policies.bills_keep or BILLS_KEEP_DAYS) * DAY_MS end
