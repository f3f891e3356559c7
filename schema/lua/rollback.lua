-- rollback: undoes a topup, withdraw or pay whole, once. The bill referred to is named in the answer's detail.

-- Who gives back to whom; nil when there is nothing to undo.
local function rollback_parties(i, a, done)
  if done.op == 'pay' then return merchant(counterpart(TO_KEY[i], done.to)), a, false end
  local world = system_account(counterpart(WORLD_KEY[i], '@world:' .. done.currency), done.currency)
  if done.op == 'topup' then return a, world, true end
  return world, a, false
end

local UNDOES = { topup = true, withdraw = true, pay = true }

OPS.rollback = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  local done = bill_of(i)
  if not done then return CODE.not_found, 'of' end
  if not UNDOES[done.op] or done.code ~= CODE.ok then
    return a.status ~= 'active' and CODE.account_frozen or hindered(i, a, done, true) or CODE.wrong_state
  end
  local from, to, funded = rollback_parties(i, a, done)
  if not from then return CODE.not_found, 'to' end
  payee, currency, subject = done.to, done.currency, done.bill
  if from.status ~= 'active' or to.status ~= 'active' then return CODE.account_frozen end
  local hindrance = hindered(i, a, done, done.op ~= 'topup')
  if hindrance then return hindrance end
  if done.refunded ~= 0 then return CODE.wrong_state end
  local code = move_funds(i, from, to, done.amount, funded)
  if code == CODE.ok then
    done.refunded = done.amount
    if done.op == 'pay' then done.state = 'released' end
    rewrite_bill(done)
  end
  return code
end
