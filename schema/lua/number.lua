-- number: integers between Redis text and Lua doubles, exact up to 2^53 - 1.
local MAX = 9007199254740991

-- Redis text as an integer; nil when it is none or beyond +-MAX.
local function to_integer(text)
  local n = tonumber(text)
  if n and n % 1 == 0 and n >= -MAX and n <= MAX then return n end
  return nil
end

-- For concatenation and %s: Lua writes only 14 digits of a number by itself. '' passes through.
local function to_text(n)
  if n == '' or (n < 1e14 and n > -1e14) then return n end
  return string.format('%.0f', n)
end

-- Does stream entry ID a come after b?
local function comes_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  if a_ms ~= b_ms then return a_ms > b_ms end
  return tonumber(a_seq) > tonumber(b_seq)
end
