-- schedule: intents with a time before which they are not decided. They wait as a bill in state `scheduled`, in the due set and with their
-- bytes in `scheduled`; their one answer comes when they are decided, with the original's entry ID.

--@call
local SCHEDULES = #MORE.NOT_BEFORE > 0
--@once
local function is_early(i) return (MORE.NOT_BEFORE[i] or 0) > MS[i] end

-- It cannot wait for longer than its bill is kept: without that nobody would know it any more when its time has come.
local function put_off(i)
  if MORE.NOT_BEFORE[i] > last_moment(MS[i]) then return give_answer(i, plain_answer(i, CODE.invalid, 'not_before')) end
  begin_answer(i)
  local _, refusal = payer(i)
  if refusal == CODE.not_permitted and OP[i] ~= 'topup' then return give_answer(i, plain_answer(i, refusal)) end
  begin_answer(i)
  moved, state = AMOUNT_TEXT[i], 'scheduled'
  keep_bill(i, CODE.in_progress, '')
  scheduled[ENTRY[i]] = MORE.BYTES[i]
  set_due(due_member('due', ENTRY[i], IDENTITY[i]), MORE.NOT_BEFORE[i])
end

local function unput(entry, identity)
  scheduled[entry] = false
  set_due(due_member('due', entry, identity), false)
end

-- A `due` follow-up, whose columns are those of the intent it brings back. It gets the original's one answer; a refusal that is not stored
-- leaves nothing behind, as if it had been decided at once.
local function decide_due(i)
  if is_early(i) then return end
  local b = original(i, 'scheduled')
  if b and b.fingerprint ~= FINGERPRINT[i] then return end -- it is not what was put off
  unput(MORE.ORIGINAL[i], OF[i])
  if not b then return end
  begin_answer(i)
  local code, detail = OPS[OP[i]](i)
  if not (DECIDED[code] or code == CODE.in_progress) then
    local a = plain_answer(i, code, detail)
    a[12], a[13] = b.at, b.entry
    forget_bill(b)
    return give_answer(i, a)
  end
  b.code, b.bill, b.amount_text, b.currency, b.to, b.state, b.detail = code, billed, moved, currency, payee, state, detail or subject
  b.amount, b.captured = to_integer(moved), to_integer(captured)
  if acting then b.balance, b.held = to_text(acting.balance), to_text(acting.held) end
  rewrite_bill(b)
  if code == CODE.in_progress then keep_outcome(i, code) else give_answer(i, late_answer(i, b)) end
end

-- unschedule: takes back what is not decided yet; the original is answered too.
OPS.unschedule = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  local b = bill_of(i)
  if not b then return CODE.not_found, 'of' end
  if b.state ~= 'scheduled' then return CODE.wrong_state end
  unput(b.entry, b.identity)
  decide_late(i, b, CODE.wrong_state, 'unscheduled', a)
  b.state = 'released'
  rewrite_bill(b)
  return CODE.ok
end
