-- put_back: what has fallen due and cannot be applied is tried again, but not at once: its follow-up is given up each time.
local PUT_BACK_MS = 3600000
local OWN_STEPS = { 'expire', 'due', 'lapse' }

local function put_back(i)
  local kind, step, identity = redis.pcall('TYPE', KEYS[PLACE.due]), OWN_STEPS[MORE.OWN[i]], OF[i] or ''
  if not step or identity == '' or type(kind) ~= 'table' or kind.ok ~= 'zset' then return end
  if step == 'lapse' then identity = identity .. ' ' .. MORE.ORDER[i] end
  local member = due_member(step, MORE.ORIGINAL[i], identity)
  if redis.call('ZSCORE', KEYS[PLACE.due], member) then set_due(member, MS[i] + PUT_BACK_MS) end
end
