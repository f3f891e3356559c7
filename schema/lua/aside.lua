#!lua
-- aside: acknowledges entries whose answers stay kept in `unanswered`: while a book is rebuilt, those whose follow-ups the recorded streams
-- do not contain. All others have been answered: what is kept now is kept for that. rebuild.lua makes those pending again at the end.
-- KEYS: 1 meta 2 intents 3 unanswered  ARGV: 1 epoch, then entries  Reply: how many answers are kept. Errors: FENCED
--@include fence.lua
fence(KEYS[1], ARGV[1])
local kept = call('HLEN', KEYS[3])
if #ARGV > 1 then call('XACK', KEYS[2], 'workers', unpack(ARGV, 2)) end
call('HSET', KEYS[1], 'aside', kept)
return kept
