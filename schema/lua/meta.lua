-- meta: the partition's marks: how far its stream is applied, the last bill number, the last origin from each other partition; its
-- policies.
local last_bill = 0
local applied = '0-0'   -- no entry at or below it is executed again
local origins = {}      -- 'from:p' -> last origin applied, for follow-ups
local policies = {}     -- name -> number
local POLICIES = { 'duplicate_window', 'fee', 'settlement_offset', 'balance_cap', 'bills_keep' }

local function load_origin(field, value)
  local origin = value or '0-0'
  if not string.match(origin, '^%d+%-%d+$') then broken(KEYS[PLACE.meta], field .. ' is malformed') end
  origins[field] = origin
end

local function load_policy(name, value)
  policies[name] = value and to_integer(value)
  if value and not policies[name] then broken(KEYS[PLACE.meta], 'policy:' .. name .. ' is not a number') end
end

-- `expected`: what was applied last when this batch was made. A call that arrives late, when its owner has lost the connection and gone on
-- by another, would decide on what is not so any more.
local function load_meta(epoch, expected)
  local fields, seen = { 'epoch', 'applied', 'bill', 'paused' }, {}
  for n = 1, #POLICIES do fields[4 + n] = 'policy:' .. POLICIES[n] end
  for i = 1, #ORIGIN do
    if ORIGIN[i] ~= '' and not seen[ORIGIN[i]] then
      seen[ORIGIN[i]] = true
      fields[#fields + 1] = 'from:' .. ORIGIN[i]
    end
  end
  local values = call('HMGET', KEYS[PLACE.meta], unpack(fields))
  check_epoch(values[1], epoch)
  applied, last_bill = values[2] or applied, to_integer(values[3] or '0')
  if not last_bill or last_bill < 0 or not string.match(applied, '^%d+%-%d+$') then
    broken(KEYS[PLACE.meta], 'bill or applied is malformed')
  end
  if applied ~= expected then error({ err = 'TRYAGAIN applied is ' .. applied .. ', not ' .. expected }) end
  if values[4] then error({ err = 'TRYAGAIN the partition is paused' }) end -- here, so that nothing is applied once it was told to pause
  for n = 1, #POLICIES do load_policy(POLICIES[n], values[4 + n]) end
  for n = 5 + #POLICIES, #fields do load_origin(fields[n], values[n]) end
end
