#!lua
-- aside: acknowledges entries whose answers stay kept in `unanswered`: while a book is rebuilt, those whose follow-ups the recorded streams
-- do not contain. rebuild.lua makes them pending again at the end.
-- KEYS: 1 meta 2 intents  ARGV: 1 epoch, then entries  Reply: how many were pending. Errors: FENCED, NOGROUP
--@include fence.lua
fence(KEYS[1], ARGV[1])
return redis.call('XACK', KEYS[2], 'workers', unpack(ARGV, 2))
