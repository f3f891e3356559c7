-- open: creates the account. A merchant must be known in every partition before anybody hears of it: answered after its `adopt`s.
OPS.open = function(i)
  if party(i) then return CODE.already_exists end
  acting = new_account(ACCOUNT_KEY[i], MORE.KIND[i], CURRENCY[i])
  touch(acting, i)
  if MORE.KIND[i] == 'merchant' then SHOP.know_merchant(ACCOUNT[i]) end
  local credential, payments = MORE.CREDENTIAL[i], MORE.PAYMENTS[i] or 0
  if (credential or '') ~= '' then change_rules(i, acting, { credential = credential }) end
  if payments > 0 then change_rules(i, acting, { limit_payments = payments, limit_per = MORE.PER[i] }) end
  return CODE.ok, '', MORE.KIND[i] == 'merchant'
end

-- adopt (follow-up): the merchant's shard in this partition. An operator's says of which status the merchant is by now.
OPS.adopt = function(i)
  if account(ACCOUNT_KEY[i]) then return end
  local m = new_account(ACCOUNT_KEY[i], MORE.KIND[i], CURRENCY[i])
  if (MORE.STATUS[i] or '') ~= '' then m.status = MORE.STATUS[i] end
  touch(m, i)
  SHOP.know_merchant(ACCOUNT[i])
end
