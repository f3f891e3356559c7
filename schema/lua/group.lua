-- group: several steps, all or none, each seeing what those before it did. Steps are entries of the batch of their own behind the last
-- stream entry: FIRST_STEP .. FIRST_STEP + STEPS - 1, with the columns of an intent of their own.

local function begin_group()
  journal = { due = {}, records = record_size, rows = row_count, touched = touched_count, changed = #changed, bill = last_bill }
end

-- Everything as it was before the first step; the bills of those that were taken are no more, and of those only.
local function undo_group(first)
  local j = journal
  journal = nil
  for t, was in pairs(j) do
    if type(t) == 'table' then
      for field in pairs(t) do t[field] = was[field] end
      for field, value in pairs(was) do t[field] = value end
      if t.identity and decided[t.identity] then decided[t.identity] = format_bill(t) end
    end
  end
  for n = #j.due, 1, -1 do due[j.due[n][1]] = j.due[n][2] end
  for n = j.records + 1, record_size do records[n] = nil end
  for n = j.rows + 1, row_count do rows[n] = nil end
  for n = j.touched + 1, touched_count do touched[n] = nil end
  for n = #changed, j.changed + 1, -1 do
    changed[n].changed = nil
    changed[n] = nil
  end
  record_size, row_count, touched_count, last_bill, bill_head = j.records, j.rows, j.touched, j.bill, nil
  for s = first, j.kept or 0 do
    decided[IDENTITY[s]] = nil
    referred[PLACE.bills .. ' ' .. IDENTITY[s]] = nil
  end
end

-- One step; its bill is kept at once, because later steps may refer to it. Returns code, detail.
local function take_step(s)
  begin_answer(s)
  if (MORE.AWAY[s] or 0) ~= 0 then return CODE.invalid, 'to' end -- a group is decided here and now
  if known(s) then return CODE.key_reused end
  local code, detail = OPS[OP[s]](s)
  if code == CODE.ok then
    keep_bill(s, code, detail or subject)
    journal.kept = s
  end
  return code, detail
end

-- The failed step's own refusal is stored under its key, if it is one that is stored; the keys of all others stay free.
local function fail_group(i, s, code, detail)
  local first = MORE.FIRST_STEP[i]
  undo_group(first)
  moved, billed, state, captured = '0', '', '', '0'
  if DECIDED[code] then keep_bill(s, code, detail or subject) end
  begin_answer(i)
  party(i)
  return CODE.group_failed, to_text(s - first + 1) .. ' ' .. REASON[code]
end

OPS.group = function(i)
  local a, code, detail = payer(i)
  if not a then return code, detail end
  local hindrance = hindered(i, a)
  if hindrance then return hindrance end
  local first, sum, first_bill = MORE.FIRST_STEP[i], 0, nil
  begin_group()
  for s = first, first + MORE.STEPS[i] - 1 do
    code, detail = take_step(s)
    if code == CODE.ok and sum + to_integer(moved) > MAX then code, detail = CODE.limit_exceeded, '' end
    if code ~= CODE.ok then return fail_group(i, s, code, detail) end
    sum, first_bill = sum + to_integer(moved), first_bill or billed
  end
  journal = nil
  local last_step_bill = billed
  begin_answer(i)
  party(i)
  moved, billed, subject = to_text(sum), first_bill, last_step_bill
  return CODE.ok
end
