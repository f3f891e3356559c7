-- pay: account -> the merchant's shard in the payer's own partition. A payment's bill is captured at once and can be refunded. One that
-- names an order pays that one, in this partition or by way of its home (paying.lua).
--@include alike.lua

OPS.pay = function(i)
  local o
  if HAS.sells then o = SHOP.order_of_payment(i) end
  local a, m, detail = pay_parties(i, o)
  if not a then return m, detail end
  if (MORE.AWAY[i] or 0) ~= 0 then return SHOP.reserve(i, a, m) end
  if not o and looks_alike(i, a) then return CODE.duplicate_suspected end
  local code = move_funds(i, a, m, AMOUNT[i], true)
  if code ~= CODE.ok then return code end
  state, captured = 'captured', AMOUNT_TEXT[i]
  consume_limit(i, a)
  if o then SHOP.done(i, o, IDENTITY[i]) else note_payment(i, a) end
  return code
end
