-- paying: an order is paid. At its home at once; elsewhere the payer's partition reserves the money and asks the home by `paid`, which
-- sends back `settled` or `bounce`.

-- Is entry i somebody whom the order is not made out to?
local function of_another(o, payer_name) return o.to ~= '' and o.to ~= payer_name end

-- The order that payment i names: nil when it names none or it lies elsewhere, false when there is none that this payer may pay.
SHOP.order_of_payment = function(i)
  if (MORE.ORDER[i] or '') == '' or (MORE.AWAY[i] or 0) ~= 0 then return nil end
  local o = order_of(i)
  return o and not of_another(o, ACCOUNT[i]) and o or false
end

SHOP.done = function(i, o, identity)
  o.payer = identity
  end_order(i, o, 'paid')
end

-- A payment of an order that lies elsewhere: reserved, until its home has spoken.
SHOP.reserve = function(i, a, m)
  if m.balance + AMOUNT[i] > MAX or overflows(i, m, AMOUNT[i]) then return CODE.limit_exceeded end
  if a.balance - a.held < AMOUNT[i] then return CODE.insufficient_funds end
  billed, moved, state = next_bill(), AMOUNT_TEXT[i], 'in_progress'
  post(i, billed, a, 0, AMOUNT[i])
  consume_limit(i, a)
  return CODE.in_progress, ''
end

-- paid (follow-up): somebody elsewhere has the money ready. The code goes back, as `settled` or `bounce`.
OPS.paid = function(i)
  local m, o = merchant(ACCOUNT_KEY[i]), order_of(i)
  if not m or not o or of_another(o, string.match(OF[i], '^[^/]*')) then return CODE.not_found, 'order' end
  if o.currency ~= CURRENCY[i] then return CODE.currency_mismatch, '' end
  if o.payer == OF[i] and o.amount == AMOUNT[i] then return CODE.ok, '' end -- this very payment did it, and its side has forgotten
  if m.status ~= 'active' then return CODE.account_frozen, '' end
  local code, detail = SHOP.refusal(i, o)
  if code then return code, detail end
  SHOP.done(i, o, OF[i])
  return CODE.ok, ''
end

-- settled: the order is paid; the reserved money moves, whatever has become of payer and shard meanwhile.
SHOP.settled = function(i, b)
  local a, m = account(ACCOUNT_KEY[i]), merchant(counterpart(TO_KEY[i], b.to))
  if not (a and m) then return end
  must_fit(i, a, -b.amount)
  must_fit(i, m, b.amount)
  b.bill = next_bill()
  post(i, b.bill, a, -b.amount, -b.amount)
  post(i, b.bill, m, b.amount, 0)
  b.captured = b.amount
  decide_late(i, b, CODE.ok, '', a, 'captured')
end

-- bounce: it is not; the reserve is given back.
SHOP.bounced = function(i, b, a)
  local code = MORE.CODE_SENT[i] or 0
  post(i, next_bill(), a, 0, -b.amount)
  decide_late(i, b, code, code == CODE.not_found and 'order' or code == CODE.limit_exceeded and 'amount' or '', a)
end
