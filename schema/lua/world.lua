-- world: topup and withdraw, money entering and leaving the book.

-- topup: @world -> account. Recording, not authorising: @world may go as negative as it likes.
OPS.topup = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  if a.currency ~= i[CURRENCY] then return CODE.currency_mismatch end
  if a.status ~= 'active' then return CODE.account_frozen end
  return move_funds(i, system_account(i[WORLD_KEY], 'world', a.currency), a, i[AMOUNT], false)
end

-- withdraw: account -> @world. The lane knows the currency only from the account, so it declares @world by what it read there.
OPS.withdraw = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  if i[CURRENCY] ~= '' and a.currency ~= i[CURRENCY] then return CODE.currency_mismatch end
  if a.status ~= 'active' then return CODE.account_frozen end
  local world = counterpart(i[WORLD_KEY], '@world:' .. a.currency)
  return move_funds(i, a, system_account(world, 'world', a.currency), i[AMOUNT], true)
end
