-- write_account: an account as it is after the batch.

local function write_months(key, a)
  for field, text in pairs(a.months) do call('HSET', key, field, text) end
end

local function write_account(a)
  local key = KEYS[a.place]
  if a.new then
    call('HSET', key, 'kind', a.kind, 'currency', a.currency, 'status', a.status, 'held', to_text(a.held), 'opened', a.opened)
  end
  if a.new_status and not a.new then call('HSET', key, 'status', a.status) end
  if a.new_held and not a.new then call('HSET', key, 'held', to_text(a.held)) end
  if a.new_rules then made.write_rules(key, a.rules) end
  if not a.earned then return call('HSET', key, 'balance', to_text(a.balance), 'seq', to_text(a.seq), 'changed', a.changed) end
  call('HSET', key, 'balance', to_text(a.balance), 'seq', to_text(a.seq), 'changed', a.changed, 'earning', earning_text(a))
  if a.months then write_months(key, a) end
end
