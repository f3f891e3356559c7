-- decide: the road of each entry through the batch, to an answer, a bill, the dead stream, or nothing when it was applied before.
local unanswered = {}   -- entry ID, packed answer, ...: decided, answered later
local waiting = {}      -- entry IDs among them
local held_back         -- their numbers in the batch, once there are any: not to be acknowledged yet
local buried = {}       -- entries for the dead stream
local todo = {}         -- the reply

-- What is left to do for entry i. A replay has no follow-ups of its own: in_progress is a code without any.
local function add_todo(i, a)
  held_back = held_back or {}
  held_back[i] = true
  local replayed = a[14] == '1'
  todo[#todo + 1], todo[#todo + 2], todo[#todo + 3] = i, replayed and CODE.in_progress or a[5], replayed and 0 or 1
end

-- Applied before, but pending still: its answer is waiting, or it was given and only the acknowledgement is missing.
local function decide_again(i)
  local kept = call('HGET', KEYS[UNANSWERED], ENTRY[i])
  if not kept then return end
  local fine, a = pcall(cmsgpack.unpack, kept)
  if not fine or type(a) ~= 'table' or not REASON[a[5]] then
    current = 0 -- what is wrong is not the entry
    broken(KEYS[UNANSWERED], ENTRY[i] .. ' is malformed')
  end
  add_todo(i, a)
end

local function give_answer(i, a)
  if a[1] == 0 then return end
  answer_count = answer_count + 1
  answers[answer_count], answers_to[answer_count] = a, i
end

-- Keeps an answer until what must come before it is on its way.
local function give_later(i, a)
  unanswered[#unanswered + 1], unanswered[#unanswered + 2] = ENTRY[i], cmsgpack.pack(a)
  waiting[ENTRY[i]] = true
  local size = redis.pcall('XLEN', KEYS[a[1]]) -- while the entry can still be given up: later only a repair would help
  if type(size) == 'table' then broken(KEYS[a[1]], size.err) end
  add_todo(i, a)
end

local function bury(i)
  buried[#buried + 1] = i
  give_answer(i, plain_answer(i, CODE.dead))
end

local function replay(i, record)
  local b = parse_bill(record, KEYS[BILLS])
  local field = difference(i, b)
  if field then return give_answer(i, plain_answer(i, CODE.key_reused, field)) end
  local a = replay_answer(i, b)
  if WAITS[b.op] and (waiting[b.entry] or call('HEXISTS', KEYS[UNANSWERED], b.entry) == 1) then return give_later(i, a) end
  give_answer(i, a)
end

-- Keeps the decision as a bill and returns the answer that tells it.
local function keep_bill(i, code, detail)
  local identity, balance, held, op, at, entry = IDENTITY[i], '', '', OP[i], AT[i], ENTRY[i]
  if acting then balance, held = to_text(acting.balance), to_text(acting.held) end
  local record = FINGERPRINT[i] .. '|' .. CODE_TEXT[code] .. '|' .. op .. '|' .. billed .. '|' .. moved .. '|' .. currency .. '|'
    .. balance .. '|' .. held .. '|' .. at .. '|' .. entry .. '|' .. payee .. '|' .. state .. '|' .. captured .. '|0|' .. detail
  decided[identity] = record
  add_record(identity, record)
  return { RESPONSES_KEY[i], KEY[i], SOURCE[i], op, code, ACCOUNT[i], moved, currency, balance, held, billed, at, entry, '0', detail }
end

-- A refusal such as 10 tells of an earlier intent too, and that may still be waiting for its consequences.
local function any_unanswered() return #unanswered > 0 or call('HLEN', KEYS[UNANSWERED]) > 0 end

-- Decides an intent nobody has seen before. `waits`: its consequences must be on their way before it is answered.
local function decide_new(i)
  begin_answer(i)
  local code, detail, waits = OPS[OP[i]](i)
  if not DECIDED[code] then return give_answer(i, plain_answer(i, code, detail)) end
  local a = keep_bill(i, code, detail or subject)
  if waits or (code ~= CODE.ok and WAITS[OP[i]] and any_unanswered()) then give_later(i, a) else give_answer(i, a) end
end

local function decide_known(i, known, door)
  if door == CODE.dead then bury(i)
  elseif (ORIGIN[i] or '') ~= '' then apply_follow_up(i)
  elseif door == CODE.invalid then give_answer(i, plain_answer(i, door, DETAIL[i]))
  elseif known then replay(i, known)
  else give_answer(i, plain_answer(i, door, DETAIL[i])) end
end

local function decide_batch()
  local today = call('HMGET', KEYS[BILLS], unpack(IDENTITY))
  local yesterday = call('HMGET', KEYS[BILLS_BEFORE], unpack(IDENTITY))
  local fresh, plain = false, #ORIGIN == 0
  for i = 1, count do
    current = i
    local door, known = DOOR[i] or 0, decided[IDENTITY[i]] or today[i] or yesterday[i]
    fresh = fresh or comes_after(ENTRY[i], applied) -- entries come in order: after a fresh one all are
    if not fresh then decide_again(i)
    elseif known or door ~= 0 or not plain and ORIGIN[i] ~= '' then decide_known(i, known, door)
    else decide_new(i) end
  end
  if fresh then applied = ENTRY[count] end
  current = 0
end
