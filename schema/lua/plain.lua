-- plain: a payment with nothing special about it, which is most of all there is, in one straight line. It does what OPS.pay, decide_new
-- and keep_bill do for the same intent, at half their price; whatever is out of the ordinary it leaves to them, untouched. No intent of
-- the batch has a guard, an order or a time to come then (batch_pack.c).

-- True when it was paid. The answer waits as the entry's number, with what its columns do not say behind it (answer_at).
local function pay_plainly(i)
  local place, to, amount, cur = ACCOUNT_KEY[i], TO_KEY[i], AMOUNT[i], CURRENCY[i]
  local a, m = accounts[place], accounts[to]
  if a == nil then a = account(place) end
  if m == nil then m = account(to) end
  if not a or not m or m.kind ~= 'merchant' or policies.duplicate_window then return false end
  if a.month or a.rules and not (a.rules.unread and SIGNED[i] == 1) then return false end
  local ms = MS[i] or 0
  local later = (m.month ~= this_month or ms >= month_ends) and turns(i, m)
  local balance, held, gained, gross = a.balance - amount, a.held, m.balance + amount, (later and 0 or m.gross) + amount
  if a.currency ~= cur or m.currency ~= cur or a.status ~= 'active' or m.status ~= 'active' or balance < held or gained > MAX
    or gross > MAX then
    return false
  end
  if later then begin_month(i, m) end
  local at, identity, text, bill, note = AT[i], IDENTITY[i], AMOUNT_TEXT[i], next_bill(), NOTE[i] or ''
  local seq, m_seq, n = a.seq + 1, m.seq + 1, row_count
  rows[n + 1] = { bill, identity, 'pay', a.name, -amount, 0, balance, held, seq, ms, note }
  rows[n + 2] = { bill, identity, 'pay', m.name, amount, 0, gained, m.held, m_seq, ms, note }
  row_count, a.balance, a.seq, m.balance, m.seq = n + 2, balance, seq, gained, m_seq
  m.gross, m.earned = gross, true
  if a.changed ~= at then touch(a, i) end
  if m.changed ~= at then touch(m, i) end
  local balance_text, held_text = to_text(balance), held == 0 and '0' or to_text(held)
  local record = FINGERPRINT[i] .. '|0|pay|' .. bill .. '|' .. text .. '|' .. cur .. '|' .. balance_text .. '|' .. held_text .. '|' .. at
    .. '|' .. ENTRY[i] .. '|' .. m.name .. '|captured|' .. text .. '|0|'
  n = record_size
  decided[identity], records[n + 1], records[n + 2], record_size = record, identity, record, n + 2
  n = answer_count + 1
  answers[n], answers_to[n], answer_count = i, i, n
  if shares and SHARES[i] == 1 then
    lines[n] = KEY[i] .. '\tpay\t0\tok\t' .. a.name .. '\t' .. text .. '\t' .. cur .. '\t' .. balance_text .. '\t' .. held_text .. '\t'
      .. bill .. '\t0'
    return true
  end
  n = 3 * n
  paid[n - 2], paid[n - 1], paid[n] = bill, balance_text, held_text
  return true
end
