#!lua flags=allow-oom
-- sweep: deletes the other consumers of the group, checking in the same step that they have nothing pending: DELCONSUMER loses what is.
-- Needs no memory: hence allow-oom.
-- KEYS: 1 meta 2 intents  ARGV: 1 epoch 2 own consumer  Reply: how many entries are pending, whoever has them. Errors: FENCED, NOGROUP
--@include fence.lua
fence(KEYS[1], ARGV[1])
local pending = 0
local consumers = redis.call('XINFO', 'CONSUMERS', KEYS[2], 'workers')
for n = 1, #consumers do
  local c = {}
  for f = 1, #consumers[n], 2 do c[consumers[n][f]] = consumers[n][f + 1] end
  pending = pending + c.pending
  if c.name ~= ARGV[2] and c.pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[2], 'workers', c.name) end
end
return pending
