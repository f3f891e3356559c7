-- broken: giving up a whole batch.
local current = 0 -- the number of the entry being decided; 0: none

-- Gives up the whole batch before anything was written, naming the entry that cannot be applied.
local function broken(key, reason)
  error({ err = 'BROKEN ' .. current .. ' ' .. key .. ' ' .. reason })
end

-- The place in KEYS that must be for this name: the lane looked it up before the call, the script decides by what it sees.
local function declared(place, suffix)
  if not place or place == 0 or string.sub(KEYS[place], -#suffix) ~= suffix then broken(suffix, 'is not declared') end
  return place
end
