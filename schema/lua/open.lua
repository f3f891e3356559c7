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

-- adopt (follow-up): the merchant's shard in this partition. An operator's says of which status it is to be, also where there is one.
OPS.adopt = function(i)
  local m, status = account(ACCOUNT_KEY[i]), MORE.STATUS[i] or ''
  if not m then
    m = new_account(ACCOUNT_KEY[i], MORE.KIND[i], CURRENCY[i])
    touch(m, i)
    SHOP.know_merchant(ACCOUNT[i])
  end
  if status == '' or m.kind ~= 'merchant' or m.status == status then return end
  m.status, m.new_status = status, true
  touch(m, i)
end
