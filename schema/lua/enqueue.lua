#!lua
-- enqueue: puts follow-ups into a partition's stream, in order and all or none: were the first refused and the second taken, the receiver
-- would ignore the first for ever when it is sent again.
-- KEYS: 1 intents  ARGV: intent, sig, traceparent, intent, ... (the last two '': none)  Reply: how many were put there
for n = 1, #ARGV, 3 do
  local fields = { 'intent', ARGV[n] }
  if ARGV[n + 1] ~= '' then fields[3], fields[4] = 'sig', ARGV[n + 1] end
  if ARGV[n + 2] ~= '' then fields[#fields + 1], fields[#fields + 2] = 'traceparent', ARGV[n + 2] end
  redis.call('XADD', KEYS[1], '*', unpack(fields))
end
return #ARGV / 3
