#!lua
-- enqueue: puts follow-ups into a partition's stream, in order and all or none: were the first refused and the second taken, the receiver
-- would ignore the first for ever when it is sent again.
-- KEYS: 1 intents  ARGV: intent, sig, intent, sig, ... (sig '': none)  Reply: how many were put there
for n = 1, #ARGV, 2 do
  if ARGV[n + 1] == '' then
    redis.call('XADD', KEYS[1], '*', 'intent', ARGV[n])
  else
    redis.call('XADD', KEYS[1], '*', 'intent', ARGV[n], 'sig', ARGV[n + 1])
  end
end
return #ARGV / 2
