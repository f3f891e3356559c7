#!lua
-- own: whose turn it is with a book: which run of `till repartition` works on it. Only of a book that is there.
-- KEYS: 1 {B}:book  ARGV: 1 who it is now; '': nobody 2 who from now on; '': nobody
-- Reply: 1, or 0: it is somebody else now
if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
if (redis.call('HGET', KEYS[1], 'repartition_by') or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'repartition_by')
elseif ARGV[1] ~= ARGV[2] then redis.call('HSET', KEYS[1], 'repartition_by', ARGV[2]) end
return 1
