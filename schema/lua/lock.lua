-- lock, unlock, limit, credential: the rules of an account. A closed one takes none.
local function ruled(i)
  local a = party(i)
  if not a then return nil, CODE.not_found, 'account' end
  if a.status == 'closed' then return nil, CODE.account_frozen end
  return a
end

-- lock: until unlocked or lapsed, whoever does not show the token cannot debit. The holder may extend it.
OPS.lock = function(i)
  local a, code, detail = ruled(i)
  if not a then return code, detail end
  if locked(i, a) then return CODE.account_locked end
  local lasts = MORE.EXPIRES[i] or 0
  change_rules(i, a, { lock_token = MORE.TOKEN[i], lock_until = lasts > 0 and math.min(MS[i] + lasts, MAX) or 0 })
  return CODE.ok
end

OPS.unlock = function(i)
  local a, code, detail = ruled(i)
  if not a then return code, detail end
  if not lock_holds(i, a) then return CODE.wrong_state end
  if locked(i, a) then return CODE.not_permitted end
  change_rules(i, a, { lock_token = NONE, lock_until = NONE })
  return CODE.ok
end

OPS.limit = function(i)
  local a, code, detail = ruled(i)
  if not a then return code, detail end
  change_rules(i, a, { limit_payments = MORE.PAYMENTS[i], limit_per = MORE.PER[i], limit_tat = NONE })
  return CODE.ok
end

-- credential: sets, changes or takes away the key that payments must be signed with. Changing one needs a signature under it.
OPS.credential = function(i)
  local a, code, detail = payer(i)
  if not a then return code, detail end
  if a.status == 'closed' then return CODE.account_frozen end
  local credential = MORE.CREDENTIAL[i]
  change_rules(i, a, { credential = credential and credential ~= '' and credential or NONE })
  return CODE.ok
end
