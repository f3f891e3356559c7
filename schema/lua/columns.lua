-- columns: how those of a batch come (batch_pack.c): nothing when all values are absent; the value when all have the same; false, value,
-- how often, value, how often, ... when few neighbours differ; else a value each.
local ABSENT = {}

local function spread(column)
  if column == nil then return ABSENT end
  if type(column) ~= 'table' then
    local values = { column }
    for i = 2, cells do values[i] = column end
    return values
  end
  if column[1] ~= false then return column end
  local values, n = {}, 0
  for r = 2, #column, 2 do
    local value = column[r]
    for _ = 1, column[r + 1] do
      n = n + 1
      values[n] = value
    end
  end
  return values
end
