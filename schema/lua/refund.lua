-- refund: shard -> account, of a payment or a captured hold, any number of times, never above captured - refunded. Any merchant's shard
-- may go negative by it.
OPS.refund = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  if (CURRENCY[i] or '') ~= '' then currency = CURRENCY[i] end -- as said, until it is known better: the bill must fit a repetition
  local paid = bill_of(i)
  if not paid then return CODE.not_found, 'of' end
  if paid.op ~= 'pay' and paid.op ~= 'hold' or paid.code ~= CODE.ok then
    return a.status ~= 'active' and CODE.account_frozen or hindered(i, a, paid, true) or CODE.wrong_state
  end
  local m, wrong, detail = merchant_of(i, paid)
  if not m then return wrong, detail end
  if a.status ~= 'active' or m.status ~= 'active' then return CODE.account_frozen end
  local hindrance = hindered(i, a, paid, true)
  if hindrance then return hindrance end
  if paid.op == 'pay' and paid.state ~= 'captured' or paid.captured == 0 then return CODE.wrong_state end
  local left = paid.captured - paid.refunded
  local amount = (AMOUNT[i] or 0) ~= 0 and AMOUNT[i] or left
  if amount > left or left == 0 then return CODE.limit_exceeded end
  local code = move_funds(i, m, a, amount, false)
  if code == CODE.ok then
    remember(paid)
    paid.refunded = paid.refunded + amount
    rewrite_bill(paid)
  end
  return code
end
