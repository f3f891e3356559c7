-- journal: what a group changed can be taken back: the fields of an account or a bill as they were before its first change in the group.
--@call
local journal -- table -> its fields then; nil outside groups
--@once

local function remember(t)
  if not journal or journal[t] then return end
  local was = {}
  for field, value in pairs(t) do was[field] = value end
  journal[t] = was
end
