-- hold: reserves money for a merchant. capture, release and expire end it: capture.lua.

-- The entry under which an intent is known: its own, or that of the original when it was put off.
local function decided_entry(i) return (MORE.OWN[i] or 0) ~= 0 and MORE.ORIGINAL[i] or ENTRY[i] end

OPS.hold = function(i)
  local a, code, detail = pay_parties(i)
  if not a then return code, detail end
  if a.balance - a.held < AMOUNT[i] then return CODE.insufficient_funds end
  billed, moved, state = next_bill(), AMOUNT_TEXT[i], 'open'
  post(i, billed, a, 0, AMOUNT[i])
  consume_limit(i, a)
  local entry = decided_entry(i)
  local lasts, last = MORE.EXPIRES[i] or 0, last_moment(tonumber(string.match(entry, '^%d+')))
  if lasts > 0 and MS[i] + lasts <= MAX then
    subject = to_text(MS[i] + lasts)
    last = math.min(last, MS[i] + lasts)
  end
  set_due(due_member('expire', entry, IDENTITY[i]), last)
  return CODE.ok
end
