-- pay: account -> the merchant's shard in the payer's own partition. A payment's bill is captured at once and can be refunded.
OPS.pay = function(i)
  local a, m, detail = pay_parties(i)
  if not a then return m, detail end
  if looks_alike(i, a) then return CODE.duplicate_suspected end
  local code = move_funds(i, a, m, AMOUNT[i], true)
  if code ~= CODE.ok then return code end
  state, captured = 'captured', AMOUNT_TEXT[i]
  consume_limit(i, a)
  note_payment(i, a)
  return code
end
