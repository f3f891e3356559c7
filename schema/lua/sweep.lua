#!lua flags=allow-oom
-- sweep: deletes the other consumers of the group, checking in the same step that they have nothing pending: DELCONSUMER loses what is.
-- And mends the group's `lag`, which a failover leaves wrong for ever (7.0 does not replicate how much a group has read): backlog.max,
-- alerts and the audit go by it.
-- Needs no memory: hence allow-oom.
-- KEYS: 1 meta 2 intents  ARGV: 1 epoch 2 own consumer  Reply: how many entries are pending, whoever has them. Errors: FENCED, NOGROUP
--@include fence.lua
fence(KEYS[1], ARGV[1])
local function fields(flat)
  local named = {}
  for n = 1, #flat, 2 do named[flat[n]] = flat[n + 1] end
  return named
end
local function mend_lag(group)
  local last = group['last-delivered-id']
  local left = #redis.call('XRANGE', KEYS[2], '(' .. last, '+', 'COUNT', 100)
  if not group.lag or group.lag == left or left == 100 then return end
  local added = fields(redis.call('XINFO', 'STREAM', KEYS[2]))['entries-added']
  redis.pcall('XGROUP', 'SETID', KEYS[2], 'workers', last, 'ENTRIESREAD', math.max(added - left, 0)) -- who has no right to does without
end
local pending = 0
local consumers = redis.call('XINFO', 'CONSUMERS', KEYS[2], 'workers')
for n = 1, #consumers do
  local c = fields(consumers[n])
  pending = pending + c.pending
  if c.name ~= ARGV[2] and c.pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[2], 'workers', c.name) end
end
local groups = redis.call('XINFO', 'GROUPS', KEYS[2])
for n = 1, #groups do
  local group = fields(groups[n])
  if group.name == 'workers' then mend_lag(group) end
end
return pending
