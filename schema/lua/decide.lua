-- decide: the road of each entry through the batch: a plain payment's is straight, all others go round by the rest.
--@call
do
  today = call('HMGET', KEYS[PLACE.bills], unpack(IDENTITY))
  local key = KEYS[PLACE.bills_before] -- asking for each what is not there would cost as much as asking for what is
  yesterday = call('HLEN', key) > 0 and call('HMGET', key, unpack(IDENTITY)) or {}
  local fresh = false
  for i = 1, count do
    current = i
    local door, before = DOOR[i] or 0, known(i)
    fresh = fresh or comes_after(ENTRY[i], applied) -- entries come in order: after a fresh one all are
    if before or not (PLAIN and fresh and door == CODE.ok and OP[i] == 'pay' and pay_plainly(i)) then
      rest().decide_other(i, fresh, before, door)
    end
  end
  if TRACE[1] then rest().trace_answers() end
  if ARGV[4] then rest().hold_answers(SHARES) end
  if fresh then applied = ENTRY[count] end
  current = 0
end
