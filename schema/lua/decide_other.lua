-- decide_other: the road of each entry that is no plain payment, to an answer, a bill, the dead stream, or nothing when it was applied
-- before.
--@include schedule.lua
--@include replay.lua
--@include put_back.lua

-- Applied before, but pending still: its answer is waiting, or it was given and only the acknowledgement is missing.
local function decide_again(i)
  local kept = call('HGET', KEYS[PLACE.unanswered], ENTRY[i])
  if not kept then return end
  local fine, a = pcall(cmsgpack.unpack, kept)
  if fine and type(a) == 'table' and type(a[1]) == 'table' then a = a[1] end
  if not fine or type(a) ~= 'table' or not REASON[a[5]] then
    current = 0 -- what is wrong is not the entry
    broken(KEYS[PLACE.unanswered], ENTRY[i] .. ' is malformed')
  end
  add_todo(i, a)
end

-- A refusal such as 10 tells of an earlier intent too, and that may still be waiting for its consequences.
local function any_unanswered() return #unanswered > 0 or call('HLEN', KEYS[PLACE.unanswered]) > 0 end

-- Operations that are tried again until they succeed: a refusal leaves their key free, whatever its class.
local RETRIED = { settle = true }

-- Decides an intent nobody has seen before. `waits`: its consequences must be on their way before it is answered.
local function decide_new(i)
  if SCHEDULES and is_early(i) then return put_off(i) end
  begin_answer(i)
  local code, detail, waits = OPS[OP[i]](i)
  if DECIDED[code] then
    local kept = code == CODE.ok or not RETRIED[OP[i]]
    local a = kept and keep_bill(i, code, detail or subject) or plain_answer(i, code, detail)
    if waits or (code ~= CODE.ok and WAITS[OP[i]] and any_unanswered()) then give_later(i, a) else give_answer(i, a) end
  elseif code == CODE.in_progress then
    keep_bill(i, code, '')
    keep_outcome(i, code)
  else
    give_answer(i, plain_answer(i, code, detail))
  end
end

-- Follow-ups that do nothing where they were applied before, whatever came since: one that is put back from the dead stream counts.
local HARMLESS = { adopt = true, settled = true, bounce = true, swept = true }

-- Those whose outcome goes back to where they came from.
local RETURNS = { arrive = true, paid = true }

local function is_follow_up(i) return (ORIGIN[i] or '') ~= '' end

-- Another partition's consequence, once: whatever comes from there at or below the last origin is a copy. One that is given up counts as
-- applied; an arrive or a paid then goes back, so that no money stays on the way.
local function apply_follow_up(i, door)
  local from = 'from:' .. ORIGIN[i]
  local newer = comes_after(MORE.ORIGIN_ENTRY[i], origins[from])
  if door == CODE.dead then
    if newer and RETURNS[OP[i]] then keep_outcome(i, door) end
  elseif newer or HARMLESS[OP[i]] then
    local code, detail = OPS[OP[i]](i)
    if RETURNS[OP[i]] then keep_outcome(i, code, detail) end
  end
  if newer then origins[from], new_origins[from] = MORE.ORIGIN_ENTRY[i], MORE.ORIGIN_ENTRY[i] end
end

local function decide_known(i, known, door)
  local own = MORE.OWN[i] or 0
  if door == CODE.dead then
    bury(i)
    put_back(i)
  end
  if is_follow_up(i) then apply_follow_up(i, door)
  elseif door == CODE.dead then return
  elseif OP[i] == 'recover' then
    local code, detail = OPS.recover(i)
    if code then keep_outcome(i, code, detail) end
  elseif own == 1 then OPS.expire(i)
  elseif own == 2 then decide_due(i)
  elseif own == 3 then OPS.lapse(i)
  elseif door == CODE.invalid then give_answer(i, plain_answer(i, door, DETAIL[i]))
  elseif known then replay(i, known)
  elseif door ~= CODE.ok then give_answer(i, plain_answer(i, door, DETAIL[i]))
  else decide_new(i) end
end

-- `fresh`: it was not applied before.
local function decide_other(i, fresh, known, door)
  if not fresh then decide_again(i) else decide_known(i, known, door) end
end
