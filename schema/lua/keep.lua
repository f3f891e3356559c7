-- keep: what an entry leaves behind beside its postings: a bill, an answer that waits, a place in the dead stream.
local unanswered = {}   -- entry ID, packed answer, ...: decided, answered later
local waiting = {}      -- entry IDs among them
local held_back         -- the same, once there are any: not to be acknowledged yet
local buried = {}       -- entries for the dead stream
local todo = {}         -- the reply
local today, yesterday  -- the records known before the batch under each identity, by day

-- What is left to do for entry i. A replay has no follow-ups of its own: key_reused is a code without any.
local function add_todo(i, a)
  held_back = held_back or {}
  held_back[ENTRY[i]] = true
  local replayed = a[14] == '1'
  local n = #todo
  todo[n + 1], todo[n + 2], todo[n + 3], todo[n + 4] = i, replayed and CODE.key_reused or a[5], replayed and 0 or 1, a[15] or ''
end

-- Keeps an answer until what must come before it is on its way. One without a stream (1: 0), or in progress, is an outcome nobody is told.
local function give_later(i, a)
  unanswered[#unanswered + 1], unanswered[#unanswered + 2] = ENTRY[i], cmsgpack.pack(a)
  waiting[ENTRY[i]] = true
  local size = a[1] ~= 0 and redis.pcall('XLEN', KEYS[a[1]]) -- while the entry can still be given up: later only a repair would help
  if type(size) == 'table' then broken(KEYS[a[1]], size.err) end
  add_todo(i, a)
end

-- An outcome that others must hear of before the entry is done with, and that is no answer.
local function keep_outcome(i, code, detail)
  local a = plain_answer(i, code, detail)
  a[1] = 0
  give_later(i, a)
end

local function bury(i)
  if MORE.RAW[i] then buried[#buried + 1] = i end -- of a bulk entry that is given up whole only the first has them
  give_answer(i, plain_answer(i, CODE.dead))
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
