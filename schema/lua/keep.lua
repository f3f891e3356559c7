-- keep: what an entry leaves behind beside its postings: a bill, an answer that waits, a place in the dead stream.
--@call
local unanswered = {}   -- entry ID, its answer or an array of them, ...: decided, answered later
local waiting = {}      -- entry ID -> place of what is kept there
local sound = {}        -- places of streams that can be answered on
local buried = {}       -- entries for the dead stream
--@once

-- What is left to do for entry i. A replay, or an answer that waits for durability only (16: 1, or 2 when it shares an entry), has no
-- follow-ups: key_reused is a code without any.
local function add_todo(i, a)
  held_back = held_back or {}
  held_back[ENTRY[i]] = true
  local none = a[14] == '1' or (a[16] or 0) > 0
  local n = #todo
  todo[n + 1], todo[n + 2], todo[n + 3], todo[n + 4] = i, none and CODE.key_reused or a[5], none and 0 or 1, a[15] or ''
end

-- Keeps an answer; an entry may have several. One without a stream (1: 0) is an outcome nobody is told.
local function keep_answer(i, a)
  local entry, place = ENTRY[i], a[1]
  if TRACE[1] then trace_answer(i, a) end
  local n = waiting[entry]
  if not n then
    n = #unanswered + 2
    unanswered[n - 1], unanswered[n], waiting[entry] = entry, a, n
  elseif type(unanswered[n][1]) == 'table' then
    table.insert(unanswered[n], a)
  else
    unanswered[n] = { unanswered[n], a }
  end
  if place == 0 or sound[place] then return end
  local size = redis.pcall('XLEN', KEYS[place]) -- while the entry can still be given up: later only a repair would help
  if type(size) == 'table' then broken(KEYS[place], size.err) end
  sound[place] = true
end

-- Keeps an answer until what must come before it is on its way.
local function give_later(i, a)
  keep_answer(i, a)
  add_todo(i, a)
end

-- Under durability: nobody is told before it is as durable as is asked. `column`: SHARES, which this file has no room to name.
local function hold_answers(column)
  held_back = held_back or {}
  for m = 1, answer_count do
    local i, a = answers_to[m], answer_at(m)
    current = i
    a[16] = column[i] == 1 and 2 or 1
    keep_answer(i, a)
    held_back[ENTRY[i]] = true
  end
  answer_count = 0
end

local function packed_unanswered()
  for n = 2, #unanswered, 2 do unanswered[n] = cmsgpack.pack(unanswered[n]) end
  return unanswered
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
  local record = FINGERPRINT[i] .. '|' .. to_text(code) .. '|' .. op .. '|' .. billed .. '|' .. moved .. '|' .. currency .. '|'
    .. balance .. '|' .. held .. '|' .. at .. '|' .. entry .. '|' .. payee .. '|' .. state .. '|' .. captured .. '|0|' .. detail
  decided[identity] = record
  add_record(identity, record)
  return { RESPONSES_KEY[i], KEY[i], SOURCE[i], op, code, ACCOUNT[i], moved, currency, balance, held, billed, at, entry, '0', detail }
end
