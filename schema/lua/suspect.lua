#!lua
-- suspect: counts the attempts at applying one entry alone, before each: a crash in the middle is counted too.
-- KEYS: 1 meta  ARGV: 1 epoch 2 entry 3 how many counted before were Redis' fault, to be taken back
-- Reply: attempts before this one. Errors: FENCED
--@include fence.lua
fence(KEYS[1], ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'suspect', 'tries')
local tries = known[1] == ARGV[2] and math.max((tonumber(known[2]) or 0) - ARGV[3], 0) or 0
redis.call('HSET', KEYS[1], 'suspect', ARGV[2], 'tries', tries + 1)
return tries
