-- declared: keys that the lane looked up before the call.

-- The place in KEYS that must be for this name: the lane looked it up before the call, the script decides by what it sees.
local function declared(place, suffix)
  if place and place ~= 0 and string.sub(KEYS[place], -#suffix) == suffix then return place end
  local name = '}' .. suffix -- what a bulk entry refers to may come about in front of it in the same: that has declared it
  for n = 1, #KEYS do
    if string.sub(KEYS[n], -#name) == name then return n end
  end
  broken(suffix, 'is not declared')
end
