-- told: how many answers were given, for who counts them.
--@call
local again, told = 0, {} -- how many of all answers repeat an earlier one; code -> how many had it
--@once

-- `again`, then each code and how many.
local function all_told()
  local list = { again }
  for code, times in pairs(told) do list[#list + 1], list[#list + 2] = code, times end
  return list
end
