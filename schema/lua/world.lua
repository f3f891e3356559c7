-- world: topup and withdraw, money entering and leaving the book.

-- topup: @world -> account. Recording, not authorising: @world may go as negative as it likes.
OPS.topup = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  if a.currency ~= CURRENCY[i] then return CODE.currency_mismatch end
  if a.status ~= 'active' then return CODE.account_frozen end
  local hindrance = hindered(i, a, nil, true)
  if hindrance then return hindrance end
  return move_funds(i, system_account(WORLD_KEY[i], a.currency), a, AMOUNT[i], false)
end

-- withdraw: account -> @world. The lane knows the currency only from the account, so it declares @world by what it read there.
OPS.withdraw = function(i)
  local a, code, detail = payer(i)
  if not a then return code, detail end
  if (CURRENCY[i] or '') ~= '' and a.currency ~= CURRENCY[i] then return CODE.currency_mismatch end
  if a.status ~= 'active' then return CODE.account_frozen end
  local hindrance = hindered(i, a)
  if hindrance then return hindrance end
  local world = counterpart(WORLD_KEY[i], '@world:' .. a.currency)
  return move_funds(i, a, system_account(world, a.currency), AMOUNT[i], true)
end
