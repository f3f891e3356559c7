-- pay: account -> the merchant's shard in the payer's own partition. A payment's bill is captured at once and can be refunded.
OPS.pay = function(i)
  local a, code, detail = payer(i)
  if not a then return code, detail end
  local m = merchant(TO_KEY[i], TO[i])
  if not m then return CODE.not_found, 'to' end
  if a.currency ~= CURRENCY[i] or m.currency ~= CURRENCY[i] then return CODE.currency_mismatch end
  if a.status ~= 'active' or m.status ~= 'active' then return CODE.account_frozen end
  if a.rules or GUARDED then
    local hindrance = hindered(i, a)
    if hindrance then return hindrance end
    if over_limit(i, a) then return CODE.rate_limited end
  end
  if policies.duplicate_window and looks_alike(i, a) then return CODE.duplicate_suspected end
  code = move_funds(i, a, m, AMOUNT[i], true)
  if code ~= CODE.ok then return code end
  state, captured = 'captured', AMOUNT_TEXT[i]
  if a.rules then consume_limit(i, a) end
  if policies.duplicate_window then note_payment(i, a) end
  return code
end
