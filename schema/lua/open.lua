-- open: creates the account. A merchant must be known in every partition before anybody hears of it: answered after its `adopt`s.
OPS.open = function(i)
  if party(i) then return CODE.already_exists end
  out.account = new_account(i[ACCOUNT_KEY], i[KIND], i[CURRENCY], i[ACCOUNT])
  touch(out.account, i)
  return CODE.ok, '', i[KIND] == 'merchant'
end

-- adopt (follow-up): the merchant's shard in this partition.
OPS.adopt = function(i)
  if not account(i[ACCOUNT_KEY], i[ACCOUNT]) then touch(new_account(i[ACCOUNT_KEY], i[KIND], i[CURRENCY], i[ACCOUNT]), i) end
end
