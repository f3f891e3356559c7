-- put_back: what has fallen due and cannot be applied is tried again, but not at once: its follow-up is given up each time.
local PUT_BACK_MS = 3600000
local OWN_STEPS = { 'expire', 'due', 'lapse' }

local function put_back(i)
  local size, step, identity = redis.pcall('ZCARD', KEYS[PLACE.due]), OWN_STEPS[MORE.OWN[i]], OF[i] or ''
  if not step or identity == '' or type(size) == 'table' then return end
  if step == 'due' and redis.pcall('HEXISTS', KEYS[PLACE.scheduled], MORE.ORIGINAL[i]) ~= 1 then return end -- nothing to bring back
  if step == 'lapse' then identity = identity .. ' ' .. MORE.ORDER[i] end
  set_due(due_member(step, MORE.ORIGINAL[i], identity), MS[i] + PUT_BACK_MS)
end
