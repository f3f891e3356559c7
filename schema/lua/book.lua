#!lua flags=allow-oom
-- book: creates the book, or says how it was created: its number of partitions changes only by `till repartition`. Also in a full Redis
-- (allow-oom). `bulk` 1 says that all its workers understand bulk entries: in a new book all do, in an older one an operator says so.
-- KEYS: 1 book  ARGV: 1 version 2 partitions  Reply: { version, partitions, created ms }
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'partitions', ARGV[2], 'created', time[1] * 1000 + math.floor(time[2] / 1000),
    'bulk', '1')
end
return redis.call('HMGET', KEYS[1], 'version', 'partitions', 'created')
