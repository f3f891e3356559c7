-- status: freeze, thaw, close. A merchant's shards follow by `mark`, and the answer waits for that.
local function set_status(i, a, status)
  a.status, a.new_status = status, true
  touch(a, i)
  return CODE.ok, '', a.kind == 'merchant'
end

-- From which status to which; a closed account stays closed (4), being there already is the wrong state (11).
local function status_operation(status)
  return function(i)
    local a = party(i)
    if not a then return CODE.not_found, 'account' end
    if a.status == 'closed' then return CODE.account_frozen end
    if a.status == status then return CODE.wrong_state end
    return set_status(i, a, status)
  end
end

OPS.freeze = status_operation('frozen')
OPS.thaw = status_operation('active')

-- close: only an empty account. What a merchant's shards hold leaves by settlement.
OPS.close = function(i)
  local a = party(i)
  if not a then return CODE.not_found, 'account' end
  if a.status == 'closed' then return CODE.account_frozen end
  if a.kind ~= 'merchant' and (a.balance ~= 0 or a.held ~= 0) then return CODE.wrong_state end
  return set_status(i, a, 'closed')
end

-- mark (follow-up): a shard takes the status of its merchant.
OPS.mark = function(i)
  local a = merchant(ACCOUNT_KEY[i])
  if a then set_status(i, a, MORE.STATUS[i]) end
end
