-- decide: the road of each entry through the batch, to an answer, a bill, the dead stream, or nothing when it was applied before.
local applied = '0-0'           -- meta.applied: no entry at or below it is executed again
local origins = {}              -- partition -> last origin applied, for follow-ups
local new_origins = {}          -- the same, where it moved in this batch
local acknowledged = {}         -- entry IDs done with
local unanswered = {}           -- entry ID, packed answer, ...: decided, answered later
local buried = {}               -- entries for the dead stream
local todo = {}                 -- the reply

local function load_meta(entries)
  local fields, seen = { 'applied', 'bill' }, {}
  for n = 1, #entries do
    local from = entries[n][ORIGIN]
    if from ~= '' and not seen[from] then
      seen[from] = true
      fields[#fields + 1] = 'from:' .. from
    end
  end
  local values = redis.call('HMGET', KEYS[META], unpack(fields))
  applied, last_bill = values[1] or applied, to_integer(values[2] or '0')
  if not last_bill or not string.match(applied, '^%d+%-%d+$') then broken(KEYS[META], 'bill or applied is malformed') end
  for n = 3, #fields do origins[fields[n]] = values[n] or '0-0' end
end

-- Applied before, but pending still: its answer is waiting, or it was given and only the acknowledgement is missing.
local function decide_again(n, i)
  local kept = redis.call('HGET', KEYS[UNANSWERED], i[ENTRY])
  if not kept then
    acknowledged[#acknowledged + 1] = i[ENTRY]
    return
  end
  local a = cmsgpack.unpack(kept)
  todo[#todo + 1], todo[#todo + 2], todo[#todo + 3] = n, a[5], a[16]
end

-- Another partition's consequence, once: whatever comes from there at or below the last origin is a copy.
local function decide_follow_up(i)
  local from = 'from:' .. i[ORIGIN]
  if comes_after(i[ORIGIN_ENTRY], origins[from]) then
    OPS[i[OP]](i)
    origins[from], new_origins[from] = i[ORIGIN_ENTRY], i[ORIGIN_ENTRY]
  end
  acknowledged[#acknowledged + 1] = i[ENTRY]
end

local function give_answer(i, a)
  if a[1] ~= 0 then
    answers[#answers + 1] = a
    answers_to[#answers] = current
  end
  acknowledged[#acknowledged + 1] = i[ENTRY]
end

local function bury(i)
  buried[#buried + 1] = i
  give_answer(i, plain_answer(i, CODE.dead, ''))
end

local function replay(i, record)
  local b = parse_bill(record, KEYS[BILLS])
  local field = difference(i, b)
  if field then
    give_answer(i, plain_answer(i, CODE.key_reused, field))
  else
    give_answer(i, replay_answer(i, b))
  end
end

local function keep_bill(i, a)
  decided[i[IDENTITY]] = format_bill({ fingerprint = i[FINGERPRINT], code = a[5], op = a[4], bill = a[11], amount = a[7], currency = a[8],
    balance = a[9], held = a[10], at = i[MS], entry = i[ENTRY], to = out.to, state = out.state, captured = out.captured,
    refunded = out.refunded, detail = a[15] })
end

-- Decides an intent nobody has seen before. `waits`: its consequences must be on their way before it is answered.
local function decide_new(n, i)
  begin_answer(i)
  local code, detail, waits = OPS[i[OP]](i)
  if not DECIDED[code] then return give_answer(i, plain_answer(i, code, detail)) end
  local a = make_answer(i, code, detail or out.detail)
  keep_bill(i, a)
  if not waits then return give_answer(i, a) end
  a[16] = 1
  unanswered[#unanswered + 1], unanswered[#unanswered + 2] = i[ENTRY], cmsgpack.pack(a)
  todo[#todo + 1], todo[#todo + 2], todo[#todo + 3] = n, code, 1
end

local function decide_batch(entries)
  local identities = {}
  for n = 1, #entries do identities[n] = entries[n][IDENTITY] end
  local today = redis.call('HMGET', KEYS[BILLS], unpack(identities))
  local yesterday = redis.call('HMGET', KEYS[BILLS_BEFORE], unpack(identities))
  local fresh = false
  for n = 1, #entries do
    local i = entries[n]
    current = n
    local door, known = i[DOOR], decided[i[IDENTITY]] or today[n] or yesterday[n]
    fresh = fresh or comes_after(i[ENTRY], applied) -- entries come in order: after a fresh one all are
    if not fresh then decide_again(n, i)
    elseif door == CODE.dead then bury(i)
    elseif i[ORIGIN] ~= '' then decide_follow_up(i)
    elseif door == CODE.invalid then give_answer(i, plain_answer(i, door, i[DETAIL]))
    elseif known then replay(i, known)
    elseif door ~= CODE.ok then give_answer(i, plain_answer(i, door, i[DETAIL]))
    else decide_new(n, i) end
  end
  if fresh then applied = entries[#entries][ENTRY] end
end
