#!lua
-- recall: while a book is rebuilt, makes entries pending whose answers are kept: they were read past the group, and nothing else says that
-- they wait for their answer. Those that were put aside too: they are put aside again.
-- KEYS: 1 meta 2 intents 3 unanswered  ARGV: 1 epoch 2 consumer  Reply: how many. Errors: FENCED, NOGROUP
--@include fence.lua
fence(KEYS[1], ARGV[1])
local kept = call('HKEYS', KEYS[3])
for n = 1, #kept do call('XCLAIM', KEYS[2], 'workers', ARGV[2], 0, kept[n], 'FORCE', 'JUSTID') end
return #kept
