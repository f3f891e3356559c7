-- pay: account -> the merchant's shard in the payer's own partition. A payment's bill is captured at once and can be refunded.
OPS.pay = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  local m = merchant(TO_KEY[i], TO[i])
  if not m then return CODE.not_found, 'to' end
  if a.currency ~= CURRENCY[i] or m.currency ~= CURRENCY[i] then return CODE.currency_mismatch end
  if a.status ~= 'active' or m.status ~= 'active' then return CODE.account_frozen end
  local code = move_funds(i, a, m, AMOUNT[i], true)
  if code == CODE.ok then state, captured = 'captured', AMOUNT_TEXT[i] end
  return code
end
