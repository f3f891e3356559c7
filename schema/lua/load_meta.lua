-- load_meta: reads the marks. What was applied last when this batch was made must be so still: a call that arrives late, when its owner has
-- lost the connection and gone on by another, would decide on what is not so any more.
local MARKS = { 'epoch', 'applied', 'bill', 'paused', 'policy:duplicate_window', 'policy:fee', 'policy:settlement_offset',
                'policy:balance_cap', 'policy:bills_keep' }
--@call
do
  local values = call('HMGET', KEYS[PLACE.meta], unpack(MARKS))
  check_epoch(values[1], ARGV[1])
  applied, last_bill = values[2] or applied, to_integer(values[3] or '0')
  if not last_bill or last_bill < 0 or not string.match(applied, '^%d+%-%d+$') then
    broken(KEYS[PLACE.meta], 'bill or applied is malformed')
  end
  if applied ~= ARGV[3] then error({ err = 'TRYAGAIN applied is ' .. applied .. ', not ' .. ARGV[3] }) end
  if values[4] then error({ err = 'TRYAGAIN the partition is paused' }) end -- here, so that nothing is applied once it was told to pause
  for n = 5, #MARKS do
    if values[n] then
      local name = string.sub(MARKS[n], #'policy:' + 1)
      policies[name] = to_integer(values[n])
      if not policies[name] then broken(KEYS[PLACE.meta], MARKS[n] .. ' is not a number') end
    end
  end
  for i = 1, #ORIGIN do
    local field = 'from:' .. ORIGIN[i]
    if ORIGIN[i] ~= '' and not origins[field] then
      local origin = call('HGET', KEYS[PLACE.meta], field) or '0-0'
      if not string.match(origin, '^%d+%-%d+$') then broken(KEYS[PLACE.meta], field .. ' is malformed') end
      origins[field] = origin
    end
  end
end
