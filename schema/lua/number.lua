-- number: integers between Redis text and Lua doubles, exact up to 2^53 - 1.
local MAX = 9007199254740991

-- Redis text as an integer; nil when it is none or beyond +-MAX.
local function to_integer(text)
  local n = tonumber(text)
  if n and n % 1 == 0 and n >= -MAX and n <= MAX then return n end
  return nil
end

-- An integer as text. By itself Lua writes 14 digits only, and Redis formats a number argument as a float, which is slow.
--@call
local format = string.format
--@once

local function to_text(n)
  if n == 0 then return '0' end
  return format('%d', n)
end

-- Is the integer text a greater than b? As text: 64 bits do not fit a double.
local function greater(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- Does stream entry ID a come after b?
local function comes_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  if a_ms ~= b_ms then return greater(a_ms, b_ms) end
  return greater(a_seq, b_seq)
end
